"""Decoys made from a native trace."""

from collections.abc import Callable

import numpy as np
import pytest

from foldglass.metrics.model_quality import model_quality
from foldglass.protein import Structure
from foldglass.train.decoys import MAKERS, denoised, relaxed


def helix(length: int) -> np.ndarray:
    angle = np.deg2rad(100) * np.arange(length)
    return np.stack([2.3 * np.cos(angle), 2.3 * np.sin(angle), 1.5 * np.arange(length)], axis=1)


def hairpin() -> np.ndarray:
    """Two helices side by side, joined by a loop."""
    loop = np.stack([np.linspace(2, 10, 5), 3 * np.sin(np.linspace(0, np.pi, 5)), 36 + np.zeros(5)], axis=1)
    back = helix(23) * [1, 1, -1] + [12, 0, 34]
    return relaxed(np.concatenate([helix(23), loop, back * [1, 1, 1]]), steps=200)


@pytest.mark.parametrize("name", MAKERS)
def test_decoys_are_chains_of_all_qualities(name: str) -> None:
    native, rng = hairpin(), np.random.default_rng(0)
    scores = []
    for _ in range(12):
        decoy = MAKERS[name](native, rng)
        assert decoy.shape == native.shape and np.isfinite(decoy).all()
        bond = np.linalg.norm(np.diff(decoy, axis=0), axis=1)
        assert np.abs(bond - 3.8).max() < 1.0, name
        scores.append(model_quality(native, decoy).gdt_ts)
    assert max(scores) > 0.6
    assert (min(scores) > 0.95) if name == "slight" else (np.ptp(scores) > 0.1)


@pytest.mark.parametrize("name", MAKERS)
def test_the_same_random_numbers_give_the_same_decoy_and_leave_the_native_alone(name: str) -> None:
    native = hairpin()
    before = native.copy()
    first, again = (MAKERS[name](native, np.random.default_rng(3)) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    np.testing.assert_array_equal(native, before)


def test_relaxation_mends_bonds_and_parts_clashes() -> None:
    crowded = np.random.default_rng(0).normal(size=(40, 3)) * 4
    mended = relaxed(crowded, steps=200)
    assert np.abs(np.linalg.norm(np.diff(mended, axis=0), axis=1) - 3.8).max() < 0.3

    def closest(x: np.ndarray) -> float:
        i, j = np.triu_indices(len(x), 3)
        return float(np.linalg.norm(x[i] - x[j], axis=1).min())

    assert closest(mended) > 3.2 > closest(crowded)


def test_a_decoy_of_the_score_network(make_score_model: Callable, make_structure: Callable[..., Structure]) -> None:
    native = make_structure(29)
    decoy = denoised(make_score_model(), native, np.random.default_rng(0))
    assert decoy.shape == native.ca.shape and np.isfinite(decoy).all()
    assert np.linalg.norm(np.diff(decoy, axis=0), axis=1).max() < 5.0
