"""What `search` looks through: a stored embedding table, or proteins embedded for the occasion."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from foldglass.io.embedding_table import iter_embeddings, read_embeddings
from foldglass.models.model import Model
from foldglass.protein import Embedding, Sequence
from foldglass.search.exact import EntryTable


def is_table(database: str) -> bool:
    """Whether it is a Parquet file, by its first bytes or its name."""
    path = Path(database)
    if path.is_file():
        with path.open("rb") as file:
            if file.read(4) == b"PAR1":
                return True
    return path.suffix == ".parquet"


class StoredTable:
    """An embedding table in a file."""

    def __init__(self, path: str) -> None:
        self._path = path
        stored = read_embeddings(path)
        self.table = EntryTable(stored.ids, stored.lengths, stored.kinds, stored.protein, stored.model)

    def embeddings(self, indices: set[int]) -> dict[int, Embedding]:
        """The entries with residue vectors, by their place in the table."""
        return {i: embedding for i, embedding in enumerate(iter_embeddings(self._path)) if i in indices}


class EmbeddedNow:
    """Proteins of a file or folder; their residue vectors are made again for the few that are aligned."""

    def __init__(self, model: Model, proteins: list[Sequence], progress: Callable[[int], None]) -> None:
        self._model, self._proteins = model, proteins
        embeddings = model.embed_stream(proteins, progress=progress)
        columns = [(e.id, len(e), e.kind, e.protein) for e in embeddings]
        ids, lengths, kinds, vectors = zip(*columns, strict=True)
        self.table = EntryTable(ids, np.array(lengths), kinds, np.stack(vectors), model.id)

    def embeddings(self, indices: set[int]) -> dict[int, Embedding]:
        """The entries with residue vectors, by their place in the table."""
        ordered = sorted(indices)
        return dict(zip(ordered, self._model.embed([self._proteins[i] for i in ordered]), strict=True))
