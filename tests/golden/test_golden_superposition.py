"""TM-align and the superposition scores against the original programs (see make_golden_superposition.py)."""

import json
from pathlib import Path

import numpy as np
import pytest

from foldglass.metrics.tm import gdt_ha, gdt_ts, rmsd, tm_align, tm_score
from foldglass.protein import Structure

GOLDEN = json.loads((Path(__file__).parent / "data" / "superposition.json").read_text())


@pytest.mark.parametrize("case", GOLDEN["correspondence"], ids=lambda case: case["name"])
def test_scores_of_known_correspondence_agree_with_tmscore(case):
    # TMscore prints four digits of its scores and three of the RMSD, of its single-precision coordinates.
    whole, model = np.array(case["reference"]), np.array(case["model"])
    reference, expected = whole[case["kept"]], case["expected"]
    assert rmsd(reference, model) == pytest.approx(expected["rmsd"], abs=1.1e-3)
    assert tm_score(reference, model, length=len(whole)) == pytest.approx(expected["tm_score"], abs=2e-4)
    assert gdt_ts(reference, model, length=len(whole)) == pytest.approx(expected["gdt_ts"], abs=2e-4)
    assert gdt_ha(reference, model, length=len(whole)) == pytest.approx(expected["gdt_ha"], abs=2e-4)


@pytest.mark.parametrize("case", GOLDEN["alignment"], ids=lambda case: case["name"])
def test_tm_align_agrees_with_the_program(case):
    query, target = (
        Structure(name, letters, ca=np.array(case[name]))
        for name, letters in zip(("query", "target"), case["letters"], strict=True)
    )
    found, expected = tm_align(query, target), case["expected"]
    assert found.tm_query == pytest.approx(expected["tm_query"], abs=1e-4)
    assert found.tm_target == pytest.approx(expected["tm_target"], abs=1e-4)
    assert found.rmsd == pytest.approx(expected["rmsd"], abs=0.0051)
    assert found.alignment.tolist() == expected["alignment"]
    assert len(found.alignment) == expected["n_aligned"]
