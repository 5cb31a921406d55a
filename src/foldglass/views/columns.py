"""A comparison laid out in columns: its alignment, and the figures above it."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from foldglass.protein import Comparison, Sequence

GAP = "-"

CLASS_BOUNDS = (0.6, 0.7, 0.8, 0.9)
"""Local scores at which the colour changes; unrelated chains score about 0.7 where they align best."""

CLASS_NAMES = ("below 0.6", "0.6 to 0.7", "0.7 to 0.8", "0.8 to 0.9", "0.9 and above")


@dataclass(frozen=True)
class Column:
    """One column of an alignment: 0-based residues, None at a gap, and the local score, NaN where unaligned."""

    query: int | None
    target: int | None
    score: float = float("nan")

    @property
    def aligned(self) -> bool:
        """Whether it holds a residue of each protein."""
        return self.query is not None and self.target is not None

    @property
    def score_class(self) -> int | None:
        """Which of `CLASS_NAMES` the score falls in."""
        return None if np.isnan(self.score) else int(np.searchsorted(CLASS_BOUNDS, self.score, side="right"))


def columns(comparison: Comparison) -> list[Column]:
    """Columns from the first aligned pair to the last; residues in between that have no partner stand alone."""
    laid: list[Column] = []
    expected: tuple[int, int] | None = None
    for query, target in comparison.alignment.tolist():
        if expected:
            laid += [Column(residue, None) for residue in range(expected[0], query)]
            laid += [Column(None, residue) for residue in range(expected[1], target)]
        laid.append(Column(query, target, float(comparison.lddt[query])))
        expected = query + 1, target + 1
    return laid


def letter(protein: Sequence, residue: int | None, *, aligned: bool) -> str:
    """The residue's letter, lower-case where it has no partner, or a gap."""
    if residue is None:
        return GAP
    return protein.letters[residue] if aligned else protein.letters[residue].lower()


def span(protein: Sequence, residues: list[int | None]) -> tuple[str, str]:
    """Labels of the first and last residue of a row, empty if it holds gaps only."""
    present = [residue for residue in residues if residue is not None]
    return (protein.labels[present[0]], protein.labels[present[-1]]) if present else ("", "")


def blocks(laid: list[Column], width: int) -> Iterator[list[Column]]:
    """The columns in pieces of at most `width`."""
    for start in range(0, len(laid), width):
        yield laid[start : start + width]


def figures(comparison: Comparison) -> list[tuple[str, str, str]]:
    """Name, predicted value and measured value (empty if not measured) of each score."""
    exact = comparison.exact
    rows: list[tuple[str, float, float | None]] = [
        ("TM-score by query length", comparison.tm_query, exact.tm_query if exact else None),
        ("TM-score by target length", comparison.tm_target, exact.tm_target if exact else None),
        ("probability of the same fold", comparison.p_same_fold, None),
        ("mean local score", comparison.mean_lddt, _mean(exact.lddt_glass) if exact else None),
        ("identity of aligned residues", comparison.seq_identity, exact.seq_identity if exact else None),
    ]
    counts = ("aligned residues", str(len(comparison.alignment)), str(len(exact.alignment)) if exact else "")
    return [*[(name, _number(value), _number(measured)) for name, value, measured in rows], counts]


def _mean(scores: np.ndarray) -> float:
    known = scores[~np.isnan(scores)]
    return float(known.mean()) if len(known) else float("nan")


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return "none" if np.isnan(value) else f"{value:.3f}"
