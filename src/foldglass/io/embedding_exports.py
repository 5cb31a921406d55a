"""Embeddings for other programs: NumPy archives and AnnData files."""

from typing import Any

import numpy as np

from foldglass.errors import MissingExtraError, UsageError
from foldglass.io.embeddings import EmbeddingWriter
from foldglass.protein import Embedding

_FIELDS = ("id", "kind", "length", "letters", "source")


class NpzEmbeddings(EmbeddingWriter):
    """A NumPy archive without pickles, gathered in memory.

    Arrays: `id`, `kind`, `source`, `length` and `protein` (N, D) have one row per protein. `letters` (one byte each)
    and, where asked for, `residue` (float16, D) hold all residues one after the other, those of protein i at
    `offset[i]:offset[i + 1]`. `pair` (float16, P) likewise with `pair_offset`: of all pairs row by row, or, if there is
    an array `pair_index` (uint32, 2), of its 0-based residues i < j. `metadata` is (key, value) text.
    """

    def _open(self) -> None:
        self._gathered: list[Embedding] = []

    def _add(self, embedding: Embedding) -> None:
        self._gathered.append(embedding)

    def _finish(self) -> None:
        proteins = self._gathered
        lengths = np.array([len(e) for e in proteins])
        arrays: dict[str, Any] = {
            "id": np.array([e.id for e in proteins]),
            "kind": np.array([e.kind for e in proteins]),
            "source": np.array([e.entity.source for e in proteins]),
            "length": lengths,
            "letters": np.frombuffer("".join(e.entity.letters for e in proteins).encode(), dtype="S1"),
            "offset": np.concatenate([[0], np.cumsum(lengths)]),
            "protein": np.stack([e.protein for e in proteins]),
            "metadata": np.array(list(self.metadata.items())),
        }
        if self.residue:
            arrays["residue"] = np.concatenate([e.residue.astype(np.float16) for e in proteins])
        if self.pair:
            arrays["pair"] = np.concatenate(
                [e.pair.astype(np.float16).reshape(-1, e.pair.shape[-1]) for e in proteins if e.pair is not None]
            )
            kept = [e.pair_index.astype(np.uint32) for e in proteins if e.pair_index is not None]
            counts = [len(index) for index in kept] or lengths**2
            arrays["pair_offset"] = np.concatenate([[0], np.cumsum(counts)])
            if kept:
                arrays["pair_index"] = np.concatenate(kept)
        with self._part.open("wb") as file:
            np.savez(file, **arrays)


class H5adEmbeddings(EmbeddingWriter):
    """An AnnData file (on-disk specification 0.1.0) with the protein vectors as X and the proteins as observations."""

    _rows: int = 1000

    def _open(self) -> None:
        if self.residue or self.pair:
            raise UsageError(
                str(self.path), got="vectors of residues or pairs", expected="protein vectors", remedy="use .parquet"
            )
        try:
            import h5py
        except ImportError as error:
            raise MissingExtraError(str(self.path), package="h5py", extra="h5ad") from error
        self._file: Any = self._stack.enter_context(h5py.File(self._part, "w"))
        self._file.attrs.update({"encoding-type": "anndata", "encoding-version": "0.1.0"})
        text = h5py.string_dtype()
        _group(self._file, "obs", "dataframe", "0.2.0")
        for name in _FIELDS:
            kind = np.int32 if name == "length" else text
            column = self._file["obs"].create_dataset(name, (0,), kind, maxshape=(None,))
            _encoded(column, "array" if name == "length" else "string-array", "0.2.0")
        self._file["obs"].attrs.update({"_index": "id", "column-order": list(_FIELDS[1:])})
        self._waiting: list[Embedding] = []
        self._further: dict[str, np.ndarray] = {}

    def observe(self, name: str, values: np.ndarray) -> None:
        """Add a further column of observations, of numbers or of texts, when all proteins are written."""
        self._further[name] = values

    def _add(self, embedding: Embedding) -> None:
        self._waiting.append(embedding)
        if len(self._waiting) >= self._rows:
            self._flush()

    def _flush(self) -> None:
        new = self._waiting
        if "X" not in self._file:
            width = self._channels
            vectors = self._file.create_dataset("X", (0, width), np.float32, maxshape=(None, width), chunks=(64, width))
            _encoded(vectors, "array", "0.2.0")
        values = {
            "id": [e.id for e in new],
            "kind": [e.kind for e in new],
            "length": [len(e) for e in new],
            "letters": [e.entity.letters for e in new],
            "source": [e.entity.source for e in new],
        }
        for name, column in values.items():
            _append(self._file["obs"][name], column)
        _append(self._file["X"], np.stack([e.protein for e in new]))
        self._waiting = []

    def _finish(self) -> None:
        import h5py

        if self._waiting:
            self._flush()
        for name, values in self._further.items():
            numbers = values.dtype.kind == "f"
            column = self._file["obs"].create_dataset(
                name, data=values, dtype=values.dtype if numbers else h5py.string_dtype()
            )
            _encoded(column, "array" if numbers else "string-array", "0.2.0")
        self._file["obs"].attrs["column-order"] = [*_FIELDS[1:], *self._further]
        _group(self._file, "var", "dataframe", "0.2.0").attrs.update(
            {"_index": "_index", "column-order": np.array([], dtype=h5py.string_dtype())}
        )
        names = [f"d{i}" for i in range(self._channels)]
        _encoded(
            self._file["var"].create_dataset("_index", data=names, dtype=h5py.string_dtype()), "string-array", "0.2.0"
        )
        for name in ("layers", "obsm", "obsp", "varm", "varp"):
            _group(self._file, name, "dict", "0.1.0")
        notes = _group(self._file, "uns", "dict", "0.1.0")
        for key, value in self.metadata.items():
            _encoded(notes.create_dataset(key, data=value, dtype=h5py.string_dtype()), "string", "0.2.0")


def _group(file: Any, name: str, kind: str, version: str) -> Any:
    return _encoded(file.create_group(name), kind, version)


def _encoded(item: Any, kind: str, version: str) -> Any:
    item.attrs.update({"encoding-type": kind, "encoding-version": version})
    return item


def _append(dataset: Any, values: Any) -> None:
    before = dataset.shape[0]
    dataset.resize(before + len(values), axis=0)
    dataset[before:] = values
