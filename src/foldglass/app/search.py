"""`foldglass search`."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any

import typer

from foldglass.app.columns import M8_COLUMNS, columns_of, m8_row_of, row_of
from foldglass.app.loading import load_model
from foldglass.app.options import Device, DeviceName, ModelName, Out, SearchFormatName, Threads
from foldglass.app.output import Output
from foldglass.app.progress import Bar
from foldglass.app.proteins import begun, iter_proteins
from foldglass.app.skipped import Skipped

if TYPE_CHECKING:
    from foldglass.app.entries import Entries
    from foldglass.models.model import Model
    from foldglass.protein import Comparison, Embedding, Sequence, Superposition

_QUERIES_AT_ONCE = 1024
_ALIGNED_QUERIES_AT_ONCE = 64


def search(
    database: Annotated[
        str,
        typer.Argument(
            metavar="DB",
            help="A database of 'foldglass db', a table that 'foldglass embed' wrote (.parquet), or a file or folder "
            "to embed now.",
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
    filter: Annotated[
        str | None,
        typer.Option(
            "--filter",
            metavar="SQL",
            help="Look only at entries of a database that meet a condition, such as \"organism = 'yeast'\".",
        ),
    ] = None,
    approximate: Annotated[
        bool,
        typer.Option(
            "--approximate", help="Look only where the index of a database says ('db build --index'); may miss hits."
        ),
    ] = False,
    align: Annotated[
        bool,
        typer.Option(
            "--align",
            help="Align the best hits and order them by their alignments; of a table needs 'embed --residue'.",
        ),
    ] = False,
    exact_tm: Annotated[
        bool, typer.Option("--exact-tm", help="Superpose every hit that is a structure with TM-align, as its query.")
    ] = False,
    format: Annotated[
        SearchFormatName | None,
        typer.Option(
            "--format",
            help="How to write the result; by default as the extension of --out says, else a table on a terminal and "
            "TSV in a pipe. m8 is BLAST's tab-separated table, with alignments.",
        ),
    ] = None,
    out: Out = None,
    model: ModelName = "builtin",
    device: Device = DeviceName.AUTO,
    threads: Threads = None,
) -> None:
    """Find the proteins most similar in fold to each query.

    Every entry is compared, so none is missed, unless --approximate is given. Queries and entries may be sequences or
    structures, in any mixture.
    """
    output = Output(out, format)
    align = align or output.format == "m8"
    with Skipped() as skipped, Bar(shown=not output.streams_to_screen) as bar:
        bar.phase("reading")
        queries = begun(iter_proteins([query], skipped))
        from foldglass.app.entries import EmbeddedNow, stored_entries

        loaded = load_model(model, device, threads, bar)
        entries = stored_entries(database, loaded, filter, approximate)
        if entries is None:
            proteins = list(iter_proteins([database], skipped))
            bar.phase("embedding", len(proteins))
            entries = EmbeddedNow(loaded, proteins, bar.reach)
        rows = _rows(loaded, entries, queries, k, min_tm, align, exact_tm)
        if output.format == "m8":
            rows, columns = map(m8_row_of, rows), list(M8_COLUMNS)
        else:
            columns = columns_of(output.format, aligned=align, exact=exact_tm, evalue=True)
        output.write(columns, bar.over(rows, "searching"), model=loaded.id, k=k, min_tm=min_tm, filter=filter)


def _rows(
    model: "Model",
    entries: "Entries",
    queries: "Iterator[Sequence]",
    k: int,
    min_tm: float | None,
    align: bool,
    exact: bool,
) -> Iterator[dict[str, Any]]:
    """The hits of all queries, some queries at a time."""
    from foldglass.search.rerank import CANDIDATES, aligned

    while group := list(islice(queries, _ALIGNED_QUERIES_AT_ONCE if align or exact else _QUERIES_AT_ONCE)):
        embedded = {one.id: one if align else _without_residues(one) for one in model.embed_stream(group)}
        hits = entries.search(list(embedded.values()), max(k, CANDIDATES) if align else k, min_tm)
        if not align and not exact:
            yield from map(vars, hits)
            continue
        found = entries.embeddings({hit.index for hit in hits})
        if align:
            scored = aligned(hits, embedded, found, model, k)
        else:
            pairs = ((embedded[hit.query], found[hit.index]) for hit in hits)
            scored = zip(hits, model.score_many(pairs, align=False), strict=True)
        for hit, comparison in scored:
            if exact:
                comparison = replace(comparison, exact=_superposition(comparison))
            yield {**row_of(comparison, hit.rank), "evalue": hit.evalue, "bits": hit.bits}


def _without_residues(embedding: "Embedding") -> "Embedding":
    """NaN in the place of vectors of residues, which takes no memory."""
    import numpy as np

    return replace(embedding, residue=np.broadcast_to(np.float32(np.nan), embedding.residue.shape))


def _superposition(comparison: "Comparison") -> "Superposition | None":
    from foldglass.metrics.tm import tm_align
    from foldglass.protein import Structure

    query, target = comparison.query, comparison.target
    return tm_align(query, target) if isinstance(query, Structure) and isinstance(target, Structure) else None
