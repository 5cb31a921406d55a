"""Result tables: the one owner of output formats.

`table` is for people, `tsv`, `json`, `jsonl` and `parquet` for programs; `m8`, whose columns are BLAST's, is `tsv`
without the line of names. Columns keep the order that is asked for.
Text formats write floats with four decimals, small ones with three significant digits; Parquet keeps them whole. A
value that is not there (None, NaN) is empty in TSV and null in JSON and Parquet.
"""

import json
import math
import sys
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Sequence as List
from contextlib import contextmanager
from itertools import chain, islice
from pathlib import Path
from typing import IO, Any, Literal, Protocol, cast, runtime_checkable

import numpy as np

from foldglass.errors import UsageError
from foldglass.io.atomic import replacing


@runtime_checkable
class _Sink(Protocol):
    """What text is written to; streams made for tests need no more."""

    def write(self, text: str, /) -> int: ...

    def isatty(self) -> bool: ...


FORMATS = ("table", "tsv", "m8", "json", "jsonl", "parquet")
_LEAST_WIDTH = 8  # of a text column, however narrow the terminal
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def write_rows(
    columns: List[str],
    rows: Iterable[Mapping[str, Any]],
    format: str,
    out: Path | None = None,
    *,
    metadata: Mapping[str, str] | None = None,
) -> int:
    """Write rows and return their number.

    Parameters
    ----------
    columns : list of str
        Keys of the rows, in the order of the output; a row may lack some.
    rows : iterable of mappings
        Streamed by `tsv`, `json` and `jsonl`; `table` and `parquet` gather them first.
    format : str
        One of `FORMATS`. In TSV, tabs and line breaks inside a text are written as `\\t` and `\\n`, lists as JSON.
    out : path or None
        A file, which is complete or absent; None writes to standard output.
    metadata : mapping or None
        Parameters of the run, kept in the metadata of a Parquet file.

    Raises
    ------
    UsageError
        If the format is unknown or Parquet is to be written to standard output.
    InputError
        If `out` cannot be written.

    Examples
    --------
    >>> rows = [{"query": "a", "tm": 0.51237}, {"query": "b", "tm": float("nan")}]
    >>> write_rows(["query", "tm"], rows, "tsv")  # doctest: +NORMALIZE_WHITESPACE
    query tm
    a 0.5124
    b
    2
    """
    if format not in FORMATS:
        raise UsageError("--format", got=f"{format!r}", expected=f"one of {', '.join(FORMATS)}")
    if format == "parquet":
        if out is None:
            raise UsageError("--format parquet", got="no output file", remedy="name one with -o")
        return _parquet(columns, rows, out, metadata or {})
    coming = iter(rows)
    first = list(islice(coming, 1))  # what fails before there is a row leaves no line of names
    with _sink(out) as sink:
        return _TEXT[format](columns, chain(first, coming), sink)


def format_of(out: Path | None, format: str | None) -> str:
    """The format asked for, else by the file's extension, else a table on a terminal and TSV in a pipe.

    Examples
    --------
    >>> format_of(Path("hits.parquet"), None), format_of(Path("hits.txt"), None), format_of(None, "json")
    ('parquet', 'tsv', 'json')
    """
    if format is not None:
        return format
    if out is not None:
        extension = out.suffix.lower().removeprefix(".")
        return extension if extension in FORMATS else "tsv"
    return "table" if sys.stdout.isatty() else "tsv"


@contextmanager
def _sink(out: Path | None) -> Iterator[_Sink]:
    if out is None:
        yield sys.stdout
        return
    with replacing(out) as part, part.open("w", encoding="utf-8", newline="\n") as file:
        yield file


def _tsv(columns: List[str], rows: Iterable[Mapping[str, Any]], sink: _Sink) -> int:
    sink.write("\t".join(columns) + "\n")
    return _m8(columns, rows, sink)


def _m8(columns: List[str], rows: Iterable[Mapping[str, Any]], sink: _Sink) -> int:
    count = 0
    for row in rows:
        sink.write("\t".join(_text(row.get(c)).translate(_ESCAPES) for c in columns) + "\n")
        count += 1
    return count


def _jsonl(columns: List[str], rows: Iterable[Mapping[str, Any]], sink: _Sink) -> int:
    count = 0
    for row in rows:
        sink.write(_object(columns, row) + "\n")
        count += 1
    return count


def _json(columns: List[str], rows: Iterable[Mapping[str, Any]], sink: _Sink) -> int:
    count = 0
    for row in rows:
        sink.write(("[\n" if count == 0 else ",\n") + _object(columns, row))
        count += 1
    sink.write("\n]\n" if count else "[]\n")
    return count


def _table(columns: List[str], rows: Iterable[Mapping[str, Any]], sink: _Sink) -> int:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    gathered = [{c: row.get(c) for c in columns} for row in rows]
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        values = [row[column] for row in gathered if row[column] is not None]
        numeric = bool(values) and all(isinstance(v, (int, float, np.number)) for v in values)
        # A number that is broken over two lines is misread; ids fold first on a narrow terminal.
        justify: Literal["right", "left"] = "right" if numeric else "left"
        least = 0 if numeric else min(_LEAST_WIDTH, max(map(len, map(_text, values)), default=0))
        table.add_column(Text(column), justify=justify, overflow="fold", no_wrap=numeric, min_width=least)
    for row in gathered:
        table.add_row(*(Text(_text(row[c])) for c in columns))
    terminal = sink.isatty()
    Console(file=cast(IO[str], sink), width=None if terminal else 10_000, soft_wrap=not terminal).print(table)
    return len(gathered)


_TEXT = {"table": _table, "tsv": _tsv, "m8": _m8, "json": _json, "jsonl": _jsonl}


def _parquet(columns: List[str], rows: Iterable[Mapping[str, Any]], out: Path, metadata: Mapping[str, str]) -> int:
    import pyarrow as pa
    import pyarrow.parquet as pq

    gathered: dict[str, list[Any]] = {c: [] for c in columns}
    for row in rows:
        for column in columns:
            gathered[column].append(_plain(row.get(column)))
    table = pa.table({c: pa.array(values, from_pandas=True) for c, values in gathered.items()})
    with replacing(out) as part:
        pq.write_table(table.replace_schema_metadata(dict(metadata)), part, compression="zstd")
    return int(table.num_rows)


def _plain(value: Any) -> Any:
    """numpy values as Python ones."""
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    return value


def _text(value: Any) -> str:
    value = _plain(value)
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return "" if math.isnan(value) else _digits(value)
    if isinstance(value, list | tuple | dict):
        return json.dumps(_finite(value), separators=(",", ":"))
    return str(value)


def _object(columns: List[str], row: Mapping[str, Any]) -> str:
    return json.dumps({c: _finite(row.get(c)) for c in columns}, ensure_ascii=False)


def _finite(value: Any) -> Any:
    """A value as JSON can hold it, with the digits of the text formats."""
    value = _plain(value)
    if isinstance(value, float):
        return float(_digits(value)) if math.isfinite(value) else None
    if isinstance(value, list | tuple):
        return [_finite(v) for v in value]
    if isinstance(value, dict):
        return {str(k): _finite(v) for k, v in value.items()}
    return value


def _digits(value: float) -> str:
    """Four decimals, or three significant digits where those would lose it.

    Examples
    --------
    >>> [_digits(v) for v in (0.51237, 1.0, 0.0, 3.2e-7, 1234.5, float("inf"))]
    ['0.5124', '1.0000', '0.0000', '3.2e-07', '1234.5000', 'inf']
    """
    return f"{value:.3g}" if 0 < abs(value) < 0.001 else f"{value:.4f}"
