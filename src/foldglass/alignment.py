"""Alignment of two proteins from their residue vectors: a similarity matrix, then affine-gap dynamic programming.

The recurrence is Gotoh's (J. Mol. Biol. 162:705, 1982). Cells on one anti-diagonal do not depend on each other, so
one numpy step updates an anti-diagonal of every matrix of a batch: Lq + Lt steps, whatever the number of pairs.
"""

from collections.abc import Iterator, Sequence
from typing import Literal, get_args

import numpy as np
from jaxtyping import Float, Float32, UInt8

from foldglass.blosum62 import blosum62
from foldglass.errors import InputError
from foldglass.protein import Embedding
from foldglass.typing import AlignedPairs

Mode = Literal["global", "glocal", "local"]

GAP_OPEN = 2.0
GAP_EXTEND = 0.2
LETTERS_WEIGHT = 0.3
"""Of BLOSUM62 beside the similarity of residue vectors, where one side was made from letters alone."""

_BATCH_CELLS = 8_000_000  # bounds a batch to about 50 MB
_FLAT = 1e-6  # spread below which a row of cosines holds only rounding


def pair_similarity(query: Embedding, target: Embedding) -> Float32[np.ndarray, "Lq Lt"]:
    """What alignments of two embeddings maximise: `residue_similarity`, and letters where a sequence takes part.

    Two structures are compared by their vectors alone. Where a side is a sequence, 0.3 times the BLOSUM62 score is
    added: the vectors know less about it, and letters tell close residues apart. Swapping the sides transposes it.

    Examples
    --------
    >>> from foldglass.protein import Sequence
    >>> one = Embedding(Sequence("one", "WC"), np.ones(2, np.float32), np.eye(2, dtype=np.float32))
    >>> pair_similarity(one, one).round(1)  # 0.3 x 11 and 0.3 x 9 on the diagonal, 0.3 x -2 beside it
    array([[ 4.3, -1.6],
           [-1.6,  3.7]], dtype=float32)
    """
    similarity = residue_similarity(query.residue, target.residue)
    if "sequence" in (query.kind, target.kind):
        similarity += np.float32(LETTERS_WEIGHT) * blosum62(query.entity.letters, target.entity.letters)
    return similarity


def residue_similarity(
    query: Float[np.ndarray, "Lq D"], target: Float[np.ndarray, "Lt D"]
) -> Float32[np.ndarray, "Lq Lt"]:
    """Contrast-enhanced similarity of every query residue with every target residue.

    The mean of two z-scores of the cosine matrix, one over each query residue's row and one over each target residue's
    column: a pair scores high if it stands out among all partners of both residues. Unitless, mean 0.
    A row or column whose cosines are all equal (a protein of one residue, say) has z-scores 0, not NaN.

    Raises
    ------
    InputError
        If a protein has no residue, or a vector holds a value that is not finite.

    Notes
    -----
    The signal enhancement of EBA (Pantolini et al., Bioinformatics 40:btad786, 2024), with the cosine in place of
    their exp(-Euclidean distance).

    Examples
    --------
    >>> residue_similarity(np.eye(2), np.eye(2))
    array([[ 1., -1.],
           [-1.,  1.]], dtype=float32)
    """
    cosine = _unit(query, "query") @ _unit(target, "target").T
    similarity: np.ndarray = (_z_score(cosine, axis=1) + _z_score(cosine, axis=0)) * np.float32(0.5)
    return similarity


def _unit(vectors: Float[np.ndarray, "L D"], name: str) -> Float32[np.ndarray, "L D"]:
    if not len(vectors):
        raise InputError(f"residue vectors of the {name}", got="no residue", expected="at least one")
    unit: np.ndarray = vectors.astype(np.float32)
    norms = np.linalg.norm(unit, axis=1, keepdims=True)
    if not np.isfinite(norms).all():
        raise InputError(
            f"residue vectors of the {name}",
            got=f"a value that is not finite at residue {np.flatnonzero(~np.isfinite(norms))[0] + 1}",
            expected="finite vectors",
        )
    unit /= np.maximum(norms, np.finfo(np.float32).tiny)
    return unit


def _z_score(values: Float32[np.ndarray, "Lq Lt"], axis: int) -> Float32[np.ndarray, "Lq Lt"]:
    centred = values - values.mean(axis=axis, keepdims=True)
    spread = np.sqrt(np.square(centred).mean(axis=axis, keepdims=True))
    return np.where(spread > _FLAT, centred / np.maximum(spread, _FLAT), np.float32(0))


def align(
    similarity: Float[np.ndarray, "Lq Lt"],
    *,
    mode: Mode = "glocal",
    gap_open: float = GAP_OPEN,
    gap_extend: float = GAP_EXTEND,
) -> AlignedPairs:
    """The best-scoring alignment of two proteins.

    Parameters
    ----------
    similarity : Float[Lq, Lt]
        Score of aligning each query residue with each target residue; see `residue_similarity`.
    mode : {"global", "glocal", "local"}
        `global` (Needleman-Wunsch) charges every gap; `glocal` leaves gaps at the ends of either protein free, which
        suits a domain inside a longer chain; `local` (Smith-Waterman) keeps the best-scoring stretch only.
    gap_open, gap_extend : float
        A gap of n residues costs gap_open + (n - 1) * gap_extend, in units of the similarity.

    Returns
    -------
    Int[M, 2]
        0-based (query, target) residue pairs, increasing in both columns. No pair (M = 0) if a local alignment finds
        no positive score.

    Raises
    ------
    InputError
        If the matrix is empty or holds a value that is not finite, or not gap_open >= gap_extend >= 0.

    Examples
    --------
    >>> align(np.array([[5.0, 0.0, 0.0], [0.0, 0.0, 5.0]]), gap_open=1.0, gap_extend=1.0).tolist()
    [[0, 0], [1, 2]]
    """
    return align_batch([similarity], mode=mode, gap_open=gap_open, gap_extend=gap_extend)[0]


def align_batch(
    similarities: Sequence[Float[np.ndarray, "_ _"]],
    *,
    mode: Mode = "glocal",
    gap_open: float = GAP_OPEN,
    gap_extend: float = GAP_EXTEND,
) -> list[AlignedPairs]:
    """`align` for many pairs of any sizes, about ten times faster per pair than one by one.

    Examples
    --------
    >>> [pairs.tolist() for pairs in align_batch([np.eye(1), np.eye(2)])]
    [[[0, 0]], [[0, 0], [1, 1]]]
    """
    _check(similarities, mode, gap_open, gap_extend)
    # The shorter protein gives the rows: shorter anti-diagonals, and swapping query and target changes nothing.
    turned = [matrix.shape[0] > matrix.shape[1] for matrix in similarities]
    matrices = [matrix.T if turn else matrix for matrix, turn in zip(similarities, turned, strict=True)]
    aligned: list[AlignedPairs] = [np.empty((0, 2), np.int64)] * len(matrices)
    for batch in _batches(matrices):
        ends = _Ends([matrices[n].shape for n in batch], mode)
        steps = _fill(_padded([matrices[n] for n in batch]), ends, np.float32(gap_open), np.float32(gap_extend))
        for slot, n in enumerate(batch):
            pairs = _trace(steps[..., slot], ends.of(slot))
            aligned[n] = pairs[:, ::-1] if turned[n] else pairs
    return aligned


def _check(similarities: Sequence[np.ndarray], mode: str, gap_open: float, gap_extend: float) -> None:
    if mode not in get_args(Mode):
        raise InputError("alignment mode", got=repr(mode), expected="one of " + ", ".join(get_args(Mode)))
    if not gap_open >= gap_extend >= 0:
        raise InputError(
            "gap costs", got=f"gap_open {gap_open:g}, gap_extend {gap_extend:g}", expected="gap_open >= gap_extend >= 0"
        )
    for matrix in similarities:
        if not matrix.size:
            raise InputError(
                "similarity matrix", got="shape {} x {}".format(*matrix.shape), expected="residues on both sides"
            )
        if not np.isfinite(matrix).all():
            raise InputError("similarity matrix", got="a value that is not finite", expected="finite scores")


def _batches(matrices: Sequence[np.ndarray]) -> Iterator[list[int]]:
    """Indices of matrices of similar size, so that little of a padded batch is padding."""
    batch: list[int] = []
    rows = columns = 0
    for n in sorted(range(len(matrices)), key=lambda n: matrices[n].shape):
        rows, columns = max(rows, matrices[n].shape[0]), max(columns, matrices[n].shape[1])
        if batch and (len(batch) + 1) * rows * (rows + columns) > _BATCH_CELLS:
            yield batch
            batch, (rows, columns) = [], matrices[n].shape
        batch.append(n)
    if batch:
        yield batch


_MATCH, _LEFT, _LEFT_EXTENDS, _UP_EXTENDS, _STOP = (np.uint8(1 << bit) for bit in range(5))


def _padded(matrices: Sequence[Float[np.ndarray, "_ _"]]) -> Float32[np.ndarray, "rows columns B"]:
    """All matrices in one array, batch last, with a column to spare so that anti-diagonals have a stride above 0."""
    rows, columns = (max(sizes) for sizes in zip(*(matrix.shape for matrix in matrices), strict=True))
    padded = np.zeros((len(matrices), rows, columns + 1), np.float32)
    for place, matrix in zip(padded, matrices, strict=True):
        place[: matrix.shape[0], : matrix.shape[1]] = matrix
    return np.ascontiguousarray(np.moveaxis(padded, 0, -1))


def _fill(
    similarity: Float32[np.ndarray, "rows columns B"], ends: "_Ends", gap_open: np.float32, gap_extend: np.float32
) -> UInt8[np.ndarray, "steps starts B"]:
    """How the best alignment reaches each cell, indexed [d, i, b]: after i rows and d - i columns of matrix b.

    Padding lies below and to the right of each matrix, where no cell that is read depends on it. Scores are kept for
    three anti-diagonals only.
    """
    rows, columns, size = similarity.shape
    diagonals = similarity.reshape(-1, size)
    steps = np.empty((rows + columns, rows + 1, size), np.uint8)
    older, previous, score = np.zeros((3, rows + 1, size), np.float32)
    left = np.full((rows + 1, size), -np.inf, np.float32)  # best score that ends in a gap in the rows' protein
    up = left.copy()  # the same for the columns' protein
    for d in range(1, rows + columns):
        if ends.mode == "global":
            score[0] = score[min(d, rows)] = -gap_open - np.float32(d - 1) * gap_extend
        if d > 1:
            first, last = max(1, d - columns + 1), min(d - 1, rows)
            here, above = slice(first, last + 1), slice(first - 1, last)
            start = (first - 1) * columns + d - first - 1
            match = diagonals[start : start + (last - first) * (columns - 1) + 1 : columns - 1] + older[above]

            opened = previous - gap_open
            extended_left, extended_up = left[here] - gap_extend, up[above] - gap_extend
            step = (extended_left > opened[here]).view(np.uint8) * _LEFT_EXTENDS
            step |= (extended_up > opened[above]).view(np.uint8) * _UP_EXTENDS
            best_left = np.maximum(extended_left, opened[here], out=left[here])
            best_up = np.maximum(extended_up, opened[above], out=up[here])
            best_gap = np.maximum(best_left, best_up)
            best = np.maximum(match, best_gap, out=score[here])
            step |= (match >= best_gap).view(np.uint8) * _MATCH
            step |= (best_left >= best_up).view(np.uint8) * _LEFT
            if ends.mode == "local":
                np.maximum(best, 0, out=best)
                step |= (best <= 0).view(np.uint8) * _STOP
            steps[d, here] = step
        ends.see(d, score)
        older, previous, score = previous, score, older
    return steps


class _Ends:
    """Where the best alignment of each matrix ends, found while anti-diagonals of scores pass by."""

    def __init__(self, shapes: Sequence[tuple[int, ...]], mode: Mode) -> None:
        self.shapes, self.mode = shapes, mode
        rows, columns = np.array(shapes).T
        size = (int(rows.max()) + 1, len(shapes))
        if mode == "glocal":  # follow the last row and the last column of each matrix
            d = np.arange(rows.max() + columns.max() + 1)[:, None]
            starts = np.stack([np.broadcast_to(rows, (len(d), len(rows))), np.clip(d - columns, 0, rows)], axis=1)
            self._places = starts * len(shapes) + np.arange(len(shapes))
            self._edges = np.zeros(starts.shape, np.float32)
        if mode == "local":
            self._best, self._diagonal = np.zeros(size, np.float32), np.zeros(size, np.int32)

    def see(self, d: int, score: Float32[np.ndarray, "starts B"]) -> None:
        if self.mode == "glocal":
            score.take(self._places[d], out=self._edges[d], mode="clip")
        if self.mode == "local":
            better = score > self._best
            np.copyto(self._best, score, where=better)
            np.copyto(self._diagonal, np.int32(d), where=better)

    def of(self, slot: int) -> tuple[int, int]:
        """Rows and columns before the end."""
        rows, columns = self.shapes[slot]
        if self.mode == "local":
            row = int(self._best[: rows + 1, slot].argmax())
            return row, int(self._diagonal[row, slot]) - row
        if self.mode == "glocal":
            last_row = self._edges[rows : rows + columns + 1, 0, slot]
            last_column = self._edges[columns : columns + rows + 1, 1, slot]
            if last_column.max() > last_row.max():
                return _last_argmax(last_column), columns
            return rows, _last_argmax(last_row)
        return rows, columns


def _last_argmax(values: Float32[np.ndarray, " _"]) -> int:
    return len(values) - 1 - int(values[::-1].argmax())


def _trace(steps: UInt8[np.ndarray, "steps starts"], end: tuple[int, int]) -> AlignedPairs:
    """Aligned (row, column) pairs of one matrix, from its best end back to an edge (or to score 0, if local)."""
    i, j = end
    pairs = []
    while i and j:
        step = steps[i + j, i]
        if step & _STOP:
            break
        if step & _MATCH:
            i, j = i - 1, j - 1
            pairs.append((i, j))
        elif step & _LEFT:
            while steps[i + j, i] & _LEFT_EXTENDS:
                j -= 1
            j -= 1
        else:
            while steps[i + j, i] & _UP_EXTENDS:
                i -= 1
            i -= 1
    return np.array(pairs[::-1], np.int64).reshape(-1, 2)
