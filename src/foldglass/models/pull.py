"""Getting a model directory from the web."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

from foldglass.errors import InputError, ModelError
from foldglass.io.download import Client, download, sha256_of
from foldglass.io.fetch import cache_folder
from foldglass.models.config import FILES, read_config
from foldglass.models.registry import packaged_folder, pulled_folder

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


def pull(
    url: str,
    *,
    name: str | None = None,
    client: Client | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Fetch every file of the model directory at `url`; returns the model's folder, which is complete or absent.

    The SHA-256 of the weights must be the one that `config.json` names. A model that is here already with the same
    weights is left as it is; one whose weights were altered since is replaced.

    Parameters
    ----------
    name
        What to call it here, by default its own name.
    progress
        Told bytes so far and in all (0: unknown) of the weights.

    Raises
    ------
    ModelError
        If the configuration is no model's, or a model of that name with other weights is here.
    NotFoundError
        If a file is missing at the address.
    FetchError
        If the address cannot be reached or the weights are others.
    """
    base = url.rstrip("/")
    client = client or Client()
    unfinished = cache_folder() / f"pulling-{uuid4().hex[:8]}"
    try:
        download(f"{base}/config.json", unfinished / "config.json", client=client)
        config = read_config(unfinished)
        digest = str(config["weights_sha256"])
        if not _SHA256.fullmatch(digest):
            raise ModelError(f"{base}/config.json", got=f"the checksum {digest[:20]!r}", expected="a SHA-256")
        target = pulled_folder() / _checked(name or str(config["name"]), base)
        if target.exists() and _is_whole(target, digest):
            return target
        for file in FILES:
            if file != "config.json":
                weights = file == "model.safetensors"
                download(
                    f"{base}/{file}",
                    unfinished / file,
                    sha256=digest if weights else None,
                    client=client,
                    progress=progress if weights else None,
                )
        for beside in unfinished.glob("*.sha256"):
            beside.unlink()
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(target, ignore_errors=True)
        unfinished.rename(target)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return target


def _is_whole(folder: Path, digest: str) -> bool:
    """Whether a model that is here has the weights of that checksum, or had them before they were altered."""
    weights = folder / "model.safetensors"
    try:
        found = read_config(folder)["weights_sha256"]
    except ModelError as error:
        raise ModelError(error.subject, got=error.got, expected=error.expected, remedy=f"remove {folder}") from None
    if found != digest:
        raise ModelError(
            f"model {folder.name!r}",
            got=f"other weights are already in {folder}",
            remedy="give another --name or remove that folder",
        )
    return weights.is_file() and sha256_of(weights) == digest


def _checked(name: str, base: str) -> str:
    if not _NAME.fullmatch(name):
        raise InputError(
            f"model {base}",
            got=f"the name {name[:80]!r}",
            expected="letters, digits, '.', '_' and '-'",
            remedy="give another with --name",
        )
    if (packaged_folder() / name).exists():
        raise InputError(
            f"model {base}",
            got=f"the name {name!r}, which is that of a model in the package",
            remedy="give another with --name",
        )
    return name
