"""The model of a command, and how many threads it may use."""

import os
from typing import TYPE_CHECKING

from foldglass.app.options import DeviceName
from foldglass.app.progress import Bar
from foldglass.errors import UsageError

if TYPE_CHECKING:
    from foldglass.models.inverse_folding import InverseFoldingModel
    from foldglass.models.model import Model
    from foldglass.models.quality_model import QualityModel
    from foldglass.models.score_model import ScoreModel
    from foldglass.models.sites_model import SitesModel

_THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "POLARS_MAX_THREADS")


def use_threads(threads: int | None) -> None:
    """Limit the libraries that are imported from now on."""
    if threads is not None:
        os.environ.update(dict.fromkeys(_THREAD_VARIABLES, str(threads)))


def load_model(name: str, device: DeviceName, threads: int | None, bar: Bar) -> "Model":
    """Import torch and load a model of towers."""
    _begin(threads, bar)
    from foldglass.models.registry import load

    return load(name, device=device)


def load_score_model(name: str, threads: int | None, bar: Bar) -> "ScoreModel":
    """Import torch and load a score network."""
    _begin(threads, bar)
    from foldglass.models.registry import load_score

    return load_score(name)


def load_sites_model(name: str, threads: int | None, bar: Bar) -> "SitesModel":
    """Import torch and load an interaction-site model."""
    _begin(threads, bar)
    from foldglass.models.registry import load_sites

    return load_sites(name)


def load_quality_model(name: str, threads: int | None, bar: Bar) -> "QualityModel":
    """Import torch and load a model that judges structures."""
    _begin(threads, bar)
    from foldglass.models.registry import load_quality

    return load_quality(name)


def load_inverse_model(name: str, threads: int | None, bar: Bar) -> "InverseFoldingModel":
    """Import torch and load an inverse-folding model."""
    _begin(threads, bar)
    from foldglass.models.registry import load_inverse

    return load_inverse(name)


def load_embedder(name: str, device: DeviceName, threads: int | None, bar: Bar) -> "Model | ScoreModel":
    """Import torch and load a model of either kind.

    Raises
    ------
    UsageError
        If a score network is to run elsewhere than on the processor.
    """
    _begin(threads, bar)
    from foldglass.models.registry import kind_of

    kind = kind_of(name)
    check_device(device, kind)
    return load_score_model(name, threads, bar) if kind == "score" else load_model(name, device, threads, bar)


def check_device(device: DeviceName, kind: str) -> None:
    """Refuse a GPU for a kind of model that runs on the processor alone."""
    if kind != "siamese" and device not in (DeviceName.AUTO, DeviceName.CPU):
        raise UsageError(
            f"--device {device}", got=f"a model of the kind {kind}", expected="--device cpu, where it runs"
        )


def _begin(threads: int | None, bar: Bar) -> None:
    use_threads(threads)
    bar.phase("loading the model")
    if threads is not None:
        import torch

        torch.set_num_threads(threads)
