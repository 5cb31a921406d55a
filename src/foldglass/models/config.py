"""`config.json` of a model directory, read without importing torch: what kind of model it is, and its sizes."""

import json
from pathlib import Path
from typing import Any

from foldglass.errors import ModelError

FORMAT = 1
_PARTS = {
    "siamese": ("towers", "calibration"),
    "score": ("network", "sigma"),
    "sites": ("network", "members", "threshold", "inputs", "encoder"),
    "quality": ("network", "members", "inputs", "reads", "bands", "consensus_bands"),
    "inverse-folding": ("network",),
}
"""What `config.json` holds besides, by kind of model."""
_TEXTS = ("name", "description", "weights_sha256")
FILES = ("config.json", "model.safetensors", "card.md", "versions.json")


def read_config(folder: Path, *, kind: str | None = None) -> dict[str, Any]:
    """`config.json` of a model directory, checked for its format.

    Raises
    ------
    ModelError
        If it is missing, damaged or of a newer format, or of another kind of model than the one wanted.
    """
    path = folder / "config.json"
    if not path.is_file():
        raise ModelError(str(folder), got="no config.json", expected="a model directory")
    try:
        config: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        found = config["format"]
        config.setdefault("kind", "siamese")
        missing = {*_TEXTS, *_PARTS.get(config["kind"], ())} - config.keys()
    except OSError as error:
        raise ModelError(
            str(path), got=f"not readable ({error.strerror})", expected="a model's configuration"
        ) from None
    except (ValueError, KeyError, TypeError):
        raise ModelError(str(path), got="something else", expected="a foldglass model's configuration") from None
    if found != FORMAT:
        raise ModelError(
            str(path), got=f"format {found}", expected=f"format {FORMAT}", remedy="install a newer foldglass"
        )
    if config["kind"] not in _PARTS:
        raise ModelError(str(path), got=f"a model of kind {config['kind']!r}", expected=f"one of {', '.join(_PARTS)}")
    if kind is not None and config["kind"] != kind:
        article = "an" if kind[0] in "aeiou" else "a"
        raise ModelError(str(folder), got=f"a {config['kind']} model", expected=f"{article} {kind} model")
    if missing:
        raise ModelError(str(path), got=f"no {min(missing)!r}", expected="a complete configuration")
    if strange := [key for key in _TEXTS if not isinstance(config[key], str)]:
        raise ModelError(str(path), got=f"{strange[0]!r} is no text", expected="a foldglass model's configuration")
    return config
