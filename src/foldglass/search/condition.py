"""Conditions in SQL on the columns of a database."""

import re
from typing import Any

import pyarrow as pa

from foldglass.errors import InputError

_REASONS = (
    (r"No field named (.+?)\. ", r"no column \1"),
    (r"Received literal \w+\((.*?)\) and could not convert", r"\1 compared with a column of another type"),
    (r"Error (?:parsing|tokenizing) statement: .*?\((?:sql parser error: )?(.*)\), ", r"no SQL (\1)"),
    (r"The filter .* does not return a boolean", "a value"),
    (r"Invalid function ('.*?')", r"no function \1"),
)
"""What Lance says of a condition, and what there is to know of it."""


def check_condition(dataset: Any, condition: str | None) -> None:
    """Plan a condition, if there is one, without carrying it out.

    Raises
    ------
    InputError
        If it cannot be read, or is not about columns of the dataset.
    """
    if condition is None:
        return
    try:
        dataset.scanner(columns=["id"], filter=condition).explain_plan()
    except (OSError, ValueError, RuntimeError) as error:
        text = " ".join(str(error).split())
        found = ((re.search(pattern, text), reason) for pattern, reason in _REASONS)
        reasons = (match.expand(reason) for match, reason in found if match)
        columns = (field.name for field in dataset.schema if not pa.types.is_nested(field.type))
        raise InputError(
            f"filter {condition[:80]!r}",
            got=next(reasons, "SQL that is not supported"),
            expected=f"a condition on {', '.join(columns)}",
        ) from error
