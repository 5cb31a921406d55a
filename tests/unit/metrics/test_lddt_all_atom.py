"""All-atom lDDT: symmetric names, missing atoms and correspondence."""

import numpy as np
import pytest

from foldglass.errors import InputError
from foldglass.metrics import lddt as module
from foldglass.metrics.lddt import SYMMETRIC_ATOMS, lddt_all_atom
from foldglass.protein import Atoms, Structure

SIDE_CHAINS = {"A": "CB", "D": "CB CG OD1 OD2", "F": "CB CG CD1 CD2 CE1 CE2 CZ", "G": "", "V": "CB CG1 CG2"}
LETTERS = "AFDGVFAVDGA"


def structure(letters: str = LETTERS, seed: int = 0) -> Structure:
    rng = np.random.default_rng(seed)
    names, residue = [], []
    for k, letter in enumerate(letters):
        of_residue = ["N", "CA", "C", "O", *SIDE_CHAINS[letter].split()]
        names += of_residue
        residue += [k] * len(of_residue)
    coords = rng.normal(scale=4, size=(len(names), 3)) + 1.5 * np.array(residue)[:, None]
    atoms = Atoms(tuple(names), coords, np.array(residue))
    return Structure("s", letters, ca=coords[np.array(names) == "CA"], atoms=atoms)


def changed(of: Structure, *, names=None, coords=None, keep=None) -> Structure:
    keep = slice(None) if keep is None else keep
    names = np.array(of.atoms.names if names is None else names)[keep]
    coords = (of.atoms.coords if coords is None else coords)[keep]
    return Structure("m", of.letters, ca=of.ca, atoms=Atoms(tuple(names.tolist()), coords, of.atoms.residue[keep]))


def test_exchanged_names_cost_nothing():
    reference = structure()
    for residue in range(len(reference)):
        swap = SYMMETRIC_ATOMS.get(LETTERS[residue], {})
        names = [
            swap.get(name, name) if k == residue else name
            for name, k in zip(reference.atoms.names, reference.atoms.residue, strict=True)
        ]
        assert lddt_all_atom(reference, changed(reference, names=names)).total == 1.0


def test_names_are_exchanged_together_or_not_at_all():
    reference = structure()
    half = list(reference.atoms.names)
    first = half.index("CD1")
    half[first], half[first + 1] = "CD2", "CD1"  # of the ring, only the CD pair
    assert lddt_all_atom(reference, changed(reference, names=half)).total < 1.0


def test_other_atoms_may_not_exchange_names():
    reference = structure()
    names = ["O" if name == "N" else "N" if name == "O" else name for name in reference.atoms.names]
    assert lddt_all_atom(reference, changed(reference, names=names)).total < 0.9


def test_a_missing_atom_keeps_no_distance():
    reference = structure("GGG")
    lost = lddt_all_atom(reference, changed(reference, keep=np.arange(12) != 5), radius=1000.0)
    # Residue 1 has 4 x 8 distances, of which one atom's 8 are lost; the others lose 4 of 32.
    np.testing.assert_allclose(lost.residue, [1 - 4 / 32, 1 - 8 / 32, 1 - 4 / 32])
    assert lost.total == pytest.approx(1 - 16 / 96)


def test_extra_atoms_of_the_model_are_not_seen():
    reference = structure()
    fewer = changed(reference, keep=np.array([name != "CB" for name in reference.atoms.names]))
    assert lddt_all_atom(fewer, reference).total == 1.0
    assert lddt_all_atom(reference, fewer).total < 1.0


def test_an_alignment_sets_the_partners():
    reference, short = structure("GAGAG"), structure("GAGAG")
    keep = short.atoms.residue != 0
    short = Structure(
        "m",
        "AGAG",
        ca=short.ca[1:],
        atoms=Atoms(
            tuple(np.array(short.atoms.names)[keep].tolist()), short.atoms.coords[keep], short.atoms.residue[keep] - 1
        ),
    )
    pairs = np.stack([np.arange(1, 5), np.arange(4)], axis=1)
    found = lddt_all_atom(reference, short, pairs)
    assert found.residue[0] == 0
    assert (found.residue[1:] < 1).all()
    with pytest.raises(
        InputError, match="lDDT of 'm': 4 residues for a reference of 5; expected equal numbers; give an"
    ):
        lddt_all_atom(reference, short)


def test_a_lone_residue_has_no_score():
    lone = structure("G")
    assert np.isnan(lddt_all_atom(lone, lone).total)
    assert np.isnan(lddt_all_atom(lone, lone).residue).all()


def test_blocks_of_rows_do_not_change_the_score(monkeypatch):
    reference = structure()
    coords = reference.atoms.coords + np.random.default_rng(1).normal(size=reference.atoms.coords.shape)
    whole = lddt_all_atom(reference, changed(reference, coords=coords))
    monkeypatch.setattr(module, "_BLOCK", 200)
    blocks = lddt_all_atom(reference, changed(reference, coords=coords))
    np.testing.assert_allclose(blocks.residue, whole.residue)
    assert blocks.total == whole.total < 1


def test_a_trace_is_refused():
    trace = Structure("t", "GG", ca=np.zeros((2, 3)))
    with pytest.raises(InputError, match="structure 't': C-alphas only; expected all heavy atoms; read it from a PDB"):
        lddt_all_atom(structure("GG"), trace)
