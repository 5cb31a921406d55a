"""The columns of `mutate`: documented in docs/mutation.md and never reordered."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from foldglass.tasks.mutation import Effect

COLUMNS = (
    "wild",
    "mutation",
    "tm_query",
    "lddt",
    "site_lddt",
    "shift",
    "p_value",
    "segments",
    "sequence_reach",
    "space_reach",
    "tm_target",
    "tm",
    "p_same_fold",
    "cosine",
    "mutant",
    "kind",
    "site_contacts",
    "log_odds",
)
EXACT_COLUMNS = (
    "exact_tm_query",
    "exact_rmsd",
    "exact_lddt",
    "exact_lddt_glass",
    "exact_site_lddt_glass",
)
LIST_COLUMNS = (
    "residue",
    "residue_lddt",
    "residue_change",
    "residue_sequence_distance",
    "residue_space_distance",
    "residue_exact_lddt_glass",
)
"""Of formats whose cells hold lists, one value for each residue of the wild type."""
_TABLE = ("mutation", "tm_query", "lddt", "site_lddt", "shift", "p_value", "segments")


def columns_of(format: str, *, residues: bool, measured: bool) -> list[str]:
    """The columns in a format; a table, which is for people, has room for few."""
    exact = EXACT_COLUMNS if measured else ()
    if format == "table":
        return [*_TABLE, *exact[:2], *exact[4:]]
    lists = LIST_COLUMNS if residues and format in ("json", "jsonl", "parquet") else ()
    return [*COLUMNS, *exact, *lists]


def row_of(effect: "Effect", *, residues: bool) -> dict[str, Any]:
    """An effect as a row, without the P-value and the log-odds."""
    import numpy as np

    comparison, labels = effect.comparison, effect.wild.labels
    row: dict[str, Any] = {
        "wild": effect.wild.id,
        "mutation": effect.variant.name,
        "tm_query": comparison.tm_query,
        "lddt": comparison.mean_lddt,
        "site_lddt": effect.site_lddt,
        "shift": effect.shift,
        "segments": " ".join(_segment(labels[i], labels[j]) for i, j in effect.segments()),
        "sequence_reach": effect.sequence_reach,
        "space_reach": effect.space_reach,
        "tm_target": comparison.tm_target,
        "tm": comparison.tm,
        "p_same_fold": comparison.p_same_fold,
        "cosine": comparison.cosine,
        "mutant": comparison.target.id,
        "kind": effect.kind,
        "site_contacts": effect.site_contacts,
    }
    if residues:
        row |= {
            "residue": [f"{letter}{label}" for letter, label in zip(effect.wild.letters, labels, strict=True)],
            "residue_lddt": comparison.lddt,
            "residue_change": effect.change,
            "residue_sequence_distance": effect.sequence_distance,
            "residue_space_distance": effect.space_distance,
        }
    if (measured := effect.measured) is not None:
        at_site = measured.lddt_glass[effect.sites]
        row |= {
            "exact_tm_query": measured.tm_wild,
            "exact_rmsd": measured.rmsd,
            "exact_lddt": float(np.nanmean(measured.lddt)),
            "exact_lddt_glass": float(np.nanmean(measured.lddt_glass)),
            "exact_site_lddt_glass": float(np.nanmean(at_site)) if not np.isnan(at_site).all() else None,
            "residue_exact_lddt_glass": measured.lddt_glass,
        }
    return row


def _segment(first: str, last: str) -> str:
    return first if first == last else f"{first}-{last}"
