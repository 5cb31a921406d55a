"""What the networks of a quality model say of the targets that each of them held out."""

from collections.abc import Sequence as List
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from foldglass.models.consensus import has_consensus, without_consensus
from foldglass.models.quality_model import ErrorBands, Network, predictions
from foldglass.train.quality import DecoyGraphs
from foldglass.train.quality_data import Decoy
from foldglass.train.quality_measures import QualityMeasures, measure
from foldglass.train.quality_split import FOLDS


@dataclass(frozen=True, eq=False)
class HeldOut:
    """What networks say of the published models of the folds that they did not learn from.

    `whole` and `local` with other models of the protein beside each, `alone_whole` and `alone_local` without.
    """

    decoys: list[Decoy]
    accompanied: Bool[np.ndarray, " M"]
    """Which have other models of the protein."""
    whole: Float[np.ndarray, "M G"]
    local: list[Float[np.ndarray, " _"]]
    alone_whole: Float[np.ndarray, "M G"]
    alone_local: list[Float[np.ndarray, " _"]]

    @classmethod
    def of(cls, members: List[Network], data: DecoyGraphs) -> "HeldOut":
        """Member k holds out fold k."""
        parts = [data.fold(number % FOLDS)["validation"] for number in range(len(members))]
        seen, alone = [], []
        for network, part in zip(members, parts, strict=True):
            seen.append(predictions(network, part.graphs))
            alone.append(predictions(network, [without_consensus(graph) for graph in part.graphs]))
        return cls(
            [decoy for part in parts for decoy in part.decoys],
            np.array([has_consensus(graph) for part in parts for graph in part.graphs]),
            np.concatenate([whole for whole, _ in seen]),
            [one for _, local in seen for one in local],
            np.concatenate([whole for whole, _ in alone]),
            [one for _, local in alone for one in local],
        )

    def bands(self) -> tuple[ErrorBands, ErrorBands]:
        """Of models judged alone, and beside others."""
        truth = np.stack([decoy.truth for decoy in self.decoys])
        beside = self.accompanied if self.accompanied.any() else ~self.accompanied
        return ErrorBands.fit(self.alone_whole, truth), ErrorBands.fit(self.whole[beside], truth[beside])

    def figures(self) -> list[QualityMeasures]:
        """Of models beside others and alone."""
        return [
            measure("model", "with other models", self.decoys, self.whole, self.local),
            measure("alone", "each alone", self.decoys, self.alone_whole, self.alone_local),
        ]
