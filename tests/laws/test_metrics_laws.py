"""What must hold for any pair of structures: motions change nothing, identity is perfect."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foldglass.metrics.lddt import lddt
from foldglass.metrics.regression import mae, pearson, rmse, spearman
from foldglass.metrics.tm import gdt_ha, gdt_ts, rmsd, tm_align, tm_score
from foldglass.protein import Structure

SCORES = {
    "tm_score": tm_score,
    "gdt_ts": gdt_ts,
    "gdt_ha": gdt_ha,
    "rmsd": rmsd,
    "lddt": lambda a, b: lddt(a, b),
    "glass": lambda a, b: lddt(a, b, exponent=3.0),
}


def compact_chain(seed: int, length: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    points = [np.zeros(3)]
    for _ in range(length - 1):
        step = rng.normal(size=3) - 0.15 * points[-1]
        points.append(points[-1] + 3.8 * step / np.linalg.norm(step))
    return np.array(points)


def moved(points: np.ndarray, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    matrix, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    return points @ (matrix * np.sign(np.linalg.det(matrix))) + rng.normal(scale=30, size=3)


chains = st.tuples(st.integers(0, 10**6), st.integers(5, 43))


@pytest.mark.parametrize("name", SCORES)
@settings(max_examples=15, deadline=None)
@given(chain=chains, noise=st.floats(0.1, 5))
def test_motions_change_nothing(name, chain, noise):
    seed, length = chain
    reference = compact_chain(seed, length)
    model = reference + np.random.default_rng(seed + 1).normal(scale=noise, size=reference.shape)
    before = SCORES[name](reference, model)
    after = SCORES[name](moved(reference, seed + 2), moved(model, seed + 3))
    np.testing.assert_allclose(after, before, atol=1e-3)


@pytest.mark.parametrize("name", SCORES)
@settings(max_examples=10, deadline=None)
@given(chain=chains)
def test_identity_is_perfect(name, chain):
    points = compact_chain(*chain)
    np.testing.assert_allclose(SCORES[name](points, moved(points, 1)), 0 if name == "rmsd" else 1, atol=1e-5)


@settings(max_examples=20, deadline=None)
@given(chain=chains, noise=st.floats(0.1, 8), exponent=st.floats(0, 5))
def test_lddt_stays_between_0_and_1(chain, noise, exponent):
    reference = compact_chain(*chain)
    model = reference + np.random.default_rng(0).normal(scale=noise, size=reference.shape)
    scores = lddt(reference, model, exponent=exponent)
    assert (scores >= 0).all()
    assert (scores <= 1 + 1e-6).all()


@settings(max_examples=20, deadline=None)
@given(chain=chains)
def test_a_mirror_image_keeps_lddt_and_loses_the_tm_score(chain):
    points = compact_chain(chain[0], 40)
    np.testing.assert_allclose(lddt(points, points * [1, 1, -1]), 1)
    assert tm_score(points, points * [1, 1, -1]) < 0.9


@settings(max_examples=15, deadline=None)
@given(chain=chains, noise=st.floats(0.1, 3))
def test_gdt_ha_is_never_above_gdt_ts(chain, noise):
    reference = compact_chain(*chain)
    model = reference + np.random.default_rng(7).normal(scale=noise, size=reference.shape)
    assert gdt_ha(reference, model) <= gdt_ts(reference, model)


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_the_order_of_a_pair_swaps_the_sides(seed):
    first, second = compact_chain(seed, 31), compact_chain(seed, 43)
    second = second + np.random.default_rng(seed).normal(scale=0.5, size=second.shape)
    a, b = Structure("a", "A" * 31, ca=first), Structure("b", "A" * 43, ca=second)
    there, back = tm_align(a, b), tm_align(b, a)
    assert there.tm_query == pytest.approx(back.tm_target, abs=0.02)
    assert there.tm_target == pytest.approx(back.tm_query, abs=0.02)
    for found in (there, back):
        assert (np.diff(found.alignment, axis=0) > 0).all()


numbers = st.lists(st.floats(-100, 100), min_size=3, max_size=19)


@settings(max_examples=50, deadline=None)
@given(values=numbers, shift=st.floats(-50, 50), data=st.data())
def test_correlations_ignore_scale_and_errors_do_not_depend_on_order(values, shift, data):
    true = np.array(values)
    predicted = np.array(data.draw(st.permutations(values))) + np.arange(len(values)) + 0.0
    order = np.random.default_rng(0).permutation(len(true))
    assert mae(predicted[order], true[order]) == pytest.approx(mae(predicted, true))
    assert mae(predicted, true) <= rmse(predicted, true) + 1e-9
    if np.ptp(true) > 1e-3 and np.ptp(predicted) > 1e-3:
        assert pearson(2 * predicted + shift, true) == pytest.approx(pearson(predicted, true), abs=1e-6)
        assert spearman(predicted, true) == pytest.approx(spearman(true, predicted))
