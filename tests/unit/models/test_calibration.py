"""Calibration: cosines to scores, and back from a file."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foldglass.models.calibration import Calibration, PairingCalibration, kinds_of

BENT = PairingCalibration(
    tm=((-0.2, 0.3, 0.9, 1.0), (0.1, 0.2, 0.7, 1.0)), fold=(13.0, -7.0), local=((0.0, 1.0), (0.25, 0.75))
)
CALIBRATION = Calibration({"structure-structure": BENT})
COSINES = np.linspace(-1, 1, 41)


def test_json_gives_the_same_calibration_back():
    assert Calibration.from_json(json.loads(json.dumps(CALIBRATION.to_json()))) == CALIBRATION


def test_map_goes_through_its_knots_and_stays_level_outside():
    tm = CALIBRATION.tm(np.array([-1.0, -0.2, 0.6, 0.9, 1.0]), kinds="structure-structure")
    np.testing.assert_allclose(tm, [0.1, 0.1, 0.45, 0.7, 1.0])


@pytest.mark.parametrize("kinds", ["structure-structure", "sequence-sequence"])
def test_scores_rise_with_the_cosine(kinds):
    for scores in (CALIBRATION.tm(COSINES, kinds=kinds), CALIBRATION.p_same_fold(COSINES, kinds=kinds)):
        assert (np.diff(scores) >= 0).all()
        assert scores.min() >= 0 and scores.max() <= 1
        assert scores[-1] > scores[0]


def test_pairing_without_a_fit_keeps_the_cosine():
    assert CALIBRATION.tm(np.array([-0.3, 0.3]), kinds="sequence-sequence").tolist() == [0.0, 0.3]


def test_probability_is_half_where_the_log_odds_are_zero():
    assert CALIBRATION.p_same_fold(np.array([7 / 13]), kinds="structure-structure")[0] == pytest.approx(0.5)


def test_probability_of_an_extreme_cosine_does_not_overflow():
    steep = Calibration({"structure-structure": PairingCalibration(fold=(5000.0, 0.0))})
    assert steep.p_same_fold(np.array([-1.0, 1.0]), kinds="structure-structure").tolist() == pytest.approx([0, 1])


def test_local_score_is_the_map_of_the_row_wise_cosine():
    query, target = np.eye(3, 5), np.eye(3, 5)[[0, 2, 2]]
    local = CALIBRATION.local(query, target, kinds="structure-structure")
    np.testing.assert_allclose(local, [0.75, 0.25, 0.75])


@given(st.floats(0, 1), st.integers(1, 2000), st.integers(1, 2000))
def test_both_sides_share_tm_times_length(tm, one, other):
    query, target = Calibration.sides(np.array([tm]), np.array([float(one)]), np.array([float(other)]))
    assert 0 <= query[0] <= 1 and 0 <= target[0] <= 1
    if query[0] < 1 and target[0] < 1:
        np.testing.assert_allclose(query * one, target * other, rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(np.sqrt(query * target), tm, atol=1e-12)


def test_name_of_a_pairing_does_not_depend_on_the_side():
    assert kinds_of("sequence", "structure") == kinds_of("structure", "sequence") == "sequence-structure"


def test_the_share_of_unrelated_pairs_falls_with_the_cosine_and_is_unknown_without_a_measurement():
    pairing = PairingCalibration(unrelated=((0.0, 0.5, 1.0), (0.0, -2.0, -6.0)))
    calibration = Calibration({"sequence-sequence": pairing})
    found = calibration.p_unrelated(np.array([-0.3, 0.25, 0.5, 0.75, 1.0]), kinds="sequence-sequence")
    np.testing.assert_allclose(np.log10(found), [0, -1, -2, -4, -6])
    assert np.isnan(calibration.p_unrelated(COSINES, kinds="structure-structure")).all()
    assert Calibration.from_json(json.loads(json.dumps(calibration.to_json()))) == calibration


@given(st.floats(0.01, 1.0))
def test_the_least_cosine_is_where_the_map_reaches_the_score(tm):
    least = CALIBRATION.least_cosine(tm, kinds="structure-structure")
    reached = CALIBRATION.tm(np.array([least, least - 1e-3]), kinds="structure-structure")
    if tm <= 0.1:
        assert least == -1.0
    else:
        assert reached[0] == pytest.approx(tm) and reached[1] < tm
    never = Calibration({"sequence-sequence": PairingCalibration(tm=((-1.0, 1.0), (0.0, 0.4)))})
    assert never.least_cosine(0.41, kinds="sequence-sequence") == np.inf
