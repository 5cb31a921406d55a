from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from foldglass.errors import InputError
from foldglass.models.calibration import Calibration, PairingCalibration
from foldglass.models.model import Model
from foldglass.protein import Sequence, Structure
from foldglass.tasks.compare import compare_many


@pytest.fixture(scope="module")
def model(make_model: Callable[..., Model]) -> Model:
    """A model whose pairings are calibrated differently, so that a mix-up shows."""
    made = make_model()
    base = PairingCalibration()
    made.calibration = Calibration(
        {
            "sequence-sequence": base,
            "structure-structure": replace(base, tm=((-1.0, 1.0), (0.1, 0.7)), fold=(3.0, -1.0)),
            "sequence-structure": replace(base, tm=((-1.0, 1.0), (0.2, 0.9)), fold=(5.0, -2.0)),
        }
    )
    return made


@pytest.fixture(scope="module")
def proteins(make_structure: Callable[..., Structure]) -> list[Sequence]:
    return [
        make_structure(11, 1),
        Sequence("q", "MKVLAAGIVGLLA"),
        make_structure(17, 2),
        Sequence("r", "MAAAKLLVAGIVEWWFYTR"),
    ]


@pytest.mark.parametrize("align", [True, False])
def test_scores_are_those_of_one_comparison_each(model: Model, proteins: list[Sequence], align: bool) -> None:
    found = list(compare_many(model, proteins, align=align))
    assert {(c.query.id, c.target.id) for c in found} == {
        (a.id, b.id) for i, a in enumerate(proteins) for b in proteins[i + 1 :]
    }
    assert all(one.tm >= next_.tm for one, next_ in pairwise(found))
    for one in found:
        alone = model.compare(one.query, one.target)
        for name in ("cosine", "tm", "tm_query", "tm_target", "p_same_fold"):
            assert getattr(one, name) == pytest.approx(getattr(alone, name), abs=2e-6), name
        assert one.model == alone.model
        if align:
            np.testing.assert_array_equal(one.alignment, alone.alignment)
        else:
            assert one.alignment.shape == (0, 2)
            assert one.lddt.shape == (len(one.query),) and np.isnan(one.lddt).all()


def test_every_query_with_every_target(model: Model, proteins: list[Sequence]) -> None:
    found = list(compare_many(model, proteins[:2], proteins[1:], align=False))
    pairs = [(one.query.id, one.target.id) for one in found]
    assert len(pairs) == len(set(pairs)) == 6
    assert {query for query, _ in pairs} == {proteins[0].id, proteins[1].id}


@pytest.mark.parametrize("align", [True, False])
def test_exact_superposes_and_needs_structures(model: Model, proteins: list[Sequence], align: bool) -> None:
    (one,) = compare_many(model, [proteins[0]], [proteins[2]], align=align, exact=True)
    assert one.exact is not None and 0 < one.exact.tm_query < 1
    with pytest.raises(InputError, match=r"'q': a sequence; expected structures; leave out --exact"):
        list(compare_many(model, proteins, align=align, exact=True))


def test_one_protein_is_no_comparison(model: Model, proteins: list[Sequence]) -> None:
    with pytest.raises(InputError, match=r"comparison: 1 protein; expected at least two"):
        list(compare_many(model, proteins[:1]))


def test_progress_counts_proteins(model: Model, proteins: list[Sequence]) -> None:
    done: list[int] = []
    list(compare_many(model, proteins[:1], proteins[1:], progress=done.append, align=False))
    assert done[-1] == 4
