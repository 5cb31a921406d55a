"""`foldglass label`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from foldglass.app.options import Inputs
from foldglass.app.progress import Bar
from foldglass.app.proteins import iter_proteins
from foldglass.app.skipped import Skipped
from foldglass.errors import InputError, UsageError

if TYPE_CHECKING:
    from foldglass.protein import Structure


def label(
    inputs: Inputs,
    out: Annotated[
        Path, typer.Option("-o", "--out", metavar="FILE", help="The label table, a Parquet file.", show_default=False)
    ],
    all_vs_all: Annotated[
        bool, typer.Option("--all-vs-all", help="Superpose every structure with every later one.")
    ] = False,
    pairs: Annotated[
        Path | None,
        typer.Option(
            "--pairs", metavar="FILE", help="Superpose the pairs of this file: query, tab, target.", show_default=False
        ),
    ] = None,
    workers: Annotated[int, typer.Option("--workers", metavar="N", min=1, help="Processes.")] = 1,
) -> None:
    """Superpose pairs of structures with TM-align.

    The table holds TM-scores, alignments and local scores. A run that was stopped goes on where it was when the same
    command is given again.
    """
    if all_vs_all == (pairs is not None):
        got = "both --all-vs-all and --pairs" if all_vs_all else "no pairs"
        raise UsageError("label", got=got, expected="either --all-vs-all or --pairs FILE")
    if out.suffix.lower() != ".parquet":
        raise UsageError(str(out), got=f"the extension {out.suffix!r}", expected=".parquet")
    from foldglass.io.atomic import check_writable

    check_writable(out)
    with Skipped() as skipped, Bar() as bar:
        bar.phase("reading")
        structures = _structures(inputs, skipped)
        from foldglass.tasks.label import label as label_pairs
        from foldglass.tasks.label_pairs import read_pairs

        chosen = None if pairs is None else read_pairs(pairs, structures)
        count = len(structures) * (len(structures) - 1) // 2 if chosen is None else len(chosen)
        bar.phase("superposing", count)
        made = label_pairs(structures, chosen, out, workers=workers, progress=bar.advance, on_skip=skipped)
        bar.close()
        before = f", {made.resumed} of them by an earlier run" if made.resumed else ""
        typer.echo(f"{out}: {made.pairs} pairs labelled{before}", err=True)


def _structures(inputs: list[str], skipped: Skipped) -> "list[Structure]":
    from foldglass.protein import Structure

    structures = []
    for protein in iter_proteins(inputs, skipped):
        if not isinstance(protein, Structure):
            raise InputError(f"{protein.source}, {protein.id!r}", got="a sequence", expected="a structure to superpose")
        structures.append(protein)
    return structures
