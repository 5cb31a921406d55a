"""Unfolding by heat; what runs dynamics needs the extra physics."""

import sys

import numpy as np
import pytest

from foldglass.errors import InputError, MissingExtraError
from foldglass.geometry.internal import rebuilt
from foldglass.metrics.model_quality import model_quality
from foldglass.train import unfolding
from foldglass.train.unfolding import contacts, nearest_levels, similarity, unfolded


def helices() -> np.ndarray:
    """Two helices of 14 residues with a turn between them, side by side."""
    bend, turn = np.full(32, np.deg2rad(91)), np.full(31, np.deg2rad(50))
    bend[13:18], turn[13:17] = np.deg2rad([115, 115, 120, 115, 115]), np.deg2rad([-150, 60, -120, 170])
    return rebuilt(np.full(33, 3.8), bend, turn)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_contacts_are_near_and_far_along_the_chain() -> None:
    native = helices()
    pairs = contacts(native)
    apart = np.linalg.norm(native[pairs[:, 0]] - native[pairs[:, 1]], axis=1)
    assert apart.max() <= 8.0 and (pairs[:, 1] - pairs[:, 0]).min() == 4
    assert {(0, 4), (1, 5)} <= set(map(tuple, pairs.tolist()))
    assert len(contacts(native[:4])) == 0


def test_similarity_bounds_gdt_and_is_1_for_a_moved_native() -> None:
    native = helices()
    turn = np.linalg.qr(rng().normal(size=(3, 3)))[0]
    turn *= np.linalg.det(turn)
    shaken = native + rng(1).normal(size=native.shape) * 3
    found = similarity(native, np.stack([native @ turn + 7, shaken]))
    assert found[0] == 1.0
    assert 0.1 < found[1] <= model_quality(native, shaken).gdt_ts + 1e-9


def test_levels_cover_the_values_and_take_none_twice() -> None:
    values = np.linspace(0.9, 0.1, 81)
    assert nearest_levels(values, np.array([0.0, 0.5, 1.0])).tolist() == [0, 40, 80]
    assert sorted(nearest_levels(values, np.full(81, 0.5)).tolist()) == list(range(81))


def test_the_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openmm", None)
    with pytest.raises(MissingExtraError, match=r"package openmm is not installed; .* 'foldglass\[physics\]'"):
        unfolded(helices(), rng())


def test_frames_run_from_folded_to_unfolded_on_whole_chains() -> None:
    pytest.importorskip("openmm", reason="needs the extra physics")
    native = helices()
    before = native.copy()
    frames = unfolded(native, rng(), frames=6)
    np.testing.assert_array_equal(native, before)
    assert frames.shape == (6, *native.shape) and np.isfinite(frames).all()
    np.testing.assert_allclose(np.linalg.norm(np.diff(frames, axis=1), axis=2), 3.8, atol=0.4)
    scores = [model_quality(native, frame).gdt_ts for frame in frames]
    assert scores[0] > 0.8 and scores[-1] < 0.6
    upper = np.triu_indices(len(native), 4)
    assert min(np.linalg.norm(frame[upper[0]] - frame[upper[1]], axis=1).min() for frame in frames) > 3.0


def test_the_native_is_the_minimum_and_its_contacts_are_its_energy() -> None:
    openmm = pytest.importorskip("openmm", reason="needs the extra physics")
    native = helices()
    platform = openmm.Platform.getPlatformByName("Reference")
    context = openmm.Context(unfolding._system(native), openmm.VerletIntegrator(0.001), platform)
    context.setPositions(native / 10)
    state = context.getState(energy=True, forces=True)
    assert state.getPotentialEnergy()._value == pytest.approx(-len(contacts(native)), abs=1e-3)
    np.testing.assert_allclose(state.getForces(asNumpy=True)._value, 0.0, atol=1e-6)


def test_the_same_random_state_gives_the_same_frames() -> None:
    pytest.importorskip("openmm", reason="needs the extra physics")
    first, again, other = (unfolded(helices(), rng(seed), frames=2) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 0.1


def test_a_run_that_blows_up_is_repeated_in_shorter_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    openmm = pytest.importorskip("openmm", reason="needs the extra physics")
    steps = []

    def run(native: np.ndarray, levels: np.ndarray, seed: int, step: float) -> np.ndarray:
        steps.append(step)
        if len(steps) < 3:
            raise openmm.OpenMMException("Particle coordinate is NaN")
        return np.ones((len(levels), *native.shape))

    monkeypatch.setattr(unfolding, "_run", run)
    assert (unfolded(helices(), rng(), frames=2) == 1.0).all()
    assert len(steps) == 3 and steps == sorted(steps, reverse=True)


def test_refused() -> None:
    pytest.importorskip("openmm", reason="needs the extra physics")
    native = helices()
    stacked, holed = native.copy(), native.copy()
    stacked[10:15], holed[3, 1] = native[10], np.nan
    for trace, frames, words in (
        (native[:4], 8, "4 residues; expected at least 5"),
        (native, 0, "0 frames; expected 1 to 100"),
        (holed, 8, "not finite"),
        (stacked, 8, "a run that blows up"),
    ):
        with pytest.raises(InputError, match=words):
            unfolded(trace, rng(), frames=frames)
