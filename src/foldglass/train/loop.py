"""The one training loop: any task, any number of devices, resumable to the bit.

A step's data and random numbers depend on the seed and the step alone, and a checkpoint holds weights, optimiser state
and the step (as safetensors and JSON, no pickle). A run that was killed goes on from the last checkpoint and ends with
the same weights as one that was not.
"""

import csv
import json
import math
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import torch
from lightning_fabric import Fabric, seed_everything
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from foldglass.errors import InputError
from foldglass.io.atomic import replacing
from foldglass.train.average import WeightAverage
from foldglass.train.recipe import LoopConfig

CHECKPOINT = "checkpoint.safetensors"
BEST = "best.safetensors"
LOG = "log.csv"
_FREE = ("accelerator", "log_every", "validate_every")
"""What may change between a run and its continuation."""


@runtime_checkable
class Task(Protocol):
    """What the loop trains: a loss per step, and a validation whose `primary` figure is to fall."""

    primary: str

    @property
    def module(self) -> nn.Module:
        """The trained parameters."""
        ...

    def loss(self, module: nn.Module, step: int) -> tuple[Tensor, dict[str, float]]:
        """The loss of the batch of a step, and its parts for the log."""
        ...

    def validate(self, module: nn.Module) -> dict[str, float]:
        """Figures on the validation data."""
        ...


def learning_rate(step: int, config: LoopConfig) -> float:
    """Linear warm-up, then a half cosine down to a hundredth.

    Examples
    --------
    >>> config = LoopConfig(steps=1000, lr=1.0, warmup=100)
    >>> [round(learning_rate(step, config), 2) for step in (0, 99, 550, 999)]
    [0.01, 1.0, 0.51, 0.01]
    """
    if step < config.warmup:
        return config.lr * (step + 1) / config.warmup
    progress = (step - config.warmup) / max(1, config.steps - config.warmup)
    return config.lr * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * progress)))


def train(task: Task, config: LoopConfig, folder: Path, *, progress: Callable[[str], None] | None = None) -> None:
    """Train until `config.steps`; `folder` holds the log, the last checkpoint and the best weights.

    Raises
    ------
    InputError
        If the loss is not finite, or the folder's checkpoint belongs to another configuration or network.
    """
    folder.mkdir(parents=True, exist_ok=True)
    fabric = Fabric(accelerator=config.accelerator, devices=config.devices, precision=config.precision)
    fabric.launch()
    decay = [p for p in task.module.parameters() if p.requires_grad and p.ndim > 1]
    plain = [p for p in task.module.parameters() if p.requires_grad and p.ndim <= 1]
    groups = [{"params": decay, "weight_decay": config.weight_decay}, {"params": plain, "weight_decay": 0.0}]
    bare = torch.optim.AdamW(groups, lr=config.lr, betas=(0.9, 0.98))
    module, optimizer = fabric.setup(task.module, bare)
    average = WeightAverage(task.module, config.average) if config.average else None
    start, best = _resume(folder, task.module, bare, config, average)
    log = _Log(folder / LOG, start) if fabric.is_global_zero else None
    began = time.monotonic()

    for step in range(start, config.steps):
        seed_everything(config.seed * 1_000_003 + step * fabric.world_size + fabric.global_rank, verbose=False)
        module.train()
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step, config)
        loss, parts = task.loss(module, step * fabric.world_size + fabric.global_rank)
        if not torch.isfinite(loss):
            raise InputError(f"step {step}", got=f"a loss of {loss.item()}", expected="a finite one", remedy="lower lr")
        fabric.backward(loss)
        fabric.clip_gradients(module, optimizer, max_norm=config.clip)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        if average:
            average.update(step)

        done = step + 1
        if log and (done % config.log_every == 0 or done == config.steps):
            log.write(done, "train", {"loss": loss.item(), "lr": optimizer.param_groups[0]["lr"], **parts})
            if progress:
                left = (time.monotonic() - began) / (done - start) * (config.steps - done)
                progress(f"step {done}/{config.steps}  loss {loss.item():.4f}  {left / 60:.0f} min left")
        if done % config.validate_every == 0 or done == config.steps:
            module.eval()
            with average.applied() if average else nullcontext():
                with torch.no_grad():
                    figures = task.validate(module)
                if log and figures[task.primary] < best:
                    best = figures[task.primary]
                    _save(folder / BEST, task.module.state_dict(), {"step": done, **figures})
            if log:
                log.write(done, "validation", figures)
                state = _state(task.module, bare, average)
                _save(folder / CHECKPOINT, state, {"step": done, "best": best, **_identity(config)})
                if progress:
                    progress(f"step {done}: " + "  ".join(f"{k} {v:.4f}" for k, v in figures.items()))
            fabric.barrier()


def load_weights(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors and the facts stored beside them."""
    with open(path, "rb") as handle:
        size = int.from_bytes(handle.read(8), "little")
        facts = json.loads(json.loads(handle.read(size)).get("__metadata__", {}).get("facts", "{}"))
    return load_file(path), facts


def load_best(module: nn.Module, folder: Path) -> None:
    """Give a network the best weights of its run, on the processor and ready to use."""
    module.load_state_dict(load_weights(folder / BEST)[0])
    module.cpu().eval()


def _identity(config: LoopConfig) -> dict[str, Any]:
    return {"config": {key: value for key, value in asdict(config).items() if key not in _FREE}}


def _state(module: nn.Module, optimizer: torch.optim.Optimizer, average: WeightAverage | None) -> dict[str, Tensor]:
    state = {f"weights.{name}": value for name, value in module.state_dict().items()}
    state |= {f"average.{name}": value for name, value in average.state.items()} if average else {}
    for index, entry in optimizer.state_dict()["state"].items():
        state |= {f"optimizer.{index}.{name}": value for name, value in entry.items()}
    return state


def _save(path: Path, tensors: dict[str, Tensor], facts: dict[str, Any]) -> None:
    with replacing(path) as temporary:
        save_file(
            {k: v.detach().cpu().contiguous() for k, v in tensors.items()}, temporary, {"facts": json.dumps(facts)}
        )


def _resume(
    folder: Path,
    module: nn.Module,
    optimizer: torch.optim.Optimizer,
    config: LoopConfig,
    average: WeightAverage | None,
) -> tuple[int, float]:
    """First step to do and best figure so far; loads the checkpoint if there is one."""
    path = folder / CHECKPOINT
    if not path.exists():
        return 0, math.inf
    tensors, facts = load_weights(path)
    if facts["config"] != _identity(config)["config"]:
        raise InputError(
            str(path),
            got=f"a run with {facts['config']}",
            expected=str(_identity(config)["config"]),
            remedy="choose another output folder, or remove it to start again",
        )
    try:
        module.load_state_dict({k.removeprefix("weights."): v for k, v in tensors.items() if k.startswith("weights.")})
    except RuntimeError as error:
        raise InputError(
            str(path),
            got=f"another network ({str(error).splitlines()[1].strip()})",
            expected="that of the recipe",
            remedy="choose another output folder, or remove it to start again",
        ) from None
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        if name.startswith("optimizer."):
            _, index, key = name.split(".", 2)
            state.setdefault(int(index), {})[key] = value
        elif average and name.startswith("average."):
            average.state[name.removeprefix("average.")].copy_(value)
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
    return facts["step"], facts["best"]


class _Log:
    """CSV of (step, split, name, value); lines after the checkpoint that a run resumes from are dropped."""

    def __init__(self, path: Path, start: int) -> None:
        self._path = path
        rows = []
        if path.exists():
            with path.open(newline="") as handle:
                rows = [
                    row for row in csv.reader(handle) if len(row) == 4 and row[0].isdigit() and int(row[0]) <= start
                ]
        with replacing(path) as temporary, temporary.open("w", newline="") as handle:
            csv.writer(handle).writerows([("step", "split", "name", "value"), *rows])

    def write(self, step: int, split: str, figures: dict[str, float]) -> None:
        with self._path.open("a", newline="") as handle:
            csv.writer(handle).writerows((step, split, name, f"{value:.6g}") for name, value in figures.items())
