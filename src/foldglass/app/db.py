"""`foldglass db`: databases of embedded proteins."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from foldglass.app.loading import load_model
from foldglass.app.options import Device, DeviceName, Format, ModelName, Out, Threads
from foldglass.app.output import Output
from foldglass.app.progress import Bar
from foldglass.app.skipped import Skipped
from foldglass.errors import NotFoundError, UsageError

if TYPE_CHECKING:
    from foldglass.protein import Sequence

db = typer.Typer(name="db", help="Databases of embedded proteins: build, change, look into.", rich_markup_mode=None)

INFO_COLUMNS = (
    "path",
    "proteins",
    "sequences",
    "structures",
    "model",
    "residue",
    "dimensions",
    "columns",
    "bytes",
    "version",
    "indexed",
)
ESTIMATE_COLUMNS = ("proteins", "residues", "seconds", "bytes", "sampled")

Path_ = Annotated[str, typer.Argument(metavar="DB", help="The folder of the database, such as proteome.fg.")]
Filter = Annotated[
    str | None,
    typer.Option(
        "--filter", metavar="SQL", help="A condition on columns, such as \"organism = 'yeast' and length < 300\"."
    ),
]
Inputs = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="INPUT",
        help="Files (FASTA, PDB, mmCIF, BinaryCIF, also .gz), folders, one chain as file.pdb:A, one record as "
        "file.fasta:ID, or accessions (1CRN, P69905, AF-P69905, sm:P69905).",
        show_default=False,
    ),
]
InputList = Annotated[
    Path | None, typer.Option("--list", metavar="FILE", help="More inputs, one per line, such as accessions.")
]
MetadataFile = Annotated[
    Path | None,
    typer.Option(
        "--metadata", metavar="TSV", help="Further columns (organism, label, ...), joined by its column 'id'."
    ),
]
Index = Annotated[
    bool,
    typer.Option(
        "--index", help="Make an index for search --approximate at the end; later changes keep it up to date."
    ),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say how long it would take and how large it would be.")]


@db.command()
def build(
    path: Path_,
    inputs: Inputs = None,
    input_list: InputList = None,
    metadata: MetadataFile = None,
    residue: Annotated[
        bool,
        typer.Option(
            "--residue", help="Keep the vectors of residues too: 300 times the space, and faster search --align."
        ),
    ] = False,
    index: Index = False,
    dry_run: DryRun = False,
    model: ModelName = "builtin",
    device: Device = DeviceName.AUTO,
    threads: Threads = None,
) -> None:
    """Build a database from sequences and structures.

    What was stopped, even by kill -9, goes on when the same command is given again. A protein that is there already is
    left alone; one with the content of another entry is left out and said.
    """
    _fill(path, inputs, input_list, metadata, residue or None, dry_run, model, device, threads)
    if index and not dry_run:
        _index(path)


@db.command()
def add(
    path: Path_,
    inputs: Inputs = None,
    input_list: InputList = None,
    metadata: MetadataFile = None,
    index: Index = False,
    dry_run: DryRun = False,
    model: ModelName = "builtin",
    device: Device = DeviceName.AUTO,
    threads: Threads = None,
) -> None:
    """Add proteins to a database, as build does."""
    from foldglass.search.database import Database

    Database.open(path)
    if inputs or input_list or not index:
        _fill(path, inputs, input_list, metadata, None, dry_run, model, device, threads)
    if index and not dry_run:
        _index(path)


@db.command()
def remove(
    path: Path_,
    ids: Annotated[list[str] | None, typer.Argument(metavar="ID", help="Names of entries.", show_default=False)] = None,
    filter: Filter = None,
) -> None:
    """Take out entries by id or by a condition."""
    if not ids and not filter:
        raise UsageError("db remove", got="no entry", expected="ids, or --filter")
    from foldglass.search.database import Database

    database = Database.open(path)
    if absent := database.missing(ids or []):
        raise NotFoundError(path, got=f"no entry {absent[0]!r}", remedy="nothing was removed")
    count = database.remove(ids or [], filter=filter)
    typer.echo(f"{path}: {count} removed, {len(database)} left", err=True)


@db.command()
def info(path: Path_, format: Format = None, out: Out = None) -> None:
    """Say what a database holds."""
    output = Output(out, format)
    from foldglass.search.database import Database

    database = Database.open(path)
    structures = database.count("kind = 'structure'")
    row = {
        "path": path,
        "proteins": len(database),
        "sequences": len(database) - structures,
        "structures": structures,
        "model": database.model,
        "residue": "yes" if database.residue else "no",
        "dimensions": database.width,
        "columns": " ".join(database.columns),
        "bytes": database.bytes,
        "version": database.version,
        "indexed": database.indexed,
    }
    if output.format == "table" and output.out is None:
        width = max(map(len, row))
        print("\n".join(f"{key:{width}}  {value}" for key, value in row.items()))
        return
    output.write(INFO_COLUMNS, [row])


@db.command()
def export(
    path: Path_,
    out: Annotated[
        Path,
        typer.Option("-o", "--out", metavar="FILE", help="A .parquet, .fasta or .h5ad file.", show_default=False),
    ],
    filter: Filter = None,
    residue: Annotated[
        bool, typer.Option("--residue", help="The vectors of residues too, to Parquet and where they are kept.")
    ] = False,
) -> None:
    """Write entries to a file: Parquet (an embedding table with all columns), FASTA, or AnnData for scanpy."""
    from foldglass.search.database import Database
    from foldglass.search.database_export import export as write

    with Bar() as bar:
        database = Database.open(path)
        bar.phase("writing", len(database) if filter is None else None)
        count = write(database, out, filter=filter, residue=residue, progress=bar.advance)
        bar.close()
        typer.echo(f"{out}: {count} proteins of {path}", err=True)


def _fill(
    path: str,
    inputs: list[str] | None,
    input_list: Path | None,
    metadata: Path | None,
    residue: bool | None,
    dry_run: bool,
    model: str,
    device: DeviceName,
    threads: int | None,
) -> None:
    sources = [*(inputs or []), *_listed(input_list)]
    if not sources:
        raise UsageError("db", got="no input", expected="files, folders or accessions, or --list FILE")
    with Skipped() as skipped, Bar() as bar:
        bar.phase("counting")
        from foldglass.search.estimate import count, estimate
        from foldglass.search.metadata import Metadata

        further = Metadata(metadata) if metadata else None
        counted = count(sources, skipped if dry_run else lambda line: None)
        loaded = load_model(model, device, threads, bar)
        if dry_run:
            bar.close()
            foreseen = estimate(counted, loaded, residue=bool(residue))
            Output(None, None).write(ESTIMATE_COLUMNS, [vars(foreseen)])
            return
        from foldglass.search.database_writer import DatabaseWriter

        with DatabaseWriter(path, loaded, residue=residue, metadata=further, on_skip=skipped) as writer:
            bar.phase("embedding", counted.proteins)
            done = writer.add(_read(sources, skipped), progress=bar.advance)
        bar.close()
        before = f", {done.present} there before" if done.present else ""
        twins = f", {done.duplicates} left out with the content of another" if done.duplicates else ""
        typer.echo(f"{path}: {done.added} proteins added{before}{twins}; embedded with {loaded.id}", err=True)


def _index(path: str) -> None:
    from foldglass.search.database import Database

    with Bar() as bar:
        bar.phase("indexing")
        database = Database.open(path)
        database.index()
        bar.close()
        typer.echo(f"{path}: {database.indexed} proteins indexed", err=True)


def _read(sources: list[str], skipped: Skipped) -> "Iterator[Sequence]":
    from foldglass.io.read import iter_read

    for source in sources:
        yield from iter_read(source, on_skip=skipped)


def _listed(path: Path | None) -> list[str]:
    if path is None:
        return []
    from foldglass.io.opened import open_text

    with open_text(path) as text:
        return [line.strip() for line in text if line.strip()]
