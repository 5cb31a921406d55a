"""Tables of evaluation reports as HTML."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Generic, Literal, Protocol, TypeVar, runtime_checkable

from foldglass.metrics.regression import Interval
from foldglass.train.svg import colour_of

NO_VALUE = "–"


@runtime_checkable
class Result(Protocol):
    """What a row of a table needs to know of a result."""

    @property
    def key(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def is_baseline(self) -> bool: ...


R = TypeVar("R", bound=Result)


@dataclass(frozen=True)
class Column(Generic[R]):
    """A heading, what to read from a result, and which end of the column is best."""

    heading: str
    read: Callable[[R], Interval | float | None]
    best: Literal["low", "high", ""] = "low"
    note: str = ""


def table(caption: str, note: str, columns: Sequence[Column[R]], results: Sequence[R]) -> str:
    """One row per result, models above baselines; the best value of each column is bold."""
    values = [[column.read(result) for column in columns] for result in results]
    best = [_best(column.best, [row[k] for row in values]) for k, column in enumerate(columns)]
    bodies = []
    for is_baseline, css in ((False, "model"), (True, "baseline")):
        rows = []
        for result, row in zip(results, values, strict=True):
            if result.is_baseline == is_baseline:
                cells = "".join(
                    f"<td>{cell(value, bold=_number(value) == best[k], signed=not columns[k].best)}</td>"
                    for k, value in enumerate(row)
                )
                rows.append(f"<tr><th scope='row'>{dot(result.key)}{escape(result.title)}</th>{cells}</tr>")
        if rows:
            bodies.append(f"<tbody class='{css}'>{''.join(rows)}</tbody>")
    return frame(caption, note, [head(column.heading, column.note) for column in columns], bodies)


def frame(caption: str, note: str, heads: Sequence[str], bodies: Sequence[str]) -> str:
    """A table with a caption and small print, from finished heads and bodies."""
    return (
        f"<div class='scroll'><table><caption>{escape(caption)}<small>{escape(note)}</small></caption>"
        f"<thead><tr><th></th>{''.join(heads)}</tr></thead>{''.join(bodies)}</table></div>"
    )


def head(heading: str, note: str) -> str:
    """A column's heading with small print."""
    return f"<th scope='col'>{escape(heading)}{f'<small>{escape(note)}</small>' if note else ''}</th>"


def dot(key: str) -> str:
    """The colour that a result has in the figures."""
    return f"<i class='dot' style='background:{colour_of(key)}'></i>"


def _number(value: Interval | float | None) -> float | None:
    number = value.value if isinstance(value, Interval) else value
    return None if number is None or number != number else round(number, 3)


def _best(end: str, values: Sequence[Interval | float | None]) -> float | None:
    numbers = [number for number in map(_number, values) if number is not None]
    if not end or len(numbers) < 2:
        return None
    return min(numbers) if end == "low" else max(numbers)


def cell(value: Interval | float | None, *, bold: bool = False, signed: bool = False) -> str:
    """A number with three digits, and its interval below."""
    number = _number(value)
    if number is None:
        return NO_VALUE
    shape = "+.3f" if signed else ".3f"
    text = f"<b>{number:{shape}}</b>" if bold else f"{number:{shape}}"
    if isinstance(value, Interval) and value.low == value.low:
        text += f"<small>{value.low:{shape}} to {value.high:{shape}}</small>"
    return text.replace("-", "−")


def p_value(p: float | None) -> str:
    """A p value, or a dash."""
    if p is None:
        return NO_VALUE
    return "&lt; 0.001" if p < 0.001 else f"{p:.3f}"
