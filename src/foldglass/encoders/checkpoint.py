"""Weights of a pretrained encoder: found, checked and hashed before anything is loaded.

Only safetensors is read. A pickle can run code when it is loaded, so a checkpoint that has nothing else is refused.
"""

import hashlib
import json
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError

from foldglass.errors import MissingExtraError, ModelError, UsageError
from foldglass.typing import PathLike

_WANTED = ("*.safetensors", "*.safetensors.index.json", "config.json", "spiece.model", "vocab.txt", "*token*.json")
_HUB_NAME = re.compile(r"[\w-][\w.-]*/[\w.-]+")
_PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt")
_CONVERT = (
    """python -c "import torch, safetensors.torch as s; s.save_file({k: v.clone() for k, v in """
    """torch.load('pytorch_model.bin', map_location='cpu', weights_only=True).items()}, """
    """'model.safetensors', {'format': 'pt'})\""""
)


@dataclass(frozen=True)
class Checkpoint:
    """A folder with the weights, configuration and vocabulary of a language model.

    `revision` is the SHA-256 of the weights, so the same weights have the same one wherever they came from.
    """

    folder: Path
    revision: str
    config: dict[str, Any]

    @property
    def kind(self) -> str:
        """What the configuration calls the architecture: `t5`, `esm`."""
        return str(self.config.get("model_type", "unknown"))


def find_checkpoint(source: PathLike, *, revision: str | None = None) -> Checkpoint:
    """The checkpoint in a folder, or under a name on the model hub.

    Parameters
    ----------
    source
        A folder as `save_pretrained` writes it, or a hub name (`owner/name`). A name is looked up on the hub and
        kept in its local cache; without a network the cache alone is used.
    revision
        Branch, tag or commit on the hub; not for a folder.

    Raises
    ------
    ModelError
        If it cannot be reached, is incomplete, or has its weights only as a pickle.
    MissingExtraError
        If `transformers` is not installed.
    """
    folder = Path(source).expanduser()
    subject = f"encoder {str(source)!r}"
    if folder.is_dir():
        if revision is not None:
            raise UsageError(subject, got=f"the revision {revision!r} of a folder", expected="a hub name (owner/name)")
    elif _HUB_NAME.fullmatch(str(source)):
        folder = _download(str(source), revision)
    else:
        raise ModelError(
            subject,
            got="there is no such folder",
            expected="a folder with config.json and model.safetensors, or a hub name (owner/name)",
        )
    config = read_config(folder)
    return Checkpoint(folder, _hash(_weight_files(folder)), config)


def read_config(folder: Path) -> dict[str, Any]:
    """The `config.json` of a checkpoint folder; its `model_type` names the architecture.

    Raises
    ------
    ModelError
        If there is none, or it cannot be read.
    """
    path = folder / "config.json"
    if not path.is_file():
        raise ModelError(
            f"encoder {str(folder)!r}", got="no config.json", expected="a folder as save_pretrained writes it"
        )
    return _read_json(path)


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ModelError(str(path), got=f"no valid JSON ({error})", remedy="copy the folder again") from error
    return content


def load_network(
    checkpoint: Checkpoint, network_class: Any, dtype: torch.dtype, *, unused: tuple[str, ...] = (), **options: Any
) -> torch.nn.Module:
    """A `transformers` network in evaluation mode, with every weight from the checkpoint.

    Parameters
    ----------
    network_class
        A `transformers` model class.
    unused
        Beginnings of weight names that may be missing, because their layers are never run.

    Raises
    ------
    ModelError
        If the weights are damaged, or a layer has none and would keep random numbers.
    """
    import transformers

    version = tuple(int(part) for part in transformers.__version__.split(".")[:2])
    options["dtype" if version >= (4, 56) else "torch_dtype"] = dtype
    subject = f"encoder {str(checkpoint.folder)!r}"
    try:
        with _quiet():
            network, report = network_class.from_pretrained(
                checkpoint.folder, use_safetensors=True, local_files_only=True, output_loading_info=True, **options
            )
    except (OSError, RuntimeError, ValueError, SafetensorError) as error:
        raise ModelError(
            subject, got=f"the weights cannot be loaded ({_first_line(error)})", remedy="copy the folder again"
        ) from error
    missing = sorted(name for name in report["missing_keys"] if not name.startswith(unused))
    if missing:
        raise ModelError(
            subject,
            got=f"no weights for {len(missing)} layers, first {missing[0]}",
            expected=f"weights of {network_class.__name__}",
            remedy="check that the folder holds the model its config.json names",
        )
    return network.eval().requires_grad_(False)


def load_tokenizer(checkpoint: Checkpoint, tokenizer_class: Any) -> Any:
    """A `transformers` tokenizer from the files of the checkpoint.

    Raises
    ------
    ModelError
        If they are missing or cannot be read.
    """
    try:
        with _quiet():
            return tokenizer_class.from_pretrained(checkpoint.folder, local_files_only=True)
    except (OSError, TypeError, ValueError, RuntimeError) as error:
        raise ModelError(
            f"encoder {str(checkpoint.folder)!r}",
            got=f"the tokenizer cannot be read ({_first_line(error)})",
            expected="the tokenizer files of the model (spiece.model for ProtT5, vocab.txt for ESM-2)",
        ) from error


def require_transformers(subject: str) -> None:
    """Refuse in one line where the packages of the `plm` extra are missing."""
    for package in ("transformers", "sentencepiece"):
        try:
            __import__(package)
        except ImportError as error:
            raise MissingExtraError(subject, package=package, extra="plm") from error


def _download(name: str, revision: str | None) -> Path:
    require_transformers(f"encoder {name!r}")
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(name, revision=revision, allow_patterns=list(_WANTED)))
    except Exception as error:  # the hub client lets through errors of whichever HTTP library it uses
        raise ModelError(
            f"encoder {name!r}",
            got=f"not in the local hub cache, and the hub did not give it ({_first_line(error)})",
            remedy=f"where there is a network run: hf download {name} --local-dir FOLDER; then pass the folder",
        ) from error


def _weight_files(folder: Path) -> list[Path]:
    index = folder / "model.safetensors.index.json"
    names = ["model.safetensors"]
    if index.is_file():
        names = sorted(set(_read_json(index).get("weight_map", {}).values())) or names
    absent = [name for name in names if not (folder / name).is_file()]
    if not absent:
        return [folder / name for name in names]
    subject = f"encoder {str(folder)!r}"
    if index.is_file():
        got = f"{len(absent)} of {len(names)} weight files are missing"
        raise ModelError(subject, got=got, expected=absent[0], remedy="copy the folder again")
    pickles = sorted(path.name for pattern in _PICKLES for path in folder.glob(pattern))
    raise ModelError(
        subject,
        got=f"weights only as a pickle ({pickles[0]}), which is never loaded" if pickles else "no weights",
        expected="model.safetensors",
        remedy=f"in a folder with all files of a checkpoint you trust, convert it once: {_CONVERT}",
    )


def _hash(weights: list[Path]) -> str:
    total = hashlib.sha256()
    for path in weights:
        with path.open("rb") as stream:
            total.update(hashlib.file_digest(stream, "sha256").digest())
    return total.hexdigest()


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:200] if lines else type(error).__name__


@contextmanager
def _quiet() -> Iterator[None]:
    """Hold back the progress bars and load reports of `transformers`; what matters in them is checked here."""
    reports: Any = import_module("transformers.utils.logging")  # untyped in part
    level, bars = reports.get_verbosity(), reports.is_progress_bar_enabled()
    reports.set_verbosity(logging.CRITICAL)
    reports.disable_progress_bar()
    try:
        yield
    finally:
        reports.set_verbosity(level)
        if bars:
            reports.enable_progress_bar()
