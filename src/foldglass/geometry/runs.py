"""Stretches of a chain whose residues were all chosen."""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Bool


def runs(chosen: Bool[np.ndarray, " L"], *, least: int = 1) -> Iterator[slice]:
    """Runs of chosen residues, of at least so many each, from the first to the last.

    Examples
    --------
    >>> list(runs(np.array([True, False, True, True]), least=2))
    [slice(2, 4, None)]
    """
    edges = np.flatnonzero(np.diff(np.concatenate([[False], chosen, [False]]).astype(np.int8)))
    for start, stop in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        if stop - start >= least:
            yield slice(start, stop)
