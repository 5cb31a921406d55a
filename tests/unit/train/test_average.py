"""The average of the weights, and the training loop with it."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from foldglass.train.average import WeightAverage
from foldglass.train.loop import BEST, CHECKPOINT, LOG, load_weights, train
from foldglass.train.recipe import LoopConfig

CONFIG = LoopConfig(steps=12, lr=0.05, warmup=3, log_every=1, validate_every=4, accelerator="cpu", seed=5, average=0.8)


class TinyTask:
    """Regression through batch norm, so that the average has buffers, one of them of integers."""

    primary = "error"

    def __init__(self, *, stop_in: int | None = None) -> None:
        torch.manual_seed(3)
        self.module = nn.Sequential(nn.Linear(5, 7), nn.BatchNorm1d(7), nn.Dropout(0.3), nn.Linear(7, 1))
        self.stop_in = stop_in
        self.raw: list[dict[str, Tensor]] = []
        self.seen: list[dict[str, Tensor]] = []

    def loss(self, module: nn.Module, step: int) -> tuple[Tensor, dict[str, float]]:
        if step == self.stop_in:
            raise KeyboardInterrupt
        if step:
            self.raw.append(copied(self.module))
        x = torch.randn(11, 5, generator=torch.Generator().manual_seed(step))
        return (module(x).squeeze(-1) - x.sum(dim=1)).square().mean(), {}

    def validate(self, module: nn.Module) -> dict[str, float]:
        self.seen.append(copied(self.module))
        x = torch.randn(31, 5, generator=torch.Generator().manual_seed(99))
        return {"error": (module(x).squeeze(-1) - x.sum(dim=1)).abs().mean().item()}


def copied(module: nn.Module) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in module.state_dict().items()}


def files(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in (BEST, CHECKPOINT, LOG)}


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return all(torch.equal(one[name], value) for name, value in other.items())


def test_average_is_the_recursion_with_a_young_start():
    layer = nn.Linear(1, 1)
    layer.weight.data.fill_(10.0)
    average = WeightAverage(layer, 0.6)
    expected = 10.0
    for step, weight in enumerate((3.0, -1.0, 4.0, 1.0, -5.0, 9.0, 2.0, 6.0, -5.0, 3.0, 5.0, 8.0, 9.0, 7.0, 9.0)):
        layer.weight.data.fill_(weight)
        average.update(step)
        keep = min(0.6, (1 + step) / (10 + step))
        expected = keep * expected + (1 - keep) * weight
        assert average.state["weight"].item() == pytest.approx(expected, rel=1e-5)


def test_integer_buffers_are_copied_and_others_averaged():
    module = nn.BatchNorm1d(2)
    average = WeightAverage(module, 0.5)
    module.running_mean.fill_(2.0)
    module.num_batches_tracked.fill_(7)
    average.update(1000)
    assert average.state["num_batches_tracked"].item() == 7
    assert average.state["running_mean"].tolist() == [1.0, 1.0]


def test_weights_come_back_after_use_even_if_it_fails():
    layer = nn.Linear(3, 2)
    average = WeightAverage(layer, 0.5)
    before = copied(layer)
    layer.weight.data.add_(1.0)
    raw = copied(layer)
    with pytest.raises(KeyboardInterrupt), average.applied():
        assert same(copied(layer), before)
        raise KeyboardInterrupt
    assert same(copied(layer), raw)
    assert same(average.state, before)


@pytest.fixture(scope="module")
def straight(tmp_path_factory):
    folder = tmp_path_factory.mktemp("straight")
    task = TinyTask()
    train(task, CONFIG, folder)
    return folder, task


def test_validation_and_best_weights_are_the_average(straight):
    folder, task = straight
    module = TinyTask().module
    average = WeightAverage(module, 0.8)
    for step, raw in enumerate([*task.raw, copied(task.module)]):
        module.load_state_dict(raw)
        average.update(step)
        if step % 4 == 3:
            assert same(task.seen[step // 4], average.state)
            assert not same(task.seen[step // 4], raw)
    tensors, facts = load_weights(folder / BEST)
    assert same(tensors, task.seen[facts["step"] // 4 - 1])


def test_training_itself_does_not_see_the_average(straight, tmp_path):
    """The weights go their way as without; `average = 0` validates and keeps these."""
    _, task = straight
    plain = TinyTask()
    train(plain, replace(CONFIG, average=0.0), tmp_path)
    assert all(same(one, other) for one, other in zip(plain.raw, task.raw, strict=True))
    assert same(copied(plain.module), copied(task.module))
    assert all(same(one, other) for one, other in zip(plain.seen[:2], plain.raw[3::4], strict=True))
    tensors, _ = load_weights(tmp_path / CHECKPOINT)
    assert not [name for name in tensors if name.startswith("average.")]


@pytest.mark.parametrize("step", [2, 4, 7, 9])
def test_run_stopped_anywhere_goes_on_to_the_same_bits(straight, tmp_path, step):
    with pytest.raises(KeyboardInterrupt):
        train(TinyTask(stop_in=step), CONFIG, tmp_path)
    task = TinyTask()
    train(task, CONFIG, tmp_path)
    assert files(tmp_path) == files(straight[0])
    assert same(copied(task.module), copied(straight[1].module))
