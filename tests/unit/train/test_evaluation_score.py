"""The evaluation of a score network: every figure against vectors and networks whose answer is known."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from foldglass.errors import InputError, UsageError
from foldglass.geometry.burial import contact_number, half_sphere_exposure
from foldglass.geometry.psea import COIL, psea_classes
from foldglass.models.pair_input import distance_encoding
from foldglass.models.score_model import ScoreModel
from foldglass.protein import Embedding, Structure
from foldglass.train.data import load_pair_data
from foldglass.train.evaluation_score import evaluate_score
from foldglass.train.evaluation_score_levels import measure_levels, measure_variance
from foldglass.train.evaluation_score_pairs import CLOSE, PAIRS, SEPARATION, TITLES, _drawn, measure_pairs
from foldglass.train.evaluation_score_residues import measure_constant, measure_residues
from foldglass.train.evaluation_score_set import ScoreEvaluationSet, score_evaluation_set
from foldglass.train.evaluation_score_vectors import Describer, VectorKind, untrained
from foldglass.train.evaluation_score_whole import measure_chance, measure_retrieval, measure_tm, standardised
from foldglass.train.evaluation_set import EvaluationSet
from foldglass.train.splits import FAMILY, SUPERFAMILY, TRAIN, VALIDATION

ANY = VectorKind("own", "own", False)


def pairs_of(proteins: list[Structure], cluster: list[int], *, tm: np.ndarray | None = None) -> EvaluationSet:
    """Every protein with the next one."""
    n = len(proteins) - 1
    tm = np.linspace(0.2, 0.9, n) if tm is None else tm
    return EvaluationSet(
        name="made up",
        split="superfamily",
        proteins=tuple(proteins),
        cluster=np.array(cluster),
        query=np.arange(n),
        target=np.arange(1, n + 1),
        tm_query=tm,
        tm_target=tm,
        alignments=tuple(np.stack([np.arange(5)] * 2, axis=1) for _ in range(n)),
    )


@pytest.fixture(scope="module")
def data(make_structure: Callable[..., Structure]) -> ScoreEvaluationSet:
    """Chains with helices and strands in them, so that every class occurs."""
    turn = np.deg2rad(100) * np.arange(12)
    helix = np.stack([2.3 * np.cos(turn), 2.3 * np.sin(turn), 1.5 * np.arange(12)], axis=1)
    strand = np.stack([3.3 * np.arange(9), 0.9 * (-1.0) ** np.arange(9), np.zeros(9)], axis=1)

    def chain(seed: int) -> Structure:
        loose = make_structure(23 + seed % 7, seed=seed, name=f"d{seed}")
        ca = np.concatenate([loose.ca, loose.ca[-1] + 4 + helix, loose.ca[0] - 4 - strand]).astype(np.float32)
        return Structure(loose.id, loose.letters + "A" * 21, ca=ca)

    chains = [chain(seed) for seed in range(18)]
    return ScoreEvaluationSet(
        fit=tuple(chains[:6]),
        choose=tuple(chains[6:9]),
        judge=tuple(chains[12:16]),
        cluster=np.array([1, 1, 2, 3]),
        calibration=pairs_of(chains[6:12], [0, 1, 2, 3, 4, 5]),
        test=pairs_of(chains[12:18], [1, 1, 2, 3, 3, 3]),
    )


def test_vectors_are_the_networks_at_its_levels(make_score_model, make_structure):
    model, structure = make_score_model(), make_structure(19)
    describe = Describer(model)
    found = describe(structure)
    assert list(found) == [kind.key for kind in describe.kinds] == ["own", "coarse", "several", "random", "raw"]
    fine, own, coarse = (model.embed([structure], sigma=sigma)[0].residue for sigma in (0.25, 1.0, 4.0))
    np.testing.assert_array_equal(found["own"], own)
    np.testing.assert_array_equal(found["coarse"], coarse)
    np.testing.assert_array_equal(found["several"], np.concatenate([fine, own, coarse], axis=1))
    assert found["random"].shape == own.shape and abs(found["random"] - own).max() > 0.1
    distance = np.linalg.norm(structure.ca[3] - structure.ca, axis=-1)
    np.testing.assert_allclose(found["raw"][3], distance_encoding(torch.tensor(distance)).mean(0), atol=1e-5)


def test_random_weights_are_always_the_same_and_leave_the_generator_alone(make_score_model, make_structure):
    structure = make_structure(11)
    torch.manual_seed(3)
    before = torch.random.get_rng_state()
    one = untrained(make_score_model(1)).embed([structure])[0].residue
    torch.manual_seed(3)
    model = make_score_model(2)
    torch.manual_seed(3)
    other = untrained(model)
    assert torch.equal(torch.random.get_rng_state(), before)
    np.testing.assert_array_equal(other.embed([structure])[0].residue, one)
    assert one.std(axis=0).min() > 0  # a new network's branches would say the same of every residue


def truth(structure: Structure) -> np.ndarray:
    """Vectors that hold the answers."""
    classes = np.eye(3)[psea_classes(structure.ca)]
    numbers = np.stack([contact_number(structure.ca), half_sphere_exposure(structure.ca)], axis=1)
    return np.concatenate([classes, numbers], axis=1)


def test_probes_find_what_is_in_the_vectors(data):
    chains = (*data.fit, *data.choose, *data.judge)
    result = measure_residues(ANY, {s.id: truth(s) for s in chains}, data, draws=9)
    assert result.secondary_structure == (1.0, 1.0, 1.0)
    for interval in (result.contact_number, result.half_sphere_exposure):
        assert interval.value == pytest.approx(1, abs=1e-3) and interval.low > 0.99


def test_probes_find_nothing_in_noise(data):
    rng = np.random.default_rng(0)
    chains = (*data.fit, *data.choose, *data.judge)
    result = measure_residues(ANY, {s.id: rng.normal(size=(len(s), 3)) for s in chains}, data, draws=9)
    constant = measure_constant(data, draws=9)
    assert result.secondary_structure.value < constant.secondary_structure.value + 0.05
    assert result.contact_number.value < 0.1 and result.half_sphere_exposure.value < 0.1


def test_constant_is_the_commonest_class_and_the_mean_of_training_chains(data):
    result = measure_constant(data, draws=9)
    classes = np.concatenate([psea_classes(s.ca) for s in data.judge])
    assert result.is_baseline and 0.3 < (classes == COIL).mean() < 0.9
    assert result.secondary_structure.value == (classes == COIL).mean()
    learned, asked = (np.concatenate([contact_number(s.ca) for s in part]) for part in (data.fit, data.judge))
    expected = 1 - ((asked - learned.mean()) ** 2).mean() / asked.var()
    assert result.contact_number.value == pytest.approx(expected) and expected < 0


class Seeing(ScoreModel):
    """Its pair vectors hold the native distance and its own, those of residues nothing of it."""

    def __init__(self, like: ScoreModel, natives: dict[str, Structure]) -> None:
        super().__init__(like.network, sigma=like.sigma, statistics=like.statistics, name="seeing")
        self.natives = natives

    def embed(self, structures: Any, *, sigma: float | None = None, pair: Any = True, progress: Any = None) -> Any:
        (given,) = structures
        both = [np.linalg.norm(ca[:, None] - ca, axis=-1) for ca in (self.natives[given.id].ca, given.ca)]
        assert sigma == 2.0 and (given.ca - self.natives[given.id].ca).std() == pytest.approx(2.0, rel=0.2)
        vectors = np.stack([both[0] < 8.0, both[0], both[1]], axis=-1).astype(np.float32)
        residue = np.ones((len(given), 3), np.float32)
        return [Embedding(given, residue[0], residue, vectors, self.id)]


def test_pair_probes_read_the_native_structure_from_the_noisy_one(data, make_score_model):
    natives = {s.id: s for s in (*data.fit, *data.choose, *data.judge)}
    results = {r.key: r for r in measure_pairs(Seeing(make_score_model(), natives), data, draws=9)}
    assert list(results) == list(TITLES)
    for key in ("pair", "pair-distance"):
        assert results[key].contact_auroc.value > 0.999 and results[key].distance_change.value > 0.999
    assert 0.4 < results["pooled"].contact_auroc.value < 0.75  # the separation along the chain alone
    assert results["pooled"].distance_change.value < 0.1
    assert 0.8 < results["distance"].contact_auroc.value < 0.99
    assert results["pooled-distance"].contact_auroc.value == pytest.approx(
        results["distance"].contact_auroc.value, abs=0.02
    )
    assert [r.is_baseline for r in results.values()] == [False] * 4 + [True] * 2


def test_drawn_pairs_are_close_in_space_and_distant_along_the_chain(make_structure):
    ca = make_structure(61).ca
    i, j = _drawn(ca, np.random.default_rng(0))
    distance = np.linalg.norm(ca[i] - ca[j], axis=-1)
    assert (j - i).min() == SEPARATION and CLOSE - 1 < distance.max() < CLOSE
    assert len({*zip(i.tolist(), j.tolist(), strict=True)}) == len(i) == PAIRS
    few = _drawn(ca[:9], np.random.default_rng(0))
    assert len(few[0]) == sum(np.linalg.norm(ca[a] - ca[b]) < CLOSE for a in range(9) for b in range(a + SEPARATION, 9))


def test_first_hit_by_hand(data):
    """Groups 1 1 2 3 3 3: the first two are nearest to each other, one of the threes to a stranger."""
    angle = np.deg2rad([0, 10, 200, 100, 110, 190])
    unit = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    result = measure_retrieval(ANY, unit, data.test, draws=99)
    assert result.first_hit.value == 4 / 5
    assert result.first_hit.low < 4 / 5 < result.first_hit.high
    chance = measure_chance(data.test, draws=9)
    assert chance.first_hit.value == pytest.approx((2 * 1 / 5 + 3 * 2 / 5) / 5)


def test_no_relative_is_no_figure(data):
    alone = replace(data.test, cluster=np.arange(6))
    assert np.isnan(measure_retrieval(ANY, np.eye(6), alone, draws=9).first_hit.value)
    assert np.isnan(measure_chance(alone, draws=9).first_hit.value)


def test_tm_is_read_from_the_cosine_by_the_curve_of_other_pairs(make_structure):
    """Where the calibration pairs say TM = (1 + cosine) / 2, that is what is answered, right or wrong."""
    n = 400
    proteins = [make_structure(5, seed=i, name=f"p{i}") for i in range(n + 1)]
    rng = np.random.default_rng(0)
    unit = np.stack([np.cos(a := rng.uniform(0, np.pi, n + 1)), np.sin(a)], axis=1)
    cosine = np.cos(np.diff(a))
    fitted = pairs_of(proteins, list(range(n + 1)), tm=(1 + cosine) / 2)
    judged = pairs_of(proteins, list(range(n + 1)), tm=np.full(n, 0.25))
    predictions, fold = measure_tm(ANY, (unit, fitted), (unit, judged), draws=9)
    np.testing.assert_allclose(predictions.tm, (1 + cosine) / 2, atol=0.06)
    assert fold.tm.mae.value == pytest.approx(abs(predictions.tm - 0.25).mean())
    assert ((predictions.p_same_fold > 0.5) == (cosine > 0)).mean() > 0.97


def test_standardised_vectors_have_length_one_and_no_common_part():
    rng = np.random.default_rng(0)
    vectors = rng.normal([3, 1000], [0.1, 50], (300, 2))
    unit = standardised(vectors, vectors.mean(0), vectors.std(0))
    np.testing.assert_allclose(np.linalg.norm(unit, axis=1), 1)
    assert abs(unit.mean(0)).max() < 0.1 and unit.std(0) == pytest.approx([0.7, 0.7], abs=0.05)
    assert standardised(np.zeros((1, 2)), np.zeros(2), np.zeros(2)).tolist() == [[0, 0]]


def test_a_network_that_predicts_nothing_leaves_all_noise(make_score_model, data):
    model = make_score_model()
    for parameter in model.network.output.parameters():
        torch.nn.init.zeros_(parameter)
    ticks: list[None] = []
    levels = measure_levels(model, data.judge, progress=lambda: ticks.append(None))
    assert [level.sigma for level in levels] == model.noise.sigma.tolist() and len(ticks) == 6
    for level in levels:
        assert level.crops == level.nothing == pytest.approx(1, abs=0.15)
        assert level.whole == pytest.approx(1, abs=0.3) and level.whole != level.crops
    # 45 to 51 residues have 135 to 153 components, of which six are rigid motions
    assert levels[-1].rigid == pytest.approx(6 / 144, rel=0.4)
    again = measure_levels(model, data.judge, progress=lambda: None)
    assert again == levels


def test_levels_tell_networks_apart(make_score_model, data):
    one, other = (measure_levels(make_score_model(seed), data.judge, progress=lambda: None) for seed in (0, 1))
    assert all(
        a.crops != b.crops and a.whole != b.whole and a.nothing == b.nothing for a, b in zip(one, other, strict=True)
    )


class Additive(ScoreModel):
    """Protein vectors that are a part of the protein's plus a part of the level's."""

    def __init__(self, like: ScoreModel, of_level: float) -> None:
        super().__init__(like.network, sigma=like.sigma, statistics=like.statistics)
        self.of_level = of_level

    def embed(self, structures: Any, *, sigma: float | None = None, pair: Any = True, progress: Any = None) -> Any:
        (given,) = structures
        whole = np.float32([len(given), self.of_level * np.log(sigma)])
        return [Embedding(given, whole, np.tile(whole, (len(given), 1)), None, self.id)]


@pytest.mark.parametrize(("of_level", "between"), [(0.0, 0.0), (1.0, None), (1e3, 1.0)])
def test_variance_is_shared_out_between_proteins_and_levels(of_level, between, make_score_model, data):
    model = make_score_model()
    ticks: list[None] = []
    shares = measure_variance(Additive(model, of_level), data.fit, progress=lambda: ticks.append(None))
    assert shares.sigmas == tuple(model.noise.sigma.tolist()) and shares.n_proteins == len(ticks) == 6
    lengths, logs = np.var([len(s) for s in data.fit]), np.var(np.log(model.noise.sigma))
    expected = of_level**2 * logs / (lengths + of_level**2 * logs)
    assert shares.between_levels == pytest.approx(expected, abs=1e-4)
    assert shares.between_proteins == pytest.approx(1 - expected, abs=1e-4)
    assert between is None or expected == pytest.approx(between, abs=1e-3)


@pytest.fixture
def folder(data_folder):
    """240 chains of 30 to 269 residues, three to a superfamily of its own family, each in pairs with the next ones."""
    chains = range(240)
    near = [(i, i + k, 0.3) for i in chains for k in range(1, 40) if i + k < 240]
    return data_folder([30 + (37 * i) % 240 for i in chains], [i // 3 for i in chains], [i // 3 for i in chains], near)


@pytest.mark.parametrize(("split", "role"), [("superfamily", SUPERFAMILY), ("family", FAMILY)])
def test_chains_and_pairs_have_their_roles_and_lengths(folder, split, role):
    data = load_pair_data(folder)
    drawn = score_evaluation_set(data, split, name="made up", chains=4)
    role_of = dict(zip((s.id for s in data.structures), data.roles.tolist(), strict=True))
    for part, wanted in ((drawn.fit, {TRAIN}), (drawn.choose, {VALIDATION}), (drawn.judge, {role})):
        assert 0 < len(part) <= 4 and {role_of[s.id] for s in part} == wanted
        assert all(40 <= len(s) <= 250 for s in part)
    assert {role_of[s.id] for s in drawn.test.proteins} == {role}
    assert {role_of[s.id] for s in drawn.calibration.proteins} == {TRAIN, VALIDATION}
    assert all(40 <= n <= 250 for pairs in (drawn.test, drawn.calibration) for n in pairs.lengths)
    assert len(drawn.calibration) == 6 and (drawn.test.split, drawn.test.name) == (split, "made up")
    group = dict(zip((s.id for s in data.structures), data.superfamily.tolist(), strict=True))
    assert [group[s.id] for s in drawn.judge] == drawn.cluster.tolist()
    assert {s.id for s in drawn.judge} <= {s.id for s in drawn.test.proteins}
    assert {s.id for s in drawn.choose} <= {s.id for s in drawn.calibration.proteins}


def test_more_chains_are_those_of_fewer_and_others(folder):
    data = load_pair_data(folder)
    few, many = (score_evaluation_set(data, "superfamily", name="x", chains=n).fit for n in (3, 9))
    assert [s.id for s in many[:3]] == [s.id for s in few]


def test_other_splits_and_empty_roles_are_refused(folder, data_folder):
    data = load_pair_data(folder)
    with pytest.raises(UsageError, match=r"^split 'validation': a score network; expected one of superfamily, family$"):
        score_evaluation_set(data, "validation", name="x")
    short = load_pair_data(data_folder([30] * 9, range(9), range(9)))
    with pytest.raises(InputError, match=r"^x: no training chain of 40 to 250 residues; expected some of each role$"):
        score_evaluation_set(short, "superfamily", name="x")
    single = load_pair_data(data_folder([50] * 90, range(90), range(90)))
    with pytest.raises(InputError, match=r"^x: no validation chain of 40 to 250 residues in a pair; expected"):
        score_evaluation_set(single, "superfamily", name="x")


def test_whole_evaluation_in_its_order(data, make_score_model):
    pytest.importorskip("parasail")
    said: list[tuple[int, int]] = []
    found = evaluate_score(make_score_model(), data, draws=9, progress=lambda done, total: said.append((done, total)))
    assert said == [(k, 26) for k in range(1, 27)]  # 18 chains, two of them again, 6 levels
    kinds = ["own", "coarse", "several", "random", "raw"]
    assert [r.key for r in found.residues] == [r.key for r in found.retrieval] == [*kinds, "constant"]
    assert [r.key for r in found.folds][:6] == [*kinds, "constant"]
    assert [p.key for p in found.fold_predictions] == [f.key for f in found.folds]
    about = found.about
    assert (about.n_fit_chains, about.n_choose_chains, about.n_chains, about.n_clusters) == (6, 3, 4, 3)
    assert (about.n_proteins, about.n_pairs, about.n_calibration_pairs) == (6, 5, 5)
    assert about.n_residues == sum(map(len, data.judge))
