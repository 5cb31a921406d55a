"""C-alpha lDDT against hand-computed values and a plain-loop reading of the two papers."""

import numpy as np
import pytest

from foldglass.errors import InputError
from foldglass.metrics import lddt as module
from foldglass.metrics.lddt import lddt


def walk(length: int, seed: int = 0) -> np.ndarray:
    """A chain of 3.8 angstrom steps with a compact shape."""
    rng = np.random.default_rng(seed)
    steps = rng.normal(size=(length, 3))
    chain = np.cumsum(3.8 * steps / np.linalg.norm(steps, axis=1, keepdims=True), axis=0)
    return chain.astype(np.float32)


def by_loops(reference, model, radius, cutoffs, exponent, min_separation):
    """The definition as a person reads it: one residue, one neighbour, one cutoff at a time."""
    scores = []
    for i in range(len(reference)):
        kept = total = 0.0
        for j in range(len(reference)):
            true = float(np.linalg.norm(reference[i].astype(float) - reference[j]))
            if not 0 < true <= radius or abs(i - j) < min_separation:
                continue
            error = abs(float(np.linalg.norm(model[i].astype(float) - model[j])) - true)
            weight = true**-exponent
            total += weight
            kept += weight * sum(error <= cutoff for cutoff in cutoffs) / len(cutoffs)
        scores.append(kept / total if total else np.nan)
    return np.array(scores)


@pytest.mark.parametrize("exponent", [0.0, 1.5, 3.0])
@pytest.mark.parametrize("min_separation", [1, 3])
@pytest.mark.parametrize("radius", [7.0, 15.0])
def test_agrees_with_plain_loops(exponent, min_separation, radius):
    reference = walk(47)
    model = reference + np.random.default_rng(1).normal(scale=0.9, size=reference.shape).astype(np.float32)
    expected = by_loops(reference, model, radius, (0.5, 1, 2, 4), exponent, min_separation)
    got = lddt(reference, model, radius=radius, exponent=exponent, min_separation=min_separation)
    np.testing.assert_allclose(got, expected, atol=1e-5)


def test_weights_by_hand():
    # Residue 0 has neighbours at 1 (error 0) and at 2 (error 1.5): kept at 2 of 2 and at 1 of 2 cutoffs.
    reference = np.array([[0.0, 0, 0], [1, 0, 0], [-2, 0, 0]])
    model = np.array([[0.0, 0, 0], [1, 0, 0], [-3.5, 0, 0]])
    plain = lddt(reference, model, cutoffs=(1.0, 2.0))
    cubic = lddt(reference, model, cutoffs=(1.0, 2.0), exponent=3.0)
    assert plain[0] == pytest.approx((1 + 0.5) / 2)
    assert cubic[0] == pytest.approx((1 + 0.5 / 8) / (1 + 1 / 8))


def test_the_radius_and_the_cutoffs_are_closed():
    reference = np.array([[0.0, 0, 0], [15, 0, 0]])
    model = np.array([[0.0, 0, 0], [16, 0, 0]])
    np.testing.assert_array_equal(lddt(reference, model, cutoffs=(1.0,)), [1, 1])
    np.testing.assert_array_equal(lddt(reference, model, cutoffs=(0.99,)), [0, 0])
    assert np.isnan(lddt(reference, model, radius=14.99)).all()


def test_coincident_residues_are_no_neighbours():
    same_place = np.zeros((2, 3))
    assert np.isnan(lddt(same_place, same_place)).all()
    assert np.isnan(lddt(same_place, same_place, exponent=3.0)).all()


def test_nan_in_the_model_is_lost_and_nan_in_the_reference_is_left_out():
    reference = walk(11)
    missing = reference.copy()
    missing[4] = np.nan
    lost = lddt(reference, missing)
    assert lost[4] == 0
    assert (lost[[3, 5]] < 1).all()
    absent = lddt(missing, reference)
    assert np.isnan(absent[4])
    np.testing.assert_array_equal(np.delete(absent, 4), np.ones(10))


@pytest.mark.parametrize("exponent", [0.0, 3.0])
def test_blocks_of_rows_do_not_change_the_score(monkeypatch, exponent):
    reference, model = walk(53), walk(53, seed=2)
    whole = lddt(reference, model, exponent=exponent, min_separation=2)
    monkeypatch.setattr(module, "_BLOCK", 53 * 7)
    np.testing.assert_allclose(lddt(reference, model, exponent=exponent, min_separation=2), whole, atol=1e-6)


def test_no_residue_gives_no_score():
    assert lddt(np.zeros((0, 3)), np.zeros((0, 3))).shape == (0,)


def test_far_from_the_origin_keeps_its_precision():
    reference = walk(31).astype(np.float64)
    model = reference + np.random.default_rng(3).normal(size=reference.shape)
    np.testing.assert_allclose(lddt(reference + 9000, model - 9000), lddt(reference, model), atol=1e-3)


def test_lengths_that_differ_are_refused():
    with pytest.raises(InputError, match="lDDT: 5 reference and 7 model coordinates; expected one pair per residue"):
        lddt.__wrapped__(np.zeros((5, 3)), np.zeros((7, 3)))


def test_no_cutoff_is_refused():
    with pytest.raises(InputError, match="lDDT: no cutoff"):
        lddt(np.zeros((3, 3)), np.zeros((3, 3)), cutoffs=())
