import numpy as np
import polars as pl
import pytest

from foldglass.models.calibration import Calibration, kinds_of
from foldglass.protein import Embedding, Structure
from foldglass.train import unrelated as module
from foldglass.train.splits import VALIDATION
from foldglass.train.unrelated import UnrelatedPairs, unrelated_cosines, unrelated_pairs


def table(folder, **columns):
    rows = len(columns["id"])
    coordinates = np.zeros((30, 3), "<f4").tobytes()
    rest = {
        "set": ["x"] * rows,
        "sequence": ["A" * 29 + "CDEFGHIKLMNPQ"[i] for i in range(rows)],
        "ca_coords": [coordinates] * rows,
        "from_distance_map": [False] * rows,
        "seq_family": list(range(rows)),
    }
    pl.DataFrame({**rest, **columns}).write_parquet(folder / "structures.parquet")


def test_pairs_are_of_one_classification_and_of_other_folds(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "protein_roles", lambda groups, families: np.full(len(groups), VALIDATION))
    table(
        tmp_path,
        id=["a", "b", "c", "d", "e", "f"],
        label_kind=["scop", "scop_by_sequence", "scop", "cath", "cath", None],
        superfamily_group=[1, 2, 2, 4, 5, 6],
        fold_group=[1, 2, 2, 3, 3, 6],
    )
    found = unrelated_pairs(tmp_path)
    ids = [protein.id for protein in found.proteins]
    assert {(ids[i], ids[j]) for i, j in zip(found.one, found.other, strict=True)} == {("a", "b"), ("a", "c")}


def test_structures_without_labels_have_no_such_pairs(tmp_path):
    table(tmp_path, id=["a"], superfamily_group=[1])
    assert unrelated_pairs(tmp_path) is None


class Towers:
    """Gives each protein its own direction, the same for both towers but for the sign."""

    id = "m@0"
    calibration = Calibration()
    towers = ("structure", "sequence")

    def embed_stream(self, proteins):
        for one in proteins:
            angle = int(one.id) / 100 * (1 if isinstance(one, Structure) else -1)
            vector = np.array([np.cos(angle), np.sin(angle)], np.float32)
            yield Embedding(one, vector, np.zeros((len(one), 2), np.float32), model="m@0")

    def score(self, query, target, *, align=True):
        raise NotImplementedError


@pytest.mark.parametrize("same", [True, False])
def test_the_closest_pairs_are_left_out_where_their_folds_are_the_same(same, monkeypatch):
    helix = np.stack([[2.3 * np.cos(1.745 * i), 2.3 * np.sin(1.745 * i), 1.5 * i] for i in range(30)])
    walk = np.cumsum(np.random.default_rng(0).normal(size=(30, 3)) * 2.2, axis=0)
    proteins = [Structure(str(i), "A" * 30, ca=helix if same or i else walk) for i in range(20)]
    one, other = np.triu_indices(20, 1)
    monkeypatch.setattr(
        module, "_SUPERPOSED", 0.0843
    )  # 32 of 380 pairs: both orders of all whose numbers sum to 1 to 7
    cosines = unrelated_cosines(Towers(), UnrelatedPairs(proteins, one, other))
    assert set(cosines) == {kinds_of(a, b) for a in Towers.towers for b in Towers.towers}
    assert len(cosines["structure-structure"]) in ([190 - 16] if same else [190 - 16, 190 - 15])
    assert len(cosines["sequence-structure"]) == 380 - 32 + (0 if same else 14)
