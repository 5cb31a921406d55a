"""Encoders by name."""

from collections.abc import Callable
from difflib import get_close_matches
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

from foldglass.encoders.base import ResidueEncoder
from foldglass.encoders.cache import DEFAULT_BYTES, CachedEncoder
from foldglass.encoders.checkpoint import read_config
from foldglass.encoders.esm2 import ESM2, load_esm2
from foldglass.encoders.prott5 import PROTT5, load_prott5
from foldglass.errors import ModelError
from foldglass.typing import PathLike

PROSTT5 = "Rostlab/ProstT5_fp16"

_FAMILIES: dict[str, Callable[..., ResidueEncoder]] = {"t5": load_prott5, "esm": load_esm2}


def _builtin(**options: Any) -> ResidueEncoder:
    encoder: ResidueEncoder = import_module("foldglass.encoders.builtin").load_encoder(device=options["device"])
    return encoder


_LOADERS: dict[str, Callable[..., ResidueEncoder]] = {
    "builtin": _builtin,
    "prott5": partial(load_prott5, PROTT5),
    "prostt5": partial(load_prott5, PROSTT5),
    **{f"esm2-{size}": partial(load_esm2, name) for size, name in ESM2.items()},
}

ENCODERS = tuple(_LOADERS)
"""Names that `encoder_by_name` knows."""


def encoder_by_name(
    name: PathLike,
    *,
    device: str = "auto",
    precision: str = "auto",
    revision: str | None = None,
    window: int | None = None,
    cache: Path | None = None,
    cache_bytes: int = DEFAULT_BYTES,
) -> ResidueEncoder:
    """A residue encoder, with a cache on disk where a folder is given for it.

    Parameters
    ----------
    name
        One of `ENCODERS`, or a folder with a ProtT5, ProstT5 or ESM-2 checkpoint.
    device, precision, revision, window
        As for `load_prott5`.
    cache
        Folder for computed vectors; none are kept if not given.
    cache_bytes
        Size that the cache folder stays below.

    Raises
    ------
    ModelError
        If the name is unknown, or the checkpoint cannot be reached or used.
    MissingExtraError
        If `transformers` is not installed and the encoder needs it.

    Examples
    --------
    >>> encoder_by_name("esm2-8")
    Traceback (most recent call last):
    foldglass.errors.ModelError: encoder 'esm2-8': no such encoder or folder; expected one of builtin, ...
    """
    options = {"device": device, "precision": precision, "revision": revision, "window": window}
    loader = _LOADERS.get(str(name)) or _folder_loader(name)
    encoder = loader(**options)
    return encoder if cache is None else CachedEncoder(encoder, cache, max_bytes=cache_bytes)


def _folder_loader(name: PathLike) -> Callable[..., ResidueEncoder]:
    folder = Path(name).expanduser()
    if not folder.is_dir():
        near = get_close_matches(str(name), ENCODERS, n=1)
        raise ModelError(
            f"encoder {str(name)!r}",
            got="no such encoder or folder",
            expected=f"one of {', '.join(ENCODERS)}, or a folder",
            remedy=f"did you mean {near[0]}?" if near else "",
        )
    kind = str(read_config(folder).get("model_type"))
    if kind not in _FAMILIES:
        raise ModelError(
            f"encoder {str(name)!r}",
            got=f"a model of type {kind}",
            expected=f"one of {', '.join(_FAMILIES)} (ProtT5, ProstT5, ESM-2)",
        )
    return partial(_FAMILIES[kind], folder)
