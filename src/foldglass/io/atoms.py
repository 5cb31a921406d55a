"""One atom table for PDB, mmCIF and BinaryCIF, and the rules that make protein chains of it."""

from dataclasses import dataclass

import gemmi
import numpy as np
from jaxtyping import Bool, Float, Float64, Int, Shaped

from foldglass.constants import EXTENDED_LETTERS, UNKNOWN
from foldglass.errors import InputError
from foldglass.protein import Atoms


@dataclass(frozen=True, eq=False)
class AtomTable:
    """The atoms of a file's first model, one row each, in file order.

    `chain`, `residue`, `insertion`, `atom`, `element` (upper case) and `altloc` are strings, empty where the
    file gives none. `ligand` is True where the file itself says that the residue is no part of a polymer.
    """

    chain: Shaped[np.ndarray, " A"]
    number: Int[np.ndarray, " A"]
    insertion: Shaped[np.ndarray, " A"]
    residue: Shaped[np.ndarray, " A"]
    atom: Shaped[np.ndarray, " A"]
    element: Shaped[np.ndarray, " A"]
    altloc: Shaped[np.ndarray, " A"]
    occupancy: Float[np.ndarray, " A"]
    coords: Float64[np.ndarray, "A 3"]
    hetero: Bool[np.ndarray, " A"]
    ligand: Bool[np.ndarray, " A"]
    models: int = 1

    def __len__(self) -> int:
        return len(self.chain)

    def take(self, rows: Shaped[np.ndarray, " R"]) -> "AtomTable":
        """The rows of a mask or index array, in that order."""
        columns = {name: getattr(self, name)[rows] for name in self.__dataclass_fields__ if name != "models"}
        return AtomTable(**columns, models=self.models)


def elements(atom: Shaped[np.ndarray, " A"], residue: Shaped[np.ndarray, " A"]) -> Shaped[np.ndarray, " A"]:
    """Element by atom name, for files that give none: an ion's name, else the first letter.

    Examples
    --------
    >>> elements(np.array(["CA", "CA", "1HB"]), np.array(["CA", "ALA", "ALA"])).tolist()
    ['CA', 'C', 'H']
    """
    first = np.char.lstrip(atom, "0123456789'\"").astype("U1")
    return upper(np.where(atom == residue, atom, first))


def upper(values: Shaped[np.ndarray, " A"]) -> Shaped[np.ndarray, " A"]:
    """The values in upper case, each different one changed once."""
    unique, code = np.unique(values, return_inverse=True)
    return np.asarray(np.char.upper(unique)[code])


@dataclass(frozen=True, eq=False)
class ProteinChain:
    """A chain's residues with C-alpha, and what was left out of it.

    `missing` holds the numbers of amino acids without C-alpha, `unknown` the names read as X, `repeated` counts
    residues given twice without alternative-location label (the first is kept).
    """

    chain: str
    letters: str
    numbering: tuple[str, ...]
    ca: Float[np.ndarray, "L 3"]
    atoms: Atoms | None
    missing: tuple[str, ...]
    unknown: tuple[str, ...]
    repeated: int


_FORCE_FIELD_NAMES = dict(
    zip(["HSD", "HSE", "HSP", "HID", "HIE", "HIP", "CYX", "CYM", "ASH", "GLH", "LYN"], "HHHHHHCCDEK", strict=True)
)  # CHARMM's and AMBER's names of protonation states, which gemmi's table of the PDB's names lacks


def protein_chains(table: AtomTable, subject: str) -> tuple[list[ProteinChain], dict[str, str]]:
    """The protein chains of a table in file order, and why each other chain is none.

    Raises
    ------
    InputError
        If a coordinate of a protein residue is not finite.
    """
    kinds = _Kinds(table)
    position = _positions(table)
    alpha = _alpha_rows(table, kinds, position)
    chosen, repeated = _choose(table, position, alpha)
    chains: list[ProteinChain] = []
    others: dict[str, str] = {}
    missing = kinds.amino & ~table.ligand
    missing[np.isin(position, position[chosen])] = False
    heavy = _heavy_rows(table, position, chosen)
    starts = np.unique(table.chain, return_index=True)[1]
    for name in table.chain[np.sort(starts)]:
        own = chosen[table.chain[chosen] == name]
        lost = np.flatnonzero(missing & (table.chain == name))
        lost = lost[np.sort(np.unique(position[lost], return_index=True)[1])]
        if len(own):
            chains.append(_chain(table, kinds, position, own, heavy, _numbers(table, lost), repeated, subject))
        else:
            others[str(name)] = "no C-alpha" if len(lost) else kinds.of(table.chain == name)
    return chains, others


class _Kinds:
    """What gemmi's tables say of every row's residue name."""

    def __init__(self, table: AtomTable) -> None:
        names, self._code = np.unique(table.residue, return_inverse=True)
        infos = [gemmi.find_tabulated_residue(str(n)) for n in names]
        letters = [
            _FORCE_FIELD_NAMES.get(str(n)) or (i.one_letter_code.upper() if i.is_amino_acid() else UNKNOWN)
            for n, i in zip(names, infos, strict=True)
        ]
        self._letters = np.array([c if c in EXTENDED_LETTERS else UNKNOWN for c in letters] or [""])
        self.amino = self._spread([i.is_amino_acid() for i in infos]) | np.isin(table.residue, list(_FORCE_FIELD_NAMES))
        self.nucleic = self._spread([i.is_nucleic_acid() for i in infos])
        self.water = self._spread([i.is_water() for i in infos])

    def _spread(self, flags: list[bool]) -> Bool[np.ndarray, " A"]:
        return np.array(flags, dtype=bool)[self._code]

    def letters(self, rows: Int[np.ndarray, " L"]) -> str:
        return "".join(self._letters[self._code[rows]])

    def of(self, rows: Bool[np.ndarray, " A"]) -> str:
        if self.nucleic[rows].any():
            return "nucleic acid"
        return "water" if self.water[rows].all() else "ligand"


def _positions(table: AtomTable) -> Int[np.ndarray, " A"]:
    """One integer per row, equal for rows of the same chain, number and insertion code."""
    chain = np.unique(table.chain, return_inverse=True)[1].astype(np.int64)
    insertion, code = np.unique(table.insertion, return_inverse=True)
    number = table.number - table.number.min(initial=0)
    return np.unique((chain * (number.max(initial=0) + 1) + number) * len(insertion) + code, return_inverse=True)[1]


def _alpha_rows(table: AtomTable, kinds: _Kinds, position: Int[np.ndarray, " A"]) -> Int[np.ndarray, " R"]:
    """Rows of C-alphas that belong to amino acids.

    A name that gemmi does not know counts as an amino acid (X) if the file calls it part of the chain (ATOM) or it
    has a peptide's N and C.
    """
    alpha = (table.atom == "CA") & (table.element == "C") & ~table.ligand
    strange = alpha & ~(kinds.amino | kinds.nucleic | kinds.water)
    if strange.any():
        peptide = np.isin(position, position[table.atom == "N"]) & np.isin(position, position[table.atom == "C"])
        strange &= ~table.hetero | peptide
    return np.flatnonzero((alpha & kinds.amino) | strange)


def _choose(
    table: AtomTable, position: Int[np.ndarray, " A"], alpha: Int[np.ndarray, " R"]
) -> tuple[Int[np.ndarray, " L"], Int[np.ndarray, " K"]]:
    """Of every residue the C-alpha row of highest occupancy (the first on a tie), and the positions given twice."""
    alpha = alpha[np.lexsort((alpha, -table.occupancy[alpha], position[alpha]))]
    first = np.unique(position[alpha], return_index=True)[1]
    chosen = alpha[first]
    plain = position[alpha[table.altloc[alpha] == ""]]
    met, count = np.unique(plain, return_counts=True)
    return np.sort(chosen), met[count > 1]


def _heavy_rows(
    table: AtomTable, position: Int[np.ndarray, " A"], chosen: Int[np.ndarray, " L"]
) -> Int[np.ndarray, " R"]:
    """Heavy atoms of the chosen residues, every atom once, in the conformer of the C-alpha where it has one."""
    residue = np.full(position.max(initial=-1) + 1, -1)
    residue[position[chosen]] = chosen
    own = residue[position]
    rows = np.flatnonzero((own >= 0) & (table.element != "H") & (table.element != "D"))
    rows = rows[table.residue[rows] == table.residue[own[rows]]]
    other = table.altloc[rows] != table.altloc[own[rows]]
    atom = np.unique(table.atom[rows], return_inverse=True)[1]
    order = np.lexsort((rows, -table.occupancy[rows], other, atom, position[rows]))
    rows, atom = rows[order], atom[order]
    new = np.ones(len(rows), dtype=bool)
    new[1:] = (position[rows[1:]] != position[rows[:-1]]) | (atom[1:] != atom[:-1])
    return np.sort(rows[new])


def _numbers(table: AtomTable, rows: Int[np.ndarray, " L"]) -> tuple[str, ...]:
    return tuple(f"{n}{i}" for n, i in zip(table.number[rows].tolist(), table.insertion[rows].tolist(), strict=True))


def _chain(
    table: AtomTable,
    kinds: _Kinds,
    position: Int[np.ndarray, " A"],
    own: Int[np.ndarray, " L"],
    heavy: Int[np.ndarray, " R"],
    missing: tuple[str, ...],
    repeated: Int[np.ndarray, " K"],
    subject: str,
) -> ProteinChain:
    name = str(table.chain[own[0]])
    index = np.full(position.max() + 1, -1)
    index[position[own]] = np.arange(len(own))
    heavy = heavy[index[position[heavy]] >= 0]
    heavy = heavy[np.lexsort((heavy, index[position[heavy]]))]
    bad = np.flatnonzero(~np.isfinite(table.coords[heavy]).all(axis=1))
    if len(bad):
        row = heavy[bad[:1]]
        raise InputError(
            f"{subject}, chain {name}",
            got=f"a coordinate that is not a number at residue {_numbers(table, row)[0]}, atom {table.atom[row[0]]}",
            expected="finite coordinates",
            remedy="remove the residue or repair the file",
        )
    letters = kinds.letters(own)
    strange = [str(table.residue[own[i]]) for i, c in enumerate(letters) if c == UNKNOWN]
    coords = table.coords.astype(np.float32)
    return ProteinChain(
        chain=name,
        letters=letters,
        numbering=_numbers(table, own),
        ca=coords[own],
        atoms=Atoms(tuple(table.atom[heavy].tolist()), coords[heavy], index[position[heavy]])
        if len(heavy) > len(own)
        else None,
        missing=missing,
        unknown=tuple(dict.fromkeys(strange)),
        repeated=int(np.isin(position[own], repeated).sum()),
    )
