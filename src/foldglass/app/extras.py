"""Packages that only some commands need."""

from collections.abc import Iterator
from contextlib import contextmanager

from foldglass.errors import MissingExtraError


@contextmanager
def needing(extra: str, command: str) -> Iterator[None]:
    """Turn an import that fails inside the block into the line that says what to install.

    Raises
    ------
    MissingExtraError
        If a package is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        raise MissingExtraError(command, package=error.name or "", extra=extra) from error
