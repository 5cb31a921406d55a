"""The training loop: what a killed run leaves and how it goes on.

Run as a program it trains the tiny task in a folder and kills itself in the step given: `test_loop.py FOLDER STEP`.
"""

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from foldglass.errors import InputError
from foldglass.train.loop import BEST, CHECKPOINT, LOG, learning_rate, load_weights, train
from foldglass.train.recipe import LoopConfig

CONFIG = LoopConfig(steps=12, lr=0.01, warmup=3, log_every=1, validate_every=4, accelerator="cpu", seed=5)


class TinyTask:
    """Regression through dropout, on data drawn anew in each step."""

    primary = "error"

    def __init__(self, *, die_in: int | None = None, errors: tuple[float, ...] = (), width: int = 7) -> None:
        torch.manual_seed(3)
        self.module = nn.Sequential(nn.Linear(5, width), nn.Dropout(0.3), nn.LayerNorm(width), nn.Linear(width, 1))
        self.die_in, self.errors = die_in, list(errors)
        self.seen: list[dict[str, Tensor]] = []

    def loss(self, module: nn.Module, step: int) -> tuple[Tensor, dict[str, float]]:
        if step == self.die_in:
            os.kill(os.getpid(), signal.SIGKILL)
        x = torch.randn(11, 5, generator=torch.Generator().manual_seed(step))
        loss = (module(x).squeeze(-1) - x.sum(dim=1)).square().mean()
        return loss, {"square": loss.item()}

    def validate(self, module: nn.Module) -> dict[str, float]:
        assert not module.training and not torch.is_grad_enabled()
        self.seen.append({name: value.clone() for name, value in self.module.state_dict().items()})
        x = torch.randn(31, 5, generator=torch.Generator().manual_seed(99))
        error = (module(x).squeeze(-1) - x.sum(dim=1)).abs().mean().item()
        return {"error": self.errors.pop(0) if self.errors else error}


def files(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in (BEST, CHECKPOINT, LOG)}


@pytest.fixture(scope="module")
def straight(tmp_path_factory):
    folder = tmp_path_factory.mktemp("straight")
    train(TinyTask(), CONFIG, folder)
    return folder


def test_killed_run_goes_on_to_the_same_bits(straight, tmp_path):
    killed = subprocess.run([sys.executable, __file__, str(tmp_path), "6"], check=False, timeout=300)
    assert killed.returncode == -signal.SIGKILL
    assert load_weights(tmp_path / CHECKPOINT)[1]["step"] == 4
    assert (tmp_path / LOG).read_text().splitlines()[-1].startswith("6,train")
    train(TinyTask(), CONFIG, tmp_path)
    assert files(tmp_path) == files(straight)


@pytest.mark.parametrize("step", [2, 4, 9])
def test_run_stopped_anywhere_goes_on_to_the_same_bits(straight, tmp_path, step):
    task = TinyTask()
    whole = task.loss

    def stop(module, now):
        if now == step:
            raise KeyboardInterrupt
        return whole(module, now)

    task.loss = stop
    with pytest.raises(KeyboardInterrupt):
        train(task, CONFIG, tmp_path)
    train(TinyTask(), CONFIG, tmp_path)
    assert files(tmp_path) == files(straight)


def test_half_a_line_in_the_log_is_dropped(straight, tmp_path):
    killed = subprocess.run([sys.executable, __file__, str(tmp_path), "6"], check=False, timeout=300)
    assert killed.returncode == -signal.SIGKILL
    with (tmp_path / LOG).open("a") as log:
        log.write("1")
    train(TinyTask(), CONFIG, tmp_path)
    assert files(tmp_path) == files(straight)


def test_finished_run_is_left_as_it_is(straight):
    before = files(straight)
    task = TinyTask()
    train(task, CONFIG, straight)
    assert files(straight) == before
    assert not task.seen


def test_seed_changes_the_run(straight, tmp_path):
    train(TinyTask(), replace(CONFIG, seed=6), tmp_path)
    assert files(tmp_path)[BEST] != files(straight)[BEST]


def test_best_weights_are_those_of_the_lowest_validation_figure(tmp_path):
    task = TinyTask(errors=(0.5, 0.2, 0.4))
    train(task, CONFIG, tmp_path)
    tensors, facts = load_weights(tmp_path / BEST)
    assert facts == {"step": 8, "error": 0.2}
    for name, value in task.seen[1].items():
        assert torch.equal(tensors[name], value)
        assert torch.equal(load_file(tmp_path / CHECKPOINT)[f"weights.{name}"], task.seen[2][name])
    assert any(not torch.equal(task.seen[1][name], task.seen[2][name]) for name in tensors)


def test_best_figure_outlives_a_stop(tmp_path):
    first = TinyTask(errors=(0.1,))
    whole = first.loss
    first.loss = lambda module, step: whole(module, step) if step < 5 else exec("raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        train(first, CONFIG, tmp_path)
    train(TinyTask(errors=(0.3, 0.2)), CONFIG, tmp_path)
    assert load_weights(tmp_path / BEST)[1] == {"step": 4, "error": 0.1}


def test_log_has_a_line_per_figure(straight):
    lines = (straight / LOG).read_text().splitlines()
    assert lines[0] == "step,split,name,value"
    steps = [line.split(",")[0] for line in lines if ",train,loss," in line]
    assert steps == [str(step) for step in range(1, 13)]
    assert [line.split(",")[0] for line in lines if ",validation,error," in line] == ["4", "8", "12"]
    rates = [float(line.split(",")[3]) for line in lines if ",train,lr," in line]
    assert rates == pytest.approx([learning_rate(step, CONFIG) for step in range(12)], rel=1e-5)


def test_learning_rate_warms_up_and_falls_to_a_hundredth():
    config = LoopConfig(steps=103, lr=2.0, warmup=3)
    assert [learning_rate(step, config) for step in (0, 1, 2)] == pytest.approx([2 / 3, 4 / 3, 2.0])
    rates = [learning_rate(step, config) for step in range(2, 104)]
    assert rates == sorted(rates, reverse=True)
    assert learning_rate(53, config) == pytest.approx(2 * 0.505)
    assert rates[-1] == pytest.approx(0.02)


def test_progress_says_step_loss_and_figures(tmp_path):
    lines: list[str] = []
    train(TinyTask(), replace(CONFIG, log_every=6), tmp_path, progress=lines.append)
    assert [line.split("  ")[0] for line in lines if "loss" in line] == ["step 6/12", "step 12/12"]
    assert [line.split(":")[0] for line in lines if "error" in line] == ["step 4", "step 8", "step 12"]


def test_loss_that_is_not_a_number_stops_the_run(tmp_path):
    task = TinyTask()
    whole = task.loss
    task.loss = lambda module, step: (whole(module, step)[0] * (float("nan") if step == 5 else 1), {})
    with pytest.raises(InputError, match=r"^step 5: a loss of nan; expected a finite one; lower lr$"):
        train(task, CONFIG, tmp_path)
    assert load_weights(tmp_path / CHECKPOINT)[1]["step"] == 4


@pytest.mark.parametrize("change", [{"lr": 0.02}, {"steps": 13}, {"seed": 6}, {"warmup": 4}], ids=str)
def test_folder_of_another_configuration_is_refused(straight, change):
    before = files(straight)
    with pytest.raises(
        InputError, match=r"a run with \{.*\}; expected \{.*\}; choose another output folder, or remove it to start"
    ):
        train(TinyTask(), replace(CONFIG, **change), straight)
    assert files(straight) == before


def test_folder_of_another_network_is_refused(straight):
    with pytest.raises(InputError, match=r"another network \(size mismatch .*\); expected that of the recipe; choose"):
        train(TinyTask(width=11), CONFIG, straight)


def test_no_decay_on_biases_and_norms(tmp_path):
    """With no gradient a weight shrinks by the decay alone, and a bias does not move."""
    task = TinyTask()
    start = {name: value.clone() for name, value in task.module.state_dict().items()}
    task.loss = lambda module, step: (sum(p.sum() for p in module.parameters()) * 0.0, {})
    train(task, replace(CONFIG, weight_decay=0.5), tmp_path)
    for name, value in task.module.state_dict().items():
        assert torch.equal(value, start[name]) == (value.ndim == 1), name


if __name__ == "__main__":
    train(TinyTask(die_in=int(sys.argv[2])), CONFIG, Path(sys.argv[1]))
