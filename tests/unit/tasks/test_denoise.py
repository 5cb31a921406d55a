"""Annealed Langevin dynamics on models whose score is known, and on a random network."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from foldglass.errors import InputError, ModelError
from foldglass.models.noise import NoiseLevels
from foldglass.models.score_model import ScoreModel
from foldglass.protein import Atoms, Sequence, Structure
from foldglass.tasks.denoise import Denoised, denoise, strain


class Known(ScoreModel):
    """The exact score of Gaussian noise around one structure, whatever is given."""

    def __init__(self, native: Structure) -> None:
        self.native = native
        self.noise = NoiseLevels(count=6, highest=8.0, lowest=0.25)
        self.name, self.digest = "known", "01234567"
        self.asked: list[float] = []

    def gradient(self, structure: Sequence, *, sigma: float, ca: Any = None) -> Any:
        self.asked.append(sigma)
        points = self._structure(structure).ca if ca is None else ca
        return (self.native.ca - points) / sigma**2


@pytest.fixture
def native(make_structure: Callable[..., Structure]) -> Structure:
    return make_structure(19)


@pytest.fixture
def noisy(native: Structure) -> Structure:
    noise = np.random.default_rng(1).normal(0, 2.0, native.ca.shape)
    atoms = Atoms(("CA",), native.ca[:1], np.array([0]))
    numbering = tuple(f"{i}A" for i in range(19))
    return replace(native, ca=(native.ca + noise).astype(np.float32), chain="B", numbering=numbering, atoms=atoms)


def apart(a: Structure, b: Structure) -> float:
    return float(np.sqrt(((a.ca - b.ca) ** 2).sum(axis=1).mean()))


def test_the_update_is_the_published_one(native: Structure, noisy: Structure) -> None:
    model = Known(native)
    result = denoise(model, noisy, sigma=2.0, steps=3, step=0.4)
    assert result.sigma.tolist() == [2.0, 1.0, 0.5, 0.25]
    assert model.asked == [2.0] * 4 + [1.0] * 3 + [0.5] * 3 + [0.25] * 3
    # Each step takes step / 2 of the way to the native, at every level; then the trace is laid over the input.
    left = native.ca + 0.8**12 * (noisy.ca.astype(np.float64) - native.ca)
    inner = np.linalg.norm(result.structure.ca[:, None] - result.structure.ca[None], axis=-1)
    np.testing.assert_allclose(inner, np.linalg.norm(left[:, None] - left[None], axis=-1), atol=1e-4)


def test_strain_is_sigma_times_the_score_of_the_input(native: Structure, noisy: Structure) -> None:
    expected = np.linalg.norm(native.ca - noisy.ca, axis=1) / 0.5
    np.testing.assert_allclose(strain(Known(native), noisy, sigma=0.5), expected, rtol=1e-4)
    np.testing.assert_allclose(denoise(Known(native), noisy, sigma=0.5).strain, expected, rtol=1e-4)
    assert strain(Known(native), native).tolist() == [0.0] * 19


def test_what_is_kept_of_the_input(native: Structure, noisy: Structure) -> None:
    result = denoise(Known(native), noisy, sigma=1.0)
    kept = result.structure
    assert (kept.id, kept.letters, kept.chain, kept.numbering) == (noisy.id, noisy.letters, "B", noisy.numbering)
    assert kept.atoms is None
    assert result.rmsd == result.trajectory[-1] == pytest.approx(apart(kept, noisy), rel=1e-4)
    assert len(result.trajectory) == 3 and np.all(np.diff(result.trajectory) > 0)
    np.testing.assert_allclose(kept.ca.mean(axis=0), noisy.ca.mean(axis=0), atol=1e-3)


def test_noise_is_seeded_and_grows_with_the_temperature(native: Structure) -> None:
    def run(temperature: float, seed: int) -> Denoised:
        return denoise(Known(native), native, sigma=1.0, temperature=temperature, seed=seed)

    np.testing.assert_array_equal(run(0.5, 3).structure.ca, run(0.5, 3).structure.ca)
    assert apart(run(0.5, 3).structure, run(0.5, 4).structure) > 0.1
    np.testing.assert_array_equal(run(0.0, 3).structure.ca, run(0.0, 4).structure.ca)
    assert run(0.0, 3).rmsd < 1e-3 < run(0.1, 3).rmsd < run(1.0, 3).rmsd


def test_progress_counts_every_step(native: Structure) -> None:
    said: list[tuple[int, int]] = []
    denoise(Known(native), native, sigma=0.5, steps=2, progress=lambda done, total: said.append((done, total)))
    assert said == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_a_random_network_moves_a_chain_wherever_it_lies(
    make_score_model: Callable[..., ScoreModel], native: Structure
) -> None:
    model = make_score_model()
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0]
    turn *= np.linalg.det(turn)
    moved = replace(native, ca=(native.ca @ turn + 40.0).astype(np.float32))
    here, there = denoise(model, native), denoise(model, moved)
    assert here.rmsd > 1e-3
    np.testing.assert_allclose(there.strain, here.strain, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(there.structure.ca, here.structure.ca @ turn + 40.0, atol=1e-2)


def test_refused(native: Structure, make_structure: Callable[..., Structure]) -> None:
    model = Known(native)
    wrong: list[tuple[Sequence, dict[str, Any], type[Exception], str]] = [
        (Sequence("s", "MKV"), {}, ModelError, "the sequence 's'; expected a structure: it reads coordinates"),
        (make_structure(2), {}, InputError, "structure 's0-2': 2 residues; expected at least 3"),
        (make_structure(1), {}, InputError, "structure 's0-1': 1 residue; expected at least 3"),
        (make_structure(3001), {}, InputError, "3001 residues; expected at most 3000"),
        (native, {"sigma": 9.0}, InputError, "sigma 9 angstrom: no such noise level .* expected 0.25 to 8 angstrom"),
        (native, {"sigma": float("nan")}, InputError, "sigma nan angstrom"),
        (native, {"steps": 0}, InputError, "denoise, steps: 0; expected at least 1"),
        (native, {"step": 2.5}, InputError, "denoise, step: 2.5; expected above 0, to 2"),
        (native, {"step": 0.0}, InputError, "denoise, step: 0; expected above 0, to 2"),
        (native, {"temperature": -1.0}, InputError, "denoise, temperature: -1; expected 0 to 1"),
    ]
    for structure, options, error, words in wrong:
        with pytest.raises(error, match=words):
            denoise(model, structure, **options)


def test_a_trace_that_falls_apart_is_an_error(native: Structure, monkeypatch: pytest.MonkeyPatch) -> None:
    model = Known(native)
    monkeypatch.setattr(model, "gradient", lambda s, *, sigma, ca=None: np.full((19, 3), np.inf))
    with pytest.raises(
        InputError, match=r"not finite after the level of 0\.5 angstrom; take a smaller step or a lower"
    ):
        denoise(model, native, sigma=0.6)
