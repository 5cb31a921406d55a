"""The columns of `compare` and `search`: documented in docs/cli.md and never reordered."""

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


def columns_of(format: str, *, aligned: bool, exact: bool = False) -> list[str]:
    """The columns in a format; a table leaves out what it has no room for or would be empty."""
    if format == "table":
        absent = {"p_same_fold", "lddt"} if exact else set() if aligned else {"lddt"}
        return [column for column in (*COLUMNS[:7], *(EXACT_COLUMNS[:2] if exact else ())) if column not in absent]
    lists = LIST_COLUMNS if format in ("json", "jsonl", "parquet") else ()
    return [*COLUMNS, *(EXACT_COLUMNS if exact else ()), *lists]


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
