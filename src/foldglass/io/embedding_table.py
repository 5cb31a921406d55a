"""The embedding table: a Parquet file with one row per protein.

    id, kind, length, letters, source   what was embedded; kind is `sequence` or `structure`
    chain, numbering, ca                of structures: author's chain id and residue numbers, C-alphas in angstrom
    protein                             float32, one vector
    residue                             optional, float16, one vector per residue
    pair                                optional, float16, one vector per residue pair, row by row; or, if there is a
                                        column `pair_index`, one per pair in it, in its order
    pair_index                          optional, lists of two uint32: 0-based residues i < j of the pairs that were
                                        kept, in rising order; (j, i) has the vector of (i, j), and (i, i) is left out

The file's metadata holds `foldglass.schema`, `foldglass.version`, `foldglass.model` (name and short hash) and the
parameters of the run: of a score network `foldglass.sigma`, the noise level in angstrom, and `foldglass.pairs`, which
pairs were kept.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from jaxtyping import Float32, Int, Shaped

from foldglass.errors import InputError
from foldglass.io.embeddings import SCHEMA, EmbeddingWriter
from foldglass.io.opened import explained
from foldglass.protein import Embedding, Sequence, Structure
from foldglass.typing import PathLike

_GROUP_BYTES = 64 * 1024**2
_GROUP_ROWS = 10_000
_OVERVIEW = ["id", "kind", "length", "letters", "source", "protein"]


class ParquetEmbeddings(EmbeddingWriter):
    """Stream embeddings to Parquet; memory holds one row group."""

    _file: Any = None
    _bytes: int = 0

    def _open(self) -> None:
        self._group: list[Embedding] = []

    def _add(self, embedding: Embedding) -> None:
        self._group.append(embedding)
        self._bytes += embedding.protein.nbytes + 20 * len(embedding)
        self._bytes += embedding.residue.nbytes // 2 if self.residue else 0
        self._bytes += embedding.pair.nbytes // 2 if self.pair and embedding.pair is not None else 0
        self._bytes += embedding.pair_index.nbytes // 2 if self.pair and embedding.pair_index is not None else 0
        if self._bytes >= _GROUP_BYTES or len(self._group) >= _GROUP_ROWS:
            self._flush()

    def _flush(self) -> None:
        table = embedding_rows(self._group, residue=self.residue, pair=self.pair)
        if self._file is None:
            schema = table.schema.with_metadata(self.metadata)
            self._file = self._stack.enter_context(pq.ParquetWriter(self._part, schema, compression="zstd"))
        self._file.write_table(table)
        self._group, self._bytes = [], 0

    def _finish(self) -> None:
        if self._group:
            self._flush()


def embedding_rows(group: list[Embedding], *, residue: bool, pair: bool = False) -> pa.Table:
    """The columns of this table for some embeddings."""
    entities = [e.entity for e in group]
    structures = [e if isinstance(e, Structure) else None for e in entities]
    columns: dict[str, pa.Array] = {
        "id": pa.array([e.id for e in entities], pa.string()),
        "kind": pa.array([e.kind for e in group], pa.string()),
        "length": pa.array([len(e) for e in entities], pa.int32()),
        "letters": pa.array([e.letters for e in entities], pa.large_string()),
        "source": pa.array([e.source for e in entities], pa.string()),
        "chain": pa.array([s and s.chain for s in structures], pa.string()),
        "numbering": pa.array([s and list(s.labels) for s in structures], pa.list_(pa.string())),
        "ca": _ragged([s and s.ca for s in structures], np.float32),
        "protein": _fixed(np.stack([e.protein for e in group])),
    }
    if residue:
        columns["residue"] = _ragged([e.residue for e in group], np.float16)
    if pair:
        pairs = [e.pair for e in group if e.pair is not None]
        columns["pair"] = _ragged([p.reshape(-1, p.shape[-1]) for p in pairs], np.float16)
        if group[0].pair_index is not None:
            columns["pair_index"] = _ragged([e.pair_index for e in group], np.uint32)
    return pa.table(columns)


def _fixed(vectors: Shaped[np.ndarray, "N D"]) -> pa.Array:
    return pa.FixedSizeListArray.from_arrays(pa.array(vectors.reshape(-1)), vectors.shape[1])


def _ragged(arrays: list[Any], dtype: type[np.number[Any]]) -> pa.Array:
    """Lists of vectors; None becomes null."""
    width = next((a.shape[1] for a in arrays if a is not None), 3)
    lengths = [0 if a is None else len(a) for a in arrays]
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    flat = np.concatenate([np.zeros((0, width), dtype), *(a.astype(dtype) for a in arrays if a is not None)])
    absent = pa.array([a is None for a in arrays])
    return pa.LargeListArray.from_arrays(pa.array(offsets, pa.int64()), _fixed(flat), mask=absent)


@dataclass(frozen=True, eq=False)
class EmbeddingTable:
    """All protein vectors of an embedding table, in file order.

    `model` names the model and its short hash; `metadata` holds the file's further parameters.
    """

    ids: tuple[str, ...]
    kinds: tuple[str, ...]
    lengths: Int[np.ndarray, " N"]
    letters: tuple[str, ...]
    sources: tuple[str, ...]
    protein: Float32[np.ndarray, "N D"]
    model: str
    metadata: dict[str, str]

    def __len__(self) -> int:
        return len(self.ids)


def read_embeddings(path: PathLike) -> EmbeddingTable:
    """The protein vectors of an embedding table; those of residues stay in the file.

    Raises
    ------
    InputError
        If the file is no embedding table of this version.
    """
    with explained(path):
        file, metadata = _open(path)
        with file:
            table = file.read(columns=_OVERVIEW)
    vectors = table["protein"].combine_chunks()
    return EmbeddingTable(
        ids=tuple(table["id"].to_pylist()),
        kinds=tuple(table["kind"].to_pylist()),
        lengths=table["length"].to_numpy().astype(np.int64),
        letters=tuple(table["letters"].to_pylist()),
        sources=tuple(table["source"].to_pylist()),
        protein=_vectors(vectors),
        model=metadata["foldglass.model"],
        metadata=metadata,
    )


def iter_embeddings(path: PathLike) -> Iterator[Embedding]:
    """The embeddings of a table that holds residue vectors, one by one; memory holds one row group.

    Raises
    ------
    InputError
        If the file is no embedding table of this version or has no residue vectors.
    """
    with explained(path):
        file, metadata = _open(path)
        if "residue" not in file.schema_arrow.names:
            file.close()
            raise InputError(
                os.fspath(path), got="an embedding table without residue vectors", remedy="embed again with --residue"
            )
        with file:
            for group in range(file.num_row_groups):
                for batch in file.read_row_group(group).to_batches():
                    yield from embeddings_of_rows(batch, metadata["foldglass.model"])


def _open(path: PathLike) -> tuple[Any, dict[str, str]]:
    subject = os.fspath(path)
    with open(path, "rb"):  # pyarrow's own errors name neither a folder nor a missing permission
        pass
    try:
        file = pq.ParquetFile(path)
    except pa.ArrowInvalid as error:
        raise InputError(subject, got="not readable as Parquet", expected="an embedding table") from error
    metadata = {k.decode(): v.decode() for k, v in (file.schema_arrow.metadata or {}).items() if k != b"ARROW:schema"}
    found = metadata.get("foldglass.schema")
    if found != SCHEMA:
        file.close()
        what = f"an embedding table of version {found}" if found else "a Parquet file of another kind"
        raise InputError(subject, got=what, expected=SCHEMA, remedy="make it with foldglass embed")
    return file, metadata


def _vectors(array: pa.FixedSizeListArray) -> Shaped[np.ndarray, "N D"]:
    return np.asarray(array.flatten().to_numpy(zero_copy_only=False)).reshape(len(array), array.type.list_size)


def embeddings_of_rows(batch: pa.RecordBatch, model: str) -> Iterator[Embedding]:
    """The embeddings of rows; vectors of residues that were not kept are NaN and take no memory."""
    protein = _vectors(batch["protein"])
    names = [n for n in batch.schema.names if n in ("id", "kind", "letters", "source", "chain", "numbering")]
    rows = batch.select(names).to_pylist()
    for i, row in enumerate(rows):
        entity: Sequence
        if row["kind"] == "structure":
            entity = Structure(
                row["id"],
                row["letters"],
                row["source"],
                ca=_vectors(batch["ca"][i].values),
                numbering=tuple(row["numbering"]),
                chain=row["chain"],
            )
        else:
            entity = Sequence(row["id"], row["letters"], row["source"])
        pair = index = None
        if "pair" in batch.schema.names:
            pair = _vectors(batch["pair"][i].values).astype(np.float32)
            if "pair_index" in batch.schema.names:
                index = _vectors(batch["pair_index"][i].values).astype(np.int64)
            else:
                pair = pair.reshape(len(entity), len(entity), -1)
        if "residue" in batch.schema.names:
            residue = _vectors(batch["residue"][i].values).astype(np.float32)
        else:
            residue = np.broadcast_to(np.float32(np.nan), (len(entity), protein.shape[1]))
        yield Embedding(entity, protein[i].astype(np.float32), residue, pair, model, pair_index=index)
