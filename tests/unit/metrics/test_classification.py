"""AUROC, Brier score and reliability against values worked out by hand and brute force."""

import numpy as np
import pytest

from foldglass.errors import InputError
from foldglass.metrics.classification import auroc, brier, reliability


def test_auroc_equals_the_share_of_won_duels() -> None:
    rng = np.random.default_rng(7)
    score = rng.integers(0, 9, 101).astype(np.float64)
    positive = rng.random(101) < 0.3
    won = [(a > b) + 0.5 * (a == b) for a in score[positive] for b in score[~positive]]
    assert auroc(score, positive) == pytest.approx(np.mean(won), abs=1e-12)


def test_auroc_of_perfect_inverted_and_constant_scores() -> None:
    positive = np.array([False, False, True, True, True])
    assert auroc(np.arange(5.0), positive) == 1.0
    assert auroc(-np.arange(5.0), positive) == 0.0
    assert auroc(np.ones(5), positive) == 0.5


@pytest.mark.parametrize("outcome", [True, False])
def test_auroc_of_one_class_is_nan(outcome: bool) -> None:
    assert np.isnan(auroc(np.array([0.1, 0.9]), np.array([outcome, outcome])))


def test_brier_of_certain_answers_is_the_share_of_wrong_ones() -> None:
    assert brier(np.array([1.0, 1.0, 0.0, 0.0]), np.array([True, False, False, False])) == 0.25


def test_brier_of_nothing_is_nan() -> None:
    assert np.isnan(brier(np.zeros(0), np.zeros(0, bool)))


def test_reliability_puts_edges_in_the_upper_bin_and_closes_the_last() -> None:
    curve = reliability(np.array([0.0, 0.5, 1.0]), np.array([False, False, True]), bins=2)
    assert curve.count.tolist() == [1, 2]
    assert curve.mean_predicted.tolist() == [0.0, 0.75]
    assert curve.observed.tolist() == [0.0, 0.5]
    assert curve.calibration_error == pytest.approx((1 * 0.0 + 2 * 0.25) / 3)


def test_reliability_of_an_empty_bin_is_nan() -> None:
    curve = reliability(np.array([0.1]), np.array([True]), bins=3)
    assert np.isnan(curve.observed[1:]).all() and curve.observed[0] == 1


def test_refusals_name_the_numbers() -> None:
    with pytest.raises(InputError, match="AUROC: 2 of 3 scores are NaN; expected a number each"):
        auroc(np.array([np.nan, 1.0, np.nan]), np.zeros(3, bool))
    with pytest.raises(InputError, match="Brier score: 1 of 2 scores are NaN"):
        brier(np.array([0.1, np.nan]), np.zeros(2, bool))
    with pytest.raises(InputError, match=r"reliability: -0\.1 to 1\.5; expected probabilities from 0 to 1"):
        reliability(np.array([-0.1, 1.5]), np.zeros(2, bool))
