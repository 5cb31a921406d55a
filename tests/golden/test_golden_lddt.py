"""lDDT against biotite (see make_golden_lddt.py)."""

import json
from pathlib import Path

import numpy as np
import pytest

from foldglass.metrics.lddt import lddt, lddt_all_atom
from foldglass.protein import Atoms, Structure

GOLDEN = json.loads((Path(__file__).parent / "data" / "lddt.json").read_text())


def structure(case: dict, coords: list, names: list, residue: np.ndarray) -> Structure:
    atoms = Atoms(tuple(names), np.array(coords), residue)
    return Structure(case["name"], case["letters"], ca=atoms.coords[np.array(names) == "CA"], atoms=atoms)


@pytest.mark.parametrize("case", GOLDEN, ids=lambda case: case["name"])
def test_agrees_with_biotite(case):
    residue = np.array(case["residue"])
    reference = structure(case, case["reference"], case["reference_names"], residue)
    model = structure(case, case["model"], case["model_names"], residue[case["kept"]])
    found, expected = lddt_all_atom(reference, model), case["expected"]
    assert found.total == pytest.approx(expected["total"], abs=1e-4)
    np.testing.assert_allclose(found.residue, expected["residue"], atol=1e-3)
    np.testing.assert_allclose(lddt(reference.ca, model.ca), expected["ca"], atol=1e-3)
