"""Where a chain would touch a partner protein: a probability per residue, and patches of likely residues."""

from collections.abc import Sequence as List
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Int64

from foldglass.errors import InputError
from foldglass.metrics.binary import Decisions, average_precision, decisions
from foldglass.metrics.interface import LOST, area_lost
from foldglass.models.sites_model import SitesModel
from foldglass.protein import Sequence, Structure

LINK = 8.0
"""Angstrom between C-alphas of two residues of one patch that are neighbours in it."""


@dataclass(frozen=True, eq=False)
class Patch:
    """Likely residues that hang together: 0-based residues in chain order, and their mean probability."""

    residues: Int64[np.ndarray, " M"]
    probability: float


@dataclass(frozen=True, eq=False)
class Sites:
    """What the model says of one chain, and what is true where the complex is known.

    Parameters
    ----------
    structure
        The chain.
    probability
        Of each residue, that it loses accessible area to a partner protein.
    threshold
        Above it a residue is called part of a site.
    patches
        The residues above the threshold, those with the highest sum of probabilities first.
    area_lost
        Square angstrom that each residue loses to the other chains of the file; None if there are none or the file
        has no side chains.
    model
        Name and short hash of the model.
    """

    structure: Structure
    probability: Float64[np.ndarray, " L"]
    threshold: float
    patches: tuple[Patch, ...]
    area_lost: Float64[np.ndarray, " L"] | None
    model: str

    @property
    def called(self) -> Bool[np.ndarray, " L"]:
        """Residues above the threshold."""
        return np.asarray(self.probability > self.threshold)

    @property
    def interface(self) -> Bool[np.ndarray, " L"] | None:
        """Residues that lose more than 1 square angstrom to the other chains; None where this is not known."""
        return None if self.area_lost is None else np.asarray(self.area_lost > LOST)

    @property
    def agreement(self) -> Decisions | None:
        """The called residues against the true interface; None where this is not known or empty."""
        true = self.interface
        return decisions(self.probability, true, self.threshold) if true is not None and true.any() else None

    @property
    def average_precision(self) -> float:
        """Area under the precision-recall curve against the true interface; NaN where this is not known."""
        true = self.interface
        return float("nan") if true is None else average_precision(self.probability, true)


def find_sites(
    model: SitesModel, structure: Sequence, *, threshold: float | None = None, partners: List[Structure] = ()
) -> Sites:
    """Predict the interaction sites of a chain; partners are not shown to the model.

    Parameters
    ----------
    model
        An interaction-site model.
    structure
        A chain of at least `models.site_inputs.SHORTEST` residues.
    threshold
        In place of the model's own, 0 to 1.
    partners
        The other chains of the complex, for the true interface.

    Raises
    ------
    InputError
        If the protein is a sequence or too short, the threshold is out of range, or partners are given and a chain
        has no side chains.
    MissingExtraError
        If partners are given and biotite is not installed.
    """
    level = model.threshold if threshold is None else threshold
    if not 0 <= level <= 1:
        raise InputError("threshold", got=f"{level:g}", expected="0 to 1")
    probability = model.probability(structure)
    assert isinstance(structure, Structure)
    lost = area_lost(structure, partners) if partners else None
    return Sites(structure, probability, level, patches(structure, probability, level), lost, model.id)


def patches(structure: Structure, probability: Float64[np.ndarray, " L"], threshold: float) -> tuple[Patch, ...]:
    """Residues above the threshold, joined where C-alphas are within `LINK` angstrom (single linkage).

    Examples
    --------
    >>> ca = np.array([[0, 0, 0], [3.8, 0, 0], [7.6, 0, 0], [11.4, 0, 0], [30, 0, 0]], np.float32)
    >>> toy = Structure("toy", "AAAAA", ca=ca)
    >>> found = patches(toy, np.array([0.9, 0.1, 0.8, 0.2, 0.7]), 0.5)
    >>> [patch.residues.tolist() for patch in found]
    [[0, 2], [4]]
    """
    left = np.flatnonzero(probability > threshold)
    ca = structure.ca.astype(np.float64)
    found = []
    while len(left):
        patch, front = left[:1], left[:1]
        left = left[1:]
        while len(front):
            near = (((ca[left, None] - ca[front]) ** 2).sum(axis=-1) <= LINK**2).any(axis=1)
            front, left = left[near], left[~near]
            patch = np.concatenate([patch, front])
        found.append(Patch(np.sort(patch), float(probability[patch].mean())))
    return tuple(sorted(found, key=lambda patch: -patch.probability * len(patch.residues)))
