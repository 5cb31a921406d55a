"""lDDT: how well the distances around each residue are kept, on C-alphas or on all heavy atoms."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

from foldglass.constants import LDDT_CUTOFFS, LDDT_RADIUS
from foldglass.errors import InputError
from foldglass.protein import Atoms, Structure
from foldglass.typing import AlignedPairs, ResidueScores

_BLOCK = 1 << 15
"""Distances held at a time: small enough for a processor's cache, whatever the length of the chain."""


_EXCHANGES = {
    "R": ("NH1 NH2",),
    "D": ("OD1 OD2",),
    "E": ("OE1 OE2",),
    "L": ("CD1 CD2",),
    "F": ("CD1 CD2", "CE1 CE2"),
    "Y": ("CD1 CD2", "CE1 CE2"),
    "V": ("CG1 CG2",),
}
SYMMETRIC_ATOMS = {
    letter: {name: other for pair in pairs for name, other in (pair.split(), pair.split()[::-1])}
    for letter, pairs in _EXCHANGES.items()
}
"""Per residue letter, the atoms whose names may be exchanged together (Mariani et al. 2013)."""


class AllAtomLddt(NamedTuple):
    """All-atom lDDT, 0 to 1.

    `total` is the share of all distances that are kept, which is not the mean of `residue`, the same share
    by reference residue (NaN where it has no distance).
    """

    total: float
    residue: ResidueScores


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
    for rows in _row_blocks(length, length):
        true, near, passed = _compared(reference[rows], reference, model[rows], model, radius, cutoffs)
        if min_separation > 1:
            position = np.arange(length)
            near &= np.abs(position[rows, None] - position) >= min_separation
        weight = near.astype(np.float32)
        if exponent:
            np.power(true, -exponent, out=weight, where=near)
        kept[rows] = np.einsum("ij,ij->i", weight, passed)
        total[rows] = weight.sum(axis=1)
    scores: Float[np.ndarray, " L"] = np.full(length, np.nan)
    np.divide(kept, total * len(cutoffs), out=scores, where=total > 0)
    return scores


def lddt_all_atom(
    reference: Structure,
    model: Structure,
    alignment: AlignedPairs | None = None,
    *,
    radius: float = LDDT_RADIUS,
    cutoffs: Sequence[float] = LDDT_CUTOFFS,
) -> AllAtomLddt:
    """Score a model by all heavy atoms of the reference, without a check of its stereochemistry.

    A distance counts if it is between atoms of different residues and up to `radius` in the reference. A
    reference atom that the model lacks keeps no distance; model atoms that the reference lacks are not seen.
    Where two atoms of a side chain are alike by symmetry (Arg, Asp, Glu, Leu, Phe, Tyr, Val), their names
    may be exchanged in the model: for each such residue, both namings are scored by the distances of its
    symmetric atoms to all atoms that are not symmetric, and the better one is kept (the given one if equal).

    Parameters
    ----------
    reference, model
        Structures with `atoms`.
    alignment
        0-based (reference, model) residue pairs; by default residue i is residue i. Reference residues
        that have no partner count as missing from the model.
    radius, cutoffs
        As for `lddt`.

    Raises
    ------
    InputError
        If a structure has C-alphas only, or lengths differ and there is no alignment.

    References
    ----------
    Mariani et al. (2013) Bioinformatics 29:2722, Algorithm 1.

    Examples
    --------
    >>> atoms = Atoms(("N", "CA", "N", "CA"), np.arange(12.0).reshape(4, 3), np.array([0, 0, 1, 1]))
    >>> glycines = Structure("g", "GG", ca=atoms.coords[1::2], atoms=atoms)
    >>> lddt_all_atom(glycines, glycines)
    AllAtomLddt(total=1.0, residue=array([1., 1.]))
    """
    given, exchanged, residue = _matched_atoms(reference, model, alignment)
    true = _centred(_atoms(reference).coords)
    symmetric = (given != exchanged).any(axis=1) & ~(np.isnan(given) & np.isnan(exchanged)).all(axis=1)
    if symmetric.any():
        kept = [
            _conserved(true, coords, residue, radius, cutoffs, rows=symmetric, columns=~symmetric)[0]
            for coords in (given, exchanged)
        ]
        better = kept[1] > kept[0]
        given = np.where((better[residue] & symmetric)[:, None], exchanged, given)
    everything = np.ones(len(residue), dtype=bool)
    passed, total = _conserved(true, given, residue, radius, cutoffs, rows=everything, columns=everything)
    scores: ResidueScores = np.full(len(reference), np.nan)
    passed, total = (np.pad(sums, (0, len(reference) - len(sums))) for sums in (passed, total))
    np.divide(passed, total * len(cutoffs), out=scores, where=total > 0)
    whole = total.sum() * len(cutoffs)
    return AllAtomLddt(float(passed.sum() / whole) if whole else float("nan"), scores)


def _matched_atoms(
    reference: Structure, model: Structure, alignment: AlignedPairs | None
) -> tuple[Float[np.ndarray, "A 3"], Float[np.ndarray, "A 3"], Int[np.ndarray, " A"]]:
    """For each reference atom the model's coordinates, NaN if missing, as named and with symmetric names exchanged."""
    if alignment is None:
        if len(reference) != len(model):
            raise InputError(
                f"lDDT of {model.id!r}",
                got=f"{len(model)} residues for a reference of {len(reference)}",
                expected="equal numbers",
                remedy="give an alignment",
            )
        alignment = np.repeat(np.arange(len(reference))[:, None], 2, axis=1)
    partner = dict(alignment.tolist())
    theirs = _atoms(model)
    row = {key: k for k, key in enumerate(zip(theirs.residue.tolist(), theirs.names, strict=True))}
    coords = np.vstack([_centred(theirs.coords), np.full((1, 3), np.nan, np.float32)])
    ours = _atoms(reference)
    named, exchanged = [], []
    for i, name in zip(ours.residue.tolist(), ours.names, strict=True):
        j = partner.get(i, -1)
        same = j >= 0 and model.letters[j] == reference.letters[i]
        other = SYMMETRIC_ATOMS.get(reference.letters[i], {}).get(name, name) if same else name
        named.append(row.get((j, name), -1))
        exchanged.append(row.get((j, other), -1))
    return coords[named], coords[exchanged], np.asarray(ours.residue)


def _conserved(
    reference: Float[np.ndarray, "A 3"],
    model: Float[np.ndarray, "A 3"],
    residue: Int[np.ndarray, " A"],
    radius: float,
    cutoffs: Sequence[float],
    *,
    rows: Bool[np.ndarray, " A"],
    columns: Bool[np.ndarray, " A"],
) -> tuple[Float[np.ndarray, " L"], Float[np.ndarray, " L"]]:
    """Distances kept (summed over cutoffs) and distances in all, by residue of the row atom."""
    row_numbers = np.flatnonzero(rows)
    kept, total = np.zeros((2, int(residue.max(initial=-1)) + 1))
    across, across_model = reference[columns], model[columns]
    for block in _row_blocks(len(row_numbers), len(across)):
        atoms = row_numbers[block]
        _, near, passed = _compared(reference[atoms], across, model[atoms], across_model, radius, cutoffs)
        near &= residue[atoms, None] != residue[columns]
        kept += np.bincount(residue[atoms], (passed * near).sum(axis=1), minlength=len(kept))
        total += np.bincount(residue[atoms], near.sum(axis=1), minlength=len(kept))
    return kept, total


def _atoms(structure: Structure) -> Atoms:
    if structure.atoms is None:
        raise InputError(
            f"structure {structure.id!r}",
            got="C-alphas only",
            expected="all heavy atoms",
            remedy="read it from a PDB or mmCIF file that has them",
        )
    return structure.atoms


def _row_blocks(rows: int, columns: int) -> Iterator[slice]:
    step = max(1, _BLOCK // max(1, columns))
    return (slice(start, start + step) for start in range(0, rows, step))


def _compared(
    reference_rows: Float[np.ndarray, "R 3"],
    reference_columns: Float[np.ndarray, "C 3"],
    model_rows: Float[np.ndarray, "R 3"],
    model_columns: Float[np.ndarray, "C 3"],
    radius: float,
    cutoffs: Sequence[float],
) -> tuple[Float[np.ndarray, "R C"], Bool[np.ndarray, "R C"], UInt8[np.ndarray, "R C"]]:
    """Reference distances, which of them are within the radius, and how many cutoffs their errors pass."""
    true = _distances(reference_rows, reference_columns)
    error = _distances(model_rows, model_columns)
    error -= true
    np.abs(error, out=error)
    passed = np.zeros(error.shape, np.uint8)
    for cutoff in cutoffs:
        passed += (error <= cutoff).view(np.uint8)
    return true, (true > 0) & (true <= radius), passed


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
