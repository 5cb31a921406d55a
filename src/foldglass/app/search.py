"""`foldglass search`."""

from collections.abc import Iterator
from typing import Annotated, Any

import typer

from foldglass.app.columns import columns_of, row_of
from foldglass.app.loading import load_model
from foldglass.app.options import Device, DeviceName, Format, ModelName, Out, Threads
from foldglass.app.output import Output
from foldglass.app.progress import Bar
from foldglass.app.proteins import iter_proteins
from foldglass.app.skipped import Skipped


def search(
    database: Annotated[
        str,
        typer.Argument(
            metavar="DB", help="A table that 'foldglass embed' wrote (.parquet), or a file or folder to embed now."
        ),
    ],
    query: Annotated[
        str, typer.Argument(metavar="QUERY", help="A file, folder, file.pdb:A, file.fasta:ID or accession.")
    ],
    k: Annotated[int, typer.Option("-k", metavar="N", min=1, help="Hits for each query.")] = 10,
    min_tm: Annotated[
        float | None,
        typer.Option("--min-tm", metavar="TM", min=0, max=1, help="Leave out hits of lower tm.", show_default=False),
    ] = None,
    align: Annotated[
        bool, typer.Option("--align", help="Align every hit, which gives the local score; of a table needs --residue.")
    ] = False,
    format: Format = None,
    out: Out = None,
    model: ModelName = "builtin",
    device: Device = DeviceName.AUTO,
    threads: Threads = None,
) -> None:
    """Find the proteins most similar in fold to each query.

    Every entry is compared, so none is missed. Queries and entries may be sequences or structures, in any mixture.
    """
    output = Output(out, format)
    with Skipped() as skipped, Bar(shown=not output.streams_to_screen) as bar:
        bar.phase("reading")
        queries = list(iter_proteins([query], skipped))
        from foldglass.app.entries import EmbeddedNow, StoredTable, is_table

        stored = StoredTable(database) if is_table(database) else None
        proteins = [] if stored else list(iter_proteins([database], skipped))
        loaded = load_model(model, device, threads, bar)
        from foldglass.search.exact import search as search_exactly

        bar.phase("embedding", len(queries) + len(proteins))
        embedded = loaded.embed(queries)
        entries = stored or EmbeddedNow(loaded, proteins, bar.reach)
        bar.phase("searching")
        hits = search_exactly(embedded, entries.table, model=loaded, k=k, min_tm=min_tm)
        found = entries.embeddings({hit.index for hit in hits}) if align else {}
        places = {one.id: one for one in embedded}

        def rows() -> Iterator[dict[str, Any]]:
            for hit in hits:
                if align:
                    comparison = loaded.score(places[hit.query], found[hit.index])
                    yield row_of(comparison, hit.rank)
                else:
                    yield vars(hit)

        columns = columns_of(output.format, aligned=align)
        output.write(columns, bar.over(rows(), "aligning", len(hits)), model=loaded.id, k=k, min_tm=min_tm)
