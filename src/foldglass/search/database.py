"""A collection of embedded proteins on disk: open it, search it, add to it, take from it."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from foldglass.errors import InputError
from foldglass.io.embedding_table import embeddings_of_rows
from foldglass.models.calibration import Calibration
from foldglass.models.model import Model
from foldglass.protein import Embedding
from foldglass.protein import Sequence as Protein
from foldglass.search.condition import check_condition
from foldglass.search.database_format import Description, explained_lance
from foldglass.search.database_writer import Added, DatabaseWriter, locked, open_dataset, tidy
from foldglass.search.exact import EntryTable, Hit, Scorer, merged, search
from foldglass.search.hits import Hits
from foldglass.search.metadata import Metadata
from foldglass.search.vector_index import has_index, make_index, nearest, rows_inside
from foldglass.typing import PathLike

if TYPE_CHECKING:
    import polars

_BLOCK_ROWS = 2**18
_KEPT_BYTES = 2 * 2**30
_IDS_AT_ONCE = 1000
_READERS_MAY_TAKE = timedelta(hours=1)


class Database:
    """One version of a database; `open` gives the newest.

    Its vectors are read at the first search and kept, up to 2 GiB of them; larger databases are read anew, block by
    block, for every search.

    Parameters
    ----------
    path
        A folder, or a URI of an object store.

    Examples
    --------
    >>> import tempfile
    >>> from foldglass import Sequence, load
    >>> model, folder = load(), tempfile.mkdtemp() + "/toys.fg"
    >>> proteins = [Sequence("a", "MKVLAAGIVGLLAAPE"), Sequence("b", "GSHMSTEEKIEALRKAL")]
    >>> database = Database.build(folder, proteins, model=model)
    >>> len(database), database.model == model.id
    (2, True)
    >>> [hit.target for hit in database.search(model.embed(proteins[1:]), k=1)]
    ['b']
    """

    def __init__(self, path: str, dataset: Any) -> None:
        self.path, self._dataset = path, dataset
        self._description = Description.from_metadata(path, dataset.schema.metadata)
        self._blocks: list[tuple[EntryTable, np.ndarray]] | None = None

    @classmethod
    def open(cls, path: PathLike) -> "Database":
        """Open the newest version.

        Raises
        ------
        NotFoundError
            If there is no database.
        InputError
            If it is damaged, of another kind or of a later version.
        """
        return cls(str(path), open_dataset(str(path)))

    @classmethod
    def build(
        cls, path: PathLike, proteins: Iterable[Protein], *, model: Model, residue: bool | None = None
    ) -> "Database":
        """Make a database, or go on with one whose making was stopped; see `DatabaseWriter` for the errors."""
        with DatabaseWriter(str(path), model, residue=residue) as writer:
            writer.add(proteins)
        return cls.open(path)

    @property
    def model(self) -> str:
        """Name and short hash of the model that made the vectors."""
        return self._description.model

    @property
    def id(self) -> str:
        """The same, under the name that search asks a model for."""
        return self.model

    @property
    def calibration(self) -> Calibration:
        """The model's, which gives TM-scores and probabilities for cosines."""
        return self._description.calibration

    @property
    def residue(self) -> bool:
        """Whether the vectors of residues are kept."""
        return self._description.residue

    @property
    def columns(self) -> list[str]:
        """Names of all columns, those of joined metadata last."""
        return list(self._dataset.schema.names)

    @property
    def version(self) -> int:
        """Grows with every change."""
        return int(self._dataset.version)

    @property
    def width(self) -> int:
        """Dimensions of a protein vector."""
        return int(self._dataset.schema.field("protein").type.list_size)

    @property
    def bytes(self) -> int:
        """Size on the disk, 0 in an object store."""
        return sum(file.stat().st_size for file in Path(self.path).rglob("*") if file.is_file())

    def __len__(self) -> int:
        return int(self._dataset.count_rows())

    def count(self, filter: str) -> int:
        """Entries that meet a condition in SQL.

        Raises
        ------
        InputError
            If the condition cannot be read, as wherever one is given.
        """
        check_condition(self._dataset, filter)
        with explained_lance(self.path):
            return int(self._dataset.count_rows(filter))

    def __repr__(self) -> str:
        return f"Database({self.path!r}, {len(self):,} proteins, {self.model})"

    def add(
        self,
        proteins: Iterable[Protein],
        *,
        model: Model,
        metadata: Metadata | None = None,
        on_skip: Callable[[str], None] = lambda line: None,
    ) -> Added:
        """Embed and add proteins; those that are there already are left alone. See `DatabaseWriter` for the errors."""
        with DatabaseWriter(self.path, model, metadata=metadata, on_skip=on_skip) as writer:
            done = writer.add(proteins)
        self._reopen()
        return done

    def remove(self, ids: Sequence[str] = (), *, filter: str | None = None) -> int:
        """Take out entries by id, by a condition in SQL, or both, in commits of 1,000 ids; returns their number.

        Raises
        ------
        InputError
            If another process is writing, or the condition cannot be read.
        """
        conditions = [filter] if filter else []
        for first in range(0, len(ids), _IDS_AT_ONCE):
            conditions.append(_id_in(ids[first : first + _IDS_AT_ONCE]))
        with locked(self.path):
            self._reopen()
            check_condition(self._dataset, filter)
            before = len(self)
            with explained_lance(self.path):
                for condition in conditions:
                    self._dataset.delete(condition)
                tidy(self._dataset, _READERS_MAY_TAKE)
        self._reopen()
        return before - len(self)

    def index(self) -> None:
        """Make the approximate index anew; additions and removals keep it up to date.

        Raises
        ------
        InputError
            If there are too few entries, or another process is writing.
        """
        with locked(self.path):
            self._reopen()
            with explained_lance(self.path):
                make_index(self._dataset, self.path)
                tidy(self._dataset, _READERS_MAY_TAKE)
        self._reopen()

    @property
    def indexed(self) -> int:
        """Entries that the approximate index knows, 0 without one; others are looked at one by one."""
        return rows_inside(self._dataset)

    def search(
        self,
        queries: Sequence[Embedding],
        *,
        k: int = 10,
        min_tm: float | None = None,
        filter: str | None = None,
        approximate: bool = False,
        model: Scorer | None = None,
    ) -> Hits:
        """The k entries most similar in fold to each query, best first; none is missed unless `approximate`.

        Parameters
        ----------
        queries
            Embeddings of sequences or structures by the database's model.
        k, min_tm
            As in `foldglass.search.search`.
        filter
            A condition on columns, in SQL: only entries that meet it are looked at.
        approximate
            Look only where the index says; for many entries much faster, and some hits may be missed. Scores are the
            same as those of an exact search.
        model
            Its calibration takes the place of the one that the database remembers.

        Raises
        ------
        ModelError
            If a query comes from another model.
        InputError
            If k is below 1, the filter cannot be read, or there is no index to be approximate with.
        """
        compared = len(self) if filter is None else self.count(filter)
        blocks = [
            [
                _in_database(hit, rows)
                for hit in search(queries, entries, model=model or self, k=k, min_tm=min_tm, compared=compared)
            ]
            for entries, rows in ([self._near(queries, k, filter)] if approximate else self._entries(filter))
        ]
        return Hits(blocks[0] if len(blocks) == 1 else merged([query.id for query in queries], blocks, k))

    def entries(self, filter: str | None = None) -> EntryTable:
        """What search needs of all entries that meet a condition in SQL, in memory.

        Raises
        ------
        InputError
            If none does, or the condition cannot be read.
        """
        check_condition(self._dataset, filter)
        blocks = [entries for entries, _ in self._entries(filter)]
        if not blocks:
            raise InputError(self.path, got="no entry that meets the condition", expected="at least one")
        return EntryTable(
            ids=[one for block in blocks for one in block.ids],
            lengths=np.concatenate([block.lengths for block in blocks]),
            kinds=np.concatenate([np.asarray(block.kinds) for block in blocks]),
            vectors=np.concatenate([block.vectors for block in blocks]),
            model=self.model,
        )

    def embeddings(self, rows: Iterable[int], model: Model | None = None) -> dict[int, Embedding]:
        """Entries with their vectors of residues, by row, the `index` of a hit.

        Where the database does not keep vectors of residues they are made again by `model`.

        Raises
        ------
        InputError
            If they are not kept and no model is given.
        """
        wanted = sorted(set(rows))
        with explained_lance(self.path):
            table = self._dataset._take_rows(wanted).combine_chunks()
        found = [one for batch in table.to_batches() for one in embeddings_of_rows(batch, self.model)]
        if not self.residue:
            if model is None:
                raise InputError(self.path, got="no vectors of residues", remedy="give the model that made it")
            found = model.embed([one.entity for one in found])
        return dict(zip(wanted, found, strict=True))

    def to_batches(
        self, columns: Sequence[str] | None = None, *, filter: str | None = None, rows: int = 4096
    ) -> Iterator[pa.RecordBatch]:
        """Columns, by default all, of the entries that meet a condition in SQL, some rows at a time."""
        check_condition(self._dataset, filter)
        with explained_lance(self.path):
            yield from self._dataset.scanner(
                columns=None if columns is None else list(columns), filter=filter, batch_size=rows
            ).to_batches()

    def to_arrow(self, columns: Sequence[str] | None = None, *, filter: str | None = None) -> pa.Table:
        """As `to_batches`, all at once."""
        check_condition(self._dataset, filter)
        with explained_lance(self.path):
            return self._dataset.to_table(columns=None if columns is None else list(columns), filter=filter)

    def to_polars(self, columns: Sequence[str] | None = None, *, filter: str | None = None) -> "polars.DataFrame":
        """As `to_arrow`, for Polars."""
        from foldglass.search.hits import as_polars

        return as_polars(self.to_arrow(columns, filter=filter))

    def missing(self, ids: Sequence[str]) -> list[str]:
        """Those of the ids that no entry has."""
        there: set[str] = set()
        for first in range(0, len(ids), _IDS_AT_ONCE):
            there.update(self.to_arrow(["id"], filter=_id_in(ids[first : first + _IDS_AT_ONCE]))["id"].to_pylist())
        return [one for one in ids if one not in there]

    def _reopen(self) -> None:
        self._dataset, self._blocks = open_dataset(self.path), None

    def _near(self, queries: Sequence[Embedding], k: int, filter: str | None) -> tuple[EntryTable, np.ndarray]:
        """The entries that the index thinks nearest to any of the queries, and their rows."""
        if not has_index(self._dataset):
            raise InputError(
                self.path, got="no approximate index", remedy=f"make one with: foldglass db add {self.path} --index"
            )
        with explained_lance(self.path):
            found = [
                nearest(self._dataset, query.protein, k, kind=kind, filter=filter)
                for query in queries
                for kind in ("sequence", "structure")
            ]
            rows = np.unique(np.concatenate(found)) if found else np.empty(0, np.int64)
            table = self._dataset._take_rows(rows.tolist(), columns=["id", "kind", "length", "protein"])
        vectors = table["protein"].combine_chunks().flatten().to_numpy().reshape(len(table), self.width)
        return self._block(table, vectors), rows

    def _entries(self, filter: str | None) -> Iterator[tuple[EntryTable, np.ndarray]]:
        """What search needs, in blocks, with the row of each entry."""
        if self._blocks is not None and filter is None:
            yield from self._blocks
            return
        keep = filter is None and len(self) * self.width * 2 <= _KEPT_BYTES
        kept = []
        for block in self._read_entries(filter):
            if keep:
                kept.append(block)
            yield block
        if keep:
            self._blocks = kept

    def _read_entries(self, filter: str | None) -> Iterator[tuple[EntryTable, np.ndarray]]:
        with explained_lance(self.path):
            scanner = self._dataset.scanner(
                columns=["id", "kind", "length", "protein"], filter=filter, with_row_id=True, scan_in_order=True
            )
            left = len(self)  # more than there are, if there is a filter
            vectors = np.empty((min(left, _BLOCK_ROWS), self.width), np.float16)
            batches: list[pa.RecordBatch] = []
            filled = 0
            for batch in scanner.to_batches():
                while len(batch):
                    taken = batch.slice(0, len(vectors) - filled)
                    own = taken["protein"].flatten().to_numpy().reshape(len(taken), self.width)
                    vectors[filled : filled + len(taken)] = own
                    batches.append(taken.drop_columns(["protein"]))
                    filled, batch = filled + len(taken), batch.slice(len(taken))
                    if filled == len(vectors):
                        rows = pa.Table.from_batches(batches)
                        yield self._block(rows, vectors), rows["_rowid"].to_numpy()
                        left -= filled
                        vectors = np.empty((min(max(left, 1), _BLOCK_ROWS), self.width), np.float16)
                        batches, filled = [], 0
            if filled:
                rows = pa.Table.from_batches(batches)
                yield self._block(rows, vectors[:filled]), rows["_rowid"].to_numpy()

    def _block(self, table: pa.Table, vectors: np.ndarray) -> EntryTable:
        ids, structure = table["id"].combine_chunks(), pc.equal(table["kind"], "structure").to_numpy()
        return EntryTable(
            ids=_Texts(ids),
            lengths=table["length"].to_numpy().astype(np.int64),
            kinds=np.where(structure, "structure", "sequence"),
            vectors=vectors,
            model=self.model,
        )


class _Texts(Sequence[str]):
    """Texts in the memory of Arrow, a tenth of that of Python's."""

    def __init__(self, texts: pa.StringArray) -> None:
        self._texts = texts

    def __len__(self) -> int:
        return len(self._texts)

    def __getitem__(self, place: Any) -> Any:
        return self._texts[int(place)].as_py()


def _in_database(hit: Hit, rows: np.ndarray) -> Hit:
    return replace(hit, index=int(rows[hit.index]))


def _id_in(ids: Sequence[str]) -> str:
    return "id IN ({})".format(", ".join("'{}'".format(one.replace("'", "''")) for one in ids))
