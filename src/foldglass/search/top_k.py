"""The k largest dot products of queries with many vectors, exactly and in bounded memory."""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float32, Int64

from foldglass.errors import InputError

_BLOCK_SCORES = 2**20  # dot products held at once, 4 MB
_BLOCK_QUERIES = 1024
_FIRST_ROWS = 256


def top_k(
    queries: Float32[np.ndarray, "Q D"],
    vectors: Float32[np.ndarray, "N D"],
    k: int,
    *,
    rows: Int64[np.ndarray, " R"] | None = None,
) -> tuple[Float32[np.ndarray, "Q K"], Int64[np.ndarray, "Q K"]]:
    """Largest dot products of each query and the rows of `vectors` that give them, in falling order.

    Equal dot products are ordered by row. The result has min(k, N) columns; a dot product that is NaN is never among
    them, and its column holds -inf and row -1. `rows` (increasing) restricts the search to some rows. `vectors` may be
    memory-mapped: it is read once per 1,024 queries, block by block.

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


def _blocks(
    vectors: Float32[np.ndarray, "N D"], rows: Int64[np.ndarray, " R"] | None, largest: int
) -> Iterator[tuple[Int64[np.ndarray, " n"], Float32[np.ndarray, "n D"]]]:
    """Blocks that double in size up to `largest`, so that each brings about as many candidates as the one before."""
    start, total = 0, len(vectors) if rows is None else len(rows)
    while start < total:
        stop = min(total, start + min(max(start, _FIRST_ROWS), largest))
        block_rows = np.arange(start, stop) if rows is None else rows[start:stop]
        yield block_rows, vectors[start:stop] if rows is None else vectors[block_rows]
        start = stop


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
