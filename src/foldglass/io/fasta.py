"""FASTA, streamed.

Rules: the first word of the header is the id. Letters in lower case (soft masking) mean the same residues and are
made upper case. White space within the sequence is ignored. One trailing `*` (the stop of a translation) is
removed. A gap (`-`, `.`), an inner `*`, any other sign, a record without residues and an id that comes twice are
errors. The ids met are kept in memory to find repeats, about 150 bytes each.
"""

import os
import re
from collections.abc import Callable, Iterator
from itertools import accumulate

from foldglass.constants import EXTENDED_LETTERS
from foldglass.errors import InputError
from foldglass.io.opened import open_text
from foldglass.protein import Sequence
from foldglass.typing import PathLike

_WRONG = re.compile(f"[^{EXTENDED_LETTERS}]")
_NUCLEOTIDES = re.compile("[ACGTUN]{50,}")


def iter_fasta(path: PathLike, *, on_skip: Callable[[str], None] | None = None) -> Iterator[Sequence]:
    """Read the records of a FASTA file one by one; memory holds one record and the ids.

    `on_skip` is told, once per record, of sequences that look like nucleotides (50 letters or more, only A, C, G,
    T, U, N); they are read as protein all the same.

    Raises
    ------
    InputError
        At the first record that breaks a rule of this format, with its line.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "two.fasta"
    >>> _ = path.write_text(">a first\\nmkv\\nLA*\\n>b\\nGG\\n")
    >>> [(s.id, s.letters) for s in iter_fasta(path)]
    [('a', 'MKVLA'), ('b', 'GG')]
    """
    source = os.fspath(path)
    met: dict[str, int] = {}
    for identifier, start, lines in _records(path):
        if identifier in met:
            raise InputError(
                f"{source}, line {start}",
                got=f"id {identifier!r} again, first at line {met[identifier]}",
                expected="every id once",
                remedy="rename or remove one record",
            )
        met[identifier] = start
        letters = _letters(source, identifier, start, lines)
        if on_skip and _NUCLEOTIDES.fullmatch(letters):
            on_skip(
                f"{source}, line {start}, record {identifier!r}: only A, C, G, T, U or N, read as protein; "
                "translate it first if these are nucleotides"
            )
        yield Sequence(identifier, letters, source)
    if not met:
        raise InputError(source, got="an empty file", expected="a FASTA record that begins with '>'")


def _records(path: PathLike) -> Iterator[tuple[str, int, list[tuple[int, str]]]]:
    """Id, line number and numbered sequence lines of each record."""
    source = os.fspath(path)
    header: tuple[str, int] | None = None
    lines: list[tuple[int, str]] = []
    with open_text(path) as text:
        for number, raw in enumerate(text, start=1):
            line = raw.strip()
            if "\0" in line:
                raise InputError(source, got=f"a binary file (NUL byte at line {number})", expected="FASTA text")
            if line.startswith(">"):
                if header:
                    yield *header, lines
                words = line[1:].split(maxsplit=1)
                if not words:
                    raise InputError(f"{source}, line {number}", got="a header without id", expected="'>id'")
                header, lines = (words[0], number), []
            elif line and not header:
                raise InputError(
                    f"{source}, line {number}", got=f"{line[:20]!r} before the first header", expected="'>id'"
                )
            elif line:
                lines.append((number, line))
    if header:
        yield *header, lines


def _letters(source: str, identifier: str, start: int, lines: list[tuple[int, str]]) -> str:
    letters = "".join("".join(line.split()) for _, line in lines).upper().removesuffix("*")
    if not letters:
        raise InputError(
            f"{source}, line {start}, record {identifier!r}",
            got="no residue",
            expected="a sequence below the header",
            remedy="remove the record",
        )
    wrong = _WRONG.search(letters)
    if wrong:
        raise _wrong_letter(f"{source}, line {{}}, record {identifier!r}", letters, wrong.start(), lines)
    return letters


def _wrong_letter(subject: str, letters: str, position: int, lines: list[tuple[int, str]]) -> InputError:
    ends = accumulate(len("".join(line.split())) for _, line in lines)
    number = next(number for (number, _), end in zip(lines, ends, strict=True) if end > position)
    sign = letters[position]
    if sign in "-.":
        got, remedy = f"a gap {sign!r}", "remove the gaps of the alignment"
    elif sign == "*":
        got, remedy = "a stop '*'", "end the sequence there or remove the record"
    else:
        got, remedy = repr(sign), "write X for a residue that is not known"
    return InputError(
        subject.format(number),
        got=f"{got} at position {position + 1}",
        expected=f"one of {EXTENDED_LETTERS}",
        remedy=remedy,
    )
