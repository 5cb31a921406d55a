"""Adding proteins to a database: streamed, each exactly once, resumable after any kind of end.

Rows are committed in parts. A commit of Lance is one atomic rename, so a database holds all of a part or nothing of
it. Whoever gives the same proteins again goes on where the last commit was, because those that are there are known by
their hash.
"""

import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass
from datetime import timedelta
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from foldglass.errors import InputError, ModelError
from foldglass.io.writer_lock import only_writer
from foldglass.models.model import Model
from foldglass.protein import Embedding, Sequence
from foldglass.search.database_format import (
    DIGEST_BYTES,
    Description,
    digest_of,
    explained_lance,
    lance,
    rows_of,
)
from foldglass.search.known import Known
from foldglass.search.metadata import Metadata
from foldglass.search.vector_index import update_index

_PART_ROWS = 16_384
_PART_BYTES = 256 * 2**20
_PART_SECONDS = 60.0
_CONVERTED = 256  # embeddings whose single-precision vectors of residues are held at once
_FRAGMENT_ROWS = 65_536
_SMALL_FRAGMENTS = 8
_READERS_MAY_TAKE = timedelta(hours=1)


@dataclass
class Added:
    """What became of the proteins: `added` are new rows, `present` were there by id and content, `duplicates` have
    the content of a row with another id and were left out."""

    added: int = 0
    present: int = 0
    duplicates: int = 0


class DatabaseWriter:
    """A context manager that adds proteins to a database, which it makes if there is none.

    Parameters
    ----------
    path
        The folder of the database.
    model
        Embeds the proteins; must be the one that made the database.
    residue
        Whether a new database keeps the vectors of residues; None keeps what there is, and is False for a new one.
    metadata
        Further columns, joined by id.
    on_skip
        Told one line per protein that is left out.

    Raises
    ------
    InputError
        If another process is writing, the disk is full, or an id comes with other content.
    ModelError
        If the database was made by another model.
    """

    def __init__(
        self,
        path: str | Path,
        model: Model,
        *,
        residue: bool | None = None,
        metadata: Metadata | None = None,
        on_skip: Callable[[str], None] = lambda line: None,
    ) -> None:
        self.path, self.model, self.residue, self.metadata = str(path), model, bool(residue), metadata
        self._asked_residue, self._say = residue, on_skip
        self.done = Added()
        self._rows: list[pa.Table] = []
        self._waiting: list[Embedding] = []
        self._stack = ExitStack()
        self._dataset: Any = None

    def __enter__(self) -> "DatabaseWriter":
        self._made = "://" not in self.path and not Path(self.path).exists()
        with self._stack:
            self._stack.enter_context(locked(self.path))
            self._dataset = open_dataset(self.path) if exists(self.path) else None
            if self._dataset is not None:
                self._check_same()
            self._load_known()
            self._stack = self._stack.pop_all()
        self._begun = time.monotonic()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        with self._stack:
            if kind is None or issubclass(kind, (InputError, KeyboardInterrupt, SystemExit)):
                self._commit()  # what ends the work does not cost what was done
            if kind is None and self._dataset is not None:
                tidy(self._dataset, _READERS_MAY_TAKE if self._existed else timedelta(0))
            if self._dataset is None and self._made:
                shutil.rmtree(self.path, ignore_errors=True)  # nothing was committed, and nothing was there before

    def add(self, proteins: Iterable[Sequence], progress: Callable[[int], None] | None = None) -> Added:
        """Embed and add proteins; memory holds one part. `progress` is told of how many more were seen."""
        before = self.done.present + self.done.duplicates
        for embedding in self.model.embed_stream(self._new(proteins)):
            self._waiting.append(embedding)
            self.done.added += 1
            if len(self._waiting) == _CONVERTED:
                self._convert()
                self._commit_if_due()
            if progress:
                left_out = self.done.present + self.done.duplicates
                progress(1 + left_out - before)
                before = left_out
        self._convert()
        return self.done

    def _new(self, proteins: Iterable[Sequence]) -> Iterator[Sequence]:
        for protein in proteins:
            digest = digest_of(protein)
            entry = _key(protein.id + "\n" + digest)
            if entry in self._entries:
                self.done.present += 1
            elif _key(protein.id) in self._ids:
                raise InputError(
                    protein.source or "input",
                    got=f"id {protein.id!r} again, with another content than in {self.path}",
                    expected="every id once",
                    remedy=f"rename it, or first: foldglass db remove {self.path} {protein.id}",
                )
            elif bytes.fromhex(digest) in self._digests:
                self.done.duplicates += 1
                self._say(f"{protein.source}: {protein.id!r} has the content of another entry; left out")
            else:
                self._entries.add(entry)
                self._ids.add(_key(protein.id))
                self._digests.add(bytes.fromhex(digest))
                yield protein

    def _convert(self) -> None:
        if self._waiting:
            rows = rows_of(self._waiting, residue=self.residue)
            self._rows.append(self.metadata.join(rows) if self.metadata else rows)
            self._waiting = []

    def _commit_if_due(self) -> None:
        rows, size = sum(len(rows) for rows in self._rows), sum(rows.nbytes for rows in self._rows)
        if rows >= _PART_ROWS or size >= _PART_BYTES or time.monotonic() - self._begun >= _PART_SECONDS:
            self._commit()

    def _commit(self) -> None:
        self._convert()
        if not self._rows:
            return
        rows, self._rows = pa.concat_tables(self._rows), []
        with explained_lance(self.path):
            if self._dataset is None:
                description = Description(self.model.id, self.model.calibration, self.residue)
                new = rows.replace_schema_metadata(description.to_metadata())
                self._dataset = lance().write_dataset(new, self.path, mode="create")
            else:
                self._dataset = with_columns_of(self._dataset, rows.schema)
                new = _fitted(rows, self._dataset.schema)
                self._dataset = lance().write_dataset(new, self._dataset, mode="append")
        self._begun = time.monotonic()

    def _check_same(self) -> None:
        description = Description.from_metadata(self.path, self._dataset.schema.metadata)
        if description.model != self.model.id:
            raise ModelError(
                self.path,
                got=f"a database of model {description.model}",
                expected=f"{self.model.id}, which is to embed the new proteins",
                remedy="give its model with --model, or build another database",
            )
        if self._asked_residue not in (None, description.residue):
            held = "holds" if description.residue else "does not hold"
            raise InputError(self.path, got=f"a database that {held} vectors of residues", expected="the same choice")
        self.residue = description.residue

    def _load_known(self) -> None:
        self._existed = self._dataset is not None
        count = self._dataset.count_rows() if self._dataset is not None else 0
        keys = np.empty((3, count), f"S{DIGEST_BYTES}")
        start = 0
        with explained_lance(self.path):
            for batch in self._dataset.scanner(columns=["id", "digest"]).to_batches() if count else ():
                ids, digests = batch["id"].to_pylist(), batch["digest"].to_pylist()
                stop = start + len(batch)
                keys[0, start:stop] = [_key(own) for own in ids]
                keys[1, start:stop] = [bytes.fromhex(digest) for digest in digests]
                keys[2, start:stop] = [_key(own + "\n" + digest) for own, digest in zip(ids, digests, strict=True)]
                start = stop
        self._ids, self._digests, self._entries = (Known(own, width=DIGEST_BYTES) for own in keys)


def _key(text: str) -> bytes:
    return blake2b(text.encode(), digest_size=DIGEST_BYTES).digest()


def exists(path: str) -> bool:
    """Whether a database, or anything else that must not be written over, is there."""
    folder = Path(path)
    if "://" in path:
        try:
            lance().dataset(path)
        except (ValueError, FileNotFoundError):
            return False
        return True
    if folder.is_file():
        raise InputError(path, got="a file", expected="a folder for the database")
    if not folder.exists() or not [item for item in folder.iterdir() if item.name != ".writer"]:
        return False
    if not (folder / "_versions").is_dir():
        if {item.name for item in folder.iterdir()} <= {".writer", "data", "_transactions"}:
            return False  # a first commit that was stopped
        raise InputError(path, got="a folder with other files", expected="a database, or a folder to make")
    return True


def open_dataset(path: str) -> Any:
    """The newest version of the dataset of a database.

    Raises
    ------
    NotFoundError
        If there is none.
    InputError
        If it cannot be read.
    """
    if Path(path).is_file():
        raise InputError(path, got="a file", expected="the folder of a database that 'foldglass db build' made")
    with explained_lance(path):
        return lance().dataset(path)


def locked(path: str) -> Any:
    """Hold the lock of a database on a disk; an object store has none, and Lance refuses conflicting commits there."""
    if "://" in path:
        return nullcontext()
    folder = Path(path)
    if folder.is_file():
        raise InputError(path, got="a file", expected="a folder for the database")
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise InputError(path, got=f"cannot be made ({error.strerror})", remedy="choose another folder") from error
    return only_writer(folder)


def with_columns_of(dataset: Any, schema: pa.Schema) -> Any:
    """The dataset with the columns of `schema` that it does not have yet, all of them null."""
    new = [field for field in schema if field.name not in dataset.schema.names]
    if new:
        dataset.add_columns(new)
    return dataset


def _fitted(rows: pa.Table, schema: pa.Schema) -> pa.Table:
    """The rows with the columns and types of the dataset; what they lack is null."""
    columns = []
    for field in schema:
        if field.name not in rows.schema.names:
            columns.append(pa.nulls(len(rows), field.type))
            continue
        try:
            columns.append(rows[field.name].cast(field.type))
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            raise InputError(
                f"metadata column {field.name!r}",
                got=f"values of type {rows.schema.field(field.name).type}",
                expected=f"{field.type}, as in the database",
            ) from error
    return pa.table(columns, schema=schema)


def tidy(dataset: Any, older_than: timedelta) -> None:
    """Update the index, join small fragments once there are many, and drop what only versions older than `older_than`
    need."""
    small = [fragment for fragment in dataset.get_fragments() if fragment.count_rows() < _FRAGMENT_ROWS // 4]
    with explained_lance(dataset.uri):
        update_index(dataset)
        if len(small) > _SMALL_FRAGMENTS:
            dataset.optimize.compact_files(target_rows_per_fragment=_FRAGMENT_ROWS, batch_size=256)
        dataset.cleanup_old_versions(older_than=older_than, delete_unverified=True)
