"""The approximate index of a database: Lance's inverted file, kept in the dataset and versioned with it.

Vectors are divided by k-means; a query looks at the nearest parts only, and there at every vector in full. Rows that
were added after the index was made are looked at one by one until the next update, so that none is missed because it is
new; removed rows are not found. docs/decisions/0015-the-approximate-index.md says why this one.
"""

from typing import Any

import numpy as np
from jaxtyping import Float32, Int64

from foldglass.errors import InputError

NAME = "protein_idx"
PROBES = 64
"""Parts that a query looks at."""

_LEAST_ROWS = 5_000


def make_index(dataset: Any, path: str) -> None:
    """Make the index anew.

    Raises
    ------
    InputError
        If there are too few rows to need one.
    """
    rows = dataset.count_rows()
    if rows < _LEAST_ROWS:
        raise InputError(path, got=f"{rows:,} entries", expected=f"at least {_LEAST_ROWS:,} for an index")
    dataset.create_index(
        "protein", "IVF_FLAT", name=NAME, metric="dot", num_partitions=int(np.sqrt(rows)), sample_rate=64, replace=True
    )
    dataset.create_scalar_index("kind", "BITMAP", replace=True)


def update_index(dataset: Any) -> None:
    """Take in the rows that came after the index was made, where there is one."""
    if has_index(dataset):
        dataset.optimize.optimize_indices()


def has_index(dataset: Any) -> bool:
    """Whether there is an index."""
    return any(index.name == NAME for index in dataset.describe_indices())


def rows_inside(dataset: Any) -> int:
    """Rows that the index knows; 0 if there is none."""
    return sum(int(index.num_rows_indexed) for index in dataset.describe_indices() if index.name == NAME)


def nearest(
    dataset: Any, query: Float32[np.ndarray, " D"], k: int, *, kind: str, filter: str | None
) -> Int64[np.ndarray, " K"]:
    """Rows of one kind that are likely to be the k nearest."""
    condition = f"kind = '{kind}'" + (f" AND ({filter})" if filter else "")
    found = dataset.scanner(
        columns=["_distance"],
        filter=condition,
        prefilter=True,
        with_row_id=True,
        nearest={
            "column": "protein",
            "q": query.astype(np.float16),
            "k": k,
            "minimum_nprobes": PROBES,
            "maximum_nprobes": PROBES,
        },
    ).to_table()
    return np.asarray(found["_rowid"].to_numpy()).astype(np.int64)
