"""lDDT on C-alpha atoms: how well the distances around each residue are kept."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from foldglass.constants import LDDT_CUTOFFS, LDDT_RADIUS
from foldglass.errors import InputError

_BLOCK = 1 << 15
"""Distances held at a time: small enough for a processor's cache, whatever the length of the chain."""


def lddt(
    reference: Float[np.ndarray, "L 3"],
    model: Float[np.ndarray, "L 3"],
    *,
    radius: float = LDDT_RADIUS,
    cutoffs: Sequence[float] = LDDT_CUTOFFS,
    exponent: float = 0.0,
    min_separation: int = 1,
) -> Float[np.ndarray, " L"]:
    """Score how well the model keeps the distances around each residue of the reference.

    Residue i of both arrays is the same residue. Its neighbours j are those with a reference distance
    above 0 and up to `radius`. With d the distances of i to its neighbours, the score is the mean, over the
    cutoffs t, of the weight of the neighbours with abs(d_model - d_reference) <= t; the weights are
    proportional to d_reference ** -exponent and sum to 1. It needs no superposition. Distances are
    single precision.

    Parameters
    ----------
    reference, model
        C-alpha coordinates in angstrom. A residue that is NaN in `model` keeps no distance; one that is
        NaN in `reference` is nobody's neighbour and scores NaN.
    radius
        Inclusion radius in angstrom.
    cutoffs
        Thresholds in angstrom; the score is their mean.
    exponent
        0 is plain C-alpha lDDT, 3 the `glass` form. The larger, the more the bonded neighbours dominate:
        with 3 two unrelated chains score about 0.6.
    min_separation
        Leave out neighbours closer than this along the chain.

    Returns
    -------
    Float[L]
        0 to 1 per residue, NaN where a residue has no neighbour.

    Raises
    ------
    InputError
        If the two arrays differ in length or there is no cutoff.

    References
    ----------
    Mariani et al. (2013) Bioinformatics 29:2722, for exponent 0. GLASS (bioRxiv 2025.10.27.684815),
    Algorithm 2, for exponent 3.

    Examples
    --------
    >>> import numpy as np
    >>> line = np.array([[0.0, 0, 0], [3.8, 0, 0], [7.6, 0, 0]])
    >>> bent = np.array([[0.0, 0, 0], [3.8, 0, 0], [3.8, 3.8, 0]])
    >>> lddt(line, bent)
    array([0.625, 1.   , 0.625])
    """
    if len(reference) != len(model):
        raise InputError(
            "lDDT",
            got=f"{len(reference)} reference and {len(model)} model coordinates",
            expected="one pair per residue",
            remedy="index both with an alignment first",
        )
    if not len(cutoffs):
        raise InputError("lDDT", got="no cutoff", expected="at least one distance in angstrom")
    reference, model = _centred(reference), _centred(model)
    length = len(reference)
    kept, total = np.zeros(length), np.zeros(length)
    step = max(1, _BLOCK // max(1, length))
    for start in range(0, length, step):
        rows = slice(start, start + step)
        true = _distances(reference[rows], reference)
        near = (true > 0) & (true <= radius)
        if min_separation > 1:
            position = np.arange(length)
            near &= np.abs(position[rows, None] - position) >= min_separation
        error = _distances(model[rows], model)
        error -= true
        np.abs(error, out=error)
        passed = np.zeros(error.shape, np.uint8)
        for cutoff in cutoffs:
            passed += (error <= cutoff).view(np.uint8)
        weight = near.astype(np.float32)
        if exponent:
            np.power(true, -exponent, out=weight, where=near)
        kept[rows] = np.einsum("ij,ij->i", weight, passed)
        total[rows] = weight.sum(axis=1)
    scores: Float[np.ndarray, " L"] = np.full(length, np.nan)
    np.divide(kept, total * len(cutoffs), out=scores, where=total > 0)
    return scores


def _centred(coordinates: Float[np.ndarray, "L 3"]) -> Float[np.ndarray, "L 3"]:
    """Single precision, near the origin so that little of it is lost."""
    moved = coordinates.astype(np.float64) - np.nan_to_num(coordinates[:1])
    return np.ascontiguousarray(moved, dtype=np.float32)


def _distances(rows: Float[np.ndarray, "R 3"], columns: Float[np.ndarray, "L 3"]) -> Float[np.ndarray, "R L"]:
    squared: Float[np.ndarray, "R L"] = np.subtract.outer(rows[:, 0], columns[:, 0])
    squared *= squared
    for axis in (1, 2):
        difference = np.subtract.outer(rows[:, axis], columns[:, axis])
        difference *= difference
        squared += difference
    np.sqrt(squared, out=squared)
    return squared
