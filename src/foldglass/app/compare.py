"""`foldglass compare`."""

import os
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from foldglass.app.columns import columns_of, row_of
from foldglass.app.loading import load_model
from foldglass.app.options import Device, DeviceName, Format, Inputs, ModelName, Out, Threads
from foldglass.app.output import Output
from foldglass.app.progress import Bar
from foldglass.app.proteins import iter_proteins
from foldglass.app.skipped import Skipped
from foldglass.errors import UsageError

if TYPE_CHECKING:
    from foldglass.protein import Sequence

_ALIGNED_PAIRS = 1000
"""More pairs than this are aligned only if asked for: an alignment takes some hundredths of a second."""


def compare(
    inputs: Inputs,
    all_vs_all: Annotated[
        bool, typer.Option("--all-vs-all", help="Compare every protein of all inputs with every later one.")
    ] = False,
    exact: Annotated[
        bool, typer.Option("--exact", help="Superpose structures with TM-align too and show its values beside.")
    ] = False,
    align: Annotated[
        bool | None,
        typer.Option(
            "--align/--no-align",
            help="Align each pair, which gives the local score.",
            show_default=f"up to {_ALIGNED_PAIRS} pairs",
        ),
    ] = None,
    format: Format = None,
    out: Out = None,
    model: ModelName = "builtin",
    device: Device = DeviceName.AUTO,
    threads: Threads = None,
) -> None:
    """Compare proteins: fold similarity, alignment, local score.

    Two inputs: every protein of the first is a query for every protein of the second. The best pair comes first.
    One pair is shown with its alignment on a terminal.
    """
    if not all_vs_all and len(inputs) != 2:
        raise UsageError(
            "compare",
            got=f"{len(inputs)} input" + "s" * (len(inputs) > 1),
            expected="two",
            remedy="or give --all-vs-all",
        )
    output = Output(out, format)
    with Skipped() as skipped, Bar(shown=not output.streams_to_screen) as bar:
        bar.phase("reading")
        queries, targets = _read(inputs, all_vs_all, skipped)
        pairs = len(queries) * (len(queries) - 1) // 2 if targets is None else len(queries) * len(targets)
        if align is None and pairs > _ALIGNED_PAIRS:
            skipped(f"{pairs} pairs: the alignments were left out, so lddt is empty; --align makes them")
        loaded = load_model(model, device, threads, bar)
        from foldglass.tasks.compare import compare_many
        from foldglass.views.text import comparison_text

        bar.phase("embedding", len(queries) + len(targets or []))
        align = pairs <= _ALIGNED_PAIRS if align is None else align
        comparisons = compare_many(loaded, queries, targets, align=align, exact=exact, progress=bar.reach)
        if pairs == 1 and output.format == "table" and output.out is None:
            comparison = next(comparisons)
            bar.close()
            print(comparison_text(comparison, colour=sys.stdout.isatty() and "NO_COLOR" not in os.environ))
            return
        counted = bar.over(comparisons, "comparing", pairs)
        rows = (row_of(comparison, rank) for rank, comparison in enumerate(counted, start=1))
        output.write(columns_of(output.format, aligned=align, exact=exact), rows, model=loaded.id)


def _read(inputs: list[str], all_vs_all: bool, skipped: Skipped) -> "tuple[list[Sequence], list[Sequence] | None]":
    if all_vs_all:
        return list(iter_proteins(inputs, skipped)), None
    query, target = (list(iter_proteins([source], skipped)) for source in inputs)
    return query, target
