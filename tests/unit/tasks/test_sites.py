"""Patches, true interfaces and refusals of the interaction-site task, with a model of known answers."""

from collections.abc import Callable

import numpy as np
import pytest

from foldglass.errors import InputError
from foldglass.models.sites_model import SitesModel
from foldglass.protein import Atoms, Sequence, Structure
from foldglass.tasks.sites import LINK, find_sites, patches
from foldglass.tasks.sites_picture import sites_html


def with_atoms(structure: Structure, shift: float = 0.0, name: str = "A") -> Structure:
    ca = structure.ca + np.float32([shift, 0, 0])
    atoms = Atoms(("CA",) * len(ca), ca, np.arange(len(ca)))
    return Structure(name, structure.letters, ca=ca, chain=name, atoms=atoms)


def test_patches_hold_each_called_residue_once(make_structure: Callable[..., Structure]) -> None:
    structure = make_structure(80, 4)
    probability = np.random.default_rng(0).random(80)
    found = patches(structure, probability, 0.85)
    assert sorted(np.concatenate([patch.residues for patch in found])) == np.flatnonzero(probability > 0.85).tolist()
    weight = [patch.probability * len(patch.residues) for patch in found]
    assert weight == sorted(weight, reverse=True) and len(found) > 1
    for one in found:
        for other in found:
            gap = np.linalg.norm(structure.ca[one.residues][:, None] - structure.ca[other.residues], axis=-1)
            assert one is other or gap.min() > LINK
    assert patches(structure, probability, 1.0) == ()


def test_complex_is_judged(
    make_sites_model: Callable[..., SitesModel], make_structure: Callable[..., Structure]
) -> None:
    model = make_sites_model()
    chain = with_atoms(make_structure(30, 1))
    partner = with_atoms(make_structure(30, 2), shift=6.0, name="B")
    alone, bound = find_sites(model, chain), find_sites(model, chain, partners=[partner])
    assert alone.interface is None and alone.agreement is None and np.isnan(alone.average_precision)
    np.testing.assert_array_equal(alone.probability, bound.probability)  # partners are not shown to the model
    true = bound.interface
    assert true is not None and bound.agreement is not None and 0 < true.sum() < 30
    said = bound.probability > bound.threshold
    assert bound.agreement.recall == pytest.approx((said & true).sum() / true.sum())
    page = sites_html([bound])
    assert page.count("<circle") == 30 and page.count('class="t"') == true.sum()


def test_refusals(make_sites_model: Callable[..., SitesModel], make_structure: Callable[..., Structure]) -> None:
    model, chain = make_sites_model(), make_structure(30)
    with pytest.raises(InputError, match="protein 'a': a sequence; expected a structure"):
        find_sites(model, Sequence("a", "A" * 30))
    with pytest.raises(InputError, match="19 residues; expected at least 20"):
        find_sites(model, make_structure(19))
    with pytest.raises(InputError, match=r"threshold: 1\.2; expected 0 to 1"):
        find_sites(model, chain, threshold=1.2)
    with pytest.raises(InputError, match="C-alphas alone; expected side chains"):
        find_sites(model, chain, partners=[with_atoms(chain)])
