"""The files of `examples/` stay what the documentation says of them."""

from pathlib import Path

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
