"""`foldglass quality`."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from foldglass.app.loading import load_by
from foldglass.app.options import Format, FormatName, Threads
from foldglass.app.output import Output
from foldglass.app.progress import Bar
from foldglass.app.proteins import iter_proteins
from foldglass.app.skipped import Skipped
from foldglass.errors import InputError, UsageError

if TYPE_CHECKING:
    from foldglass.models.quality_model import Quality
    from foldglass.protein import Sequence

SCORES = ("gdt_ts", "gdt_ha", "tm", "lddt")
COLUMNS = (
    "rank",
    "model",
    *SCORES,
    *(f"{score}_{end}" for score in SCORES for end in ("low", "high")),
    "residues",
    "others",
)
LIST_COLUMNS = ("residue_number", "residue_lddt")
"""Of formats whose cells hold lists: the author's residue numbers and the predicted lDDT of each."""


def quality(
    models: Annotated[
        list[str],
        typer.Argument(
            metavar="MODELS",
            help="Structure models: PDB, mmCIF or BinaryCIF files, also .gz, folders, file.pdb:A for one chain, or "
            "accessions.",
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--out",
            metavar="FOLDER",
            help="Write each model's C-alphas there, with the predicted lDDT in the B-factor column.",
            show_default=False,
        ),
    ] = None,
    scores: Annotated[
        Path | None,
        typer.Option("--scores", metavar="FILE", help="Write the scores to this file instead of standard output."),
    ] = None,
    all_chains: Annotated[bool, typer.Option("--all-chains", help="Judge every chain of a file by itself.")] = False,
    alone: Annotated[
        bool, typer.Option("--alone", help="Judge each model as if there were no others of the same protein.")
    ] = False,
    cif: Annotated[bool, typer.Option("--cif", help="Write mmCIF files into the folder, not PDB.")] = False,
    format: Format = None,
    model: Annotated[
        str, typer.Option("--model", metavar="NAME", help="A quality model: its name, or its folder.")
    ] = "quality",
    threads: Threads = None,
) -> None:
    """Judge structure models: expected GDT_TS, GDT_HA, TM-score and lDDT, ranked, and lDDT of each residue.

    One chain is judged at a time, by its C-alphas; of several models with the same sequence, also by how far they agree
    with each other. An interval (low, high) holds 9 of 10 true scores of models like
    those that it was measured on.
    """
    if format == FormatName.PARQUET and scores is None:
        raise UsageError("--format parquet", got="no output file", remedy="name one with --scores")
    output = Output(scores, format)
    if out is not None:
        _check_folder(out)
    with Skipped() as skipped, Bar(shown=not output.streams_to_screen) as bar:
        bar.phase("reading")
        chains = _chains(models, skipped, all_chains)
        from foldglass.models.registry import load_quality

        loaded = load_by(load_quality, model, threads, bar)
        from foldglass.tasks.quality import judge

        bar.phase("judging", len(chains))
        judged = judge(loaded, chains, alone=alone, progress=bar.reach)
        if out is not None:
            _write_traces(judged, out, ".cif" if cif else ".pdb")
        bar.close()
        columns = [*COLUMNS, *(LIST_COLUMNS if output.format in ("json", "jsonl", "parquet") else ())]
        if output.format == "table":
            columns = ["rank", "model", *SCORES, "gdt_ts_low", "gdt_ts_high", "residues", "others"]
        output.write(columns, _rows(judged), model=loaded.id)
        if out is not None:
            typer.echo(f"{out}: {len(judged)} models, predicted lDDT in the B-factor column", err=True)


def _chains(sources: list[str], skipped: Skipped, all_chains: bool) -> "list[Sequence]":
    """The chains to judge; several chains of one file only if asked for."""
    found = list(iter_proteins(sources, skipped))
    met: dict[str, int] = {}
    for chain in found:
        met[chain.source] = met.get(chain.source, 0) + 1
    for source, count in met.items():
        structures = [chain for chain in found if chain.source == source and hasattr(chain, "ca")]
        if count > 1 and structures and not all_chains:
            names = ", ".join(getattr(chain, "chain", "") or "' '" for chain in structures[:5])
            raise InputError(
                source,
                got=f"{count} protein chains ({names}{', ...' if count > 5 else ''})",
                expected="a model of one chain",
                remedy="name one, as file.pdb:A, or judge each by itself with --all-chains",
            )
    return found


def _check_folder(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise InputError(str(folder), got="a file", expected="a folder for the models")
    from foldglass.io.atomic import check_writable

    if folder.is_dir():
        check_writable(folder / "model.pdb")
    else:
        check_writable(folder)


def _write_traces(judged: "list[Quality]", folder: Path, suffix: str) -> None:
    from foldglass.io.trace import write_trace

    folder.mkdir(exist_ok=True)
    for one in judged:
        path = folder / f"{one.structure.id}{suffix}"
        title = f"{one.structure.id}, C-alphas; B-factor: lDDT predicted by {one.model}, 0 to 1"
        write_trace(path, one.structure, one.residue, title=title)


def _rows(judged: "list[Quality]") -> Iterator[dict[str, Any]]:
    for rank, one in enumerate(judged, start=1):
        row: dict[str, Any] = {"rank": rank, "model": one.structure.id, "residues": len(one.structure)}
        for score, value, low, high in zip(SCORES, one.scores, one.low, one.high, strict=True):
            row |= {score: float(value), f"{score}_low": float(low), f"{score}_high": float(high)}
        row |= {"others": one.others, "residue_number": list(one.structure.labels), "residue_lddt": one.residue}
        yield row
