"""The Siamese task on a dozen chains: its losses against plain loops, its figures, its teacher, and its resumption."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from foldglass.encoders.builtin import MASK_TOKEN
from foldglass.metrics.lddt import lddt
from foldglass.train.data import PairData
from foldglass.train.loop import BEST, CHECKPOINT, LOG, train
from foldglass.train.recipe import LoopConfig, LossConfig, PairsConfig, Recipe
from foldglass.train.siamese import SiameseTask, Teacher, embed_all, predicted_tm, wanted_cosine
from foldglass.train.splits import TRAIN, VALIDATION

LENGTHS = (11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53)
LOOP = LoopConfig(steps=6, lr=0.003, warmup=2, log_every=1, validate_every=3, accelerator="cpu")
CLOSE = {"rtol": 1e-5, "atol": 1e-6}


@pytest.fixture(scope="module")
def data(make_structure):
    """Nine training and three validation chains, every pair labelled; TM-scores from 0.02 to 0.98."""
    structures = [make_structure(length) for length in LENGTHS]
    query, target = np.triu_indices(len(LENGTHS), k=1)
    rng = np.random.default_rng(2)
    tm_query = rng.uniform(0.02, 0.98, len(query)).astype(np.float32)
    tm_target = np.clip(tm_query * rng.uniform(0.6, 1.0, len(query)), 0, 1).astype(np.float32)
    aligned = [np.arange(1, LENGTHS[i] - 1, dtype="<u2") for i in query]
    return PairData(
        structures=structures,
        family=np.arange(12),
        superfamily=np.arange(12),
        roles=np.array([TRAIN] * 9 + [VALIDATION] * 3),
        query=query,
        target=target,
        kind=["family"] * len(query),
        tm_query=tm_query,
        tm_target=tm_target,
        aligned=[(own.tobytes(), (own + 1).astype("<u2").tobytes()) for own in aligned],
    )


def recipe(*towers: str, loss: LossConfig | None = None, **pairs) -> Recipe:
    pairs = {"proteins": 5, "partners": 2, **pairs}
    return Recipe(
        task="siamese",
        loop=LOOP,
        towers=list(towers),
        pairs=PairsConfig(**pairs),
        loss=loss or LossConfig(),
    )


@pytest.fixture
def make_task(make_model, data):
    def make(*kinds, teacher=None, loss=None, **pairs):
        towers = {kind: tower.requires_grad_(True).train() for kind, tower in make_model(kinds=kinds).towers.items()}
        return SiameseTask(recipe(*kinds, loss=loss, **pairs), data, towers, teacher)

    return make


def vectors_of(task, kind, batch):
    task.module.eval()
    tower = task.towers[kind]
    with torch.no_grad():
        return tower([tower.front.inputs(task.data.structures[i]) for i in batch.proteins.tolist()])


def glass_truth(data, row):
    pairs = data.alignment(row)
    query, target = data.structures[data.query[row]].ca, data.structures[data.target[row]].ca
    return lddt(query[pairs[:, 0]], target[pairs[:, 1]], exponent=3.0)


def test_published_loss_is_the_plain_loop(make_task, data):
    """Local terms from the query's TM-score on, pairs under 0.1 left out, mean over the rest."""
    task = make_task("structure", loss=LossConfig(kind="glass", tm_local=0.6), proteins=9)
    batch = task.sampler.batch(0)
    assert len(batch.rows) > 20
    residue, protein = vectors_of(task, "structure", batch)
    losses = []
    crossing = 0
    for i, j, row in zip(batch.query.tolist(), batch.target.tolist(), batch.rows.tolist(), strict=True):
        tm = float(data.tm_query[row])
        error = abs(float(protein[i] @ protein[j]) - tm)
        crossing += tm >= 0.6 > data.tm[row]
        if tm >= 0.6:
            pairs = data.alignment(row)
            cosine = (residue[i][pairs[:, 0]] * residue[j][pairs[:, 1]]).sum(-1).numpy()
            error = 0.7 * np.abs(cosine - glass_truth(data, row)).mean() + 0.3 * error
        if tm >= 0.1:
            losses.append(error)
    assert crossing  # a pair that only the query's side takes over the threshold
    loss, parts = task.loss(task.module, 0)
    assert loss.item() == pytest.approx(np.mean(losses), abs=1e-5)
    assert parts == {"glass": pytest.approx(loss.item())}


def test_own_loss_is_the_sum_of_its_weighted_parts(make_task, data):
    task = make_task("structure", proteins=9, loss=LossConfig(local=0.5, alignment=0.0, tm_local=0.5, tm_floor=0.25))
    batch = task.sampler.batch(0)
    residue, protein = vectors_of(task, "structure", batch)
    total, local = [], []
    for i, j, row in zip(batch.query.tolist(), batch.target.tolist(), batch.rows.tolist(), strict=True):
        tm = np.sqrt(data.tm_query[row] * data.tm_target[row])
        off = abs(float(protein[i] @ protein[j]) - (tm - 0.25) / 0.75)
        total.append(off - 0.05 if off > 0.1 else off**2 / 0.2)
        if tm >= 0.5:
            pairs = data.alignment(row)
            cosine = (residue[i][pairs[:, 0]] * residue[j][pairs[:, 1]]).sum(-1).numpy()
            local.append(np.abs(cosine - glass_truth(data, row)))
    loss, parts = task.loss(task.module, 0)
    assert parts["global"] == pytest.approx(np.mean(total), abs=1e-5)
    assert parts["local"] == pytest.approx(0.5 * np.concatenate(local).mean(), abs=1e-5)
    assert parts["alignment"] == 0
    assert loss.item() == pytest.approx(sum(parts.values()), abs=1e-5)


def test_every_tower_learns_and_towers_meet(make_task):
    task = make_task("sequence", "structure")
    batch = task.sampler.batch(0)
    vectors = {kind: vectors_of(task, kind, batch) for kind in ("sequence", "structure")}
    assert len(task._pairings(vectors)) == 3
    task.module.train()
    task.loss(task.module, 0)[0].backward()
    for kind, tower in task.towers.items():
        assert all(p.grad is not None and p.grad.isfinite().all() for p in tower.parameters()), kind
        assert any(p.grad.abs().sum() > 0 for p in tower.front.parameters()), kind


def test_own_teacher_asks_for_nothing_more(make_task):
    """A student that gives the teacher's own vectors agrees with it and has its relations."""
    student = make_task("sequence")
    fixed = embed_all(student.towers["sequence"], student.data.structures, wanted=np.arange(12))
    exact = Teacher("structure", [own.float() for own in fixed.residue], fixed.protein)
    task = make_task("sequence", teacher=exact)
    task.module.eval()
    parts = task.loss(task.module, 0)[1]
    assert parts["agreement"] == pytest.approx(0, abs=1e-3)  # the teacher's residues were kept in half precision
    assert parts["relation"] == pytest.approx(0, abs=1e-5)
    other = make_task("sequence", teacher=Teacher("structure", fixed.residue, fixed.protein.flip(0)))
    other.module.eval()
    assert other.loss(other.module, 0)[1]["relation"] > 1e-3


def test_teacher_takes_part_in_pairings_but_not_with_itself(make_task, data):
    fixed = Teacher("structure", [torch.zeros(n, 13) for n in LENGTHS], torch.zeros(12, 13))
    task = make_task("sequence", teacher=fixed)
    batch = task.sampler.batch(0)
    vectors = {"sequence": vectors_of(task, "sequence", batch), "structure": fixed.vectors(batch.proteins)}
    pairings = task._pairings(vectors)
    assert len(pairings) == 2
    assert all(vectors["sequence"] is query or vectors["sequence"] is target for query, target in pairings)


def test_embed_all_gives_the_wanted_and_nothing_else(make_model, data):
    tower = make_model().towers["structure"]
    told: list[int] = []
    teacher = embed_all(tower, data.structures, wanted=np.array([2, 7]), progress=told.append)
    residue, protein = tower([tower.front.inputs(data.structures[i]) for i in (2, 7)])
    torch.testing.assert_close(teacher.protein[[2, 7]], protein, **CLOSE)
    torch.testing.assert_close(teacher.residue[7].float(), residue[1], rtol=0, atol=1e-3)
    assert teacher.protein[[0, 1, 3]].abs().sum() == 0
    assert [len(own) for own in teacher.residue] == [0, 0, 17, 0, 0, 0, 0, 37, 0, 0, 0, 0]
    assert told == [2]


def test_validation_figures_are_the_plain_loop(make_task, data):
    task = make_task("structure", loss=LossConfig(tm_local=0.5))
    rows = data.splits["validation"]
    tower = task.towers["structure"].eval()
    with torch.no_grad():
        residue, protein = tower([tower.front.inputs(structure) for structure in data.structures])
        figures = task.validate(task.module)
    cosine = np.array([float(protein[data.query[row]] @ protein[data.target[row]]) for row in rows])
    assert figures["structure_tm_mae"] == pytest.approx(np.abs(0.25 + 0.75 * cosine - data.tm[rows]).mean(), abs=1e-5)
    assert figures["structure_tm_r"] == pytest.approx(np.corrcoef(cosine, data.tm[rows])[0, 1], abs=1e-3)
    assert figures["tm_mae"] == figures["structure_tm_mae"]
    errors = []
    for row in rows[data.tm[rows] >= 0.5].tolist():
        pairs = data.alignment(row)
        own = (residue[data.query[row]][pairs[:, 0]] * residue[data.target[row]][pairs[:, 1]]).sum(-1).numpy()
        errors.append(np.abs(own - glass_truth(data, row)))
    assert figures["structure_local_mae"] == pytest.approx(np.concatenate(errors).mean(), abs=2e-3)


def test_only_training_pairs_of_the_allowed_length_are_drawn(make_task, data):
    task = make_task("structure", longest=31)
    seen = {row for step in range(50) for row in task.sampler.batch(step).rows.tolist()}
    allowed = [row for row in data.splits["train"] if max(LENGTHS[data.query[row]], LENGTHS[data.target[row]]) <= 31]
    assert seen == set(allowed)
    few = make_task("structure", limit=4)
    assert {row for step in range(50) for row in few.sampler.batch(step).rows.tolist()} == set(
        data.splits["train"][:4].tolist()
    )


def test_noise_is_fresh_in_training_and_absent_in_validation(make_task):
    task = make_task("structure", noise=0.5)
    clean = task.inputs("structure", 3).residues[0]
    noisy = task.inputs("structure", 3, np.random.default_rng(1)).residues[0]
    assert (noisy - clean).abs().max() > 0.01
    assert torch.equal(noisy, task.inputs("structure", 3, np.random.default_rng(1)).residues[0])
    assert torch.equal(clean, task.inputs("structure", 3).residues[0])


def test_letters_are_hidden_in_training_only(make_task):
    task = make_task("sequence", hidden=0.4)
    clean = task.inputs("sequence", 11).residues[0]
    shown = task.inputs("sequence", 11, np.random.default_rng(1)).residues[0]
    assert not (clean == MASK_TOKEN).any()
    assert 0.2 < (shown == MASK_TOKEN).float().mean() < 0.6
    assert torch.equal(shown[shown != MASK_TOKEN], clean[shown != MASK_TOKEN])


def test_same_step_costs_the_same(make_task):
    task = make_task("sequence", "structure", noise=0.5, hidden=0.2)
    task.module.eval()
    assert task.loss(task.module, 3)[0] == task.loss(task.module, 3)[0]
    assert task.loss(task.module, 3)[0] != task.loss(task.module, 4)[0]


def test_wanted_cosine_and_predicted_tm_are_inverse():
    tm = np.linspace(0, 1, 11).astype(np.float32)
    ours, published = recipe("structure"), recipe("structure", loss=LossConfig(kind="glass"))
    np.testing.assert_allclose(predicted_tm(wanted_cosine(tm, ours), ours), tm, atol=1e-6)
    np.testing.assert_array_equal(wanted_cosine(tm, published), tm)
    assert wanted_cosine(np.float32([0.25, 1.0]), ours).tolist() == [0, 1]


def test_stopped_training_goes_on_to_the_same_bits(make_task, tmp_path):
    def run(folder, stop=None):
        task = make_task("sequence", "structure", noise=0.3, hidden=0.2)
        whole = task.loss

        def loss(module, step):
            if step == stop:
                raise KeyboardInterrupt
            return whole(module, step)

        task.loss = loss
        train(task, replace(LOOP), folder)

    run(tmp_path / "straight")
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "stopped", stop=5)
    run(tmp_path / "stopped")
    for name in (BEST, CHECKPOINT, LOG):
        assert (tmp_path / "stopped" / name).read_bytes() == (tmp_path / "straight" / name).read_bytes()
