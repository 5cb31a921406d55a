"""The columns of `compare` and `search`: documented in docs/cli.md and never reordered."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from foldglass.protein import Comparison

COLUMNS = (
    "query",
    "target",
    "tm_query",
    "tm_target",
    "p_same_fold",
    "lddt",
    "rank",
    "tm",
    "cosine",
    "aligned",
    "seq_identity",
)
EVALUE = "evalue"
"""Of search only."""
EXACT_COLUMNS = (
    "exact_tm_query",
    "exact_tm_target",
    "exact_rmsd",
    "exact_aligned",
    "exact_seq_identity",
    "exact_lddt",
    "exact_lddt_glass",
)
LIST_COLUMNS = ("aligned_query", "aligned_target", "aligned_lddt")
"""Of formats whose cells hold lists: 0-based residues, and the local score of each aligned query residue."""

M8_COLUMNS = (
    "query",
    "target",
    "pident",
    "length",
    "mismatch",
    "gapopen",
    "qstart",
    "qend",
    "sstart",
    "send",
    "evalue",
    "bitscore",
)
"""Those of BLAST's tabular output."""


def columns_of(format: str, *, aligned: bool, exact: bool = False, evalue: bool = False) -> list[str]:
    """The columns in a format; a table leaves out what it has no room for or would be empty."""
    if format == "table":
        absent = {"p_same_fold", "lddt"} if exact else set() if aligned else {"lddt"}
        return [column for column in (*COLUMNS[:7], *(EXACT_COLUMNS[:2] if exact else ())) if column not in absent]
    lists = LIST_COLUMNS if format in ("json", "jsonl", "parquet") else ()
    return [*COLUMNS, *([EVALUE] if evalue else ()), *(EXACT_COLUMNS if exact else ()), *lists]


def row_of(comparison: "Comparison", rank: int) -> dict[str, Any]:
    """A comparison as a row; what was not asked for is None."""
    import numpy as np

    aligned = comparison.alignment
    row: dict[str, Any] = {
        "query": comparison.query.id,
        "target": comparison.target.id,
        "tm_query": comparison.tm_query,
        "tm_target": comparison.tm_target,
        "p_same_fold": comparison.p_same_fold,
        "lddt": comparison.mean_lddt,
        "rank": rank,
        "tm": comparison.tm,
        "cosine": comparison.cosine,
        "aligned": len(aligned) or None,
        "seq_identity": comparison.seq_identity,
    }
    if len(aligned):
        row |= zip(LIST_COLUMNS, (aligned[:, 0], aligned[:, 1], comparison.lddt[aligned[:, 0]]), strict=True)
    if exact := comparison.exact:
        values = (
            exact.tm_query,
            exact.tm_target,
            exact.rmsd,
            len(exact.alignment),
            exact.seq_identity,
            float(np.nanmean(exact.lddt)),
            float(np.nanmean(exact.lddt_glass)),
        )
        row |= zip(EXACT_COLUMNS, values, strict=True)
    return row


def m8_row_of(row: Mapping[str, Any]) -> dict[str, Any]:
    """An aligned row of search in BLAST's columns; positions count from 1, and E = entries * 2 ** -bitscore.

    Examples
    --------
    >>> row = {"query": "q", "target": "t", "aligned_query": [0, 1, 4], "aligned_target": [2, 3, 4]}
    >>> m8_row_of({**row, "seq_identity": 2 / 3, "evalue": 0.5, "bits": 4.0})["length"]
    5
    """
    query, target = row["aligned_query"], row["aligned_target"]
    steps = [(b - a - 1, d - c - 1) for a, b, c, d in zip(query, query[1:], target, target[1:], strict=False)]
    length = len(query) + sum(map(sum, steps))
    identical = round(row["seq_identity"] * len(query))
    return {
        "query": row["query"],
        "target": row["target"],
        "pident": round(100.0 * identical / length, 1),
        "length": length,
        "mismatch": len(query) - identical,
        "gapopen": sum((left > 0) + (right > 0) for left, right in steps),
        "qstart": query[0] + 1,
        "qend": query[-1] + 1,
        "sstart": target[0] + 1,
        "send": target[-1] + 1,
        "evalue": row["evalue"],
        "bitscore": round(row["bits"], 1),
    }
