"""The k largest dot products of queries with many vectors, exactly and in bounded memory.

Vectors in half precision are half the bytes to read. Products of several queries are made in single precision, block
by block. Of few queries, whose time is that of reading the vectors, they are made in half precision first, one query
after the other; every vector within the error of that is then scored again in single precision.
"""

import warnings
from collections.abc import Iterator

import numpy as np
import torch
from jaxtyping import Float, Float16, Float32, Int64

from foldglass.errors import InputError

_BLOCK_SCORES = 2**20  # dot products held at once, 4 MB
_BLOCK_QUERIES = 1024
_FIRST_ROWS = 256
_HALF_BLOCK = 2048  # rows made single precision at once, so that they stay in the processor's cache
_THREADED_HALF_BLOCK = 8192  # the same with several threads, which wait for each other after every block
_FEW_QUERIES = 4  # up to here, products in half precision take less time than single precision for all of them
_CONVERTED_ALONE = 2**15 - 1
"""Numbers that torch converts without its threads. Those of numpy's products wait for work by spinning, and so do
torch's: taking turns, each kept the other from the cores, which made two threads twenty times slower than one."""
_HALF_ERROR = 2.0**-9
"""Bounds the error of a dot product of two vectors of length 1 in half precision, summed in single precision: 2^-11
for each rounded vector and 2^-11 for the rounded sum, doubled once more."""


def top_k(
    queries: Float32[np.ndarray, "Q D"],
    vectors: Float32[np.ndarray, "N D"] | Float16[np.ndarray, "N D"],
    k: int,
    *,
    rows: Int64[np.ndarray, " R"] | None = None,
) -> tuple[Float32[np.ndarray, "Q K"], Int64[np.ndarray, "Q K"]]:
    """Largest dot products of each query and the rows of `vectors` that give them, in falling order.

    Equal dot products are ordered by row. The result has min(k, N) columns; a dot product that is NaN is never among
    them, and its column holds -inf and row -1. `rows` (increasing) restricts the search to some rows. `vectors` may be
    memory-mapped: it is read once per 1,024 queries, block by block, or in half precision once for each of up to 4.
    Vectors in half precision must not be longer than 1.

    Raises
    ------
    InputError
        If k is below 1.

    Examples
    --------
    >>> scores, rows = top_k(np.eye(1, 2, dtype=np.float32), np.array([[0, 1], [1, 0], [0.5, 0]], np.float32), k=2)
    >>> scores.tolist(), rows.tolist()
    ([[1.0, 0.5]], [[1, 2]])
    """
    if k < 1:
        raise InputError("search", got=f"k = {k}", expected="k of 1 or more")
    k = min(k, len(vectors) if rows is None else len(rows))
    if 0 < len(queries) <= _FEW_QUERIES and k and rows is None and vectors.dtype == np.float16:
        best = [_of_one(queries[one : one + 1], vectors, k) for one in range(len(queries))]
        return np.concatenate([own for own, _ in best]), np.concatenate([own for _, own in best])
    scores, found = np.full((len(queries), k), -np.inf, np.float32), np.full((len(queries), k), -1, np.int64)
    for first in range(0, len(queries) if k else 0, _BLOCK_QUERIES):
        part = slice(first, first + _BLOCK_QUERIES)
        for block_rows, block in _blocks(vectors, rows, _BLOCK_SCORES // len(queries[part])):
            block_scores = block @ queries[part].T
            # Almost nothing passes once some blocks are seen, so no block is ever sorted.
            place, query = np.nonzero(block_scores > scores[part, -1])
            if len(place):
                new = query, block_scores[place, query], block_rows[place]
                scores[part], found[part] = _merge(scores[part], found[part], *new)
    return scores, found


def _of_one(
    query: Float32[np.ndarray, "1 D"], vectors: Float16[np.ndarray, "N D"], k: int
) -> tuple[Float32[np.ndarray, "1 K"], Int64[np.ndarray, "1 K"]]:
    """`top_k` of one query of length 1 at most."""
    rough = torch.mv(_tensor(vectors), torch.from_numpy(query[0]).half())
    least = torch.topk(rough.nan_to_num_(nan=-torch.inf), k).values[-1].float() - 2 * _HALF_ERROR
    rows = torch.nonzero(rough.float() >= least).flatten().numpy()
    scores = vectors[rows].astype(np.float32) @ query[0]
    nothing = np.full((1, k), -np.inf, np.float32), np.full((1, k), -1, np.int64)
    sound = ~np.isnan(scores)
    return _merge(*nothing, np.zeros(int(sound.sum()), np.int64), scores[sound], rows[sound])


def _tensor(vectors: Float[np.ndarray, "n D"]) -> torch.Tensor:
    """The same memory, which is not written to."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that a memory map is read-only
        return torch.from_numpy(vectors)


def _blocks(
    vectors: Float[np.ndarray, "N D"], rows: Int64[np.ndarray, " R"] | None, largest: int
) -> Iterator[tuple[Int64[np.ndarray, " n"], Float32[np.ndarray, "n D"]]]:
    """Blocks that double in size up to `largest`, so that each brings about as many candidates as the one before."""
    start, total = 0, len(vectors) if rows is None else len(rows)
    half = vectors.dtype == np.float16
    most = _HALF_BLOCK if torch.get_num_threads() == 1 else _THREADED_HALF_BLOCK
    single = np.empty((most if half else 0, vectors.shape[1]), np.float32)
    while start < total:
        size = min(max(start, _FIRST_ROWS), largest)
        stop = min(total, start + (min(size, most) if half else size))
        block_rows = np.arange(start, stop) if rows is None else rows[start:stop]
        block = vectors[start:stop] if rows is None else vectors[block_rows]
        yield block_rows, _converted(block, single[: len(block)]) if half else block
        start = stop


def _converted(half: Float16[np.ndarray, "n D"], single: Float32[np.ndarray, "n D"]) -> Float32[np.ndarray, "n D"]:
    """The vectors in single precision, written to `single`; numpy would convert ten times more slowly."""
    rows = max(1, _CONVERTED_ALONE // half.shape[1])
    for part, own in zip(torch.split(torch.from_numpy(single), rows), torch.split(_tensor(half), rows), strict=True):
        part.copy_(own)
    return single


def _merge(
    scores: Float32[np.ndarray, "Q K"],
    found: Int64[np.ndarray, "Q K"],
    query: Int64[np.ndarray, " n"],
    new_scores: Float32[np.ndarray, " n"],
    new_rows: Int64[np.ndarray, " n"],
) -> tuple[Float32[np.ndarray, "Q K"], Int64[np.ndarray, "Q K"]]:
    """The best of the old and the new, for each query."""
    n_queries, k = scores.shape
    every_query = np.concatenate([np.repeat(np.arange(n_queries), k), query])
    every_score = np.concatenate([scores.ravel(), new_scores])
    every_row = np.concatenate([found.ravel(), new_rows])
    order = np.lexsort((every_row, -every_score, every_query))
    best = order[np.searchsorted(every_query[order], np.arange(n_queries))[:, None] + np.arange(k)]
    return every_score[best], every_row[best]
