"""Write chains with one number per residue in the B-factor column, as PDB or mmCIF: a C-alpha trace, or all atoms."""

import re
from collections.abc import Sequence as List
from pathlib import Path

import gemmi
import numpy as np

from foldglass.errors import InputError, UsageError
from foldglass.io.atomic import replacing
from foldglass.protein import Structure
from foldglass.typing import PathLike, ResidueScores

_NUMBER = re.compile(r"(-?\d+)(\S?)")


def check_trace_path(path: PathLike) -> None:
    """Raise if the extension is neither `.pdb` nor `.cif`.

    Raises
    ------
    UsageError
        If it is another one.

    Examples
    --------
    >>> check_trace_path("refined.xyz")
    Traceback (most recent call last):
        ...
    foldglass.errors.UsageError: refined.xyz: the extension '.xyz'; expected .pdb or .cif
    """
    suffix = Path(path).suffix.lower()
    if suffix not in (".pdb", ".cif"):
        raise UsageError(str(path), got=f"the extension {suffix!r}", expected=".pdb or .cif")


def write_trace(path: PathLike, structure: Structure, b_factor: ResidueScores, *, title: str) -> None:
    """Write the C-alphas with the author's chain id, residue numbers and insertion codes; the file is whole or absent.

    A modified residue that was read as its parent (MSE as M) is written as the parent, an unknown one as UNK.

    Parameters
    ----------
    b_factor
        One number per residue for the B-factor column; PDB has room for two decimals up to 999.99.
    title
        What the file is, kept in it.

    Raises
    ------
    UsageError
        If the extension is neither `.pdb` nor `.cif`.
    InputError
        If the file cannot be written, or the structure does not fit the columns of PDB.
    """
    write_chains(path, [(structure, b_factor)], title=title, all_atoms=False)


def write_chains(
    path: PathLike, chains: List[tuple[Structure, ResidueScores]], *, title: str, all_atoms: bool = True
) -> None:
    """Write chains of one file as `write_trace` does, with their heavy atoms where they have any.

    Parameters
    ----------
    chains
        Structures, each with one number per residue.
    all_atoms
        False writes C-alphas alone.

    Raises
    ------
    UsageError
        If the extension is neither `.pdb` nor `.cif`.
    InputError
        If the file cannot be written, or a structure does not fit the columns of PDB.
    """
    check_trace_path(path)
    made = gemmi.Structure()
    model = gemmi.Model(1)
    for structure, b_factor in chains:
        chain, entity = _chain(structure, b_factor, all_atoms=all_atoms, number=len(made.entities) + 1)
        model.add_chain(chain)
        made.entities.append(entity)
    made.add_model(model)
    made.name = re.sub(r"\W", "_", chains[0][0].id)
    made.info["_struct.title"] = title
    if Path(path).suffix.lower() == ".cif":
        groups = gemmi.MmcifOutputGroups(False)
        groups.block_name = groups.atoms = groups.entity = groups.entity_poly = groups.struct_asym = True
        groups.title_keywords = True
        text = made.make_mmcif_document(groups).as_string()
    else:
        for structure, _ in chains:
            _check_columns(structure, str(path))
        options = gemmi.PdbWriteOptions(seqres_records=False, cryst1_record=False)
        text = made.make_pdb_string(options)
    with replacing(path) as part:
        part.write_text(text)


def _chain(
    structure: Structure, b_factor: ResidueScores, *, all_atoms: bool, number: int
) -> tuple[gemmi.Chain, gemmi.Entity]:
    asym = structure.chain or "A"
    chain = gemmi.Chain(structure.chain)
    given = structure.atoms if all_atoms else None
    numbered = zip(structure.letters, structure.labels, structure.ca.tolist(), b_factor.tolist(), strict=True)
    for i, (letter, label, position, value) in enumerate(numbered, start=1):
        residue = gemmi.Residue()
        residue.name = gemmi.expand_one_letter(letter, gemmi.ResidueKind.AA) or "UNK"
        residue.seqid = _seqid(label, structure.id)
        residue.subchain, residue.label_seq = asym, i
        residue.entity_type, residue.het_flag = gemmi.EntityType.Polymer, "A"
        rows = [] if given is None else np.flatnonzero(given.residue == i - 1).tolist()
        placed = [(given.names[row], given.coords[row].tolist()) for row in rows] if given else [("CA", position)]
        for name, coords in placed:
            atom = gemmi.Atom()
            atom.name, atom.element = name, gemmi.Element("Se" if name == "SE" else name[0])
            atom.pos, atom.b_iso = gemmi.Position(*coords), value
            residue.add_atom(atom)
        chain.add_residue(residue)
    entity = gemmi.Entity(str(number))
    entity.entity_type, entity.polymer_type = gemmi.EntityType.Polymer, gemmi.PolymerType.PeptideL
    entity.subchains = [asym]
    return chain, entity


def _seqid(label: str, subject: str) -> gemmi.SeqId:
    found = _NUMBER.fullmatch(label)
    if not found:
        raise InputError(f"structure {subject!r}", got=f"the residue number {label!r}", expected="such as 52 or 52A")
    return gemmi.SeqId(int(found[1]), found[2] or " ")


def _check_columns(structure: Structure, path: str) -> None:
    """Refuse what the fixed columns of PDB would garble."""
    numbers = [int(found[1]) for label in structure.labels if (found := _NUMBER.fullmatch(label))]
    if len(structure.chain) > 1:
        got = f"the chain id {structure.chain!r}"
    elif min(numbers) < -999 or max(numbers) > 9999:
        got = f"residue numbers from {min(numbers)} to {max(numbers)}"
    elif not np.all((structure.ca > -999) & (structure.ca < 9999)):
        got = "a coordinate of four digits or more"
    else:
        return
    raise InputError(path, got=f"{got}, which does not fit the PDB format", remedy="write .cif instead")
