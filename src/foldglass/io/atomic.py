"""Output files that are complete or absent."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from foldglass.errors import InputError, NotFoundError
from foldglass.typing import PathLike

_NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_REMEDIES = {
    errno.EACCES: "choose a folder where you may write",
    errno.EPERM: "choose a folder where you may write",
    errno.EROFS: "choose a folder where you may write",
    errno.ENAMETOOLONG: "choose a shorter name",
    **dict.fromkeys(_NO_SPACE, "free some space or choose another disk; nothing was kept of the unfinished file"),
}


@contextmanager
def replacing(path: PathLike) -> Iterator[Path]:
    """Give a temporary path in the same folder that becomes `path` when the block succeeds.

    A reader of `path` sees the old file or the whole new one, never a part. On any failure, an interrupt
    included, the temporary file is removed and `path` is left as it was.

    Raises
    ------
    InputError
        If the folder cannot be written, the disk is full or `path` is a folder.
    NotFoundError
        If the folder of `path` does not exist.

    Examples
    --------
    >>> import tempfile
    >>> out = Path(tempfile.mkdtemp()) / "a.txt"
    >>> with replacing(out) as part:
    ...     _ = part.write_text("all of it")
    >>> out.read_text()
    'all of it'
    """
    target = check_writable(path)
    temporary = target.with_name(f".{target.name[:100]}.{uuid4().hex[:8]}.part")
    try:
        yield temporary
        os.replace(temporary, target)
    except OSError as error:
        if not _concerns(error, temporary):
            raise
        remedy = _REMEDIES.get(error.errno or 0, "")
        raise InputError(str(target), got=f"cannot be written ({error.strerror or error})", remedy=remedy) from error
    finally:
        temporary.unlink(missing_ok=True)


def check_writable(path: PathLike) -> Path:
    """Raise what `replacing` would, before the work whose result goes to `path`; returns the path.

    Raises
    ------
    InputError
        If `path` is a folder or a device, or its folder cannot be written.
    NotFoundError
        If the folder of `path` does not exist.
    """
    target = Path(path)
    if target.is_dir():
        raise InputError(str(target), got="a folder", expected="a file to write")
    if target.exists() and not target.is_file():
        raise InputError(str(target), got="a device or pipe", expected="a file to write")
    folder = target.absolute().parent
    if not folder.is_dir():
        raise NotFoundError(
            str(target), got=f"the folder {target.parent} does not exist", remedy="create it or choose another output"
        )
    if not os.access(folder, os.W_OK | os.X_OK):
        raise InputError(
            str(target), got="cannot be written (Permission denied)", remedy="choose a folder where you may write"
        )
    return target


def _concerns(error: OSError, temporary: Path) -> bool:
    """Whether the error is about the output: no space, or a problem with this very file."""
    named = (error.filename, error.filename2, str(error))
    no_space = error.errno in _NO_SPACE or os.strerror(errno.ENOSPC) in str(error)  # h5py gives no errno
    return no_space or any(temporary.name in str(name) for name in named)
