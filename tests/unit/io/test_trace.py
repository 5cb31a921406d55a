"""C-alpha traces written and read back by the package's reader and by gemmi."""

from pathlib import Path

import gemmi
import numpy as np
import pytest

from foldglass.errors import InputError, UsageError
from foldglass.io.structure import read_structures
from foldglass.io.trace import write_trace
from foldglass.protein import Structure

CA = np.array(
    [[1.25, -3.5, 0.125], [4.5, -2.0, 1.0], [8.0, 0.0, 2.5], [11.5, 1.0, 99.875], [15.0, 2.0, 3.0]], np.float32
)
STRAIN = np.array([0.0, 1.25, 0.5, 2.0, 12.75])


def toy(**changes: object) -> Structure:
    given = {"ca": CA, "numbering": ("-3", "52", "52A", "53", "1000"), "chain": "B", **changes}
    return Structure("toy 1", "MKXUW", "toy.pdb", **given)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["a.pdb", "a.cif", "A.CIF"])
def test_read_back(tmp_path: Path, name: str) -> None:
    write_trace(tmp_path / name, toy(), STRAIN, title="toy, refined")
    said: list[str] = []
    (found,) = read_structures(tmp_path / name, on_skip=said.append)
    assert (found.letters, found.chain, found.numbering) == ("MKXUW", "B", toy().numbering)
    np.testing.assert_array_equal(found.ca, CA)
    assert found.atoms is None
    assert said == [f"{tmp_path / name}, chain B: residues of unknown type read as X (UNK)"]
    other = gemmi.read_structure(str(tmp_path / name))
    assert [atom.b_iso for atom in (row.atom for row in other[0].all())] == STRAIN.tolist()
    assert other.info["_struct.title"].lower() == "toy, refined"
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("name", ["a.pdb", "a.cif"])
def test_without_chain_and_numbers(tmp_path: Path, name: str) -> None:
    write_trace(tmp_path / name, toy(numbering=(), chain=""), STRAIN, title="toy")
    (found,) = read_structures(tmp_path / name)
    assert (found.chain, found.numbering) == ("", ("1", "2", "3", "4", "5"))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"chain": "AB"}, "the chain id 'AB', which does not fit the PDB format; write .cif instead"),
        ({"numbering": ("1", "2", "3", "4", "10000")}, "residue numbers from 1 to 10000"),
        ({"numbering": ("-1000", "2", "3", "4", "5")}, "residue numbers from -1000 to 5"),
        ({"ca": CA + np.float32(9990)}, "a coordinate of four digits or more"),
        ({"ca": CA - np.float32(1000)}, "a coordinate of four digits or more"),
    ],
)
def test_what_pdb_has_no_room_for_goes_to_cif(tmp_path: Path, changes: dict[str, object], words: str) -> None:
    given = toy(**changes)
    with pytest.raises(InputError, match=f"a.pdb: {words}"):
        write_trace(tmp_path / "a.pdb", given, STRAIN, title="toy")
    assert not list(tmp_path.iterdir())
    write_trace(tmp_path / "a.cif", given, STRAIN, title="toy")
    (found,) = read_structures(tmp_path / "a.cif")
    assert (found.chain, found.numbering) == (given.chain, given.numbering)
    np.testing.assert_allclose(found.ca, given.ca, rtol=1e-6)


def test_wrong_names_and_numbers(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"the extension '\.gz'; expected \.pdb or \.cif"):
        write_trace(tmp_path / "a.pdb.gz", toy(), STRAIN, title="toy")
    with pytest.raises(InputError, match="the residue number 'x'; expected such as 52 or 52A"):
        write_trace(tmp_path / "a.pdb", toy(numbering=("x", "2", "3", "4", "5")), STRAIN, title="toy")
    assert not list(tmp_path.iterdir())
