"""What little can say about a model's quality: baselines, each calibrated on training models."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from foldglass.geometry.trace import residue_features
from foldglass.models.quality_input import ScoreInput
from foldglass.train.quality_data import Decoy
from foldglass.typing import Coordinates

CONTACT = 8.0
"""Distance in angstrom of two C-alphas in contact."""

_NEAR_10 = 19
"""Column of `residue_features` that counts C-alphas within 10 angstrom."""

Numbers = Float[np.ndarray, "M F"]


@dataclass(frozen=True)
class Baseline:
    """A few numbers per model (M, F) and per residue (L, F), from which quality is regressed; F may be 0."""

    key: str
    title: str
    whole: Callable[[Decoy, ScoreInput], list[float]]
    local: Callable[[Decoy, ScoreInput], Float[np.ndarray, "F L"]]


def contact_order(ca: Coordinates) -> float:
    """Mean separation along the chain of residues in contact, over the length (Plaxco et al. 1998), on C-alphas.

    Examples
    --------
    >>> contact_order(np.array([[0.0, 0, 0], [3.8, 0, 0], [7.6, 0, 0], [7.6, 3.8, 0]]))
    0.5
    """
    i, j = np.triu_indices(len(ca), 2)
    near = np.linalg.norm(ca[i] - ca[j], axis=1) < CONTACT
    return float((j - i)[near].mean()) / len(ca) if near.any() else 0.0


def compactness(ca: Coordinates) -> float:
    """Radius of gyration over that expected of a globular protein, 2.2 L^0.38 angstrom.

    Examples
    --------
    >>> round(compactness(np.arange(30).reshape(10, 3) * 2.0), 2)
    5.66
    """
    radius = np.sqrt(((ca - ca.mean(axis=0)) ** 2).sum(axis=1).mean())
    return float(radius / (2.2 * len(ca) ** 0.38))


def _nothing(decoy: Decoy, reading: ScoreInput) -> Float[np.ndarray, "F L"]:
    return np.zeros((0, len(decoy.structure)))


BASELINES = (
    Baseline("constant", "best constant", lambda decoy, reading: [], _nothing),
    Baseline("length", "sequence length", lambda decoy, reading: [np.log(len(decoy.structure))], _nothing),
    Baseline(
        "contacts",
        "contact order and compactness",
        lambda decoy, reading: [contact_order(decoy.structure.ca), compactness(decoy.structure.ca)],
        lambda decoy, reading: residue_features(decoy.structure.ca)[:, _NEAR_10][None].astype(np.float64),
    ),
    Baseline(
        "strain",
        "score network's gradient alone",
        lambda decoy, reading: [float(np.log(reading.strain.mean()))],
        lambda decoy, reading: np.log(reading.strain + 1e-3)[None].astype(np.float64),
    ),
)


class Calibrated:
    """A baseline as a predictor: least squares on its numbers and their squares, within 0 to 1."""

    def __init__(self, baseline: Baseline, decoys: list[Decoy], readings: list[ScoreInput]) -> None:
        self.baseline = baseline
        truth = np.stack([decoy.truth for decoy in decoys])
        self._whole = _fit(self._numbers(decoys, readings), truth)
        residue = np.concatenate([decoy.local for decoy in decoys])
        known = np.isfinite(residue)
        numbers = np.concatenate([baseline.local(d, r).T for d, r in zip(decoys, readings, strict=True)])
        self._local = _fit(numbers[known], residue[known, None])

    def predict(
        self, decoys: list[Decoy], readings: list[ScoreInput]
    ) -> tuple[Float[np.ndarray, "M G"], list[Float[np.ndarray, " _"]]]:
        """Global scores and local lDDT of each model."""
        whole = np.clip(_terms(self._numbers(decoys, readings)) @ self._whole, 0, 1)
        local = [
            np.clip(_terms(self.baseline.local(d, r).T) @ self._local, 0, 1)[:, 0]
            for d, r in zip(decoys, readings, strict=True)
        ]
        return whole, local

    def _numbers(self, decoys: list[Decoy], readings: list[ScoreInput]) -> Numbers:
        rows = [self.baseline.whole(decoy, reading) for decoy, reading in zip(decoys, readings, strict=True)]
        return np.array(rows, dtype=np.float64).reshape(len(decoys), -1)


def _terms(numbers: Numbers) -> Float[np.ndarray, "M T"]:
    return np.concatenate([np.ones((len(numbers), 1)), numbers, numbers**2], axis=1)


def _fit(numbers: Numbers, truth: Float[np.ndarray, "M G"]) -> Float[np.ndarray, "T G"]:
    return np.linalg.lstsq(_terms(numbers), truth, rcond=None)[0]
