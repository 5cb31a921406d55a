"""Denoising score matching: the loss against closed forms, its random numbers, and a run from a recipe."""

import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from foldglass.errors import InputError
from foldglass.models.gradient import remove_rigid
from foldglass.models.pair_input import ResidueWindow, distances
from foldglass.models.score import ScoreConfig
from foldglass.models.score_model import load_score_model
from foldglass.train.loop import BEST, CHECKPOINT, LOG, load_weights, train
from foldglass.train.recipe import LoopConfig, Recipe, ScoreTrainConfig, read_recipe
from foldglass.train.runs import run_recipe
from foldglass.train.score import ScoreTask, channel_statistics, normalised_error
from foldglass.train.score_data import ChainPool

PRESETS = ("paper", "reference-code", "foldglass")
LOOP = LoopConfig(steps=4, lr=0.01, warmup=1, log_every=1, validate_every=2, accelerator="cpu", seed=5, average=0.9)


def residues(*lengths: int) -> ResidueWindow:
    mask = torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]
    return ResidueWindow(torch.zeros(mask.shape, dtype=torch.long), torch.arange(max(lengths)).expand(mask.shape), mask)


@pytest.fixture
def task_of(make_structure):
    """A task with short chains and a network of one cycle of blocks."""
    chains = [make_structure(length, name=str(length)) for length in (12, 9, 17, 23)]
    pools = {
        "train": ChainPool(chains[:3], np.arange(3), by_cluster=True),
        "validation": ChainPool(chains[2:], np.arange(2), by_cluster=True),
    }

    def make(preset: str, *, seed: int = 5, **options: int) -> ScoreTask:
        score = ScoreTrainConfig(
            **{"preset": preset, "blocks": 4, "levels": 3, "crop": 10, "maps": 4, "levels_per_step": 2, "validation": 2}
            | options
        )
        torch.manual_seed(1)
        return ScoreTask(Recipe("score", replace(LOOP, seed=seed), score=score), pools)

    return make


@pytest.mark.parametrize("ratio", [0.2, 1.0, 3.0])
def test_error_of_the_optimal_score_of_gaussian_data(ratio):
    """Data of spread s under noise sigma has the score -x / (s^2 + sigma^2), whose error is s^2 / (s^2 + sigma^2)."""
    sigma = 2.0
    spread = ratio * sigma
    generator = torch.Generator().manual_seed(0)
    window = residues(*[53] * 400)
    moved = torch.randn(400, 53, 3, generator=generator)
    noisy = spread * torch.randn(400, 53, 3, generator=generator) + sigma * moved
    score = -noisy / (spread**2 + sigma**2)
    expected = spread**2 / (spread**2 + sigma**2)
    assert normalised_error(sigma * score, -moved, window, lost=0).item() == pytest.approx(expected, rel=0.02)
    # every wrong amplitude is worse
    for factor in (0.7, 1.3):
        assert normalised_error(factor * sigma * score, -moved, window, lost=0).item() > expected


def test_predicting_nothing_scores_1_also_without_the_rigid_part():
    """Nine residues have 27 components, and 21 once rigid motions are out: 0.78 if that were not counted."""
    generator = torch.Generator().manual_seed(0)
    lengths = [9, 13] * 300
    window = residues(*lengths)
    moved, x = (torch.randn(600, 13, 3, generator=generator) for _ in range(2))
    assert normalised_error(0 * moved, moved, window, lost=0).item() == pytest.approx(1, abs=0.02)
    inner = remove_rigid(moved, 10 * x, window.mask)
    assert normalised_error(0 * moved, inner, window, lost=6).item() == pytest.approx(1, abs=0.02)


def test_each_map_counts_alike_and_padding_not_at_all():
    window = residues(2, 5)
    wanted = torch.ones(2, 5, 3)
    wanted[1] = 2
    gradient = torch.zeros(2, 5, 3)
    gradient[0, 2:] = 99.0
    assert normalised_error(gradient, wanted, window, lost=0).item() == pytest.approx((1 + 4) / 2)


class Oracle(nn.Module):
    """Pair gradients that pull every residue towards the middle: the optimal score of a Gaussian blob."""

    def __init__(self, pull: float, outputs: int) -> None:
        super().__init__()
        self.pull = nn.Parameter(torch.tensor(pull))
        self.outputs = outputs

    def forward(self, row: ResidueWindow, column: ResidueWindow, distance: Tensor, level: Tensor):
        pair = torch.zeros(*distance.shape, self.outputs)
        pair[..., -1] = self.pull / row.mask.sum(1)[:, None, None]
        return pair, pair


@pytest.mark.parametrize("preset", PRESETS)
def test_network_that_predicts_nothing_scores_1_at_every_level(preset, task_of):
    """With every term in place: noise, targets, tiles, rigid parts, short chains and the division by levels."""
    task = task_of(preset, validation=300, crop=20)
    figures = task.validate(Oracle(0.0, task.network.config.outputs))
    assert len(figures) == 4
    if preset == "foldglass":  # noise above the size of the chain does not turn it: three components stay
        assert 1.0 < figures.pop("sigma_10") < 1.1 and figures.pop("loss") < 1.05
    assert list(figures.values()) == pytest.approx([1.0] * len(figures), abs=0.03)


def test_loss_of_a_known_network_is_that_of_its_score(task_of, make_structure):
    """h = c / L for all pairs is the score 4 c (x - mean): with c = -1 / 4 (s^2 + sigma^2) the best for a blob."""
    rng = np.random.default_rng(0)
    blob = make_structure(200)
    chains = [replace(blob, ca=(4.0 * rng.normal(size=(200, 3))).astype(np.float32)) for _ in range(20)]
    task = task_of("paper", crop=200, validation=40, levels=3)
    task.pools = dict.fromkeys(("train", "validation"), ChainPool(chains, np.arange(20), by_cluster=True))
    for level, sigma in enumerate(task.sigma.tolist()):
        oracle = Oracle(-1 / (4 * (16 + sigma**2)), 1)
        error = list(task.validate(oracle).values())[1 + level]
        assert error == pytest.approx(16 / (16 + sigma**2), abs=0.03)


@pytest.mark.parametrize("preset", PRESETS)
def test_loss_depends_on_seed_and_step_alone(preset, task_of):
    task = task_of(preset)

    def loss(task: ScoreTask, step: int) -> float:
        nn.init.constant_(task.network.output.layer.weight, 0.01)
        return task.loss(task.network.eval(), step)[0].item()

    first = loss(task, 3)
    loss(task, 4)
    assert loss(task, 3) == first == loss(task_of(preset), 3)
    assert len({first, loss(task, 4), loss(task_of(preset, seed=6), 3)}) == 3


@pytest.mark.parametrize("preset", PRESETS)
def test_every_parameter_learns(preset, task_of):
    task = task_of(preset, levels=2)
    for parameter in task.network.parameters():
        nn.init.normal_(parameter, 0.0, 0.1)  # the zeros of a new network hide what is before them
    task.loss(task.module, 0)[0].backward()
    for name, parameter in task.network.named_parameters():
        assert parameter.grad.isfinite().all() and parameter.grad.abs().sum() > 0, name


def test_levels_of_a_step_are_spread_over_all(task_of):
    """One level from each third, and over the steps every one."""
    task = task_of("foldglass", levels=9, levels_per_step=3, maps=3)
    seen: list[list[int]] = []

    def error(module, crop, level, rng):
        assert len(crop.ca) == 1
        seen[-1].append(level)
        return torch.zeros(())

    task._error = error
    for step in range(60):
        seen.append([])
        task.loss(task.module, step)
    assert all([level // 3 for level in levels] == [0, 1, 2] for levels in seen)
    assert {level for levels in seen for level in levels} == set(range(9))


def test_validation_is_the_same_each_time_and_has_a_figure_per_level(task_of):
    task = task_of("foldglass")
    nn.init.constant_(task.network.output.layer.weight, 0.01)
    with torch.no_grad():
        one, other = task.validate(task.module), task_of("foldglass", seed=99).validate(task.module)
    assert one == other
    assert list(one) == ["loss", "sigma_10", "sigma_1", "sigma_0.1"]
    assert one["loss"] == pytest.approx(np.mean(list(one.values())[1:]))


@pytest.mark.parametrize("preset", PRESETS)
def test_stopped_run_goes_on_to_the_same_bits(preset, task_of, tmp_path):
    straight, broken = tmp_path / "straight", tmp_path / "broken"
    train(task_of(preset), LOOP, straight)
    task = task_of(preset)
    whole = task.loss
    task.loss = lambda module, step: whole(module, step) if step < 3 else exec("raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        train(task, LOOP, broken)
    train(task_of(preset), LOOP, broken)
    for name in (BEST, CHECKPOINT, LOG):
        assert (broken / name).read_bytes() == (straight / name).read_bytes()


def test_channel_statistics_standardise_each_level(task_of, make_structure):
    """Over a pool of one chain they are the mean and spread of the channels of its own map."""
    network = task_of("foldglass").network.eval()
    chain = make_structure(41)
    pool = ChainPool([chain], np.zeros(1), by_cluster=True)
    statistics = channel_statistics(network, pool)
    crop = pool.draw(np.random.default_rng(0), 1, size=41, segments=1)
    own, x = crop.residues, crop.ca
    for level in range(3):
        raw = network(own, own, distances(x, x), torch.tensor([level]))[1].flatten(0, 2)
        torch.testing.assert_close(statistics.mean[level], raw.mean(0), rtol=1e-3, atol=1e-4)
        torch.testing.assert_close(statistics.spread[level], raw.std(0), rtol=1e-3, atol=1e-4)
    assert not torch.equal(statistics.mean[0], statistics.mean[2])


def test_recipe_holds_the_network_and_its_training(tmp_path):
    path = tmp_path / "score.toml"
    path.write_text(
        'task = "score"\n[loop]\nsteps = 3\naverage = 0.5\n[score]\npreset = "paper"\nlevels = 7\ncrop = 32\n'
    )
    recipe = read_recipe(path)
    assert recipe.loop.average == 0.5 and recipe.score.crop == 32
    assert recipe.score.network() == replace(ScoreConfig.preset("paper"), levels=7)
    assert replace(recipe.score, blocks=8).network().blocks == 8
    path.write_text('task = "score"\n[loop]\nsteps = 3\n[score]\npreset = "guo"\n')
    with pytest.raises(InputError, match=r"'guo'; expected one of 'paper', 'reference-code', 'foldglass'"):
        read_recipe(path)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (
            "maps = 2\nlevels_per_step = 4",
            "2 maps for 4 levels_per_step; expected maps that the levels of a step share",
        ),
        ("maps = 10\nlevels_per_step = 4", "10 maps for 4 levels_per_step"),
        ("maps = 0", "0 maps for 4 levels_per_step"),
        ("levels_per_step = 0", "16 maps for 0 levels_per_step"),
        ("crop = 2\nsegments = 1", "a crop of 2 residues in 1 segments; expected at least 3 residues"),
        ("crop = 5\nsegments = 6", "a crop of 5 residues in 6 segments"),
        ("segments = 0", "a crop of 64 residues in 0 segments"),
        ("validation = 0", "validation: 0; expected 1 or more"),
    ],
)
def test_recipe_that_cannot_be_trained_is_refused(tmp_path, line, words):
    path = tmp_path / "score.toml"
    path.write_text(f'task = "score"\n[loop]\nsteps = 3\n[score]\n{line}\n')
    with pytest.raises(InputError, match=re.escape(words)):
        read_recipe(path)


def test_smallest_crop_has_an_error(task_of):
    task = task_of("foldglass", crop=3, segments=1, levels_per_step=4)
    assert 0 < task.loss(task.module, 0)[0].item() < 10


@pytest.fixture
def folder(data_folder):
    """Ninety chains, each its own family, and no pair."""
    chains = range(90)
    return data_folder([9 + i % 7 for i in chains], chains, chains)


SMALL = "blocks = 4\nlevels = 3\ncrop = 8\nmaps = 2\nlevels_per_step = 2\nvalidation = 1\n"


def test_recipe_of_foldglass_ends_with_a_model(folder, make_structure):
    recipe = folder / "small.toml"
    recipe.write_text(f'task = "score"\n[loop]\nsteps = 2\naverage = 0.9\naccelerator = "cpu"\n[score]\n{SMALL}')
    lines: list[str] = []
    result = run_recipe(recipe, folder / "run", data=folder, progress=lines.append)
    assert result == folder / "run" / "model"
    assert "chains to train" in lines[0] and "chains to validation" in lines[0]
    model = load_score_model(result)
    kept, _ = load_weights(folder / "run" / BEST)
    for name, value in model.network.state_dict().items():
        torch.testing.assert_close(value, kept[name], rtol=1e-2, atol=1e-2)


def test_recipe_of_the_paper_ends_with_weights(folder):
    recipe = folder / "small.toml"
    recipe.write_text(f'task = "score"\n[loop]\nsteps = 2\naccelerator = "cpu"\n[score]\npreset = "paper"\n{SMALL}')
    assert run_recipe(recipe, folder / "run", data=folder) == folder / "run" / BEST


def test_recipe_without_its_table_is_refused(folder):
    recipe = folder / "small.toml"
    recipe.write_text('task = "score"\n[loop]\nsteps = 2\n')
    with pytest.raises(InputError, match=r"^recipe: no \[score\]; expected it for the task 'score'$"):
        run_recipe(recipe, folder / "run", data=folder)
