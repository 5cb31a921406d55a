"""Structure files with one difficulty each, written line by line so that nothing but the reader is trusted."""

import gzip
from collections.abc import Callable
from itertools import count
from pathlib import Path

import gemmi
import numpy as np
import pytest

from foldglass.errors import InputError, NotFoundError
from foldglass.io.structure import read_structures
from foldglass.protein import Structure


def atom(
    name: str,
    residue: str,
    number: str,
    x: float | str,
    *,
    chain: str = "A",
    altloc: str = " ",
    occupancy: float = 1.0,
    element: str = "",
    record: str = "ATOM",
) -> str:
    insertion = number[-1] if number[-1].isalpha() and not number[0].isalpha() else " "
    digits = number.removesuffix(insertion)
    where = x if isinstance(x, str) else f"{x:8.3f}"
    padded = name if len(name) == 4 else f" {name:<3}"
    return (
        f"{record:<6}    1 {padded}{altloc}{residue:>3} {chain}{digits:>4}{insertion}   {where}{0:8.3f}{0:8.3f}"
        f"{occupancy:6.2f} 10.00          {element or name[0]:>2}  "
    )


def peptide(*residues: tuple[str, str], chain: str = "A", record: str = "ATOM") -> list[str]:
    """N, CA and C of (name, number) pairs; the n-th C-alpha stands at x = 10 n."""
    return [
        atom(name, residue, number, 10.0 * n + shift, chain=chain, record=record)
        for n, (residue, number) in enumerate(residues)
        for name, shift in (("N", -1.0), ("CA", 0.0), ("C", 1.0))
    ]


Write = Callable[..., Path]


@pytest.fixture(params=["pdb", "cif", "bcif"])
def write(request: pytest.FixtureRequest, tmp_path: Path) -> Write:
    """Write PDB lines in each of the three formats."""

    def made(lines: list[str], stem: str = "x") -> Path:
        text = "\n".join([*lines, "END", ""])
        path = tmp_path / f"{stem}.{request.param}"
        if request.param == "pdb":
            path.write_text(text)
            return path
        structure = gemmi.read_pdb_string(text)
        structure.setup_entities()
        document = structure.make_mmcif_document()
        if request.param == "cif":
            document.write_file(str(path))
            return path
        return as_bcif(document, path)

    return made


def as_bcif(document: gemmi.cif.Document, path: Path) -> Path:
    """Write a document as BinaryCIF with biotite, an implementation that is not ours."""
    pdbx = pytest.importorskip("biotite.structure.io.pdbx")
    block = pdbx.BinaryCIFBlock()
    for name, category in pdbx.CIFFile.deserialize(document.as_string()).block.items():
        columns = {
            key: pdbx.BinaryCIFColumn(
                pdbx.BinaryCIFData(column.as_array()),
                None if column.mask is None else pdbx.BinaryCIFData(column.mask.array),
            )
            for key, column in category.items()
        }
        block[name] = pdbx.BinaryCIFCategory(columns)
    pdbx.compress(pdbx.BinaryCIFFile({"x": block})).write(str(path))
    return path


def read_one(path: Path) -> Structure:
    (structure,) = read_structures(path)
    return structure


def test_letters_numbering_coordinates_and_atoms(write: Write) -> None:
    structure = read_one(write(peptide(("MET", "5"), ("LYS", "6"), ("VAL", "6A"), ("GLY", "9"))))
    assert structure.id == "x"
    assert structure.letters == "MKVG"
    assert structure.chain == "A"
    assert structure.labels == ("5", "6", "6A", "9")
    np.testing.assert_array_equal(structure.ca, np.array([[0, 0, 0], [10, 0, 0], [20, 0, 0], [30, 0, 0]], np.float32))
    assert structure.ca.dtype == np.float32
    assert structure.atoms is not None
    assert structure.atoms.names == ("N", "CA", "C") * 4
    assert structure.atoms.residue.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3]
    assert structure.atoms.coords[4].tolist() == [10.0, 0.0, 0.0]


@pytest.mark.parametrize("length", [1, 2])
def test_shortest_chains(write: Write, length: int) -> None:
    assert read_one(write(peptide(*[("TRP", str(i)) for i in range(length)]))).letters == "W" * length


def test_calpha_trace_has_no_atoms(write: Write) -> None:
    assert read_one(write([atom("CA", "GLY", str(i), i * 3.8) for i in range(1, 4)])).atoms is None


def test_hydrogens_are_not_kept(write: Write) -> None:
    lines = [*peptide(("GLY", "1")), atom("H", "GLY", "1", 2.0), atom("D", "GLY", "1", 2.5)]
    structure = read_one(write(lines))
    assert structure.atoms is not None
    assert structure.atoms.names == ("N", "CA", "C")


def test_several_chains_are_named_and_selected(write: Write) -> None:
    path = write([*peptide(("MET", "1"), chain="B"), *peptide(("LYS", "1"), ("LYS", "2"), chain="A")])
    assert [(s.id, s.chain, s.letters) for s in read_structures(path)] == [("x_B", "B", "M"), ("x_A", "A", "KK")]
    assert [s.id for s in read_structures(path, chain="A")] == ["x_A"]
    with pytest.raises(NotFoundError, match=r"no chain 'Z'; expected one of its protein chains B, A"):
        read_structures(path, chain="Z")


def test_other_chains_are_left_out_and_said(write: Write) -> None:
    lines = [
        *peptide(("GLY", "1")),
        atom("P", "DA", "1", 0.0, chain="B"),
        atom("O", "HOH", "1", 0.0, chain="W", record="HETATM"),
        atom("C1", "HEM", "1", 0.0, chain="L", record="HETATM"),
    ]
    said: list[str] = []
    path = write(lines)
    assert [s.chain for s in read_structures(path, on_skip=said.append)] == ["A"]
    assert said == [f"{path}: left out chain B (nucleic acid), chain W (water), chain L (ligand)"]
    with pytest.raises(NotFoundError, match=r"chain B is nucleic acid; expected one of its protein chains A"):
        read_structures(path, chain="B")


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        (atom("P", "DA", "1", 0.0), "nucleic acid"),
        (atom("O", "HOH", "1", 0.0, record="HETATM"), "water"),
        (atom("N", "ALA", "1", 0.0), "no C-alpha"),
        (atom("CA", "CA", "1", 0.0, element="CA", record="HETATM"), "ligand"),
        (atom("CA", "CA", "1", 0.0, element="CA"), "ligand"),
    ],
)
def test_file_without_protein(write: Write, line: str, kind: str) -> None:
    with pytest.raises(InputError, match=rf"no C-alpha atom \(chain A is {kind}\); expected a protein chain"):
        read_structures(write([line]))


def test_alternative_location_of_highest_occupancy_first_on_a_tie(write: Write) -> None:
    lines = [
        atom("CA", "ALA", "1", 1.0, altloc="A", occupancy=0.3),
        atom("CA", "ALA", "1", 2.0, altloc="B", occupancy=0.7),
        atom("CB", "ALA", "1", 3.0, altloc="A", occupancy=0.3),
        atom("CB", "ALA", "1", 4.0, altloc="B", occupancy=0.7),
        atom("CA", "GLY", "2", 5.0, altloc="A", occupancy=0.5),
        atom("CA", "GLY", "2", 6.0, altloc="B", occupancy=0.5),
    ]
    structure = read_one(write(lines))
    assert structure.letters == "AG"
    assert structure.ca[:, 0].tolist() == [2.0, 5.0]
    assert structure.atoms is not None
    assert structure.atoms.coords[:, 0].tolist() == [2.0, 4.0, 5.0]


def test_side_chain_keeps_the_conformer_of_the_calpha(write: Write) -> None:
    lines = [
        atom("CA", "SER", "1", 1.0, altloc="A", occupancy=0.6),
        atom("CA", "SER", "1", 2.0, altloc="B", occupancy=0.4),
        atom("OG", "SER", "1", 3.0, altloc="A", occupancy=0.2),
        atom("OG", "SER", "1", 4.0, altloc="B", occupancy=0.8),
        atom("CB", "SER", "1", 5.0, altloc="B", occupancy=0.4),
    ]
    structure = read_one(write(lines))
    assert structure.atoms is not None
    assert dict(zip(structure.atoms.names, structure.atoms.coords[:, 0].tolist(), strict=True)) == {
        "CA": 1.0,
        "OG": 3.0,
        "CB": 5.0,
    }


def test_two_residue_types_at_one_number(write: Write) -> None:
    lines = [
        atom("CA", "SER", "1", 1.0, altloc="A", occupancy=0.4),
        atom("OG", "SER", "1", 1.5, altloc="A", occupancy=0.4),
        atom("CA", "THR", "1", 2.0, altloc="B", occupancy=0.6),
        atom("CB", "THR", "1", 2.5, altloc="B", occupancy=0.6),
    ]
    structure = read_one(write(lines))
    assert structure.letters == "T"
    assert structure.atoms is not None
    assert structure.atoms.names == ("CA", "CB")


def test_modified_residues_get_their_parents_letter(write: Write) -> None:
    lines = [
        *peptide(("ALA", "1")),
        *peptide(("MSE", "2"), ("SEP", "3"), record="HETATM"),
        *peptide(("SEC", "4")),
    ]
    assert read_one(write(lines)).letters == "AMSU"


def test_ligand_amino_acids_are_no_residues(write: Write) -> None:
    lines = [*peptide(("GLY", "1"), ("GLY", "2")), "TER", *peptide(("GLU", "99"), record="HETATM")]
    assert read_one(write(lines)).letters == "GG"


def test_residue_without_calpha_is_left_out_and_counted(write: Write) -> None:
    lines = [*peptide(("GLY", "1")), atom("N", "ALA", "2", 3.0), atom("C", "LEU", "3", 3.0), *peptide(("VAL", "4"))]
    said: list[str] = []
    path = write(lines)
    (structure,) = read_structures(path, on_skip=said.append)
    assert structure.letters == "GV"
    assert structure.labels == ("1", "4")
    assert said == [f"{path}, chain A: 2 residues without C-alpha left out (2, 3)"]


def test_unknown_residue_is_x_and_said(write: Write) -> None:
    said: list[str] = []
    path = write([*peptide(("GLY", "1"), ("QQQ", "2"))])
    assert read_structures(path, on_skip=said.append)[0].letters == "GX"
    assert said == [f"{path}, chain A: residues of unknown type read as X (QQQ)"]


def test_first_model_is_read_and_the_rest_said(write: Write) -> None:
    lines = ["MODEL        1", *peptide(("GLY", "1")), "ENDMDL", "MODEL        2", *peptide(("ALA", "1")), "ENDMDL"]
    said: list[str] = []
    path = write(lines)
    assert [s.letters for s in read_structures(path, on_skip=said.append)] == ["G"]
    assert said == [f"{path}: the first of 2 models is read"]


@pytest.mark.parametrize("name", ["CA", "N"])
def test_nan_coordinate_is_refused(write: Write, name: str) -> None:
    x = {"CA": "   1.000", "N": "   2.000", name: "     nan"}
    lines = [*peptide(("GLY", "1")), atom("N", "ALA", "7", x["N"]), atom("CA", "ALA", "7", x["CA"])]
    with pytest.raises(InputError, match=rf"chain A: a coordinate that is not a number at residue 7, atom {name};"):
        read_structures(write(lines))


@pytest.mark.parametrize("text", ["        ", "********", "   1.2.3"])
def test_unreadable_pdb_coordinate_names_the_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.pdb"
    path.write_text("\n".join(["REMARK", *peptide(("GLY", "1")), atom("CA", "ALA", "2", text)]))
    with pytest.raises(InputError, match=r"x\.pdb, line 5: '.*' as coordinate; expected a number in columns 31 to 54"):
        read_structures(path)


def test_unreadable_cif_coordinate_names_the_atom(tmp_path: Path) -> None:
    path = tmp_path / "x.cif"
    document = gemmi.read_pdb_string("\n".join(peptide(("GLY", "1")))).make_mmcif_document()
    document[0].find_loop("_atom_site.Cartn_y")[1] = "?"
    document.write_file(str(path))
    with pytest.raises(InputError, match=r"x\.cif, atom 2: '\?' as Cartn_y; expected a number"):
        read_structures(path)


def test_old_pdb_format_with_entry_in_the_last_columns(tmp_path: Path) -> None:
    path = tmp_path / "x.pdb"
    path.write_text("\n".join(f"{line[:72]}1HPV{n:4d}" for n, line in enumerate(peptide(("GLY", "1")), 68)))
    assert read_one(path).letters == "G"


def test_chain_repeated_in_the_file_is_said(tmp_path: Path) -> None:
    path = tmp_path / "x.pdb"
    path.write_text("\n".join([*peptide(("GLY", "1"), ("ALA", "2")), *peptide(("VAL", "1"))]))
    said: list[str] = []
    assert read_structures(path, on_skip=said.append)[0].letters == "GA"
    assert said == [f"{path}, chain A: 1 residue given twice, the first kept"]


def test_residue_numbers_over_9999(tmp_path: Path) -> None:
    path = tmp_path / "x.pdb"
    path.write_text("\n".join(peptide(("GLY", "9999"), ("ALA", "A000"), ("VAL", "A00Z"))))
    assert read_one(path).labels == ("9999", "10000", "10035")
    path.write_text("\n".join(peptide(("GLY", "9999"), ("ALA", "0"), ("VAL", "1"))))
    assert read_one(path).labels == ("9999", "10000", "10001")


def test_very_long_chain(tmp_path: Path) -> None:
    path = tmp_path / "x.pdb"
    numbers = (str(n % 10_000) for n in count(1))
    path.write_text("\n".join(atom("CA", "LEU", next(numbers), f"{n % 997:8.3f}") for n in range(35_000)))
    structure = read_one(path)
    assert len(structure) == 35_000
    assert structure.labels[-1] == "35000"


def test_long_chain_names_are_kept_whole(tmp_path: Path) -> None:
    structure = gemmi.read_pdb_string("\n".join([*peptide(("GLY", "1")), *peptide(("ALA", "1"), chain="B")]))
    for chain, name in zip(structure[0], ("assembly-1-A", "assembly-1-B"), strict=True):
        chain.name = name
    structure.setup_entities()
    structure.make_mmcif_document().write_file(str(tmp_path / "x.cif"))
    assert [s.chain for s in read_structures(tmp_path / "x.cif")] == ["assembly-1-A", "assembly-1-B"]


def test_gzip_is_known_by_content(write: Write) -> None:
    path = write(peptide(("GLY", "1")), stem="1abc")
    path.write_bytes(gzip.compress(path.read_bytes()))
    assert read_one(path).letters == "G"


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("x.pdb", b"", "an empty file"),
        ("x.pdb", b"ATOM\0\0\0", r"a binary file \(NUL bytes\)"),
        ("x.cif", b"data_x\nloop_\n_a.b\n_a.c\n1 2 3\n", "not readable as mmCIF"),
        ("x.cif", b"data_x\n_cell.length_a 1\n", "an mmCIF file without atoms"),
        ("x.cif", b"data_x\nloop_\n_atom_site.id\n_atom_site.label_atom_id\n1 CA\n", "no column atom_site"),
        ("x.bcif", b"\x83\xa7encoder\xa1x\xa7version\xa30.3", "not readable as BinaryCIF"),
        ("x.bcif", b"\x81\xaadataBlocks\x90", "a BinaryCIF file without atoms"),
        ("x.pdb.gz", gzip.compress(b"ATOM" * 1000)[:-12], "a gzip file that ends early"),
        ("x.pdb.gz", gzip.compress(b"ATOM" * 1000)[:20] + b"\xff" * 40, "a damaged gzip file"),
    ],
)
def test_damaged_files_are_one_clear_line(tmp_path: Path, name: str, data: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(InputError, match=rf"{name}: {message}") as caught:
        read_structures(tmp_path / name)
    assert "\n" not in str(caught.value)
