"""One writer at a time in a folder."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from foldglass.errors import InputError

_NAME = ".writer"


@contextmanager
def only_writer(folder: Path) -> Iterator[None]:
    """Hold the folder's lock, which the system takes back when the process ends in whatever way.

    Raises
    ------
    InputError
        If another process holds it, or the folder cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> with only_writer(folder), only_writer(folder):
    ...     pass  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    foldglass.errors.InputError: ...: another process is writing to it; wait until it is done
    """
    try:
        descriptor = os.open(folder / _NAME, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise InputError(str(folder), got=f"cannot be written ({error.strerror})") from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise InputError(
                str(folder), got="another process is writing to it", remedy="wait until it is done"
            ) from error
        yield
    finally:
        os.close(descriptor)
