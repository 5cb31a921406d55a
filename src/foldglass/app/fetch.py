"""`foldglass fetch`."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from foldglass.app.options import Format
from foldglass.app.output import Output
from foldglass.app.progress import Bar
from foldglass.errors import FoldglassError, InputError


def fetch(
    accessions: Annotated[
        list[str],
        typer.Argument(
            metavar="ACCESSION",
            help="1CRN (PDB), AF-P69905 (AlphaFold Database), P69905 (UniProt sequence) or sm:P69905 (SWISS-MODEL).",
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option("-o", "--out", metavar="FOLDER", help="Put copies here.", show_default="the cache only"),
    ] = None,
    format: Format = None,
) -> None:
    """Fetch entries of public archives and say where they are.

    Each is fetched once and kept. The exit code is 1 if any could not be fetched.
    """
    output = Output(None, format)
    from foldglass.io.fetch import fetch as fetch_entry

    rows, failed = [], 0
    with Bar() as bar:
        for accession in bar.over(accessions, "fetching", len(accessions)):
            try:
                path = fetch_entry(accession)
                rows.append({"accession": accession, "path": str(path if out is None else _copied(path, out))})
            except FoldglassError as error:
                failed += 1
                print(f"foldglass: {error}", file=sys.stderr)
    output.write(("accession", "path"), rows)
    if failed:
        raise typer.Exit(1)


def _copied(path: Path, folder: Path) -> Path:
    from shutil import copyfile

    from foldglass.io.atomic import replacing

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            str(folder), got=f"no folder can be made there ({error.strerror})", remedy="choose another for -o"
        ) from error
    with replacing(folder / path.name) as part:
        copyfile(path, part)
    return folder / path.name
