"""Modelled mutants; needs the extra physics."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from foldglass.errors import InputError
from foldglass.io.read import read
from foldglass.models.model import Model
from foldglass.protein import Atoms, Structure
from foldglass.tasks.mutant_structure import model_mutant
from foldglass.tasks.mutation import mutant_effects
from foldglass.variant import parse_variants

pytest.importorskip("pdbfixer")
pytestmark = pytest.mark.slow
FINGER = Path(__file__).parents[2] / "examples" / "zinc_fingers" / "1ard.pdb"


@pytest.fixture(scope="module")
def wild() -> Structure:
    (finger,) = read(FINGER)
    assert isinstance(finger, Structure) and finger.atoms is not None
    kept = finger.atoms.residue < 14
    atoms = Atoms(tuple(np.array(finger.atoms.names)[kept]), finger.atoms.coords[kept], finger.atoms.residue[kept])
    return replace(finger, letters=finger.letters[:14], ca=finger.ca[:14], numbering=finger.numbering[:14], atoms=atoms)


def test_only_the_sphere_moves_and_a_seed_repeats(wild: Structure, make_model: Callable[..., Model]) -> None:
    number = wild.labels[2]
    (variant,) = parse_variants(f"{wild.letters[2]}{number}W", wild)
    pair, again = (model_mutant(wild, variant, radius=5.0, seed=3) for _ in range(2))
    np.testing.assert_array_equal(pair.mutant.ca, again.mutant.ca)
    assert pair.mutant.letters == wild.letters[:2] + "W" + wild.letters[3:] and pair.wild.letters == wild.letters
    assert pair.mutant.numbering == wild.numbering and pair.mutant.atoms is not None
    names = {name for name, i in zip(pair.mutant.atoms.names, pair.mutant.atoms.residue, strict=True) if i == 2}
    assert {"CA", "CZ2", "CH2", "NE1"} <= names
    assert wild.atoms is not None
    apart = np.linalg.norm(wild.atoms.coords - wild.ca[2], axis=1)
    near = np.isin(np.arange(14), wild.atoms.residue[apart <= 5.0])
    for made in pair:
        moved = np.linalg.norm(made.ca - wild.ca, axis=1)
        assert moved[~near].max() < 2e-3 < 0.05 < moved[near].max() < 3
    (effect,) = mutant_effects(make_model(), pair.wild, [pair.mutant])
    assert effect.variant == variant and effect.measured is not None and effect.measured.rmsd > 0.01


def test_refused(wild: Structure) -> None:
    for text, changed, words in (
        (f"{wild.letters[2]}{wild.labels[2]}del", wild, "an insertion or deletion; expected substitutions"),
        (f"{wild.letters[2]}{wild.labels[2]}W", replace(wild, atoms=None), "C-alphas only; expected all heavy atoms"),
        (f"{wild.letters[2]}{wild.labels[2]}W", replace(wild, letters="X" + wild.letters[1:]), "a residue X"),
    ):
        (variant,) = parse_variants(text, changed)
        with pytest.raises(InputError, match=words):
            model_mutant(changed, variant)
