"""Average precision, thresholds and decisions against slow and plain definitions."""

import numpy as np
import pytest

from foldglass.errors import InputError
from foldglass.metrics.binary import average_precision, best_threshold, decisions


def slow_average_precision(score: np.ndarray, positive: np.ndarray) -> float:
    """Sum over distinct thresholds of precision times the recall gained."""
    total, recall = 0.0, 0.0
    for threshold in sorted(set(score.tolist()), reverse=True):
        said = score >= threshold
        now = (said & positive).sum() / positive.sum()
        total += (now - recall) * (said & positive).sum() / said.sum()
        recall = now
    return total


@pytest.mark.parametrize("seed", range(5))
def test_average_precision_with_ties(seed: int) -> None:
    rng = np.random.default_rng(seed)
    score, positive = rng.integers(0, 8, 60) / 8, rng.random(60) < 0.3
    assert average_precision(score, positive) == pytest.approx(slow_average_precision(score, positive))
    assert average_precision(np.zeros(60), positive) == pytest.approx(positive.mean())


@pytest.mark.parametrize("seed", range(5))
def test_best_threshold_is_the_best_of_all(seed: int) -> None:
    rng = np.random.default_rng(seed)
    positive = rng.random(80) < 0.3
    score = rng.normal(size=80).round(1) + positive
    best = decisions(score, positive, best_threshold(score, positive)).f1
    assert best == max(decisions(score, positive, t).f1 for t in [*score, score.min() - 1.0])


def test_decisions_by_hand() -> None:
    score = np.array([0.9, 0.8, 0.6, 0.5, 0.2])
    positive = np.array([True, False, True, True, False])
    figures = decisions(score, positive, 0.5)  # above, not at, the threshold: two of three, one wrong
    assert (figures.precision, figures.recall) == pytest.approx((2 / 3, 2 / 3))
    assert (figures.f1, figures.accuracy) == pytest.approx((2 / 3, 3 / 5))
    assert figures.mcc == pytest.approx((2 * 1 - 1 * 1) / np.sqrt(3 * 3 * 2 * 2))
    nothing = decisions(score, positive, 1.0)
    assert (nothing.precision, nothing.recall, nothing.f1, nothing.mcc) == (0.0, 0.0, 0.0, 0.0)


def test_without_positives_or_with_missing_scores() -> None:
    assert np.isnan(average_precision(np.array([0.5]), np.array([False])))
    with pytest.raises(InputError, match="no positive"):
        best_threshold(np.array([0.5]), np.array([False]))
    with pytest.raises(InputError, match="1 of 2 are NaN"):
        average_precision(np.array([0.5, np.nan]), np.array([True, False]))
