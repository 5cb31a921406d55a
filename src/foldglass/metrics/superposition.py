"""Rigid superposition of two point sets, and the search for the one that most residues agree with."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from foldglass.errors import InputError

GDT_DISTANCES = (0.5, 1.0, 2.0, 4.0, 8.0)
"""Distances in angstrom at which residues are counted for GDT-HA (first four) and GDT-TS (last four)."""

_SHORTEST_SEED = 4
_SEED_LENGTHS = 6
_REFINEMENTS = 20
_BLOCK = 1 << 18
"""Seeds times residues held at a time."""


class Rigid(NamedTuple):
    """`model @ rotation + translation` lies on the reference."""

    rotation: Float[np.ndarray, "3 3"]
    translation: Float[np.ndarray, " 3"]


class BestAgreement(NamedTuple):
    """The best found for each measure; each may come from another superposition.

    `tm_sum` is the sum over residues of 1 / (1 + (d / d0)**2); `within` counts the residues within each of
    `GDT_DISTANCES`.
    """

    tm_sum: float
    within: Int[np.ndarray, " T"]


def kabsch(reference: Float[np.ndarray, "M 3"], model: Float[np.ndarray, "M 3"]) -> Rigid:
    """Give the proper rotation and translation of the model with the least RMSD to the reference.

    Raises
    ------
    InputError
        If the two differ in length or there is no residue.

    References
    ----------
    Kabsch (1976) Acta Cryst. A32:922.

    Examples
    --------
    >>> points = np.eye(3)
    >>> kabsch(points + 5, points).translation.round(6)
    array([5., 5., 5.])
    """
    check_correspondence(reference, model, "superposition")
    true, moved = reference.astype(np.float64), model.astype(np.float64)
    centre, moved_centre = true.mean(axis=0), moved.mean(axis=0)
    rotation = _rotations(((moved - moved_centre).T @ (true - centre))[None])[0]
    return Rigid(rotation, centre - moved_centre @ rotation)


def best_agreement(reference: Float[np.ndarray, "M 3"], model: Float[np.ndarray, "M 3"], d0: float) -> BestAgreement:
    """Search for superpositions under which most residues of the model lie near the reference.

    Every stretch of M, M/2, M/4, ... 4 residues is superposed; then all residues that came near are superposed,
    until they stay the same. `d0` in angstrom is the scale of the TM-score.

    References
    ----------
    Zhang and Skolnick (2004) Proteins 57:702, "TM-score search engine".
    """
    centre, moved_centre = reference.mean(axis=0, dtype=np.float64), model.mean(axis=0, dtype=np.float64)
    true, moved = reference - centre, model - moved_centre
    products = (moved[:, :, None] * true[:, None, :]).reshape(-1, 9)
    # One row per residue: summed over a set of residues they give everything that a superposition needs, and
    # weighted with a superposition they give the squared distance of each residue.
    moments = np.hstack([np.ones((len(true), 1)), moved, true, products])
    distance_terms = np.hstack([(moved**2 + true**2).sum(axis=1, keepdims=True), moments]).T.copy()
    near = float(np.clip(d0, 4.5, 8.0))
    best_sum, within = 0.0, np.zeros(len(GDT_DISTANCES), dtype=np.int64)
    for chosen in _seeds(len(true)):
        for step in range(_REFINEMENTS + 1):
            squared = _squared_distances(chosen, moments, distance_terms)
            best_sum = max(best_sum, float((1 / (1 + squared / d0**2)).sum(axis=1).max()))
            for k, distance in enumerate(GDT_DISTANCES):
                within[k] = max(within[k], np.count_nonzero(squared <= distance**2, axis=1).max())
            again = _nearest(squared, near - 1 if step == 0 else near + 1)
            changed = (again != chosen).any(axis=1) if step else np.ones(len(again), dtype=bool)
            if not changed.any():
                break
            chosen = again[changed]
    return BestAgreement(best_sum, within)


def check_correspondence(
    reference: Float[np.ndarray, "M 3"], model: Float[np.ndarray, "N 3"], subject: str, least: int = 1
) -> None:
    """Refuse coordinates that are not pairs, or fewer pairs than `least`."""
    if len(reference) != len(model):
        raise InputError(
            subject,
            got=f"{len(reference)} reference and {len(model)} model coordinates",
            expected="one pair per residue",
            remedy="index both with an alignment first",
        )
    if len(reference) < least:
        raise InputError(subject, got=f"{len(reference)} residue pairs", expected=f"at least {least}")


def _seeds(length: int) -> Iterator[Float[np.ndarray, "seeds M"]]:
    """Stretches to begin from, as 0/1 weights, in blocks."""
    lengths = [length >> k for k in range(_SEED_LENGTHS - 1) if length >> k > _SHORTEST_SEED]
    lengths.append(min(_SHORTEST_SEED, length))
    stretches = [(start, start + size) for size in lengths for start in range(length - size + 1)]
    position = np.arange(length)
    step = max(1, _BLOCK // length)
    for first in range(0, len(stretches), step):
        start, stop = np.array(stretches[first : first + step]).T[:, :, None]
        yield ((position >= start) & (position < stop)).astype(np.float64)


def _squared_distances(
    chosen: Float[np.ndarray, "seeds M"], moments: Float[np.ndarray, "M 16"], distance_terms: Float[np.ndarray, "17 M"]
) -> Float[np.ndarray, "seeds M"]:
    """Squared distance of every residue after superposing the chosen ones, for each row of `chosen`."""
    sums = chosen @ moments
    sums /= sums[:, :1]
    moved_centre, centre = sums[:, 1:4], sums[:, 4:7]
    covariance = sums[:, 7:].reshape(-1, 3, 3) - moved_centre[:, :, None] * centre[:, None, :]
    rotation = _rotations(covariance)
    shift = centre - np.einsum("si,sij->sj", moved_centre, rotation)
    terms = np.hstack(
        [
            np.ones((len(chosen), 1)),
            (shift**2).sum(axis=1, keepdims=True),
            2 * np.einsum("sij,sj->si", rotation, shift),
            -2 * shift,
            -2 * rotation.reshape(-1, 9),
        ]
    )
    squared: Float[np.ndarray, "seeds M"] = terms @ distance_terms
    np.maximum(squared, 0, out=squared)
    return squared


def _nearest(squared: Float[np.ndarray, "seeds M"], distance: float) -> Float[np.ndarray, "seeds M"]:
    """Residues within the distance, widened in steps of 0.5 until there are three (or all, if fewer)."""
    least = min(3, squared.shape[1])
    near = squared < distance**2
    while (few := near.sum(axis=1) < least).any():
        distance += 0.5
        near[few] = squared[few] < distance**2
    return near.astype(np.float64)


def _rotations(covariance: Float[np.ndarray, "seeds 3 3"]) -> Float[np.ndarray, "seeds 3 3"]:
    """Proper rotations R with the largest trace of R.T @ covariance."""
    left, _, right = np.linalg.svd(covariance)
    mirrored = np.linalg.det(left @ right) < 0
    left[mirrored, :, -1] *= -1
    rotations: Float[np.ndarray, "seeds 3 3"] = left @ right
    return rotations
