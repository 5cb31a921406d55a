from dataclasses import dataclass, field

import numpy as np
import pytest

from foldglass.errors import InputError, ModelError
from foldglass.models.calibration import Calibration, PairingCalibration
from foldglass.protein import Embedding, Sequence, Structure
from foldglass.search.exact import EntryTable, search


@dataclass
class Model:
    id: str = "toy@00000000"
    calibration: Calibration = field(default_factory=lambda: CALIBRATION)


def worth(tm):
    """TM-score proportional to the cosine, and even odds of the same fold where it is 0.5."""
    return PairingCalibration(tm=((0.0, 1.0), (0.0, tm)), fold=(40 * tm, -20.0))


CALIBRATION = Calibration(
    {"sequence-sequence": worth(0.4), "sequence-structure": worth(0.6), "structure-structure": worth(0.8)}
)


def embedded(name, vector, *, residues=100, structure=False, model="toy@00000000"):
    letters = "A" * residues
    protein = Structure(name, letters, ca=np.zeros((residues, 3), np.float32)) if structure else Sequence(name, letters)
    return Embedding(protein, np.array(vector, np.float32), np.zeros((residues, 2), np.float32), model=model)


QUERY = embedded("q", [1.0, 0.0])
ENTRIES = [embedded("far", [0.0, 1.0]), embedded("near", [1.0, 0.0], residues=144), embedded("half", [0.6, 0.8])]


def test_hits_come_in_falling_order_and_carry_both_normalisations():
    hits = search([QUERY], ENTRIES, model=Model(), k=2)
    assert [(hit.query, hit.target, hit.rank, hit.index) for hit in hits] == [("q", "near", 1, 1), ("q", "half", 2, 2)]
    assert hits[0].tm_query == pytest.approx(0.4 * 1.2)  # sqrt(144 / 100)
    assert hits[0].tm_target == pytest.approx(0.4 / 1.2)
    assert hits[0].cosine == 1.0
    assert np.isnan(hits[0].lddt)


def test_more_hits_than_entries_gives_every_entry():
    assert [hit.target for hit in search([QUERY], ENTRIES, model=Model(), k=9)] == ["near", "half", "far"]


def test_an_empty_table_gives_no_hit():
    assert search([QUERY], [], model=Model()) == []
    assert search([], ENTRIES, model=Model()) == []


def test_entries_of_equal_score_keep_their_order():
    twins = [embedded(name, [0.6, 0.8]) for name in "cab"]
    assert [hit.target for hit in search([QUERY], twins, model=Model())] == ["c", "a", "b"]


def test_hits_below_the_least_tm_score_are_left_out():
    hits = search([QUERY], ENTRIES, model=Model(), min_tm=0.3)
    assert [hit.target for hit in hits] == ["near"]


def test_entries_of_both_kinds_are_ranked_by_tm_score_and_not_by_cosine():
    structure_query = embedded("s", [1.0, 0.0], structure=True)
    entries = [embedded("sequence", [1.0, 0.0]), embedded("structure", [0.8, 0.6], structure=True)]
    hits = search([structure_query, QUERY], entries, model=Model())
    assert [(hit.query, hit.target) for hit in hits] == [
        ("s", "structure"),
        ("s", "sequence"),
        ("q", "structure"),
        ("q", "sequence"),
    ]
    assert [hit.p_same_fold > 0.5 for hit in hits] == [True, True, False, False]
    assert [hit.rank for hit in hits] == [1, 2, 1, 2]


def test_a_structure_query_meets_sequences_by_their_common_calibration():
    (hit,) = search([embedded("s", [1.0, 0.0], structure=True)], [embedded("e", [1.0, 0.0])], model=Model())
    assert hit.tm_query == pytest.approx(0.6)


def test_vectors_of_another_model_are_refused():
    words = (
        "search: vectors of the models other@11111111 and toy@00000000; expected one model; "
        "embed queries and entries with the same model"
    )
    with pytest.raises(ModelError, match=f"^{words}$"):
        search([QUERY], [embedded("e", [1.0, 0.0], model="other@11111111")], model=Model())


def test_columns_of_different_length_are_refused():
    with pytest.raises(
        InputError, match=r"^entry table: 2 ids, 1 lengths, 1 kinds and 1 vectors; expected equal numbers$"
    ):
        EntryTable(["a", "b"], np.array([3]), ["sequence"], np.ones((1, 2), np.float32))


def test_the_least_tm_score_is_the_symmetric_one():
    long = embedded("long", [1.0, 0.0], residues=400)  # tm 0.4, tm_query 0.8, tm_target 0.2
    assert search([QUERY], [long], model=Model(), min_tm=0.5) == []
    assert len(search([QUERY], [long], model=Model(), min_tm=0.4)) == 1


def test_an_entry_whose_vector_is_not_a_number_is_no_hit():
    entries = [embedded("broken", [np.nan, 0.0]), embedded("sound", [0.6, 0.8])]
    assert [hit.target for hit in search([QUERY], entries, model=Model())] == ["sound"]
