"""Write a C-alpha trace with one number per residue in the B-factor column, as PDB or mmCIF."""

import re
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
    check_trace_path(path)
    made = _gemmi(structure, b_factor, title)
    if Path(path).suffix.lower() == ".cif":
        groups = gemmi.MmcifOutputGroups(False)
        groups.block_name = groups.atoms = groups.entity = groups.entity_poly = groups.struct_asym = True
        groups.title_keywords = True
        text = made.make_mmcif_document(groups).as_string()
    else:
        _check_columns(structure, str(path))
        options = gemmi.PdbWriteOptions(seqres_records=False, cryst1_record=False)
        text = made.make_pdb_string(options)
    with replacing(path) as part:
        part.write_text(text)


def _gemmi(structure: Structure, b_factor: ResidueScores, title: str) -> gemmi.Structure:
    asym = structure.chain or "A"
    chain = gemmi.Chain(structure.chain)
    numbered = zip(structure.letters, structure.labels, structure.ca.tolist(), b_factor.tolist(), strict=True)
    for i, (letter, label, position, value) in enumerate(numbered, start=1):
        residue = gemmi.Residue()
        residue.name = gemmi.expand_one_letter(letter, gemmi.ResidueKind.AA) or "UNK"
        residue.seqid = _seqid(label, structure.id)
        residue.subchain, residue.label_seq = asym, i
        residue.entity_type, residue.het_flag = gemmi.EntityType.Polymer, "A"
        atom = gemmi.Atom()
        atom.name, atom.element = "CA", gemmi.Element("C")
        atom.pos, atom.b_iso = gemmi.Position(*position), value
        residue.add_atom(atom)
        chain.add_residue(residue)
    model = gemmi.Model(1)
    model.add_chain(chain)
    made = gemmi.Structure()
    made.add_model(model)
    made.name = re.sub(r"\W", "_", structure.id)
    made.info["_struct.title"] = title
    entity = gemmi.Entity("1")
    entity.entity_type, entity.polymer_type = gemmi.EntityType.Polymer, gemmi.PolymerType.PeptideL
    entity.subchains = [asym]
    made.entities.append(entity)
    return made


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
