"""mmCIF files, as text or as BinaryCIF, to atom tables."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial

import gemmi
import numpy as np
from jaxtyping import Shaped

from foldglass.errors import InputError
from foldglass.io.atoms import AtomTable, elements, upper

Category = Callable[[str], Mapping[str, np.ndarray]]
"""Gives a category's columns by name, as strings or numbers, '' where a value is not given ('.' or '?')."""

_NOT_POLYMER = ("non-polymer", "branched", "macrolide", "water")


def cif_table(data: bytes, subject: str) -> AtomTable:
    """The first model of the first block with atoms of an mmCIF file.

    Raises
    ------
    InputError
        If the file is not mmCIF or a coordinate is not a number.
    """
    try:
        document = gemmi.cif.read_string(data)
    except (RuntimeError, ValueError) as error:
        raise InputError(
            subject, got=f"not readable as mmCIF ({error})", remedy="download or write it again"
        ) from error
    blocks = [b for b in document if b.find_mmcif_category("_atom_site.").width() > 0]
    if not blocks:
        raise InputError(subject, got="an mmCIF file without atoms", expected="the category atom_site")
    return table_of(partial(_TextCategory, blocks[0]), subject)


class _TextCategory(Mapping[str, np.ndarray]):
    """Columns of a category of a CIF block, read when asked for."""

    def __init__(self, block: gemmi.cif.Block, name: str) -> None:
        self._table = block.find_mmcif_category(f"_{name}.")
        tags: list[str] = list(self._table.tags) if self._table.width() else []
        self._index = {tag.split(".", 1)[1]: i for i, tag in enumerate(tags)}

    def __getitem__(self, name: str) -> Shaped[np.ndarray, " A"]:
        values = np.array(list(self._table.column(self._index[name])), dtype=str)
        values[(values == "?") | (values == ".")] = ""
        quoted = np.isin(values.astype("U1"), ["'", '"', ";"])
        if quoted.any():
            values[quoted] = [gemmi.cif.as_string(str(v)) for v in values[quoted]]
        return values

    def __contains__(self, name: object) -> bool:
        return name in self._index

    def __iter__(self) -> Iterator[str]:
        return iter(self._index)

    def __len__(self) -> int:
        return len(self._index)


def table_of(category: Category, subject: str) -> AtomTable:
    """The first model of an atom_site category, by the author's chains and numbers where given."""
    site = _Site(category("atom_site"), subject)
    model = site.column("pdbx_PDB_model_num", default="1")
    site.rows = np.flatnonzero(model == model[0]) if len(model) else np.zeros(0, dtype=np.int64)
    atom, residue = site.column("label_atom_id", "auth_atom_id"), site.column("label_comp_id", "auth_comp_id")
    hetero = site.column("group_PDB", default="ATOM") == "HETATM"
    written = site.column("type_symbol", default="")
    return AtomTable(
        chain=site.column("auth_asym_id", "label_asym_id"),
        number=site.numbers("auth_seq_id", "label_seq_id", missing="0").astype(np.int64),
        insertion=site.column("pdbx_PDB_ins_code", default=""),
        residue=residue,
        atom=atom,
        element=np.where(written == "", elements(atom, residue), upper(written)),
        altloc=site.column("label_alt_id", default=""),
        occupancy=site.numbers("occupancy", missing="1"),
        coords=np.stack([site.numbers(f"Cartn_{axis}") for axis in "xyz"], axis=1),
        hetero=hetero,
        ligand=_ligands(site, category, hetero),
        models=len(np.unique(model)),
    )


class _Site:
    """Columns of atom_site with fall-backs."""

    def __init__(self, columns: Mapping[str, np.ndarray], subject: str) -> None:
        self._columns, self._subject = columns, subject
        self.rows: slice | Shaped[np.ndarray, " A"] = slice(None)

    def _raw(self, *names: str, default: str | None = None) -> np.ndarray:
        for name in names:
            if name in self._columns:
                return self._columns[name][self.rows]
        if default is None:
            raise InputError(self._subject, got=f"no column atom_site.{names[0]}", expected="a complete mmCIF file")
        length = len(next(iter(self._columns.values()))[self.rows])
        return np.full(length, default)

    def column(self, *names: str, default: str | None = None) -> np.ndarray:
        return self._raw(*names, default=default).astype(str)

    def numbers(self, *names: str, missing: str = "") -> np.ndarray:
        raw = self._raw(*names, default=missing or None)
        if raw.dtype.kind in "fiu":
            return raw.astype(np.float64)
        raw = np.where(raw == "", missing, raw) if missing else raw
        try:
            return raw.astype(np.float64)
        except ValueError:
            return np.array([self._number(names[0], row, str(value)) for row, value in enumerate(raw)])

    def _number(self, name: str, row: int, value: str) -> float:
        try:
            return float(value.split("(")[0])  # 1.234(5) carries its standard uncertainty
        except ValueError:
            raise InputError(
                f"{self._subject}, atom {row + 1}",
                got=f"{value or '?'!r} as {name}",
                expected="a number",
                remedy="repair the file",
            ) from None


def _ligands(site: _Site, category: Category, hetero: np.ndarray) -> np.ndarray:
    """Rows of entities that are no polymer; without entities, HETATM rows outside the sequence."""
    entity = category("entity")
    if "id" in entity and "type" in entity:
        others = [i for i, kind in zip(entity["id"], entity["type"], strict=True) if kind in _NOT_POLYMER]
        return np.isin(site.column("label_entity_id", default=""), others)
    return np.asarray(hetero & (site.column("label_seq_id", default="1") == ""))
