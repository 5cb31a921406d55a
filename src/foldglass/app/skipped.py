"""What was left out of the input: collected, and said when the command ends."""

import sys
from types import TracebackType

_SHOWN = 5


class Skipped:
    """A context manager that gathers lines and writes them to standard error at the end, also after a failure.

    A terminal shows the first five and the number of the others; a file or pipe gets every line.

    Examples
    --------
    >>> with Skipped() as skipped:
    ...     skipped("a.txt: an unknown format; the file left out")
    >>> len(skipped)
    1
    """

    def __init__(self) -> None:
        self._lines: list[str] = []

    def __call__(self, line: str) -> None:
        self._lines.append(line)

    def __len__(self) -> int:
        return len(self._lines)

    def __enter__(self) -> "Skipped":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        shown = self._lines[:_SHOWN] if sys.stderr.isatty() else self._lines
        for line in shown:
            print(f"foldglass: {line}", file=sys.stderr)
        if len(shown) < len(self._lines):
            rest = len(self._lines) - len(shown)
            print(f"foldglass: and {rest} more like these (all of them with 2> FILE)", file=sys.stderr)
