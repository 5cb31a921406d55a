"""Training of model quality: the loss, what a step draws, figures, and a run from a recipe."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

from foldglass.errors import InputError
from foldglass.metrics.regression import pearson, rmse, spearman
from foldglass.models.consensus import Consensus
from foldglass.models.graphqa import GraphQANetwork
from foldglass.models.inverse_folding import N_FIT
from foldglass.models.quality_input import GraphMaker, QualityInputConfig, ScoreInput
from foldglass.models.quality_model import predictions
from foldglass.models.quality_network import QualityNetwork
from foldglass.models.registry import load_quality
from foldglass.protein import Structure
from foldglass.train.quality import DecoyGraphs, QualityTask
from foldglass.train.quality_baselines import BASELINES, Calibrated, Facts
from foldglass.train.quality_data import Decoy
from foldglass.train.quality_held_out import HeldOut
from foldglass.train.quality_measures import measure
from foldglass.train.quality_report import write_quality_report
from foldglass.train.quality_runs import decoys_of, evaluate_quality
from foldglass.train.quality_split import fold_of
from foldglass.train.recipe import LoopConfig, QualityTrainConfig, Recipe
from foldglass.train.runs import run_recipe

LOOP = LoopConfig(steps=4, lr=0.01, warmup=1, log_every=1, validate_every=2, accelerator="cpu", seed=5)
INPUTS = QualityInputConfig(nodes="trace", radius=8.0)
MakeData = Callable[..., DecoyGraphs]


@pytest.fixture
def data(make_structure: Callable[..., Structure]) -> MakeData:
    """Decoys of some targets with random truth; the first three residues of each have no partner."""

    def make(targets: int, each: int, *, made: bool = False) -> DecoyGraphs:
        rng, decoys = np.random.default_rng(targets), []
        for target in range(targets):
            for k in range(each):
                local = rng.random(15 + target)
                local[:3] = np.nan
                structure = make_structure(15 + target, seed=100 * k + made)
                truth = rng.random(4)
                decoys.append(Decoy(structure, "train", f"t{target}", f"g{target}", "toy", made, truth, local, truth))
        return DecoyGraphs(decoys, [GraphMaker(INPUTS)(decoy.structure) for decoy in decoys])

    return make


def both(*parts: DecoyGraphs) -> DecoyGraphs:
    return DecoyGraphs([d for part in parts for d in part.decoys], [g for part in parts for g in part.graphs])


def task_of(train: DecoyGraphs, validation: DecoyGraphs, **options: object) -> QualityTask:
    torch.manual_seed(1)
    config = replace(QualityTrainConfig(inputs=INPUTS, batch=8), **options)
    return QualityTask(Recipe("quality", LOOP, quality=config), {"train": train, "validation": validation})


@pytest.mark.parametrize("preset", ["foldglass", "released", "paper"])
def test_loss_is_the_weighted_error_over_known_residues(preset: str, data: MakeData) -> None:
    """With every decoy in the batch once, by hand from the network's outputs."""
    train = data(4, 1)
    task = task_of(train, data(2, 1), preset=preset, batch=4, made_share=0.0, local=3.0)
    module = task.module.eval()
    assert isinstance(module, QualityNetwork if preset == "foldglass" else GraphQANetwork)
    loss, _ = task.loss(module, 0)
    whole, local = predictions(module, train.graphs)
    truth = np.stack([decoy.truth for decoy in train.decoys])
    residue = np.concatenate([decoy.local for decoy in train.decoys])
    known = np.isfinite(residue)
    wanted = ((whole - truth) ** 2).mean(axis=0).sum() + 3 * ((np.concatenate(local) - residue)[known] ** 2).mean()
    assert loss.item() == pytest.approx(wanted, rel=1e-5)


def test_a_step_draws_targets_not_decoys_and_both_kinds(data: MakeData) -> None:
    train = both(data(30, 2), data(20, 3, made=True))
    task = task_of(train, data(2, 1), made_share=0.25)
    for seed in range(5):
        rows = task._draw(np.random.default_rng(seed))
        chosen = [train.decoys[i] for i in rows]
        assert len(rows) == 8 and sum(decoy.made for decoy in chosen) == 2
        assert len({(decoy.made, decoy.target) for decoy in chosen}) == 8
    alone = task_of(data(30, 2), data(2, 1), made_share=0.25)
    assert len(alone._draw(np.random.default_rng(0))) == 8


def test_validation_figures_are_those_of_the_predictions(data: MakeData) -> None:
    validation = data(7, 2)
    task = task_of(data(3, 1), validation)
    figures = task.validate(task.module.eval())
    whole, local = predictions(task.module, validation.graphs)
    truth = np.array([decoy.truth[0] for decoy in validation.decoys])
    residue = np.concatenate([decoy.local for decoy in validation.decoys])
    known = np.isfinite(residue)
    assert figures["gdt_rmse"] == pytest.approx(rmse(whole[:, 0], truth))
    assert figures["gdt_pearson"] == pytest.approx(pearson(whole[:, 0], truth))
    assert figures["lddt_spearman"] == pytest.approx(spearman(np.concatenate(local)[known], residue[known]))


def test_a_fold_is_learned_from_or_watched_by_groups(data: MakeData) -> None:
    everything = both(data(30, 2), data(20, 2, made=True))
    parts = [everything.fold(number) for number in range(5)]
    for number, part in enumerate(parts):
        assert {fold_of(decoy.group) for decoy in part["validation"].decoys} == {number}
        assert number not in {fold_of(decoy.group) for decoy in part["train"].decoys}
        assert not any(decoy.made for decoy in part["validation"].decoys)
        for own in part.values():
            assert [len(graph) for graph in own.graphs] == [len(decoy.structure) for decoy in own.decoys]
        lost = [d for d in everything.decoys if d.made and fold_of(d.group) == number]
        assert len(everything) == len(part["train"]) + len(part["validation"]) + len(lost) and lost
    assert sum(len(part["validation"]) for part in parts) == 60


def test_every_model_is_judged_by_the_network_that_held_it_out(data: MakeData) -> None:
    everything = both(data(30, 2), data(20, 2, made=True))
    members = [task_of(data(2, 1), data(2, 1), preset="foldglass").network.eval() for _ in range(5)]
    for number, network in enumerate(members):
        torch.nn.init.constant_(network.whole[-1].weight, 0.0)
        torch.nn.init.constant_(network.whole[-1].bias, number)
    found = HeldOut.of(members, everything)
    folds = np.array([fold_of(decoy.group) for decoy in found.decoys])
    np.testing.assert_allclose(found.whole[:, 0], 1 / (1 + np.exp(-folds)), rtol=1e-5)
    assert len(found.decoys) == len(found.local) == 60
    alone, beside = found.bands()
    np.testing.assert_array_equal(alone.knots, beside.knots)  # toy models have no others


def test_no_decoy_of_a_role_is_said(data: MakeData) -> None:
    with pytest.raises(InputError, match="no decoy to validation"):
        task_of(data(2, 1), DecoyGraphs([], []))


def test_measures_of_perfect_and_of_useless_predictions(data: MakeData) -> None:
    decoys = data(6, 7).decoys
    truth = np.stack([decoy.truth for decoy in decoys])
    local = [np.nan_to_num(decoy.local, nan=0.5) for decoy in decoys]
    best = measure("model", "perfect", decoys, truth, local)
    assert best.rmse["tm"].value == 0 and best.pearson["gdt_ts"].value == pytest.approx(1)
    assert best.per_target.value == pytest.approx(1) and best.first.value == best.five.value == 0
    assert best.local_spearman.value == pytest.approx(1) and best.local_per_model.value == pytest.approx(1)
    same = measure("constant", "constant", decoys, np.full_like(truth, 0.5), [np.full_like(x, 0.5) for x in local])
    assert np.isnan(same.pearson["gdt_ts"].value) and np.isnan(same.per_target.value)
    assert np.isnan(same.local_spearman.value) and same.rmse["gdt_ts"].value > 0.2
    worst = measure("model", "upside down", decoys, 1 - truth, local)
    assert worst.per_target.value == pytest.approx(-1) and worst.z.value < -0.5
    gaps = [np.ptp(truth[[d.target == t for d in decoys], 0]) for t in {d.target for d in decoys}]
    assert worst.first.value == pytest.approx(np.mean(gaps))
    assert 0 < worst.five.value < worst.first.value


def test_five_needs_six_models_and_a_correlation_three(data: MakeData) -> None:
    few = data(5, 2).decoys
    found = measure("model", "m", few, np.stack([d.truth for d in few]), [np.nan_to_num(d.local) for d in few])
    assert np.isnan(found.five.value) and np.isnan(found.per_target.value) and found.first.value == 0


def test_a_calibrated_baseline_learns_from_its_numbers_alone(data: MakeData) -> None:
    decoys = data(9, 3).decoys
    lengths = np.array([len(decoy.structure) for decoy in decoys])
    related = [
        replace(d, truth=np.full(4, n / 50), local=np.full(n, 0.25)) for d, n in zip(decoys, lengths, strict=True)
    ]
    rng = np.random.default_rng(0)
    facts = [
        Facts(
            decoy,
            ScoreInput(np.zeros((n, 1)), np.zeros((0, 1)), np.ones(n)),
            Consensus(np.full(4, n / 50), np.full(n, 0.5), 1),
            rng.normal(size=(n, N_FIT)),
        )
        for decoy, n in zip(related, lengths.tolist(), strict=True)
    ]
    of = {baseline.key: baseline for baseline in BASELINES}
    for key in ("length", "consensus"):
        whole, local = Calibrated(of[key], facts).predict(facts)
        np.testing.assert_allclose(whole[:, 0], lengths / 50, atol=0.01)
        np.testing.assert_allclose(np.concatenate(local), 0.25)
    for key in ("constant", "fit"):
        whole, _ = Calibrated(of[key], facts).predict(facts)
        assert np.abs(whole[:, 0] - lengths / 50).max() > 0.02
    np.testing.assert_allclose(Calibrated(of["constant"], facts).predict(facts)[0], (lengths / 50).mean())


RECIPE = """
task = "quality"
[loop]
steps = 4
warmup = 1
log_every = 2
validate_every = 2
accelerator = "cpu"
[pairs]
folder = "{folder}"
[quality]
preset = "{preset}"
batch = 4
members = 2
[quality.inputs]
nodes = "trace"
radius = 8
[quality.made]
natives = 2
per_native = 4
shortest = 20
longest = 40
"""


@pytest.mark.parametrize("preset", ["foldglass", "released"])
def test_a_recipe_ends_in_a_model_that_can_be_judged(
    preset: str, decoy_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make_structure: Callable
) -> None:
    monkeypatch.setenv("FOLDGLASS_CACHE", str(tmp_path / "cache"))
    recipe = tmp_path / "toy.toml"
    recipe.write_text(RECIPE.format(folder=decoy_folder, preset=preset))
    folder = run_recipe(recipe, tmp_path / "run")
    model = load_quality(str(folder))
    (quality,) = model.judge([make_structure(33)])
    assert model.name == "toy" and ((quality.scores > 0) & (quality.scores < 1)).all()
    card = (folder / "card.md").read_text()
    assert "8 decoys made from natives" in card and "2 networks of" in card and f"preset {preset}" in card
    if preset == "released":
        return
    evaluation = evaluate_quality(model, decoy_folder, lambda line: None)
    assert {decoy.split for decoy in evaluation.decoys} == {"test"} and evaluation.decoys
    page, numbers = write_quality_report(evaluation, tmp_path / "report.html", command="foldglass evaluate")
    report = json.loads(numbers.read_text())
    assert report["schema"] == "foldglass-quality/2" and report["about"]["n_models"] == len(evaluation.decoys)
    rows = {row["key"]: row for row in report["predictors"]}
    baselines = ["constant", "length", "contacts", "strain", "fit", "consensus"]
    assert list(rows) == ["model", "alone", "strict", *baselines]
    assert rows["model"]["rmse"]["gdt_ts"]["value"] > 0
    assert rows["constant"]["pearson"]["gdt_ts"]["value"] is None
    assert "score network&#x27;s gradient alone" in page.read_text()
    with pytest.raises(InputError, match=r"the ending \.txt; expected a name that ends in \.html"):
        write_quality_report(evaluation, tmp_path / "report.txt")


def test_published_models_are_scored_again_where_natives_are_others(
    decoy_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOLDGLASS_CACHE", str(tmp_path / "cache"))
    recipe = QualityTrainConfig(inputs=INPUTS, made_share=0.0)

    def read() -> list[Decoy]:
        return [one for split in ("train", "test") for one in decoys_of(decoy_folder, recipe, split, lambda line: None)]

    bad = next(decoy for decoy in read() if decoy.truth[0] < 0.9)
    table = decoy_folder / "structures.parquet"
    chains = pl.read_parquet(table)
    state = chains[:1].with_columns(
        id=pl.lit("state"),
        sequence=pl.lit(bad.structure.letters),
        ca_coords=pl.lit(bad.structure.ca.astype("<f4").tobytes()),
    )
    pl.concat([chains, state]).write_parquet(table)
    (again,) = [decoy for decoy in read() if decoy.structure.id == bad.structure.id]
    assert (again.truth == 1).all() and (again.strict == bad.strict).all()
