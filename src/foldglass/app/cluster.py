"""`foldglass cluster`."""

from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from foldglass.app.loading import use_threads
from foldglass.app.options import Format, Out, Threads
from foldglass.app.output import Output
from foldglass.app.progress import Bar
from foldglass.errors import UsageError

COLUMNS = ("cluster", "representative", "member", "tm", "length", "size")
_PICTURES = (".png", ".svg", ".pdf")


class Method(StrEnum):
    """How clusters are made; `foldglass.search.cluster` says more."""

    GREEDY = "greedy"
    COMPONENTS = "components"


def cluster(
    database: Annotated[str, typer.Argument(metavar="DB", help="A database of 'foldglass db'.")],
    tm: Annotated[
        float, typer.Option("--tm", metavar="TM", min=0.01, max=1, help="Least predicted symmetric TM-score.")
    ] = 0.5,
    method: Annotated[
        Method,
        typer.Option(
            "--method",
            help="greedy: every member is that similar to its representative. components: a chain of similar proteins "
            "joins any two members.",
        ),
    ] = Method.GREEDY,
    filter: Annotated[
        str | None,
        typer.Option("--filter", metavar="SQL", help='Only entries that meet a condition, such as "length < 300".'),
    ] = None,
    map: Annotated[
        Path | None,
        typer.Option(
            "--map",
            metavar="FILE",
            help="Draw a map too (.png, .svg, .pdf): by UMAP if umap-learn is installed, else by PCA.",
        ),
    ] = None,
    format: Format = None,
    out: Out = None,
    threads: Threads = None,
) -> None:
    """Group the proteins of a database by predicted fold; the longest of a group represents it."""
    output = Output(out, format)
    if map is not None and map.suffix.lower() not in _PICTURES:
        raise UsageError(str(map), got=f"the extension {map.suffix!r}", expected=", ".join(_PICTURES))
    use_threads(threads)
    with Bar(shown=not output.streams_to_screen) as bar:
        bar.phase("reading")
        from foldglass.io.atomic import check_writable
        from foldglass.search.cluster import cluster as cluster_entries
        from foldglass.search.database import Database

        if map is not None:
            check_writable(map)
        found = Database.open(database)
        entries = found.entries(filter)
        bar.phase("clustering", len(entries))
        representatives = cluster_entries(entries, found.calibration, tm=tm, method=method.value, progress=bar.advance)
        output.write(COLUMNS, _rows(entries, found.calibration, representatives), model=found.model, tm=tm)
        if map is not None:
            from foldglass.search.protein_map import draw_map

            bar.phase("drawing")
            how = draw_map(entries.vectors, representatives, list(entries.ids), map)
            bar.close()
            typer.echo(f"{map}: drawn by {how}", err=True)


def _rows(entries: Any, calibration: Any, representatives: Any) -> Iterator[dict[str, Any]]:
    """The largest cluster first, and in it the representative first."""
    import numpy as np

    from foldglass.models.calibration import kinds_of

    found, inverse, counts = np.unique(representatives, return_inverse=True, return_counts=True)
    is_member = representatives != np.arange(len(representatives))
    order = np.lexsort((np.arange(len(inverse)), is_member, found[inverse], -counts[inverse]))
    number, before = 0, -1
    for i in order.tolist():
        j = int(representatives[i])
        number, before = (number + (j != before)), j
        cosine = np.array([entries.vectors[i].astype(np.float32) @ entries.vectors[j].astype(np.float32)])
        yield {
            "cluster": number,
            "representative": entries.ids[j],
            "member": entries.ids[i],
            "tm": float(calibration.tm(cosine, kinds=kinds_of(entries.kinds[i], entries.kinds[j]))[0]),
            "length": int(entries.lengths[i]),
            "size": int(counts[inverse[i]]),
        }
