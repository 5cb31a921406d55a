"""`foldglass evaluate`."""

from pathlib import Path
from typing import Annotated

import typer

from foldglass.app.extras import needing
from foldglass.app.loading import check_device, load_by, load_model, use_threads
from foldglass.app.options import Device, DeviceName, Format, Threads
from foldglass.app.output import Output
from foldglass.app.progress import Bar
from foldglass.errors import UsageError


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
        str | None,
        typer.Option(
            "--split",
            metavar="NAME",
            help="Of a data folder: superfamily, superfamily-one, family, pair or validation; for a score network "
            "superfamily or family; for interaction sites a test set.",
            show_default="superfamily, or all test sets",
        ),
    ] = None,
    chains: Annotated[
        int | None,
        typer.Option(
            "--chains",
            metavar="N",
            help="Of a score network: chains of each role to probe.",
            show_default="40",
            min=2,
        ),
    ] = None,
    format: Format = None,
    device: Device = DeviceName.AUTO,
    threads: Threads = None,
) -> None:
    """Measure a model on held-out proteins, next to baselines.

    Writes a report; the main figures also go to standard output. A model of towers is measured on superposed pairs, a
    score network by what its vectors tell of structures, which takes minutes, a quality model on models of known
    structures, an interaction-site model on the published test sets, an inverse-folding model on native chains.
    """
    output = Output(None, format)
    use_threads(threads)
    with Bar() as bar:
        with needing("train", "evaluate"):
            from foldglass.app import evaluations
            from foldglass.train.report_page import check_report_path
        from foldglass.models.registry import kind_of, load_inverse, load_quality, load_score, load_sites

        check_report_path(out)
        kind = kind_of(model)
        check_device(device, kind)
        if chains is not None and kind != "score":
            raise UsageError("--chains", got=f"the {kind} model {model}", expected="a score network")
        if split is not None and kind in ("quality", "inverse-folding"):
            raise UsageError(f"--split {split}", got=f"the {kind} model {model}", expected="no split: it has one")
        if kind == "sites":
            found = evaluations.measure_sites(load_by(load_sites, model, threads, bar), data, split, out, bar)
        elif kind == "quality":
            found = evaluations.measure_quality(load_by(load_quality, model, threads, bar), data, out, bar)
        elif kind == "inverse-folding":
            found = evaluations.measure_inverse(load_by(load_inverse, model, threads, bar), data, out, bar)
        elif kind == "score":
            loaded = load_by(load_score, model, threads, bar)
            found = evaluations.measure_score(loaded, data, split or "superfamily", chains, out, bar)
        else:
            towers = load_model(model, device, threads, bar)
            found = evaluations.measure_towers(towers, data, structures, split or "superfamily", out, bar)
    columns, rows, page, numbers = found
    output.write(columns, rows)
    typer.echo(f"{page}: the report; {numbers}: its numbers", err=True)
