"""The format of a database: one Lance dataset with one row per protein.

    id, kind, length, letters, source   as in an embedding table; kind is `sequence` or `structure`
    chain, numbering, ca                of structures: author's chain id and residue numbers, C-alphas in angstrom
    digest                              hash of the letters and, of a structure, of its C-alphas
    protein                             float16, one vector
    residue                             optional, float16, one vector per residue
    further columns                     metadata that was joined by id

The metadata of the schema hold `foldglass.schema`, `foldglass.version`, `foldglass.model` (name and short hash),
`foldglass.calibration` (that of the model, as JSON) and `foldglass.residue`.
"""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from foldglass.errors import FoldglassError, InputError, NotFoundError
from foldglass.io.embedding_table import embedding_rows
from foldglass.models.calibration import Calibration
from foldglass.protein import Embedding, Sequence, Structure

SCHEMA = "database/1"
OWN_COLUMNS = (
    "id",
    "kind",
    "length",
    "letters",
    "source",
    "chain",
    "numbering",
    "ca",
    "digest",
    "protein",
    "residue",
)
DIGEST_BYTES = 16


def digest_of(protein: Sequence) -> str:
    """Hash of what makes a protein: its letters and, of a structure, its C-alphas to 0.001 angstrom.

    Examples
    --------
    >>> digest_of(Sequence("a", "MKV")) == digest_of(Sequence("b", "MKV")) != digest_of(Sequence("a", "MKL"))
    True
    """
    digest = blake2b(protein.letters.encode(), digest_size=DIGEST_BYTES)
    if isinstance(protein, Structure):
        digest.update(b"|" + np.round(protein.ca * 1000.0).astype("<i4").tobytes())
    return digest.hexdigest()


@dataclass(frozen=True)
class Description:
    """What a database says of itself: the model's name and short hash, its calibration, and whether it holds vectors
    of residues."""

    model: str
    calibration: Calibration
    residue: bool

    def to_metadata(self) -> dict[str, str]:
        """For the schema of the dataset."""
        return {
            "foldglass.schema": SCHEMA,
            "foldglass.version": version("foldglass"),
            "foldglass.model": self.model,
            "foldglass.calibration": json.dumps(self.calibration.to_json()),
            "foldglass.residue": str(self.residue).lower(),
        }

    @classmethod
    def from_metadata(cls, path: str, metadata: dict[bytes, bytes] | None) -> "Description":
        """What `to_metadata` wrote.

        Raises
        ------
        InputError
            If this is no database, or one of another version.
        """
        values = {key.decode(): value.decode() for key, value in (metadata or {}).items()}
        found = values.get("foldglass.schema", "")
        if not found.startswith("database/"):
            raise InputError(path, got="a Lance dataset of another kind", expected="a database of foldglass db build")
        if found != SCHEMA:
            raise InputError(
                path,
                got=f"a database of the version {found}, written by foldglass {values.get('foldglass.version', '?')}",
                expected=SCHEMA,
                remedy="install that version of foldglass or a later one",
            )
        return cls(
            values["foldglass.model"],
            Calibration.from_json(json.loads(values["foldglass.calibration"])),
            values["foldglass.residue"] == "true",
        )


def rows_of(embeddings: list[Embedding], *, residue: bool) -> pa.Table:
    """The rows of some embeddings, without further metadata."""
    rows = embedding_rows(embeddings, residue=residue)
    width = rows.schema.field("protein").type.list_size
    half = rows["protein"].cast(pa.list_(pa.float16(), width))
    rows = rows.set_column(rows.schema.get_field_index("protein"), "protein", half)
    digests = pa.array([digest_of(embedding.entity) for embedding in embeddings], pa.string())
    return rows.append_column("digest", digests)


_NO_SPACE = re.compile(r"No space left on device|File too large|Disk quota exceeded")
_PLACE = re.compile(r",? ?(?:rust/|/)\S*\.rs:\d+(?::\d+)?.*", re.DOTALL)


@contextmanager
def explained_lance(path: str | Path) -> Iterator[None]:
    """Turn what goes wrong in Lance into one line that names the database."""
    subject = str(path)
    try:
        yield
    except FoldglassError:
        raise
    except (OSError, ValueError, RuntimeError, pa.ArrowInvalid) as error:
        text = _PLACE.sub("", str(error))
        if isinstance(error, FileNotFoundError) or (isinstance(error, ValueError) and "was not found" in text):
            raise NotFoundError(
                subject, got="no database there", remedy="make one with: foldglass db build DB INPUT"
            ) from error
        if _NO_SPACE.search(text):
            raise InputError(
                subject,
                got="the disk is full",
                remedy="free some space and give the same command again; what was there before is unharmed",
            ) from error
        raise InputError(subject, got=f"cannot be read or written ({_short(text)})") from error


def _short(text: str, longest: int = 200) -> str:
    line = " ".join(text.split())
    return line if len(line) <= longest else line[: longest - 3] + "..."


def lance() -> Any:
    """The Lance library, which takes half a second to import."""
    import lance as library

    return library
