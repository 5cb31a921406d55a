"""Models by name: those in the package, those pulled, and any folder."""

from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from foldglass.errors import ModelError
from foldglass.io.fetch import cache_folder

if TYPE_CHECKING:
    from foldglass.models.inverse_folding import InverseFoldingModel
    from foldglass.models.model import Model
    from foldglass.models.quality_model import QualityModel
    from foldglass.models.score_model import ScoreModel
    from foldglass.models.sites_model import SitesModel

_Model = TypeVar("_Model")

DEFAULT = "builtin"

_RECIPES = {
    "prott5": "sequence tower on ProtT5-XL-UniRef50 (1024-d); trained with the recipe siamese-prott5",
    "esm2-650m": "sequence tower on ESM-2 650M (1280-d); trained with the recipe siamese-esm2",
}
"""Models that are known by name but have no distributed weights."""


@dataclass(frozen=True)
class ModelInfo:
    """A model by name; `available` is False if it has no weights here (`path` is None) or its folder is broken."""

    name: str
    description: str
    path: Path | None
    available: bool
    licence: str


def load(name: str = DEFAULT, *, device: str = "auto") -> "Model":
    """Load a model.

    Parameters
    ----------
    name
        A name of `list_models`, or a model's folder.
    device
        `auto` (a GPU if there is one), `cpu`, `cuda` or `mps`.

    Raises
    ------
    ModelError
        If there is no such model, it has no weights here, or it is damaged.

    Examples
    --------
    >>> load().name
    'builtin'
    """
    from foldglass.encoders.device import pick_device
    from foldglass.models.checkpoint import load_model

    return load_model(find(name), device=pick_device(device))


@dataclass(frozen=True)
class Loader(Generic[_Model]):
    """Loads one kind of model by a name of `list_models` or a folder.

    Raises
    ------
    ModelError
        When called: as `load`, or if the model is of another kind.

    Examples
    --------
    >>> load_score().name, load_score("score", fast=False).name
    ('score', 'score')
    """

    default: str
    home: str
    """Module and function that read a folder; imported when called, as they import torch."""

    def __call__(self, name: str | None = None, **options: Any) -> _Model:
        module, function = self.home.split(":")
        read: Callable[..., _Model] = getattr(import_module(f"foldglass.models.{module}"), function)
        return read(find(self.default if name is None else name), **options)


load_score: Loader["ScoreModel"] = Loader("score", "score_model:load_score_model")
"""A score network, which reads structures; `fast` as in `ScoreModel`."""
load_sites: Loader["SitesModel"] = Loader("sites", "sites_model:load_sites_model")
"""An interaction-site model, which reads structures."""
load_quality: Loader["QualityModel"] = Loader("quality", "quality_model:load_quality_model")
"""A model that judges structure models."""
load_inverse: Loader["InverseFoldingModel"] = Loader("inverse", "inverse_folding:load_inverse_folding")
"""An inverse-folding model, which reads structures."""


def kind_of(name: str) -> str:
    """`siamese`, `score` or another kind of `models.config`; the errors of `load`."""
    from foldglass.models.config import read_config

    return str(read_config(find(name))["kind"])


def find(name: str) -> Path:
    """Folder of a model by name or path; the errors of `load`."""
    models = {info.name: info for info in list_models()}
    if name in models:
        path = models[name].path
        if path is None:
            raise ModelError(
                f"model {name!r}",
                got="no weights: none are distributed for it",
                expected="a model with weights (see: foldglass models list)",
                remedy=f"train it: {models[name].description}",
            )
        return path
    folder = Path(name).expanduser()
    if folder.is_dir():
        return folder
    near = get_close_matches(name, models, n=1)
    raise ModelError(
        f"model {name!r}",
        got="no such model or folder",
        expected=f"one of {', '.join(models)}, or a model's folder",
        remedy=f"did you mean {near[0]!r}?" if near else "",
    )


def list_models() -> list[ModelInfo]:
    """All models known here: in the package, pulled, and those that need training.

    A folder whose `config.json` cannot be used is listed too, with what is wrong as its description.

    Examples
    --------
    >>> [info.name for info in list_models()][0]
    'builtin'
    """
    folders = [
        path for place in (packaged_folder(), pulled_folder()) if place.is_dir() for path in sorted(place.iterdir())
    ]
    found = [_info(path) for path in folders if (path / "config.json").is_file()]
    missing = [
        ModelInfo(name, description, None, False, "as its encoder's")
        for name, description in _RECIPES.items()
        if name not in {info.name for info in found}
    ]
    return [*found, *missing]


def _info(folder: Path) -> ModelInfo:
    from foldglass.models.config import read_config

    try:
        return ModelInfo(folder.name, read_config(folder)["description"], folder, True, "Apache-2.0")
    except ModelError as error:
        return ModelInfo(folder.name, f"broken: {error}", folder, False, "")


def pulled_folder() -> Path:
    """Where `foldglass models pull` puts models."""
    return cache_folder() / "models"


def packaged_folder() -> Path:
    """Where the models of the package are."""
    return Path(str(files("foldglass"))) / "weights"
