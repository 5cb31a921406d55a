"""A comparison as plain text."""

from itertools import groupby

import numpy as np

from foldglass.protein import Comparison, Sequence
from foldglass.views.columns import CLASS_NAMES, Column, blocks, columns, figures, letter, span

WIDTH = 60

_COLOURS = ("38;5;231;48;5;166", "38;5;16;48;5;215", "38;5;16;48;5;254", "38;5;16;48;5;110", "38;5;231;48;5;25")
# Ink and paper of each score class in the 256-colour palette: orange to blue, which colour-blind readers tell apart.
_RESET = "\x1b[0m"


def comparison_text(comparison: Comparison, *, colour: bool = False) -> str:
    """Scores, then the alignment in blocks with residue numbers and the local score as a digit for each residue.

    A digit is the first decimal of the score (9 for 0.9 and above); residues without a partner are lower-case. The
    alignment runs from its first pair to its last. `colour` adds terminal colours to the digits.
    """
    query, target = comparison.query, comparison.target
    lines = [f"query   {_named(query)}", f"target  {_named(target)}"]
    if comparison.model:
        lines.append(f"model   {comparison.model}")
    lines.append("")
    lines += _table(comparison)
    laid = columns(comparison)
    if not laid:
        return "\n".join([*lines, "", "no residue is aligned"])
    lines += ["", "local score of the query's residues, first decimal (unrelated chains: about 0.7)"]
    if colour:
        lines.append("  ".join(_painted(name, number) for number, name in enumerate(CLASS_NAMES)))
    margin = max(len(label) for protein in (query, target) for label in protein.labels)
    for block in blocks(laid, WIDTH):
        lines += [
            "",
            _row("query", query, [column.query for column in block], block, margin),
            " " * (len("target") + margin + 4) + _digits(block, colour).rstrip(),
            _row("target", target, [column.target for column in block], block, margin),
        ]
    return "\n".join(lines)


def _named(protein: Sequence) -> str:
    return f"{protein.id}  ({len(protein)} residues)"


def _table(comparison: Comparison) -> list[str]:
    rows = figures(comparison)
    if comparison.exact:
        rows = [("", "predicted", "TM-align"), *rows]
    width = max(len(name) for name, _, _ in rows)
    return [f"{name:{width}}  {value:>9}  {measured:>8}".rstrip() for name, value, measured in rows]


def _row(name: str, protein: Sequence, residues: list[int | None], block: list[Column], margin: int) -> str:
    first, last = span(protein, residues)
    letters = "".join(
        letter(protein, residue, aligned=column.aligned) for residue, column in zip(residues, block, strict=True)
    )
    return f"{name:6}  {first:>{margin}}  {letters}  {last}".rstrip()


def _digits(block: list[Column], colour: bool) -> str:
    runs = []
    for score_class, run in groupby(block, key=lambda column: column.score_class):
        digits = "".join(" " if score_class is None else _digit(column.score) for column in run)
        runs.append(_painted(digits, score_class) if colour and score_class is not None else digits)
    return "".join(runs)


def _digit(score: float) -> str:
    return str(int(np.clip(score * 10, 0, 9)))


def _painted(text: str, score_class: int) -> str:
    return f"\x1b[{_COLOURS[score_class]}m{text}{_RESET}"
