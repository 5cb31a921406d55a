"""What `search` looks through: a database, a stored embedding table, or proteins embedded for the occasion."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np

from foldglass.errors import UsageError
from foldglass.io.embedding_table import iter_embeddings, read_embeddings
from foldglass.models.model import Model
from foldglass.protein import Embedding
from foldglass.protein import Sequence as Protein
from foldglass.search.database import Database
from foldglass.search.exact import EntryTable, Hit, search


@runtime_checkable
class Entries(Protocol):
    """Something to search."""

    def search(self, queries: Sequence[Embedding], k: int, min_tm: float | None) -> Sequence[Hit]:
        """The best hits of every query."""

    def embeddings(self, indices: set[int]) -> dict[int, Embedding]:
        """The entries of hits with vectors of residues, by the hits' `index`."""


def is_table(database: str) -> bool:
    """Whether it is a Parquet file, by its first bytes or its name."""
    path = Path(database)
    if path.is_file():
        with path.open("rb") as file:
            if file.read(4) == b"PAR1":
                return True
    return path.suffix == ".parquet"


def is_database(database: str) -> bool:
    """Whether it is the folder of a database, or named like one."""
    path = Path(database)
    return "://" in database or path.suffix == ".fg" or (path / "_versions").is_dir()


def stored_entries(database: str, model: Model, filter: str | None = None, approximate: bool = False) -> Entries | None:
    """The entries of a database or of an embedding table; None if it is neither.

    Raises
    ------
    UsageError
        If something else than a database is to be filtered or searched by an index.
    """
    if is_database(database):
        return StoredDatabase(database, model, filter, approximate)
    for option, given in (("--filter", filter is not None), ("--approximate", approximate)):
        if given:
            raise UsageError(option, got=f"{database}", expected="a database of foldglass db")
    return StoredTable(database, model) if is_table(database) else None


class StoredDatabase:
    """The entries of a database that meet a condition."""

    def __init__(self, path: str, model: Model, filter: str | None, approximate: bool) -> None:
        self._database, self._model = Database.open(path), model
        self._filter, self._approximate = filter, approximate

    def search(self, queries: Sequence[Embedding], k: int, min_tm: float | None) -> Sequence[Hit]:
        """The best hits of every query."""
        return self._database.search(
            queries, k=k, min_tm=min_tm, filter=self._filter, approximate=self._approximate, model=self._model
        )

    def embeddings(self, indices: set[int]) -> dict[int, Embedding]:
        """The entries with vectors of residues, by their row."""
        return self._database.embeddings(indices, self._model)


class StoredTable:
    """An embedding table in a file."""

    def __init__(self, path: str, model: Model) -> None:
        self._path, self._model = path, model
        stored = read_embeddings(path)
        self._table = EntryTable(stored.ids, stored.lengths, stored.kinds, stored.protein, stored.model)

    def search(self, queries: Sequence[Embedding], k: int, min_tm: float | None) -> Sequence[Hit]:
        """The best hits of every query."""
        return search(queries, self._table, model=self._model, k=k, min_tm=min_tm)

    def embeddings(self, indices: set[int]) -> dict[int, Embedding]:
        """The entries with vectors of residues, by their place in the table."""
        return {i: embedding for i, embedding in enumerate(iter_embeddings(self._path)) if i in indices}


class EmbeddedNow:
    """Proteins of a file or folder; their residue vectors are made again for the few that are aligned."""

    def __init__(self, model: Model, proteins: Iterable[Protein], progress: Callable[[int], None]) -> None:
        self._model, self._proteins = model, list(proteins)
        embeddings = model.embed_stream(self._proteins, progress=progress)
        columns = [(e.id, len(e), e.kind, e.protein) for e in embeddings]
        ids, lengths, kinds, vectors = zip(*columns, strict=True)
        self._table = EntryTable(ids, np.array(lengths), kinds, np.stack(vectors), model.id)

    def search(self, queries: Sequence[Embedding], k: int, min_tm: float | None) -> Sequence[Hit]:
        """The best hits of every query."""
        return search(queries, self._table, model=self._model, k=k, min_tm=min_tm)

    def embeddings(self, indices: set[int]) -> dict[int, Embedding]:
        """The entries with vectors of residues, by their place among the proteins."""
        ordered = sorted(indices)
        return dict(zip(ordered, self._model.embed([self._proteins[i] for i in ordered]), strict=True))
