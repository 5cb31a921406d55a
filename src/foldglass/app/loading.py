"""The model of a command, and how many threads it may use."""

import os
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from foldglass.app.options import DeviceName
from foldglass.app.progress import Bar
from foldglass.errors import UsageError

if TYPE_CHECKING:
    from foldglass.models.model import Model
    from foldglass.models.score_model import ScoreModel

_Model = TypeVar("_Model")

_THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "POLARS_MAX_THREADS")


def use_threads(threads: int | None) -> None:
    """Limit the libraries that are imported from now on."""
    if threads is not None:
        os.environ.update(dict.fromkeys(_THREAD_VARIABLES, str(threads)))


def load_by(load: Callable[[str], _Model], name: str, threads: int | None, bar: Bar) -> _Model:
    """Import torch and load a model with a function of `models.registry`."""
    use_threads(threads)
    bar.phase("loading the model")
    if threads is not None:
        import torch

        torch.set_num_threads(threads)
    return load(name)


def load_model(name: str, device: DeviceName, threads: int | None, bar: Bar) -> "Model":
    """Import torch and load a model of towers."""
    from foldglass.models.registry import load

    return load_by(partial(load, device=device), name, threads, bar)


def load_embedder(name: str, device: DeviceName, threads: int | None, bar: Bar) -> "Model | ScoreModel":
    """Import torch and load a model of either kind.

    Raises
    ------
    UsageError
        If a score network is to run elsewhere than on the processor.
    """
    from foldglass.models.registry import kind_of, load_score

    kind = kind_of(name)
    check_device(device, kind)
    return load_by(load_score, name, threads, bar) if kind == "score" else load_model(name, device, threads, bar)


def check_device(device: DeviceName, kind: str) -> None:
    """Refuse a GPU for a kind of model that runs on the processor alone."""
    if kind != "siamese" and device not in (DeviceName.AUTO, DeviceName.CPU):
        raise UsageError(
            f"--device {device}", got=f"a model of the kind {kind}", expected="--device cpu, where it runs"
        )
