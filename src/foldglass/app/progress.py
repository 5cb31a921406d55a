"""A progress bar on standard error for whatever takes more than a second."""

import sys
from collections.abc import Iterable, Iterator
from threading import Timer
from types import TracebackType
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

_PATIENCE = 1.0
_Item = TypeVar("_Item")


class Bar:
    """Shows the phase of a command and how far it is; silent where standard error is no terminal.

    Parameters
    ----------
    shown
        False keeps it silent, for rows that go to the same screen one by one.
    """

    def __init__(self, *, shown: bool = True) -> None:
        self._shown = shown and sys.stderr.isatty()
        self._progress: Progress | None = None
        self._task: TaskID | None = None
        self._timer: Timer | None = None

    def __enter__(self) -> "Bar":
        if self._shown:
            from rich.console import Console
            from rich.progress import (
                BarColumn,
                Progress,
                SpinnerColumn,
                TextColumn,
                TimeRemainingColumn,
            )

            self._progress = Progress(
                SpinnerColumn(),
                TextColumn("{task.description}"),
                BarColumn(),
                TextColumn("{task.fields[count]}"),
                TimeRemainingColumn(),
                console=Console(stderr=True),
                transient=True,
            )
            self._timer = Timer(_PATIENCE, self._progress.start)
            self._timer.daemon = True
            self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def phase(self, text: str, total: int | None = None) -> None:
        """Begin something; without `total` only a spinner moves."""
        if self._progress is None:
            return
        if self._task is not None:
            self._progress.remove_task(self._task)
        self._task = self._progress.add_task(text, total=total, count="")

    def advance(self, count: int = 1) -> None:
        """Say that `count` more are done."""
        if self._progress is not None and self._task is not None:
            task = self._progress.tasks[-1]
            self.reach(int(task.completed) + count, int(task.total or 0))

    def reach(self, done: int, total: int = 0) -> None:
        """Say how many are done in all and, where it is known only now, out of how many."""
        if self._progress is not None and self._task is not None:
            total = total or int(self._progress.tasks[-1].total or 0)
            count = f"{done:,} of {total:,}" if total else f"{done:,}"
            self._progress.update(self._task, completed=done, total=total or None, count=count)

    def over(self, items: Iterable[_Item], text: str, total: int | None = None) -> Iterator[_Item]:
        """Count items as they pass and take the bar away after the last."""
        self.phase(text, total)
        for item in items:
            yield item
            self.advance()
        self.close()

    def close(self) -> None:
        """Take the bar away."""
        if self._timer is not None and self._progress is not None:
            self._timer.cancel()
            self._timer.join()
            self._progress.stop()
            self._timer = None
