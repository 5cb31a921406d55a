"""`foldglass evaluate`."""

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from foldglass.app.extras import needing
from foldglass.app.loading import load_model, use_threads
from foldglass.app.options import Device, DeviceName, Format, Threads
from foldglass.app.output import Output
from foldglass.app.progress import Bar

COLUMNS = ("predictor", "baseline", "pairs", "tm_error", "tm_query_error", "tm_pearson", "same_fold_auroc", "brier")


def evaluate(
    model: Annotated[
        str, typer.Argument(metavar="MODEL", help="A name of 'foldglass models list', or a model's folder.")
    ],
    data: Annotated[
        Path, typer.Argument(metavar="DATA", help="A table that 'foldglass label' wrote, or a folder of training data.")
    ],
    out: Annotated[
        Path,
        typer.Option(
            "-o",
            "--out",
            metavar="REPORT",
            help="The report, .html; the same numbers go to .json beside it.",
            show_default=False,
        ),
    ],
    structures: Annotated[
        Path | None,
        typer.Option(
            "--structures",
            metavar="PATH",
            help="The file or folder that a label table was made from.",
            show_default=False,
        ),
    ] = None,
    split: Annotated[
        str,
        typer.Option(
            "--split",
            metavar="NAME",
            help="Of a data folder: superfamily, superfamily-one, family, pair or validation.",
        ),
    ] = "superfamily",
    format: Format = None,
    device: Device = DeviceName.AUTO,
    threads: Threads = None,
) -> None:
    """Measure a model on superposed pairs, next to baselines.

    Writes a report; the mean errors also go to standard output.
    """
    output = Output(None, format)
    from foldglass.io.atomic import check_writable

    check_writable(out)
    use_threads(threads)
    with Bar() as bar:
        bar.phase("reading the pairs")
        with needing("train", "evaluate"):
            from foldglass.train.evaluation import evaluate as measure
            from foldglass.train.report import write_report
            from foldglass.train.runs import evaluation_sets
        judged, fitted = evaluation_sets(data, structures, split)
        loaded = load_model(model, device, threads, bar)
        bar.phase(f"measuring {len(judged)} pairs")
        evaluation = measure(loaded, judged, fitted, command=shlex.join(["foldglass", *sys.argv[1:]]))
        page, numbers = write_report(evaluation, out)
    rows = [
        {
            "predictor": fold.title,
            "baseline": fold.is_baseline,
            "pairs": fold.tm.n,
            "tm_error": fold.tm.mae.value,
            "tm_query_error": fold.tm_query.mae.value,
            "tm_pearson": fold.tm.pearson.value,
            "same_fold_auroc": fold.auroc.value,
            "brier": fold.brier.value,
        }
        for fold in evaluation.folds
    ]
    output.write(COLUMNS, rows)
    typer.echo(f"{page}: the report; {numbers}: its numbers", err=True)
