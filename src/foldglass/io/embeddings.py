"""What all writers of embeddings share; the file's extension chooses the writer."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import ExitStack
from importlib.metadata import version
from pathlib import Path
from types import TracebackType

from foldglass.errors import InputError, UsageError
from foldglass.io.atomic import replacing
from foldglass.protein import Embedding
from foldglass.typing import PathLike

SCHEMA = "embeddings/1"


class EmbeddingWriter(ABC):
    """A context manager that writes embeddings of one model to a file, which is complete or absent.

    Parameters
    ----------
    path : path
        The output.
    model_id : str
        Name and short hash of the model; every embedding must be from it.
    residue, pair : bool
        Whether to keep the vectors of residues and of residue pairs: of all pairs, or of the kept ones where the
        embeddings have a `pair_index`. Those of residues come with those of pairs, beside which they are small.
    metadata : mapping or None
        Parameters of the run, kept in the file.

    Raises
    ------
    InputError
        If the file cannot be written, nothing was written, or an embedding is of another model, lacks vectors or
        keeps all pairs where another keeps some.
    """

    def __init__(
        self,
        path: PathLike,
        model_id: str,
        *,
        residue: bool = False,
        pair: bool = False,
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        self.path, self.model_id, self.residue, self.pair = Path(path), model_id, residue or pair, pair
        self.metadata = {
            **(metadata or {}),
            "foldglass.schema": SCHEMA,
            "foldglass.version": version("foldglass"),
            "foldglass.model": model_id,
        }
        self.count = 0
        self._channels = 0
        self._selected: bool | None = None
        self._stack = ExitStack()

    def __enter__(self) -> "EmbeddingWriter":
        with self._stack:
            self._part = self._stack.enter_context(replacing(self.path))
            self._open()
            self._stack = self._stack.pop_all()
        return self

    def write(self, embedding: Embedding) -> None:
        """Add one protein."""
        subject = f"embedding of {embedding.id!r}"
        if embedding.model != self.model_id:
            raise InputError(subject, got=f"model {embedding.model!r}", expected=f"{self.model_id!r} like the file")
        if self.pair and embedding.pair is None:
            raise InputError(subject, got="no pair vectors", expected="an embedding by a score network")
        selected = embedding.pair_index is not None
        if self.pair and self._selected not in (None, selected):
            got, expected = ("some pairs", "all") if selected else ("all pairs", "some")
            raise InputError(subject, got=f"vectors of {got}", expected=f"of {expected} like the file")
        self._selected = selected
        channels = len(embedding.protein)
        if self._channels not in (0, channels):
            raise InputError(subject, got=f"{channels} channels", expected=f"{self._channels} like the file")
        self._channels = channels
        self._add(embedding)
        self.count += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self._stack.__exit__(kind, error, trace)
            return
        with self._stack:
            if not self.count:
                raise InputError(str(self.path), got="no embedding to write", expected="at least one")
            self._finish()

    @abstractmethod
    def _open(self) -> None:
        """Begin the file at `self._part`."""

    @abstractmethod
    def _add(self, embedding: Embedding) -> None:
        """Take one embedding."""

    @abstractmethod
    def _finish(self) -> None:
        """Write what is still in memory."""


def embedding_writer(
    path: PathLike,
    model_id: str,
    *,
    residue: bool = False,
    pair: bool = False,
    metadata: Mapping[str, str] | None = None,
) -> EmbeddingWriter:
    """The writer that the extension asks for: `.parquet` (streams), `.npz` (in memory), `.h5ad` (streams).

    Raises
    ------
    UsageError
        If the extension is another one, or vectors of residues or pairs are to go to `.h5ad`.
    MissingExtraError
        If `.h5ad` is asked for and h5py is not installed.

    Examples
    --------
    >>> embedding_writer("out.csv", "builtin@12345678")
    Traceback (most recent call last):
        ...
    foldglass.errors.UsageError: out.csv: the extension '.csv'; expected .parquet, .npz or .h5ad
    """
    from foldglass.io.embedding_exports import H5adEmbeddings, NpzEmbeddings
    from foldglass.io.embedding_table import ParquetEmbeddings

    suffix = Path(path).suffix.lower()
    kinds: dict[str, type[EmbeddingWriter]] = {
        ".parquet": ParquetEmbeddings,
        ".npz": NpzEmbeddings,
        ".h5ad": H5adEmbeddings,
    }
    if suffix not in kinds:
        raise UsageError(str(path), got=f"the extension {suffix!r}", expected=".parquet, .npz or .h5ad")
    return kinds[suffix](path, model_id, residue=residue, pair=pair, metadata=metadata)
