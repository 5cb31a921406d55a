"""Clusters of proteins of a similar predicted fold, all against all in blocks.

Memory holds the vectors in half precision, one block of products and one number per protein, never N x N.
"""

from collections.abc import Callable, Iterator
from typing import Literal

import numpy as np
from jaxtyping import Float32, Int64

from foldglass.errors import InputError
from foldglass.models.calibration import Calibration, kinds_of
from foldglass.search.exact import EntryTable

Method = Literal["greedy", "components"]

_ROWS = 1024
_COLUMNS = 4096


def cluster(
    entries: EntryTable,
    calibration: Calibration,
    *,
    tm: float = 0.5,
    method: Method = "greedy",
    progress: Callable[[int], None] = lambda count: None,
) -> Int64[np.ndarray, " N"]:
    """The representative of each entry, an index; representatives represent themselves.

    Proteins are similar if the predicted symmetric TM-score of their vectors is `tm` or more. They are taken from the
    longest to the shortest, equally long ones by their id, so that the order of the entries changes nothing.

    Parameters
    ----------
    method
        `greedy`: a protein joins the longest representative that it is similar to, or becomes one (as CD-HIT and
        MMseqs2 do). Every member is similar to its representative.
        `components`: two proteins are together if a chain of similar ones joins them; the longest represents them.
        Members may be unlike each other.
    progress
        Told of how many more proteins are done.

    Raises
    ------
    InputError
        If tm is not between 0 and 1 (above 0).

    Examples
    --------
    >>> vectors = np.array([[1, 0], [0.9, 0.436], [0, 1]], np.float32)
    >>> entries = EntryTable(["a", "b", "c"], np.array([90, 100, 80]), ["sequence"] * 3, vectors)
    >>> cluster(entries, Calibration(), tm=0.8).tolist()
    [1, 1, 2]
    """
    if not 0 < tm <= 1:
        raise InputError("clusters", got=f"a TM-score of {tm:g}", expected="more than 0, at most 1")
    order = np.lexsort((np.array(list(entries.ids)), -np.asarray(entries.lengths)))
    structure = (np.asarray(entries.kinds) == "structure")[order].astype(np.int64)
    similar = _Similar(np.asarray(entries.vectors)[order], structure, _least_cosines(calibration, tm))
    found = (_greedy if method == "greedy" else _components)(similar, progress)
    representatives = np.empty(len(order), np.int64)
    representatives[order] = order[found]
    return representatives


class _Similar:
    """Which of the proteins, longest first, are similar."""

    def __init__(self, vectors: np.ndarray, kinds: Int64[np.ndarray, " N"], least: Float32[np.ndarray, "2 2"]) -> None:
        self._vectors, self._kinds, self._least = vectors, kinds, least

    def __len__(self) -> int:
        return len(self._vectors)

    def __call__(self, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """A matrix of truth values for proteins by number."""
        products = self._vectors[rows].astype(np.float32) @ self._vectors[columns].astype(np.float32).T
        return products >= self._least[self._kinds[rows]][:, self._kinds[columns]]


def _least_cosines(calibration: Calibration, tm: float) -> Float32[np.ndarray, "2 2"]:
    """The least cosine whose TM-score is `tm`, by the kinds of both proteins: 0 sequence, 1 structure."""
    kinds = ("sequence", "structure")
    return np.array(
        [[calibration.least_cosine(tm, kinds=kinds_of(one, other)) for other in kinds] for one in kinds], np.float32
    )


def _blocks(count: int, size: int) -> Iterator[np.ndarray]:
    for first in range(0, count, size):
        yield np.arange(first, min(first + size, count))


def _greedy(similar: _Similar, progress: Callable[[int], None]) -> Int64[np.ndarray, " N"]:
    representative = np.full(len(similar), -1, np.int64)
    chosen = np.empty(0, np.int64)
    for rows in _blocks(len(similar), _ROWS):
        for part in _blocks(len(chosen), _COLUMNS):
            free = rows[representative[rows] < 0]
            matches = similar(free, chosen[part])
            joins = matches.any(axis=1)
            representative[free[joins]] = chosen[part][matches[joins].argmax(axis=1)]
        free = rows[representative[rows] < 0]
        among = similar(free, free)
        new = []
        for place, one in enumerate(free):
            if representative[one] < 0:
                members = free[place:][among[place, place:]]
                members = members[representative[members] < 0]
                representative[members] = one
                representative[one] = one
                new.append(one)
        chosen = np.concatenate([chosen, np.array(new, np.int64)])
        progress(len(rows))
    return representative


def _components(similar: _Similar, progress: Callable[[int], None]) -> Int64[np.ndarray, " N"]:
    parent = np.arange(len(similar))
    for rows in _blocks(len(similar), _ROWS):
        for columns in _blocks(int(rows[-1]) + 1, _COLUMNS):
            one, other = np.nonzero(similar(rows, columns))
            _join(parent, rows[one], columns[other])
        progress(len(rows))
    return _root(parent, np.arange(len(similar)))


def _root(parent: Int64[np.ndarray, " N"], places: np.ndarray) -> np.ndarray:
    """The first of each one's component; paths that were walked are made short."""
    roots = parent[places]
    while (parent[roots] != roots).any():
        roots = parent[roots]
    parent[places] = roots
    return roots


def _join(parent: Int64[np.ndarray, " N"], one: np.ndarray, other: np.ndarray) -> None:
    """Make one component of both ends of every pair, the first of which is its root."""
    while len(one):
        a, b = _root(parent, one), _root(parent, other)
        apart = a != b
        one, other = np.maximum(a, b)[apart], np.minimum(a, b)[apart]
        np.minimum.at(parent, one, other)
