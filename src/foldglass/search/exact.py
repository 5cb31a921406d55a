"""Exact search: the entries most similar in fold to each query, found by comparing with every entry."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float32, Int

from foldglass.errors import InputError, ModelError
from foldglass.metrics.symmetric import both_normalisations
from foldglass.protein import Embedding
from foldglass.search.top_k import top_k


@runtime_checkable
class Scorer(Protocol):
    """The part of a model that search needs."""

    @property
    def id(self) -> str:
        """Name and short hash."""

    @property
    def calibration(self) -> Any:
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
    kinds: Sequence[str]
    vectors: Float32[np.ndarray, "rows D"]
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
    `lddt` is the mean local score, NaN unless the pair was aligned; `rank` is 1 for the query's best hit.
    """

    query: str
    target: str
    tm_query: float
    tm_target: float
    p_same_fold: float
    lddt: float
    rank: int
    cosine: float
    index: int


def search(
    queries: Sequence[Embedding],
    entries: EntryTable | Sequence[Embedding],
    *,
    model: Scorer,
    k: int = 10,
    min_tm: float | None = None,
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
    candidates: list[list[tuple[float, int, float, str]]] = [[] for _ in queries]
    entry_kinds = np.array(entries.kinds, np.str_)
    for query_kind in sorted({query.kind for query in queries}):
        places = [place for place, query in enumerate(queries) if query.kind == query_kind]
        vectors = np.stack([queries[place].protein for place in places])
        for entry_kind in np.unique(entry_kinds):
            rows = np.flatnonzero(entry_kinds == entry_kind)
            kinds = "-".join(sorted((query_kind, str(entry_kind))))
            cosines, indices = top_k(vectors, entries.vectors, k, rows=None if len(rows) == len(entries) else rows)
            tms = model.calibration.tm(cosines, kinds=kinds)
            for place, *columns in zip(places, tms, indices, cosines, strict=True):
                found = zip(*(column.tolist() for column in columns), strict=True)
                candidates[place] += [(*one, kinds) for one in found if one[1] >= 0]
    hits = []
    for query, own in zip(queries, candidates, strict=True):
        # Calibration can level cosines off, so the cosine decides between equal TM-scores.
        ranked = sorted(own, key=lambda one: (-one[0], -one[2], one[1]))[:k]
        kept = [one for one in ranked if min_tm is None or one[0] >= min_tm]
        hits += [_hit(query, entries, model, rank, *one) for rank, one in enumerate(kept, start=1)]
    return hits


def _hit(
    query: Embedding, entries: EntryTable, model: Scorer, rank: int, tm: float, index: int, cosine: float, kinds: str
) -> Hit:
    tm_query, tm_target = both_normalisations(tm, len(query), int(entries.lengths[index]))
    return Hit(
        query=query.id,
        target=entries.ids[index],
        tm_query=tm_query,
        tm_target=tm_target,
        p_same_fold=float(model.calibration.p_same_fold(np.float32(cosine), kinds=kinds)),
        lddt=float("nan"),
        rank=rank,
        cosine=cosine,
        index=index,
    )


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
