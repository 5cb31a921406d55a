"""Comparing many pairs of proteins, best first."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float32, Int

from foldglass.errors import InputError
from foldglass.metrics.tm import tm_align
from foldglass.models.calibration import kinds_of
from foldglass.models.model import Model
from foldglass.protein import Comparison, Embedding, Sequence, Structure

_PAIRS_AT_ONCE = 100_000


class _Scores(NamedTuple):
    """Columns of a `Comparison` for many pairs; `query` and `target` are indices."""

    query: Int[np.ndarray, " S"]
    target: Int[np.ndarray, " S"]
    cosine: np.ndarray
    tm: np.ndarray
    tm_query: np.ndarray
    tm_target: np.ndarray
    p_same_fold: np.ndarray


def compare_many(
    model: Model,
    queries: list[Sequence],
    targets: list[Sequence] | None = None,
    *,
    align: bool = True,
    exact: bool = False,
    progress: Callable[[int], None] | None = None,
) -> Iterator[Comparison]:
    """Compare every query with every target, the highest predicted symmetric TM-score first.

    Every protein is embedded once, by the call itself; comparisons are made as they are asked for. Pairs of equal
    score keep their order.

    Parameters
    ----------
    targets
        None compares every query with every later one.
    align
        Without it the alignments are empty and the local scores NaN, and residue vectors are not kept.
    exact
        Superpose with TM-align too; all proteins must be structures.
    progress
        Called with the number of proteins embedded.

    Raises
    ------
    InputError
        If there is no pair, or `exact` is asked for with a sequence.
    """
    proteins = [*queries, *(targets or [])]
    count = len(queries) * len(targets) if targets is not None else len(queries) * (len(queries) - 1) // 2
    if not count:
        raise InputError(
            "comparison", got=f"{len(proteins)} protein" + "s" * (len(proteins) != 1), expected="at least two"
        )
    sequence = next((protein for protein in proteins if not isinstance(protein, Structure)), None)
    if exact and sequence is not None:
        raise InputError(
            f"exact comparison with {sequence.id!r}",
            got="a sequence",
            expected="structures",
            remedy="leave out --exact",
        )
    embeddings: list[Embedding] = []
    vectors = []
    for embedding in model.embed_stream(proteins, progress=progress):
        vectors.append(embedding.protein)
        if align:
            embeddings.append(embedding)
    if targets is None:
        query, target = np.triu_indices(len(queries), 1)
    else:
        query, target = (side.reshape(-1) for side in np.indices((len(queries), len(targets))))
        target = target + len(queries)
    scores = _scores(model, proteins, np.stack(vectors), query.astype(np.int32), target.astype(np.int32))
    return _best_first(model, proteins, embeddings, scores, exact=exact)


def _best_first(
    model: Model, proteins: list[Sequence], embeddings: list[Embedding], scores: _Scores, *, exact: bool
) -> Iterator[Comparison]:
    """Aligned if there are embeddings."""
    for place in np.lexsort((-scores.cosine, -scores.tm)):
        i, j = int(scores.query[place]), int(scores.target[place])
        if embeddings:
            yield model.score(embeddings[i], embeddings[j], exact=exact)
        else:
            yield _unaligned(model, proteins[i], proteins[j], scores, int(place), exact=exact)


def _scores(
    model: Model,
    proteins: list[Sequence],
    vectors: Float32[np.ndarray, "N D"],
    query: Int[np.ndarray, " S"],
    target: Int[np.ndarray, " S"],
) -> _Scores:
    cosine = np.empty(len(query), np.float64)
    for first in range(0, len(query), _PAIRS_AT_ONCE):
        part = slice(first, first + _PAIRS_AT_ONCE)
        cosine[part] = np.einsum("sd,sd->s", vectors[query[part]], vectors[target[part]])
    structure = np.array([isinstance(protein, Structure) for protein in proteins])
    lengths = np.array([float(len(protein)) for protein in proteins])
    tm, p_same_fold = np.empty_like(cosine), np.empty_like(cosine)
    for kinds, chosen in _pairings(structure[query], structure[target]):
        tm[chosen] = model.calibration.tm(cosine[chosen], kinds=kinds)
        p_same_fold[chosen] = model.calibration.p_same_fold(cosine[chosen], kinds=kinds)
    tm_query, tm_target = model.calibration.sides(tm, lengths[query], lengths[target])
    return _Scores(query, target, cosine, tm, tm_query, tm_target, p_same_fold)


def _pairings(query: Bool[np.ndarray, " S"], target: Bool[np.ndarray, " S"]) -> Iterator[tuple[Any, np.ndarray]]:
    """Each pairing of towers and the pairs that it covers."""
    names = {False: "sequence", True: "structure"}
    for i, j in ((False, False), (True, True), (False, True)):
        chosen = ((query == i) & (target == j)) | ((query == j) & (target == i))
        if chosen.any():
            yield kinds_of(names[i], names[j]), chosen


def _unaligned(
    model: Model, query: Sequence, target: Sequence, scores: _Scores, place: int, *, exact: bool
) -> Comparison:
    superposed = None
    if exact and isinstance(query, Structure) and isinstance(target, Structure):
        superposed = tm_align(query, target)
    return Comparison(
        query=query,
        target=target,
        cosine=float(scores.cosine[place]),
        tm=float(scores.tm[place]),
        tm_query=float(scores.tm_query[place]),
        tm_target=float(scores.tm_target[place]),
        p_same_fold=float(scores.p_same_fold[place]),
        alignment=np.zeros((0, 2), dtype=np.int64),
        lddt=np.full(len(query), np.nan),
        exact=superposed,
        model=model.id,
    )
