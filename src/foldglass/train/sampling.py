"""Batches that hold many labelled pairs of few proteins.

A batch is a set of proteins and every labelled pair among them: each protein is embedded once, however many pairs it
is in. The batch of a step depends on the seed and the step alone, so that an interrupted run goes on with the same
data.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int


@dataclass(frozen=True, eq=False)
class Batch:
    """`proteins` indexes the data; `query` and `target` index `proteins`; `rows` are the labelled pairs."""

    proteins: Int[np.ndarray, " B"]
    query: Int[np.ndarray, " M"]
    target: Int[np.ndarray, " M"]
    rows: Int[np.ndarray, " M"]


class PairSampler:
    """Draws seeds evenly over the proteins, adds labelled partners of each, and keeps all labelled pairs among them.

    Parameters
    ----------
    query, target
        Proteins of each labelled pair.
    rows
        The pairs to draw from.
    proteins
        Batch size.
    partners
        Partners drawn per seed.
    """

    def __init__(
        self,
        query: Int[np.ndarray, " M"],
        target: Int[np.ndarray, " M"],
        rows: Int[np.ndarray, " S"],
        *,
        proteins: int,
        partners: int = 7,
        seed: int = 0,
    ) -> None:
        self.proteins, self.partners, self.seed = proteins, partners, seed
        low, high = np.minimum(query, target)[rows], np.maximum(query, target)[rows]
        self._stride = int(max(query.max(), target.max())) + 1
        order = np.argsort(low * self._stride + high)
        self._keys, self._rows = (low * self._stride + high)[order], rows[order]
        ends = np.concatenate([low, high])
        others = np.concatenate([high, low])[np.argsort(ends, kind="stable")]
        self._members, counts = np.unique(ends, return_counts=True)
        self._partners = dict(zip(self._members.tolist(), np.split(others, np.cumsum(counts)[:-1]), strict=True))
        self._query, self._target = query, target

    @property
    def steps_per_epoch(self) -> int:
        """Steps in which every protein is a seed about once."""
        return max(1, len(self._members) * (1 + self.partners) // self.proteins)

    def batch(self, step: int) -> Batch:
        """The batch of a step."""
        rng = np.random.default_rng((self.seed, step))
        chosen: dict[int, None] = {}
        while len(chosen) < min(self.proteins, len(self._members)):
            seed = int(rng.choice(self._members))
            partners = self._partners[seed]
            drawn = rng.choice(partners, min(self.partners, len(partners)), replace=False)
            for protein in (seed, *drawn.tolist()):
                if len(chosen) < self.proteins:
                    chosen[protein] = None
        proteins = np.array(list(chosen))
        first, second = np.triu_indices(len(proteins), k=1)
        low, high = np.minimum(proteins[first], proteins[second]), np.maximum(proteins[first], proteins[second])
        key = low * self._stride + high
        place = np.searchsorted(self._keys, key).clip(max=len(self._keys) - 1)
        found = self._keys[place] == key
        rows = self._rows[place[found]]
        position = {protein: i for i, protein in enumerate(proteins.tolist())}
        return Batch(
            proteins=proteins,
            query=np.array([position[q] for q in self._query[rows].tolist()], dtype=np.int64),
            target=np.array([position[t] for t in self._target[rows].tolist()], dtype=np.int64),
            rows=rows,
        )
