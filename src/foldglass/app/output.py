"""Where the rows of a command go, checked before any work is done."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from foldglass import __version__
from foldglass.app.options import FormatName, SearchFormatName
from foldglass.errors import UsageError


class Output:
    """The place and format of a result table; `-` is standard output.

    Raises
    ------
    UsageError
        If Parquet is asked for without a file.
    InputError
        If the file cannot be written.
    """

    def __init__(self, out: Path | None, format: FormatName | SearchFormatName | None) -> None:
        from foldglass.io.tables import format_of

        out = None if out == Path("-") else out
        self.out = out
        self.format = format_of(out, format)
        if self.format == "parquet" and out is None:
            raise UsageError("--format parquet", got="no output file", remedy="name one with -o")
        if out is not None:
            from foldglass.io.atomic import check_writable

            check_writable(out)

    @property
    def streams_to_screen(self) -> bool:
        """Whether rows appear one by one on standard output, where a progress bar would run into them."""
        return self.out is None and self.format in ("tsv", "m8", "json", "jsonl")

    def write(self, columns: Sequence[str], rows: Iterable[Mapping[str, Any]], **parameters: object) -> int:
        """Write the rows and return their number; `parameters` of the run are kept in Parquet."""
        from foldglass.io.tables import write_rows

        metadata = {"foldglass.version": __version__, **{f"foldglass.{k}": str(v) for k, v in parameters.items()}}
        return write_rows(columns, rows, self.format, self.out, metadata=metadata)
