"""One reader for everything that holds proteins."""

import os
import warnings
from collections.abc import Callable, Iterator
from difflib import get_close_matches
from pathlib import Path

from foldglass.errors import FoldglassError, InputError, NotFoundError, SkippedWarning
from foldglass.io.bcif import looks_like_bcif
from foldglass.io.fasta import iter_fasta
from foldglass.io.opened import explained, read_head
from foldglass.io.structure import looks_like_cif, read_structures
from foldglass.protein import Sequence
from foldglass.typing import PathLike

_FASTA = (".fasta", ".fa", ".faa", ".fas", ".fsa", ".seq", ".pep", ".aa", ".a3m")
_STRUCTURE = (".pdb", ".ent", ".cif", ".mmcif", ".bcif", ".pdb1", ".pdbx")


def read(source: PathLike, *, on_skip: Callable[[str], None] | None = None) -> list[Sequence]:
    """Read proteins from a file, a folder, a chain or record of a file, or an accession.

    Parameters
    ----------
    source : str or path
        A FASTA, PDB, mmCIF or BinaryCIF file, each also gzipped; a folder, whose files are read in the order of
        their names, without its subfolders; `file.pdb:A`, one chain, or `file.fasta:P69905`, one record; an
        accession (`1CRN`, `1TII:D`, `AF-P69905`, `P69905`, `sm:P69905`), which is fetched once and kept. A file of
        that name goes before an accession.
    on_skip : callable or None
        Told one line per thing left out; without it each is a `SkippedWarning`.

    Returns
    -------
    list of Sequence
        Structures from structure files, in file order; at least one.

    Raises
    ------
    InputError
        If the source holds no protein or cannot be read. Files of a folder that cannot be read are left out and
        said, unless none can be read.
    NotFoundError
        If there is no such file, folder, chain, record or entry.
    FetchError
        If an archive cannot be reached.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "toy.fasta"
    >>> _ = path.write_text(">a\\nMKV\\n>b\\nGG\\n")
    >>> read(path)
    [Sequence('a', 3 residues), Sequence('b', 2 residues)]
    >>> read(f"{path}:b")
    [Sequence('b', 2 residues)]
    """
    return list(iter_read(source, on_skip=on_skip))


def iter_read(source: PathLike, *, on_skip: Callable[[str], None] | None = None) -> Iterator[Sequence]:
    """Read like `read`, one protein at a time: memory holds one record or one structure file.

    An error in the middle of a source is raised when it is met, after the proteins before it were given.
    """
    say = on_skip or _warn
    text = os.fspath(source)
    if _exists(source):
        yield from _folder(Path(source), say) if Path(source).is_dir() else _file(Path(source), None, say)
        return
    path, _, part = text.rpartition(":")
    if part and path and _exists(path):
        if Path(path).is_dir():
            raise InputError(text, got="a folder with a chain", expected="file:chain")
        yield from _file(Path(path), part, say)
        return
    yield from _accession(text, say)


def is_fasta(source: PathLike) -> bool:
    """Whether a source is a FASTA file or one record of it; False for everything else, also what cannot be read."""
    path = os.fspath(source)
    if not os.path.isfile(path):
        path = path.rpartition(":")[0]
    try:
        return os.path.isfile(path) and _kind(Path(path)) == "fasta"
    except InputError:
        return False


def _warn(text: str) -> None:
    warnings.warn(text, SkippedWarning, stacklevel=3)


def _exists(source: PathLike) -> bool:
    """Whether a path is there; a folder that may not be searched is an error."""
    with explained(source):
        try:
            os.stat(source)
        except (FileNotFoundError, NotADirectoryError):
            return False
        except (OSError, ValueError) as error:
            if isinstance(error, PermissionError):
                raise
            return False  # a name too long or with signs that no file name may hold
    return True


def _file(path: Path, part: str | None, say: Callable[[str], None]) -> Iterator[Sequence]:
    kind = _kind(path)
    if kind == "structure":
        yield from read_structures(path, chain=part, on_skip=say)
        return
    met = False
    for record in iter_fasta(path, on_skip=say):
        if part is None or record.id == part:
            met = True
            yield record
    if part is not None and not met:
        raise NotFoundError(os.fspath(path), got=f"no record {part!r}", expected="the first word of a header")


def _kind(path: Path) -> str:
    """`fasta` or `structure`, by the first bytes, then by the extension."""
    head = read_head(path)
    if not head.strip():
        raise InputError(os.fspath(path), got="an empty file", expected="FASTA, PDB, mmCIF or BinaryCIF")
    if looks_like_bcif(head):
        return "structure"
    if head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b">"):
        return "fasta"
    binary = b"\0" in head
    if not binary and (looks_like_cif(head) or any(line[:6] in _RECORDS for line in head.splitlines())):
        return "structure"
    suffixes = {suffix.lower() for suffix in path.suffixes[-2:]}
    if suffixes.intersection(_FASTA):
        return "fasta"
    if suffixes.intersection(_STRUCTURE):
        return "structure"
    raise InputError(
        os.fspath(path),
        got="a binary file" if binary else "an unknown format",
        expected="FASTA, PDB, mmCIF or BinaryCIF, each also .gz",
    )


_RECORDS = {b"ATOM  ", b"HETATM", b"HEADER", b"MODEL ", b"CRYST1", b"SEQRES"}


def _folder(folder: Path, say: Callable[[str], None]) -> Iterator[Sequence]:
    with explained(folder):
        members = sorted(entry for entry in folder.iterdir() if not entry.name.startswith("."))
    files = [entry for entry in members if not entry.is_dir()]
    if not files:
        raise InputError(os.fspath(folder), got="a folder without files", expected="FASTA or structure files")
    if len(files) < len(members):
        count = len(members) - len(files)
        say(f"{folder}: {count} subfolder{'s' * (count > 1)} left out")
    given = 0
    reason: FoldglassError | None = None
    for file in files:
        before = given
        try:
            for protein in _file(file, None, say):
                given += 1
                yield protein
        except InputError as error:
            reason = reason or error
            say(f"{error}; " + ("the rest of the file left out" if given > before else "the file left out"))
    if not given:
        raise InputError(os.fspath(folder), got=f"no readable file among {len(files)}", remedy=f"the first: {reason}")


def _suggestion(missing: Path) -> str:
    """A file with a similar name in the same folder, as a question."""
    try:
        names = [entry.name for entry in missing.parent.iterdir()]
    except OSError:
        return ""
    near = get_close_matches(missing.name, names, n=1)
    return f"did you mean {missing.parent / near[0]}?" if near else ""


def _accession(text: str, say: Callable[[str], None]) -> Iterator[Sequence]:
    from foldglass.io.fetch import fetch, looks_like_accession  # the HTTP client is slow to import

    accession, part = text, None
    if not looks_like_accession(text) and looks_like_accession(text.rpartition(":")[0]):
        accession, _, part = text.rpartition(":")
    if not looks_like_accession(accession):
        raise NotFoundError(
            text,
            got="no such file or folder, and no accession",
            expected="a path, or an accession such as 1CRN, P69905, AF-P69905 or sm:P69905",
            remedy=_suggestion(Path(text)),
        )
    yield from _file(fetch(accession), part, say)
