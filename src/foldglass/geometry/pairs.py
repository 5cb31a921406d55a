"""Which residue pairs of a chain to keep, where all of them would be too many."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool

from foldglass.errors import InputError
from foldglass.typing import AlignedPairs, Coordinates

_ROWS = 256


@dataclass(frozen=True)
class PairSelection:
    """Residue pairs that are close in space. Given both limits, a pair must keep both.

    Parameters
    ----------
    within
        Largest distance of the two C-alphas in angstrom.
    nearest
        One of the two residues must be among so many nearest of the other, by C-alphas.

    Raises
    ------
    InputError
        If there is no limit, or one that no pair could keep.

    Examples
    --------
    >>> ca = np.array([[0, 0, 0], [3, 0, 0], [4, 0, 0], [9, 0, 0]], np.float32)
    >>> PairSelection(within=4.0).of(ca).tolist()
    [[0, 1], [0, 2], [1, 2]]
    >>> PairSelection(nearest=1).of(ca).tolist()
    [[0, 1], [1, 2], [2, 3]]
    >>> PairSelection(within=4.0, nearest=1).of(ca).tolist()
    [[0, 1], [1, 2]]
    """

    within: float | None = None
    nearest: int | None = None

    def __post_init__(self) -> None:
        if self.within is None and self.nearest is None:
            raise InputError("pair selection", got="no limit", expected="a distance or a number of residues")
        if self.within is not None and not self.within > 0:
            raise InputError("pair selection", got=f"within {self.within} angstrom", expected="more than 0")
        if self.nearest is not None and self.nearest < 1:
            raise InputError("pair selection", got=f"{self.nearest} nearest residues", expected="at least 1")

    def __str__(self) -> str:
        parts = [] if self.within is None else [f"within {self.within:g} A"]
        return ", ".join(parts if self.nearest is None else [*parts, f"nearest {self.nearest}"])

    def of(self, ca: Coordinates) -> AlignedPairs:
        """0-based pairs (i, j) with i < j, each once, in rising order; a residue with itself is none."""
        length = len(ca)
        points = ca.astype(np.float64)
        close = np.ones((length, length), bool)
        neighbours = np.ones((length, length), bool)
        for start in range(0, length, _ROWS):
            rows = slice(start, min(start + _ROWS, length))
            squared = ((points[rows, None] - points[None]) ** 2).sum(axis=-1)
            if self.within is not None:
                close[rows] = squared <= self.within**2
            if self.nearest is not None and self.nearest < length - 1:
                squared[np.arange(len(squared)), np.arange(rows.start, rows.stop)] = np.inf
                neighbours[rows] = _smallest(squared, self.nearest)
        return np.argwhere(np.triu(close & (neighbours | neighbours.T), k=1))


def _smallest(values: np.ndarray, count: int) -> Bool[np.ndarray, "R L"]:
    """Mark the `count` smallest values of each row."""
    marked = np.zeros(values.shape, bool)
    np.put_along_axis(marked, np.argpartition(values, count - 1, axis=1)[:, :count], True, axis=1)
    return marked
