"""Secondary structure from C-alphas: ideal elements, their ends, and an implementation that is not ours."""

from pathlib import Path

import numpy as np
import pytest

from foldglass.geometry.psea import COIL, HELIX, STRAND, psea_classes
from foldglass.io.structure import read_structures

EXAMPLES = Path(__file__).parents[3] / "examples"


def helix(length: int) -> np.ndarray:
    turn = np.deg2rad(100) * np.arange(length)
    return np.stack([2.3 * np.cos(turn), 2.3 * np.sin(turn), 1.5 * np.arange(length)], axis=1).astype(np.float32)


def strand(length: int) -> np.ndarray:
    zigzag = 0.9 * (-1.0) ** np.arange(length)
    return np.stack([3.3 * np.arange(length), zigzag, np.zeros(length)], axis=1).astype(np.float32)


def found(ca: np.ndarray) -> str:
    return "".join("CHE"[k] for k in psea_classes(ca))


@pytest.mark.parametrize(("length", "expected"), [(7, "CCCCCCC"), (8, "CHHHHHHC"), (12, "CHHHHHHHHHHC")])
def test_helix_needs_five_residues_and_takes_in_its_ends(length, expected):
    """Of eight residues five have two neighbours ahead and one behind; the sixth joins as the end of the segment."""
    assert found(helix(length)) == expected


def test_left_handed_helix_has_the_distances_alone():
    """Its last turn is one residue shorter, because there only the dihedral speaks for it."""
    assert found(helix(12) * np.float32([1, 1, -1])) == "CHHHHHHHHHCC"


@pytest.mark.parametrize("length", [6, 7, 9])
def test_strand_of_four(length):
    assert ("E" in found(strand(length))) == (length >= 7)


def test_strand_of_three_counts_between_others():
    alone = strand(6)
    above, below = (alone + np.float32([0, 0, height]) for height in (4.8, -4.8))
    away = np.float32([[0, 0, 40.0 * (k + 1)] for k in range(4)])
    assert "E" not in found(np.concatenate([alone, away]))
    assert "E" not in found(np.concatenate([alone, away, above]))  # three partners
    assert "E" in found(np.concatenate([alone, away, above, away, below]))  # six


@pytest.mark.parametrize("length", [1, 2, 3, 4])
def test_short_chain_is_coil(length, make_structure):
    assert psea_classes(make_structure(length).ca).tolist() == [COIL] * length


@pytest.mark.parametrize("name", ["1hpv.pdb", "zinc_fingers/1sp2.pdb"])
def test_agrees_with_biotite(name):
    structure = pytest.importorskip("biotite.structure")
    chains = list(read_structures(EXAMPLES / name))
    classes = {"c": COIL, "a": HELIX, "b": STRAND}
    for chain in chains:
        atoms = structure.AtomArray(len(chain))
        atoms.coord, atoms.res_id[:] = chain.ca, np.arange(len(chain))
        atoms.atom_name[:], atoms.res_name[:] = "CA", "ALA"
        expected = [classes[letter] for letter in structure.annotate_sse(atoms)]
        assert psea_classes(chain.ca).tolist() == expected
        assert HELIX in expected or STRAND in expected
