"""PDB files to atom tables, by their fixed columns (wwPDB format 3.3).

Read here and not by gemmi, which takes an unreadable coordinate for 0 and refuses files of the older format that
carry the entry's id in columns 73 to 80.
"""

import numpy as np
from jaxtyping import Float64, Int, Shaped, UInt8

from foldglass.errors import InputError
from foldglass.io.atoms import AtomTable, elements, upper

_ATOM_RECORDS = (b"ATOM  ", b"HETATM")
_WIDTH = 80


def pdb_table(data: bytes, subject: str) -> AtomTable:
    """The first model of a PDB file.

    HETATM records after the TER of their chain are ligands. Residue numbers over 9999 may be hybrid-36 or start
    again at 0.

    Raises
    ------
    InputError
        If an atom has no readable coordinate or residue number; the line is named.
    """
    lines, numbers, ends, models = _atom_lines(data)
    text = np.array(lines, dtype=f"S{_WIDTH}")
    columns = text.view(np.uint8).reshape(len(lines), _WIDTH)
    atom, residue, chain = _field(columns, 13, 16), _field(columns, 18, 20), _field(columns, 22, 22)
    written = _field(columns, 77, 78)
    hetero = np.char.startswith(_field(columns, 1, 6), "HETATM")
    return AtomTable(
        chain=chain,
        number=_unwrapped(_residue_numbers(_field(columns, 23, 26), numbers, subject), chain),
        insertion=_field(columns, 27, 27),
        residue=residue,
        atom=atom,
        element=np.where(np.char.isalpha(written), upper(written), elements(atom, residue)),
        altloc=_field(columns, 17, 17),
        occupancy=_occupancy(_field(columns, 55, 60)),
        coords=_coordinates(columns, numbers, subject),
        hetero=hetero,
        ligand=hetero & _after_end(chain, ends),
        models=models,
    )


def _atom_lines(data: bytes) -> tuple[list[bytes], list[int], list[int], int]:
    """Atom lines of the first model, their line numbers, the row at each TER, the number of models."""
    lines: list[bytes] = []
    numbers: list[int] = []
    ends: list[int] = []
    models = 0
    for number, line in enumerate(data.splitlines(), start=1):
        record = line[:6]
        if record.rstrip() == b"MODEL":
            models += 1
        elif models > 1:
            continue
        elif record in _ATOM_RECORDS:
            lines.append(line)
            numbers.append(number)
        elif record[:3] == b"TER" and lines:
            ends.append(len(lines))
    return lines, numbers, ends, max(models, 1)


def _field(columns: UInt8[np.ndarray, "A W"], first: int, last: int) -> Shaped[np.ndarray, " A"]:
    """Stripped text of the 1-based columns first..last."""
    part = columns[:, first - 1 : last].astype(np.uint32).view(f"U{last - first + 1}")[:, 0]
    return np.char.strip(part)


def _coordinates(columns: UInt8[np.ndarray, "A W"], numbers: list[int], subject: str) -> Float64[np.ndarray, "A 3"]:
    axes = [np.ascontiguousarray(columns[:, start : start + 8]).view("S8")[:, 0] for start in (30, 38, 46)]
    try:
        return np.stack([axis.astype(np.float64) for axis in axes], axis=1)
    except ValueError:
        for row, texts in enumerate(zip(*axes, strict=True)):
            for value in texts:
                _number(value.decode("latin-1").strip(), f"{subject}, line {numbers[row]}")
        raise


def _number(text: str, subject: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise InputError(
            subject, got=f"{text!r} as coordinate", expected="a number in columns 31 to 54", remedy="repair the file"
        ) from None


def _occupancy(text: Shaped[np.ndarray, " A"]) -> Float64[np.ndarray, " A"]:
    """Occupancies; 1 where the file gives none."""
    try:
        return np.where(text == "", "1", text).astype(np.float64)
    except ValueError:
        return np.ones(len(text))


def _residue_numbers(text: Shaped[np.ndarray, " A"], numbers: list[int], subject: str) -> Int[np.ndarray, " A"]:
    try:
        return text.astype(np.int64)
    except ValueError:
        unique, code = np.unique(text, return_inverse=True)
        lines = np.array(numbers)[np.unique(code, return_index=True)[1]]
        values = [_hybrid36(str(t), f"{subject}, line {n}") for t, n in zip(unique, lines, strict=True)]
        return np.array(values, dtype=np.int64)[code]


def _hybrid36(text: str, subject: str) -> int:
    """A residue number in four columns: decimal up to 9999, then A000 .. ZZZZ, a000 .. zzzz."""
    try:
        if not text[:1].isalpha():
            return int(text)
        if len(text) == 4 and (text == text.upper() or text == text.lower()):
            return int(text, 36) - 10 * 36**3 + 10**4 + (26 * 36**3 if text.islower() else 0)
    except ValueError:
        pass
    raise InputError(subject, got=f"{text!r} as residue number", expected="a number in columns 23 to 26")


def _unwrapped(number: Int[np.ndarray, " A"], chain: Shaped[np.ndarray, " A"]) -> Int[np.ndarray, " A"]:
    """Count on where a chain's numbers start again at 0 after 9999."""
    if not len(number):
        return number
    same = chain[1:] == chain[:-1]
    turns = np.concatenate([[0], np.cumsum(same & (number[1:] == 0) & (number[:-1] == 9999))])
    start = np.maximum.accumulate(np.where(np.concatenate([[True], ~same]), np.arange(len(number)), 0))
    return np.asarray(number + 10_000 * (turns - turns[start]))


def _after_end(chain: Shaped[np.ndarray, " A"], ends: list[int]) -> Shaped[np.ndarray, " A"]:
    """Rows that stand after the TER record of their own chain."""
    after = np.zeros(len(chain), dtype=bool)
    for end in ends:
        after[end:] |= chain[end:] == chain[end - 1]
    return after
