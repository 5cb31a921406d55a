"""The least-squares superposition and the search."""

import numpy as np
import pytest

from foldglass.errors import InputError
from foldglass.metrics import superposition
from foldglass.metrics.superposition import best_agreement, kabsch

RNG = np.random.default_rng(3)
POINTS = RNG.normal(scale=8, size=(37, 3))


def rotation(seed: int) -> np.ndarray:
    matrix, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))
    return matrix * np.sign(np.linalg.det(matrix))


def test_kabsch_recovers_the_motion():
    turn, shift = rotation(1), np.array([3.0, -50.0, 7.0])
    found = kabsch(POINTS @ turn + shift, POINTS)
    np.testing.assert_allclose(found.rotation, turn, atol=1e-12)
    np.testing.assert_allclose(found.translation, shift, atol=1e-10)


def test_kabsch_never_mirrors():
    mirrored = POINTS * [1, 1, -1]
    assert np.linalg.det(kabsch(POINTS, mirrored).rotation) == pytest.approx(1)


def test_no_small_turn_is_better():
    noisy = POINTS + RNG.normal(size=POINTS.shape)
    found = kabsch(POINTS, noisy)
    best = ((noisy @ found.rotation + found.translation - POINTS) ** 2).sum()
    for seed in range(20):
        skew = np.random.default_rng(seed).normal(scale=0.02, size=(3, 3))
        nudged, _ = np.linalg.qr(np.eye(3) + skew - skew.T)
        nudged *= np.sign(np.diag(nudged))
        centred = noisy - noisy.mean(axis=0)
        assert ((centred @ found.rotation @ nudged + POINTS.mean(axis=0) - POINTS) ** 2).sum() > best


def test_search_finds_the_rigid_half():
    hinged = POINTS.copy()
    hinged[20:] = hinged[20:] @ rotation(4) + 100
    found = best_agreement(POINTS, hinged, d0=3.0)
    assert found.tm_sum == pytest.approx(20, abs=0.1)
    assert found.within[0] == 20


def test_blocks_of_seeds_do_not_change_the_result(monkeypatch):
    noisy = POINTS + RNG.normal(size=POINTS.shape)
    whole = best_agreement(POINTS, noisy, d0=2.0)
    monkeypatch.setattr(superposition, "_BLOCK", 37 * 5)
    blocks = best_agreement(POINTS, noisy, d0=2.0)
    assert blocks.tm_sum == pytest.approx(whole.tm_sum, abs=1e-9)
    np.testing.assert_array_equal(blocks.within, whole.within)


def test_refusals_name_the_numbers():
    with pytest.raises(InputError, match=r"superposition: 0 residue pairs; expected at least 1"):
        kabsch(np.zeros((0, 3)), np.zeros((0, 3)))
    with pytest.raises(InputError, match=r"superposition: 2 reference and 5 model coordinates; expected one pair"):
        kabsch.__wrapped__(np.zeros((2, 3)), np.zeros((5, 3)))
