"""Evaluation against a model whose answers, and therefore whose errors, are known."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from foldglass.errors import InputError, ModelError, NotFoundError
from foldglass.metrics.lddt import lddt
from foldglass.protein import Comparison, Embedding, Sequence, Structure
from foldglass.train.evaluation import evaluate
from foldglass.train.evaluation_predictions import LocalTruth, local_pairs, predict
from foldglass.train.evaluation_set import EvaluationSet

SHIFT = 3
"""TM-align pairs residue i + 3 of the query with residue i of the target, so that no index can stand for another."""

LENGTHS = (31, 37, 41, 43, 47, 53, 59, 61)


class KnownCalibration:
    """Answers with the cosine itself, and with a local score of 0.9 where residue i + 3 meets residue i."""

    def tm(self, cosine: np.ndarray, *, kinds: str) -> np.ndarray:
        return np.clip(cosine, 0, 1)

    def p_same_fold(self, cosine: np.ndarray, *, kinds: str) -> np.ndarray:
        return (cosine > 0.5).astype(np.float64)

    def sides(
        self, tm: np.ndarray, length_query: np.ndarray, length_target: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        ratio = np.sqrt(length_target / length_query)
        return np.clip(tm * ratio, 0, 1), np.clip(tm / ratio, 0, 1)

    def local(self, query: np.ndarray, target: np.ndarray, *, kinds: str) -> np.ndarray:
        return 0.6 + 0.1 * (query[:, 0] - target[:, 0]).astype(np.float64)


class KnownModel:
    """A model with a fixed vector per protein that aligns as TM-align does, but for the first two residues."""

    id = "known@00000000"
    calibration = KnownCalibration()

    def __init__(self, vectors: dict[str, np.ndarray], towers: tuple[str, ...] = ("sequence", "structure")) -> None:
        self.vectors, self.towers = vectors, towers
        self.asked: list[tuple[str, bool]] = []

    def embed_stream(self, proteins: Iterable[Sequence]) -> Iterator[Embedding]:
        for protein in proteins:
            self.asked.append((protein.id, isinstance(protein, Structure)))
            numbers = np.repeat(np.arange(len(protein), dtype=np.float32)[:, None], 2, axis=1)
            yield Embedding(protein, self.vectors[protein.id], numbers)

    def score(self, query: Embedding, target: Embedding, *, align: bool = True) -> Comparison:
        alignment = shifted(len(query), len(target))[2:]
        local = np.full(len(query), np.nan)
        local[alignment[:, 0]] = 0.8
        nan = float("nan")
        return Comparison(query.entity, target.entity, nan, nan, nan, nan, nan, alignment, local)


def shifted(query: int, target: int) -> np.ndarray:
    columns = np.arange(min(query - SHIFT, target))
    return np.stack([columns + SHIFT, columns], axis=1)


def chain(name: str, length: int, seed: int) -> Structure:
    rng = np.random.default_rng(seed)
    letters = "".join(rng.choice(list("ACDEFGHIKLMNPQRSTVWY"), length))
    return Structure(name, letters, ca=np.cumsum(rng.normal(0, 2.2, (length, 3)), axis=0).astype(np.float32))


def make_set(name: str = "toy", seed: int = 0) -> tuple[EvaluationSet, KnownModel]:
    """All pairs of eight chains; the model's cosine is the true TM-score plus 0.1."""
    proteins = tuple(chain(f"p{i}", length, 100 * seed + i) for i, length in enumerate(LENGTHS))
    angles = np.linspace(0, 1.3, len(proteins))
    vectors = {p.id: np.array([np.cos(a), np.sin(a)], np.float32) for p, a in zip(proteins, angles, strict=True)}
    query, target = np.array([(i, j) for i in range(8) for j in range(8) if i < j]).T
    tm = np.cos(angles[query] - angles[target]) - 0.1
    lengths = np.array(LENGTHS)
    ratio = np.sqrt(lengths[target] / lengths[query])
    alignments = tuple(shifted(LENGTHS[i], LENGTHS[j]) for i, j in zip(query, target, strict=True))
    data = EvaluationSet(
        name=name,
        split="test",
        proteins=proteins,
        cluster=np.arange(8),
        query=query,
        target=target,
        tm_query=np.minimum(tm * ratio, 1),
        tm_target=np.minimum(tm / ratio, 1),
        alignments=alignments,
        kinds=tuple("family" if t > 0.5 else "random" for t in tm),
    )
    return data, KnownModel(vectors)


@pytest.fixture(scope="module")
def toy() -> tuple[EvaluationSet, KnownModel]:
    return make_set()


def test_errors_are_those_of_the_model(toy: tuple[EvaluationSet, KnownModel]) -> None:
    data, model = toy
    evaluation = evaluate(model, data, draws=20)
    first = evaluation.folds[0]
    expected = np.clip(data.tm + 0.1, 0, 1) - data.tm
    assert first.tm.mae.value == pytest.approx(expected.mean(), abs=1e-6)
    assert first.tm.bias == pytest.approx(expected.mean(), abs=1e-6)
    assert first.tm.n == len(data) == sum(b.n for b in first.tm.bins)
    assert first.tm.mae.low <= first.tm.mae.value <= first.tm.mae.high
    claimed_wrongly = (data.tm[data.tm <= 0.5] > 0.4).mean()
    assert 0 < claimed_wrongly < 1
    assert first.auroc.value == pytest.approx(1 - claimed_wrongly / 2)


def test_every_pairing_and_baseline_has_every_number(toy: tuple[EvaluationSet, KnownModel]) -> None:
    data, model = toy
    evaluation = evaluate(model, data, draws=5)
    keys = [fold.key for fold in evaluation.folds]
    assert keys[:3] == ["sequence", "structure", "mixed"]
    assert keys[3:] == ["constant", "length", "composition", "kmers", "identity", "alignment"]
    assert len(evaluation.tests) == 3 * 6
    for fold in evaluation.folds:
        assert np.isfinite(
            [fold.tm.mae.value, fold.tm_query.mae.value, fold.tm_target.mae.value, fold.brier.value]
        ).all()
        assert list(fold.kinds) == ["family", "random"]


def test_each_protein_is_embedded_once_per_tower() -> None:
    data, model = make_set()
    predict(model, data)
    assert sorted(model.asked) == sorted((p.id, tower) for p in data.proteins for tower in (False, True))


def test_a_sequence_only_model_has_one_pairing() -> None:
    data, model = make_set()
    model.towers = ("sequence",)
    assert [fold.key for fold, _ in predict(model, data)] == ["sequence"]
    model.towers = ()
    with pytest.raises(ModelError, match="known@00000000: the towers none; expected a sequence or a structure tower"):
        predict(model, data)


def test_local_error_uses_the_residues_that_the_alignment_names(toy: tuple[EvaluationSet, KnownModel]) -> None:
    data, model = toy
    evaluation = evaluate(model, data, draws=5)
    similar = np.flatnonzero(data.tm >= 0.7)
    truth = [
        lddt(data.proteins[data.query[p]].ca[rows], data.proteins[data.target[p]].ca[columns], exponent=3.0)
        for p in similar
        for rows, columns in [data.alignments[p].T]
    ]
    measured = evaluation.locals[0].given_alignment["glass"]
    assert measured.n == sum(map(len, truth))
    assert measured.mae.value == pytest.approx(np.abs(0.9 - np.concatenate(truth)).mean())
    end = evaluation.locals[0].end_to_end
    assert end is not None
    assert end.mae.value == pytest.approx(np.abs(0.8 - np.concatenate([t[2:] for t in truth])).mean())
    assert end.coverage == pytest.approx(1 - 2 * len(similar) / measured.n)


def test_local_truth_of_a_gapped_alignment_stays_with_the_query() -> None:
    data, _ = make_set()
    gapped = np.stack([np.arange(5, 25), np.arange(2, 22)], axis=1)
    alignments = (gapped, *data.alignments[1:])
    data = EvaluationSet(
        "gapped",
        "test",
        data.proteins,
        data.cluster,
        data.query,
        data.target,
        data.tm_query,
        data.tm_target,
        alignments,
    )
    scores = data.local_truth(0)
    query, target = data.proteins[data.query[0]], data.proteins[data.target[0]]
    expected = lddt(query.ca[5:25], target.ca[2:22], exponent=3.0)
    np.testing.assert_allclose(scores["glass"][5:25], expected, atol=1e-5)
    assert np.isnan(scores["glass"][:5]).all() and np.isnan(scores["glass"][25:]).all()


def test_alignment_precision_and_recall(toy: tuple[EvaluationSet, KnownModel]) -> None:
    data, model = toy
    similar = local_pairs(data)
    shorter = np.array([len(data.alignments[pair]) for pair in similar])
    measured = evaluate(model, data, draws=5).locals[0].alignment
    assert measured is not None
    assert measured.precision.value == 1.0
    assert measured.recall.value == pytest.approx(((shorter - 2) / shorter).mean())


def test_restricting_the_local_truth_keeps_rows_in_step() -> None:
    data, _ = make_set()
    truth = LocalTruth.of(data, np.array([0, 1, 2]))
    chosen = truth.only(np.array([True, False, True]))
    again = LocalTruth.of(data, np.array([0, 2]))
    assert chosen.row.tolist() == again.row.tolist()
    np.testing.assert_array_equal(chosen.glass, again.glass)


def test_a_perfect_model_beats_the_constant_in_the_paired_test() -> None:
    data, model = make_set()
    data = EvaluationSet(
        data.name, data.split, data.proteins, data.cluster, data.query, data.target,
        np.minimum(data.tm_query + 0.1, 1), np.minimum(data.tm_target + 0.1, 1), data.alignments,
    )  # fmt: skip
    test = evaluate(model, data, draws=60).tests[0]
    assert (test.model, test.baseline) == ("sequence", "constant")
    assert test.difference.high < 0 and test.difference.p < 0.05
    assert test.welch_errors is not None and test.welch_errors.p < 0.05


def test_no_similar_pair_leaves_the_local_part_empty() -> None:
    data, model = make_set()
    data = EvaluationSet(
        data.name, data.split, data.proteins, data.cluster, data.query, data.target,
        data.tm_query / 2, data.tm_target / 2, data.alignments,
    )  # fmt: skip
    evaluation = evaluate(model, data, draws=5)
    assert evaluation.locals == () and evaluation.about.n_local_pairs == 0
    assert evaluation.floor.n_pairs > 0


def test_json_has_null_where_nothing_could_be_measured() -> None:
    data, model = make_set()
    plain = evaluate(model, data, draws=5).to_json()
    text = json.dumps(plain, allow_nan=False)
    assert plain["schema"] == "foldglass-evaluation/1"
    constant = next(fold for fold in plain["folds"] if fold["key"] == "constant")
    assert constant["tm"]["bins"][0] == {"low": 0.0, "high": 0.2, "n": 1} | {
        name: constant["tm"]["bins"][0][name] for name in ("mae", "rmse", "bias")
    }
    assert json.loads(text) == plain
    assert set(plain["locals"][0]["given_alignment"]) == {"glass", "plain", "distant"}


def write_labels(path: Path, **changes: object) -> Path:
    columns: dict[str, object] = {
        "query": ["a", "b"],
        "target": ["b", "c"],
        "tm_query": [0.8, 0.2],
        "tm_target": [0.6, 0.3],
        "aligned_query": [[0, 1, 4], [2]],
        "aligned_target": [[1, 2, 3], [0]],
    }
    columns.update(changes)
    pl.DataFrame({name: values for name, values in columns.items() if values is not None}).write_parquet(path)
    return path


STRUCTURES = [chain("a", 5, 1), chain("b", 7, 2), chain("c", 11, 3), chain("unused", 13, 4)]


def test_label_table_is_joined_with_structures(tmp_path: Path) -> None:
    data = EvaluationSet.from_label_table(write_labels(tmp_path / "labels.parquet"), STRUCTURES)
    assert [protein.id for protein in data.proteins] == ["a", "b", "c"]
    assert data.alignments[0].tolist() == [[0, 1], [1, 2], [4, 3]]
    assert data.tm[0] == pytest.approx(np.sqrt(0.48))
    assert repr(data) == "EvaluationSet('labels.parquet', 'all', 3 proteins, 2 pairs)"


def test_equal_sequences_share_a_cluster(tmp_path: Path) -> None:
    twin = Structure("c", STRUCTURES[0].letters, ca=STRUCTURES[0].ca)
    data = EvaluationSet.from_label_table(
        write_labels(tmp_path / "labels.parquet"), [STRUCTURES[0], STRUCTURES[1], twin]
    )
    assert data.cluster.tolist() == [0, 1, 0]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"query": ["a", "x"]}, r"1 of 4 proteins have no structure, first 'x'"),
        ({"tm_target": None}, r"no column tm_target; expected a label table"),
        ({"aligned_query": [[0, 1], [2]]}, r"a and b: 2 query and 3 target residues aligned"),
        ({"aligned_query": [[0, 1, 5], [2]]}, r"residue index 5 in a, which has 5 residues; expected 0-based"),
    ],
)
def test_unusable_label_tables_are_refused(tmp_path: Path, changes: dict[str, object], words: str) -> None:
    path = write_labels(tmp_path / "labels.parquet", **changes)
    with pytest.raises(InputError, match=words):
        EvaluationSet.from_label_table(path, STRUCTURES)


def test_missing_and_foreign_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no such file; expected a label table"):
        EvaluationSet.from_label_table(tmp_path / "none.parquet", STRUCTURES)
    (tmp_path / "text.parquet").write_text("query\ttarget\n")
    with pytest.raises(InputError, match=r"text\.parquet: not readable as Parquet"):
        EvaluationSet.from_label_table(tmp_path / "text.parquet", STRUCTURES)


def test_structures_with_one_id_are_refused(tmp_path: Path) -> None:
    path = write_labels(tmp_path / "labels.parquet")
    with pytest.raises(InputError, match="structure 'a': the id twice; expected unique ids"):
        EvaluationSet.from_label_table(path, [*STRUCTURES, STRUCTURES[0]])


def test_an_empty_set_is_refused() -> None:
    none = np.zeros(0, np.int64)
    with pytest.raises(InputError, match="evaluation set nothing: no pair; expected at least one"):
        EvaluationSet("nothing", "test", (), none, none, none, np.zeros(0), np.zeros(0), ())
