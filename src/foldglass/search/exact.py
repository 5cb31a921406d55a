"""Exact search: the entries most similar in fold to each query, found by comparing with every entry."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float16, Float32, Int, Int64

from foldglass.errors import InputError, ModelError
from foldglass.models.calibration import Calibration, kinds_of
from foldglass.protein import Embedding
from foldglass.search.top_k import top_k


@runtime_checkable
class Scorer(Protocol):
    """The part of a model that search needs."""

    @property
    def id(self) -> str:
        """Name and short hash."""

    @property
    def calibration(self) -> Calibration:
        """Gives TM-scores and probabilities for cosines."""


@dataclass(frozen=True, eq=False)
class EntryTable:
    """What search needs to know of each entry.

    `kinds` says which tower made a vector, `structure` or `sequence`; `vectors` are of unit length; `model` is the
    name and hash of the model that made them.

    Raises
    ------
    InputError
        If the columns differ in length.
    """

    ids: Sequence[str]
    lengths: Int[np.ndarray, " N"]
    kinds: Sequence[str] | np.ndarray
    vectors: Float32[np.ndarray, "rows D"] | Float16[np.ndarray, "rows D"]
    model: str = ""

    def __post_init__(self) -> None:
        sizes = [len(column) for column in (self.ids, self.lengths, self.kinds, self.vectors)]
        if len(set(sizes)) > 1:
            raise InputError(
                "entry table",
                got="{} ids, {} lengths, {} kinds and {} vectors".format(*sizes),
                expected="equal numbers",
            )

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def rows_of_kind(self) -> dict[str, Int64[np.ndarray, " R"]]:
        """The rows of each kind that there is."""
        kinds = np.asarray(self.kinds)
        rows = {kind: np.flatnonzero(kinds == kind) for kind in ("sequence", "structure")}
        return {kind: own for kind, own in rows.items() if len(own)}

    @classmethod
    def from_embeddings(cls, embeddings: Sequence[Embedding]) -> "EntryTable":
        """Gather the protein vectors of embeddings that one model made.

        Raises
        ------
        ModelError
            If they come from several models.
        """
        width = len(embeddings[0].protein) if embeddings else 0
        return cls(
            ids=[embedding.id for embedding in embeddings],
            lengths=np.array([len(embedding) for embedding in embeddings], np.int64),
            kinds=[embedding.kind for embedding in embeddings],
            vectors=np.array([embedding.protein for embedding in embeddings], np.float32).reshape(
                len(embeddings), width
            ),
            model=_the_model(embedding.model for embedding in embeddings),
        )


@dataclass(frozen=True)
class Hit:
    """One entry found for one query.

    `query` and `target` are ids and `index` the entry's place in the table; scores are those of a `Comparison`;
    `lddt` is the mean local score, NaN unless the pair was aligned; `rank` is 1 for the query's best hit. `evalue` is
    the number of unrelated entries that would have at least this cosine by chance, and `bits` log2(entries / evalue);
    both are NaN if the model does not know.
    """

    query: str
    target: str
    tm_query: float
    tm_target: float
    p_same_fold: float
    lddt: float
    rank: int
    cosine: float
    tm: float
    index: int
    evalue: float = float("nan")
    bits: float = float("nan")


def search(
    queries: Sequence[Embedding],
    entries: EntryTable | Sequence[Embedding],
    *,
    model: Scorer,
    k: int = 10,
    min_tm: float | None = None,
    compared: int | None = None,
) -> list[Hit]:
    """The k entries most similar in fold to each query, best first; none is missed.

    Entries are ranked by the symmetric TM-score that the model predicts, sqrt(tm_query * tm_target). Sequences and
    structures may be mixed on both sides.

    Parameters
    ----------
    queries, entries : sequence of Embedding, or EntryTable
        Vectors made by `model`.
    model : Model
        Its calibration turns cosines into TM-scores.
    k : int
        Hits for each query, fewer if there are fewer entries.
    min_tm : float
        Leaves out entries whose predicted symmetric TM-score is below.
    compared : int
        Entries that the E-value counts, if these are only some of those that are searched.

    Returns
    -------
    list of Hit
        The hits of the first query, then those of the second, and so on.

    Raises
    ------
    InputError
        If k is below 1.
    ModelError
        If a vector comes from another model.
    """
    if not isinstance(entries, EntryTable):
        entries = EntryTable.from_embeddings(entries)
    _the_model([model.id, entries.model, *(query.model for query in queries)])
    candidates: list[list[Hit]] = [[] for _ in queries]
    for query_kind in sorted({query.kind for query in queries}):
        places = [place for place, query in enumerate(queries) if query.kind == query_kind]
        same_kind = [queries[place] for place in places]
        for rows in entries.rows_of_kind.values():
            found = _nearest(same_kind, entries, rows, model.calibration, k, compared or len(entries))
            for place, hits in zip(places, found, strict=True):
                candidates[place] += hits
    return [hit for hits in candidates for hit in _ranked(hits, k, min_tm)]


def _nearest(
    queries: list[Embedding],
    entries: EntryTable,
    rows: Int64[np.ndarray, " R"],
    calibration: Calibration,
    k: int,
    compared: int,
) -> list[list[Hit]]:
    """Hits of each query among the entries in `rows`, all queries and all these entries being of one kind each."""
    kinds = kinds_of(queries[0].kind, entries.kinds[rows[0]])
    vectors = np.stack([query.protein for query in queries])
    cosines, indices = top_k(vectors, entries.vectors, k, rows=None if len(rows) == len(entries) else rows)
    lengths = np.array([[len(query)] for query in queries], np.float64)
    tm, probability = calibration.tm(cosines, kinds=kinds), calibration.p_same_fold(cosines, kinds=kinds)
    sides = calibration.sides(tm, np.broadcast_to(lengths, tm.shape), entries.lengths[indices].astype(np.float64))
    unrelated = calibration.p_unrelated(cosines, kinds=kinds)
    evalue, bits = compared * unrelated, -np.log2(unrelated)
    columns = [column.tolist() for column in (tm, *sides, probability, cosines, indices, evalue, bits)]
    return [
        [
            Hit(query.id, entries.ids[index], tm_query, tm_target, p, float("nan"), 0, cosine, tm_both, index, *chance)
            for tm_both, tm_query, tm_target, p, cosine, index, *chance in zip(*own, strict=True)
            if index >= 0
        ]
        for query, *own in zip(queries, *columns, strict=True)
    ]


def merged(queries: Sequence[str], blocks: Iterable[Iterable[Hit]], k: int) -> list[Hit]:
    """The best hits of each query, of the best in each of several blocks of entries."""
    of_query: dict[str, list[Hit]] = {query: [] for query in queries}
    for hits in blocks:
        for hit in hits:
            of_query[hit.query].append(hit)
    return [hit for hits in of_query.values() for hit in _ranked(hits, k, None)]


def _ranked(hits: list[Hit], k: int, min_tm: float | None) -> list[Hit]:
    # Calibration levels off at its ends, where the cosine decides.
    best = sorted(hits, key=lambda hit: (-hit.tm, -hit.cosine, hit.index))[:k]
    kept = [hit for hit in best if min_tm is None or hit.tm >= min_tm]
    return [replace(hit, rank=rank) for rank, hit in enumerate(kept, start=1)]


def _the_model(ids: Iterable[str]) -> str:
    """The one model that all vectors come from; an empty id says nothing."""
    known = sorted({one for one in ids if one})
    if len(known) > 1:
        raise ModelError(
            "search",
            got=f"vectors of the models {' and '.join(known)}",
            expected="one model",
            remedy="embed queries and entries with the same model",
        )
    return known[0] if known else ""
