"""The best hits put in a better order, by alignment."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import groupby

import numpy as np

from foldglass.alignment import residue_similarity
from foldglass.models.model import Model
from foldglass.protein import Comparison, Embedding
from foldglass.search.exact import Hit
from foldglass.typing import AlignedPairs

CANDIDATES = 30
"""Hits of each query that are worth aligning."""


def aligned(
    hits: Iterable[Hit], queries: Mapping[str, Embedding], entries: Mapping[int, Embedding], model: Model, k: int
) -> Iterator[tuple[Hit, Comparison]]:
    """Align the hits of each query, order those between structures by how much is alike, and keep the first k.

    A protein vector sums up a whole fold and an alignment looks at every residue: on validation domains of SCOP the
    fold of structures is found much better after it (docs/database.md). The order is that of `alignment_score`, and not
    of the mean local score, which is high too where a short piece of a long protein is aligned. Hits of which one side
    is a sequence stay where they are: nothing was gained for them.

    Parameters
    ----------
    hits
        Those of one query after those of another, as `search` gives them; `CANDIDATES` or more of each.
    queries, entries
        Embeddings with vectors of residues, by id and by the `index` of a hit.
    k
        Hits to keep of each query.

    Returns
    -------
    Hits with their new `rank` and `lddt`, and the comparisons with the alignments.
    """
    for query, own in groupby(hits, key=lambda hit: hit.query):
        candidates = list(own)
        pairs = [(queries[query], entries[hit.index]) for hit in candidates]
        comparisons = list(model.score_many(pairs))
        scores = [alignment_score(*pair, found.alignment) for pair, found in zip(pairs, comparisons, strict=True)]
        places = [place for place, pair in enumerate(pairs) if {side.kind for side in pair} == {"structure"}]
        order = list(range(len(candidates)))
        for place, taken in zip(places, sorted(places, key=lambda place: -scores[place]), strict=True):
            order[place] = taken
        for rank, place in enumerate(order[:k], start=1):
            yield replace(candidates[place], rank=rank, lddt=comparisons[place].mean_lddt), comparisons[place]


def alignment_score(query: Embedding, target: Embedding, alignment: AlignedPairs) -> float:
    """Residue similarity summed over an alignment, divided by the geometric mean of the lengths.

    Unaligned residues of either protein count as 0, what unrelated residues have in the mean.
    """
    rows, columns = alignment.T
    similarity = residue_similarity(query.residue, target.residue)
    return float(similarity[rows, columns].sum() / np.sqrt(len(query) * len(target)))
