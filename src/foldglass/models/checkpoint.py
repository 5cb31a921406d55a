"""Model directories: `config.json`, `model.safetensors`, `card.md` and `versions.json`; no pickle.

`config.json` names the format, the network with all sizes, the calibration and the SHA-256 of the weights.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import nn

from foldglass.encoders.builtin import SequenceEncoder, SequenceEncoderConfig
from foldglass.encoders.registry import encoder_by_name
from foldglass.encoders.structure import StructureEncoder, StructureEncoderConfig
from foldglass.errors import ModelError
from foldglass.io.atomic import replacing
from foldglass.models.calibration import Calibration
from foldglass.models.config import FORMAT, read_config
from foldglass.models.model import Model
from foldglass.models.siamese import SiameseConfig, SiameseNetwork
from foldglass.models.tower import PretrainedFront, SequenceFront, StructureFront, Tower


def save_model(model: Model, folder: Path, *, card: str) -> str:
    """Write a model directory; returns the SHA-256 of its weights.

    The weights are written first and `config.json`, which names their hash, last: a directory with a readable
    configuration is complete.
    """
    tensors = {
        f"{kind}.{name}": value for kind, tower in model.towers.items() for name, value in tower.state_dict().items()
    }
    config = {
        "name": model.name,
        "description": model.description,
        "towers": {kind: _describe(tower) for kind, tower in model.towers.items()},
        "calibration": model.calibration.to_json(),
    }
    return write_folder(folder, tensors, config, card=card)


def write_folder(folder: Path, tensors: dict[str, torch.Tensor], config: dict[str, Any], *, card: str) -> str:
    """Write the four files of a model directory; returns the SHA-256 of its weights."""
    folder.mkdir(parents=True, exist_ok=True)
    weights = save({name: value.detach().cpu().contiguous() for name, value in tensors.items()})
    digest = hashlib.sha256(weights).hexdigest()
    config = {"format": FORMAT, **config, "weights_sha256": digest}
    versions = {package: version(package) for package in ("foldglass", "torch", "numpy", "safetensors")}
    contents = {
        "model.safetensors": weights,
        "card.md": card.encode(),
        "versions.json": _pretty(versions),
        "config.json": _pretty(config),
    }
    for name, content in contents.items():
        with replacing(folder / name) as temporary:
            temporary.write_bytes(content)
    return digest


def load_model(folder: Path, *, device: str | torch.device = "cpu") -> Model:
    """Read a model directory and check it.

    Raises
    ------
    ModelError
        If a file is missing, the weights are not those that the configuration names, or the format is newer.
    """
    config = read_config(folder, kind="siamese")
    path, tensors = folder / "model.safetensors", read_weights(folder, config)
    towers = {}
    for kind, described in config["towers"].items():
        tower = _build(described, str(folder))
        own = {name.removeprefix(f"{kind}."): value for name, value in tensors.items() if name.startswith(f"{kind}.")}
        fill(tower, own, path)
        towers[kind] = tower.to(device)
    return Model(
        towers,
        calibration=Calibration.from_json(config["calibration"]),
        name=config["name"],
        digest=config["weights_sha256"],
        description=config["description"],
    )


def fill(module: nn.Module, tensors: dict[str, torch.Tensor], path: Path) -> None:
    """Load a module's tensors; `path` is named in the error if they are not its own."""
    try:
        module.load_state_dict(tensors)
    except RuntimeError as error:
        reason = str(error).splitlines()[1].strip()
        raise ModelError(str(path), got=f"other weights ({reason})", expected="those of config.json") from None


def read_weights(folder: Path, config: dict[str, Any]) -> dict[str, torch.Tensor]:
    """Tensors of a model directory, checked against the hash in its configuration."""
    path = folder / "model.safetensors"
    if not path.is_file():
        raise ModelError(str(folder), got="no model.safetensors", expected="a model directory")
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    if digest != config["weights_sha256"]:
        raise ModelError(
            str(path),
            got=f"weights with SHA-256 {digest[:12]}...",
            expected=f"{config['weights_sha256'][:12]}..., as config.json says",
            remedy="the file was altered or cut short: get the model again",
        )
    try:
        return load(content)
    except SafetensorError as error:
        raise ModelError(str(path), got=f"no safetensors file ({error})", expected="the model's weights") from None


def _describe(tower: Tower) -> dict[str, Any]:
    front = tower.front
    if isinstance(front, PretrainedFront):
        own: dict[str, Any] = {"encoder": front.encoder.id, "revision": front.encoder.revision}
    else:
        own = asdict(front.encoder.config)
    if isinstance(front, StructureFront) and front.score:
        own |= {"geometry": front.geometry, "score": front.score.name, "score_sha256": front.score.digest}
        own |= {"score_sigma": front.score.sigma}
    return {"front": {"type": _TYPE_OF[type(front)], **own}, "network": asdict(tower.network.config)}


def _build(described: dict[str, Any], subject: str) -> Tower:
    front = dict(described["front"])
    kind = front.pop("type", None)
    if kind not in _FRONTS:
        raise ModelError(subject, got=f"a tower of type {kind!r}", expected=f"one of {', '.join(_FRONTS)}")
    try:
        return Tower(_FRONTS[kind](front), SiameseNetwork(SiameseConfig(**described["network"])))
    except TypeError as error:
        raise ModelError(subject, got=f"sizes that do not fit ({error})", expected="those of this version") from None


def _pretrained(front: dict[str, Any]) -> PretrainedFront:
    encoder = encoder_by_name(front["encoder"])
    if encoder.revision != front["revision"]:
        raise ModelError(
            f"encoder {front['encoder']}",
            got=f"revision {encoder.revision}",
            expected=f"{front['revision']}, with which the model was trained",
        )
    return PretrainedFront(encoder)


def _structure(front: dict[str, Any]) -> StructureFront:
    name, geometry = front.pop("score", None), front.pop("geometry", True)
    digest, sigma = front.pop("score_sha256", None), front.pop("score_sigma", None)
    encoder = StructureEncoder(StructureEncoderConfig(**front))
    if name is None:
        return StructureFront(encoder)
    from foldglass.models.registry import load_score

    score = load_score(name)
    if score.digest != digest:
        raise ModelError(
            f"score network {name}", got=f"other weights than the model was trained with ({score.id})", expected=digest
        )
    score.sigma = sigma
    return StructureFront(encoder, geometry=geometry, score=score)


_FRONTS: dict[str, Callable[[dict[str, Any]], SequenceFront | StructureFront | PretrainedFront]] = {
    "builtin": lambda front: SequenceFront(SequenceEncoder(SequenceEncoderConfig(**front))),
    "structure": _structure,
    "pretrained": _pretrained,
}
_TYPE_OF: dict[type, str] = {SequenceFront: "builtin", StructureFront: "structure", PretrainedFront: "pretrained"}


def _pretty(values: dict[str, Any]) -> bytes:
    return (json.dumps(values, indent=2) + "\n").encode()
