"""Residue vectors kept on disk, so that a protein is read by a large model once.

A folder per encoder and revision holds one file per distinct chain, named by the SHA-256 of its letters: the
SHA-256 of the rest, then a float16 `.npy` array (L, D). A file is complete or absent, so several processes may share
the folder, and a damaged one is computed again.
"""

import hashlib
import io
import os
import time
import warnings
from contextlib import suppress
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float

from foldglass.encoders.base import ResidueEncoder
from foldglass.errors import InputError
from foldglass.io.atomic import replacing
from foldglass.protein import Sequence
from foldglass.typing import PathLike

DEFAULT_BYTES = 20 * 2**30
"""About 35,000 proteins of 300 residues in 1024 channels."""

_DIGEST = 32
_SUFFIX = ".emb"
_ABANDONED = 3600.0  # seconds after which an unfinished file belongs to nobody


class CacheWarning(UserWarning):
    """The cache cannot be written; results are right but will be computed again."""


class CachedEncoder:
    """A `ResidueEncoder` that looks on disk before it computes.

    Only for encoders that read the letters and nothing else. Vectors are rounded to float16, on the first call as
    on every later one, so a result does not depend on what the cache held. One that float16 cannot hold is returned
    as computed and not kept.

    Parameters
    ----------
    encoder
        The encoder behind it.
    folder
        Where the files go; made if absent. Encoders may share it.
    max_bytes
        When the files of the folder would exceed this, the least recently used go, down to nine tenths of it. Each
        process counts what it writes and looks at the others' files every twentieth of the limit.

    Raises
    ------
    InputError
        If the folder cannot be made or `max_bytes` is not positive.
    """

    def __init__(self, encoder: ResidueEncoder, folder: PathLike, *, max_bytes: int = DEFAULT_BYTES) -> None:
        if max_bytes < 1:
            raise InputError("encoder cache", got=f"a limit of {max_bytes} bytes", expected="a positive number")
        self.encoder, self.folder, self.max_bytes = encoder, Path(folder), max_bytes
        key = hashlib.sha256(f"{encoder.id}\0{encoder.revision}".encode()).hexdigest()
        self._shelf = self.folder / key[:16]
        try:
            self._shelf.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(
                str(folder), got=f"no cache folder can be made ({error.strerror})", remedy="name another folder"
            ) from error
        self._held: int | None = None
        self._since_count = 0
        self._writable = True

    @property
    def id(self) -> str:
        """As of the encoder behind it."""
        return self.encoder.id

    @property
    def revision(self) -> str:
        """As of the encoder behind it."""
        return self.encoder.revision

    @property
    def dim(self) -> int:
        """As of the encoder behind it."""
        return self.encoder.dim

    def encode(self, proteins: list[Sequence]) -> list[Float[torch.Tensor, "L D"]]:
        """Residue vectors of each protein; equal chains are computed once."""
        chains = {p.letters: p for p in proteins}
        known = {letters: vectors for letters in chains if (vectors := self._load(letters)) is not None}
        missing = [p for letters, p in chains.items() if letters not in known]
        for protein, vectors in zip(missing, self.encoder.encode(missing), strict=True):
            rounded = vectors.half()
            if rounded.isfinite().all():
                self._store(protein.letters, rounded.numpy())
                vectors = rounded.float()
            known[protein.letters] = vectors
        return [known[p.letters] for p in proteins]

    def _path(self, letters: str) -> Path:
        name = hashlib.sha256(letters.encode()).hexdigest()
        return self._shelf / name[:2] / f"{name}{_SUFFIX}"

    def _load(self, letters: str) -> Float[torch.Tensor, "L D"] | None:
        path = self._path(letters)
        try:
            content = path.read_bytes()
            os.utime(path)  # the time of last use, for eviction
        except OSError:
            return None
        digest, body = content[:_DIGEST], content[_DIGEST:]
        if hashlib.sha256(body).digest() != digest:
            return None
        array = np.load(io.BytesIO(body), allow_pickle=False)
        if array.shape != (len(letters), self.dim):
            return None
        return torch.from_numpy(array.astype(np.float32))

    def _store(self, letters: str, vectors: Float[np.ndarray, "L D"]) -> None:
        buffer = io.BytesIO()
        np.save(buffer, vectors, allow_pickle=False)
        body = buffer.getvalue()
        content = hashlib.sha256(body).digest() + body
        if not self._writable or len(content) > self.max_bytes:
            return
        path = self._path(letters)
        try:
            self._make_room(len(content))
            path.parent.mkdir(exist_ok=True)
            with replacing(path) as part:
                part.write_bytes(content)
        except (OSError, InputError) as error:
            # Days of computing must not end because a cache is full.
            self._writable = False
            warnings.warn(f"{self.folder}: nothing more is cached ({error})", CacheWarning, stacklevel=3)

    def _make_room(self, size: int) -> None:
        """Count the folder where needed and delete the least recently used files until `size` fits."""
        self._since_count += size
        if self._held is None or self._held + size > self.max_bytes or self._since_count > self.max_bytes // 20:
            self._held = self._evict(size)
            self._since_count = size
        self._held += size

    def _evict(self, size: int) -> int:
        """Bytes held, after deleting what must go and what killed processes left behind."""
        for part in self.folder.glob("*/*/.*.part"):
            with suppress(FileNotFoundError):
                if part.stat().st_mtime < time.time() - _ABANDONED:
                    part.unlink()
        files = []
        for path in self.folder.glob(f"*/*/*{_SUFFIX}"):
            try:
                status = path.stat()
            except FileNotFoundError:  # another process evicts too
                continue
            files.append((status.st_mtime_ns, status.st_size, path))
        held = sum(length for _, length, _ in files)
        if held + size <= self.max_bytes:
            return held
        for _, length, path in sorted(files):
            if held + size <= 0.9 * self.max_bytes:
                break
            path.unlink(missing_ok=True)
            held -= length
        return held
