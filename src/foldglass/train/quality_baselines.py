"""What little can say about a model's quality: baselines, each calibrated on training models."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from foldglass.geometry.trace import residue_features
from foldglass.models.consensus import Consensus, consensus_columns
from foldglass.models.quality_input import ScoreInput
from foldglass.train.quality_data import Decoy
from foldglass.typing import Coordinates

CONTACT = 8.0
"""Distance in angstrom of two C-alphas in contact."""

_NEAR_10 = 19
"""Column of `residue_features` that counts C-alphas within 10 angstrom."""
_MEANS, _LOCAL_FIT = slice(5, 8), slice(2, 5)
"""Columns of `fit_columns`: means over the chain; the letter's excess, and two means over its neighbours."""

Numbers = Float[np.ndarray, "M F"]


@dataclass(frozen=True, eq=False)
class Facts:
    """A model with what pre-trained networks and other models of the protein say of it.

    `fit` are the columns of `inverse_folding.fit_columns`.
    """

    decoy: Decoy
    reading: ScoreInput
    agreement: Consensus | None
    fit: Float[np.ndarray, "L 28"]

    @property
    def ca(self) -> Coordinates:
        """C-alphas of the model."""
        return self.decoy.structure.ca


@dataclass(frozen=True)
class Baseline:
    """A few numbers per model (F) and per residue (F, L), from which quality is regressed; F may be 0."""

    key: str
    title: str
    whole: Callable[[Facts], list[float]]
    local: Callable[[Facts], Float[np.ndarray, "F L"]]


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


def _nothing(facts: Facts) -> Float[np.ndarray, "F L"]:
    return np.zeros((0, len(facts.ca)))


def _agreement(facts: Facts) -> Float[np.ndarray, "L 6"]:
    return consensus_columns(facts.agreement, len(facts.ca)).astype(np.float64)


BASELINES = (
    Baseline("constant", "best constant", lambda facts: [], _nothing),
    Baseline("length", "sequence length", lambda facts: [np.log(len(facts.ca))], _nothing),
    Baseline(
        "contacts",
        "contact order and compactness",
        lambda facts: [contact_order(facts.ca), compactness(facts.ca)],
        lambda facts: residue_features(facts.ca)[:, _NEAR_10][None].astype(np.float64),
    ),
    Baseline(
        "strain",
        "score network's gradient alone",
        lambda facts: [float(np.log(facts.reading.strain.mean()))],
        lambda facts: np.log(facts.reading.strain + 1e-3)[None].astype(np.float64),
    ),
    Baseline(
        "fit",
        "inverse folding alone",
        lambda facts: facts.fit[0, _MEANS].tolist(),
        lambda facts: facts.fit[:, _LOCAL_FIT].T.astype(np.float64),
    ),
    Baseline(
        "consensus",
        "consensus alone",
        lambda facts: _agreement(facts)[0, [0, 2, 4, 5]].tolist(),
        lambda facts: _agreement(facts)[:, [0, 1, 5]].T,
    ),
)


class Calibrated:
    """A baseline as a predictor: least squares on its numbers and their squares, within 0 to 1."""

    def __init__(self, baseline: Baseline, known: list[Facts]) -> None:
        self.baseline = baseline
        truth = np.stack([facts.decoy.truth for facts in known])
        self._whole = _fit(self._numbers(known), truth)
        residue = np.concatenate([facts.decoy.local for facts in known])
        finite = np.isfinite(residue)
        numbers = np.concatenate([baseline.local(facts).T for facts in known])
        self._local = _fit(numbers[finite], residue[finite, None])

    def predict(self, judged: list[Facts]) -> tuple[Float[np.ndarray, "M G"], list[Float[np.ndarray, " _"]]]:
        """Global scores and local lDDT of each model."""
        whole = np.clip(_terms(self._numbers(judged)) @ self._whole, 0, 1)
        local = [np.clip(_terms(self.baseline.local(facts).T) @ self._local, 0, 1)[:, 0] for facts in judged]
        return whole, local

    def _numbers(self, facts: list[Facts]) -> Numbers:
        rows = [self.baseline.whole(one) for one in facts]
        return np.array(rows, dtype=np.float64).reshape(len(facts), -1)


def _terms(numbers: Numbers) -> Float[np.ndarray, "M T"]:
    return np.concatenate([np.ones((len(numbers), 1)), numbers, numbers**2], axis=1)


def _fit(numbers: Numbers, truth: Float[np.ndarray, "M G"]) -> Float[np.ndarray, "T G"]:
    return np.linalg.lstsq(_terms(numbers), truth, rcond=None)[0]
