"""The model of a command, and how many threads it may use."""

import os
from typing import TYPE_CHECKING

from foldglass.app.options import DeviceName
from foldglass.app.progress import Bar

if TYPE_CHECKING:
    from foldglass.models.model import Model

_THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "POLARS_MAX_THREADS")


def use_threads(threads: int | None) -> None:
    """Limit the libraries that are imported from now on."""
    if threads is not None:
        os.environ.update(dict.fromkeys(_THREAD_VARIABLES, str(threads)))


def load_model(name: str, device: DeviceName, threads: int | None, bar: Bar) -> "Model":
    """Import torch and load the model."""
    use_threads(threads)
    bar.phase("loading the model")
    from foldglass.models.registry import load

    if threads is not None:
        import torch

        torch.set_num_threads(threads)
    return load(name, device=device)
