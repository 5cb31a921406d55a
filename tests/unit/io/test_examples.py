"""The files of `examples/` stay what the documentation says of them."""

import gzip
import io
from pathlib import Path

import numpy as np
import pytest

from foldglass.io.read import read
from foldglass.protein import Structure

EXAMPLES = Path(__file__).parents[3] / "examples"
HEN_LYSOZYME = (  # mature chain, as in PDB entry 2LYZ
    "KVFGRCELAAAMKRHGLDNYRGYSLGNWVCAAKFESNFNTQATNRNTDGSTDYGILQINSRWWCNDGRTPGSRNLCNIPCSALLSSDITASVNCAKKIVSDGNGMNAW"
    "VAWRNRCKGTDVQAWIRGCRL"
)


def test_complex_of_seven_chains() -> None:
    said: list[str] = []
    chains = read(EXAMPLES / "1tii.pdb.gz", on_skip=said.append)
    assert [(c.id, len(c)) for c in chains] == [
        *((f"1tii_{c}", 98) for c in "DEFGH"),
        ("1tii_A", 186),
        ("1tii_C", 36),
    ]
    assert said == [f"{EXAMPLES / '1tii.pdb.gz'}: left out chain ' ' (water)"]
    assert all(isinstance(c, Structure) and c.atoms is not None for c in chains)


def test_dimer_in_the_format_of_1995() -> None:
    a, b = read(EXAMPLES / "1hpv.pdb", on_skip=lambda text: None)
    assert a.letters == b.letters
    assert a.letters.startswith("PQITLWQRPLVTIKIGGQLKEALLDTGADDTVLEEMSLPGRWKPKMIGGIGGFIKVRQYDQ")


def test_zinc_fingers_are_a_folder_of_fifteen() -> None:
    fingers = read(EXAMPLES / "zinc_fingers")
    assert len(fingers) == 15
    assert {len(f) for f in fingers} <= set(range(25, 35))
    assert all(f.letters.count("C") >= 2 and f.letters.count("H") >= 2 for f in fingers)


@pytest.mark.parametrize(("name", "count"), [("globins", 8), ("lysozymes", 7)])
def test_families(name: str, count: int) -> None:
    family = read(EXAMPLES / f"{name}.fasta")
    assert len(family) == count
    if name == "lysozymes":
        assert family[0].letters.endswith(HEN_LYSOZYME)


@pytest.mark.parametrize("name", ["1tii.pdb.gz", "1hpv.pdb"])
def test_same_chains_as_biotite_reads(name: str) -> None:
    pdb = pytest.importorskip("biotite.structure.io.pdb")
    text = gzip.decompress(data) if (data := (EXAMPLES / name).read_bytes()).startswith(b"\x1f\x8b") else data
    atoms = pdb.PDBFile.read(io.StringIO(text.decode())).get_structure(model=1)
    for chain in read(EXAMPLES / name, on_skip=lambda line: None):
        assert isinstance(chain, Structure)
        own = atoms[(atoms.chain_id == chain.chain) & ~atoms.hetero]
        alpha = own[own.atom_name == "CA"]
        np.testing.assert_array_equal(chain.ca, alpha.coord)
        assert chain.labels == tuple(str(n) for n in alpha.res_id)
        assert chain.atoms is not None
        np.testing.assert_array_equal(chain.atoms.coords, own[own.element != "H"].coord)
