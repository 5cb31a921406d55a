"""Bytes and text of a file, gzip undone by content, every failure one clear line."""

import gzip
import io
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from foldglass.errors import FoldglassError, InputError, NotFoundError
from foldglass.typing import PathLike

_GZIP = b"\x1f\x8b"


@contextmanager
def explained(path: PathLike) -> Iterator[None]:
    """Turn what goes wrong while `path` is read into an `InputError` that names it."""
    subject = os.fspath(path)
    try:
        yield
    except FoldglassError:
        raise
    except FileNotFoundError as error:
        raise NotFoundError(subject, got="no such file or folder", remedy="check the spelling") from error
    except PermissionError as error:
        raise InputError(subject, got="no permission to read it", remedy="ask its owner or copy it") from error
    except EOFError as error:
        raise InputError(subject, got="a gzip file that ends early", remedy="copy or download it again") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise InputError(subject, got="a damaged gzip file", remedy="copy or download it again") from error
    except UnicodeDecodeError as error:
        raise InputError(subject, got="bytes that are not UTF-8 text", expected="a text file") from error
    except OSError as error:
        raise InputError(subject, got=f"cannot be read ({error.strerror or error})") from error


def read_bytes(path: PathLike) -> bytes:
    """All bytes of a file, decompressed if it is gzip.

    Raises
    ------
    InputError
        If the file is missing, unreadable, empty, or a damaged or truncated gzip file.
    """
    with explained(path):
        data = Path(path).read_bytes()
        if data.startswith(_GZIP):
            data = gzip.decompress(data)
    if not data.strip():
        raise InputError(os.fspath(path), got="an empty file", expected="FASTA, PDB, mmCIF or BinaryCIF")
    return data


def read_head(path: PathLike, size: int = 65536) -> bytes:
    """The first `size` bytes of a file, decompressed if it is gzip."""
    with explained(path), Path(path).open("rb") as raw:
        compressed = raw.read(2) == _GZIP
        raw.seek(0)
        if not compressed:
            return raw.read(size)
        with gzip.GzipFile(fileobj=raw) as unpacked:
            return unpacked.read(size)


@contextmanager
def open_text(path: PathLike) -> Iterator[io.TextIOBase]:
    """Stream a UTF-8 text file, decompressed if it is gzip; any line ending, a byte-order mark is skipped."""
    with explained(path), Path(path).open("rb") as raw:
        compressed = raw.read(2) == _GZIP
        raw.seek(0)
        binary = gzip.GzipFile(fileobj=raw) if compressed else raw
        with io.TextIOWrapper(binary, encoding="utf-8-sig") as text:
            yield text


def stem(path: PathLike) -> str:
    """The file's name without `.gz` and without its extension.

    Examples
    --------
    >>> stem("models/AF-P69905-F1.cif.gz"), stem("1tii.pdb"), stem("readme")
    ('AF-P69905-F1', '1tii', 'readme')
    """
    name = Path(path).name
    if name.lower().endswith(".gz"):
        name = name[:-3]
    return Path(name).stem
