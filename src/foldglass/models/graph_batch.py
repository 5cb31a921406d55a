"""Residue graphs of several structures as one graph, and sums over its parts."""

from dataclasses import dataclass, fields

import numpy as np
import torch
from jaxtyping import Float, Float32, Int
from torch import Tensor


@dataclass(frozen=True, eq=False)
class ResidueGraph:
    """One structure as a graph; edges are directed and go both ways.

    Parameters
    ----------
    letters
        Index into `builtin.ALPHABET` per residue.
    classes
        Secondary structure class per residue, see `geometry.secondary`.
    node
        Numbers of each residue.
    extra
        Vectors of each residue from pre-trained networks; of width 0 if none is read.
    edges
        (source, target) of each edge.
    edge
        Numbers of each edge; the first is the C-alpha distance in angstrom.
    pair
        Vectors of each edge from a pre-trained network; of width 0 if none is read.
    evidence
        Numbers that speak of quality itself: agreement with other models of the protein (`models.consensus`), then, if
        asked for, how well the letters fit (`models.inverse_folding`).
    """

    letters: Int[np.ndarray, " L"]
    classes: Int[np.ndarray, " L"]
    node: Float32[np.ndarray, "L F"]
    extra: Float32[np.ndarray, "L X"]
    edges: Int[np.ndarray, "E 2"]
    edge: Float32[np.ndarray, "E G"]
    pair: Float[np.ndarray, "E P"]
    evidence: Float32[np.ndarray, "L V"]

    def __len__(self) -> int:
        return len(self.letters)


@dataclass(frozen=True, eq=False)
class GraphBatch:
    """The graphs of a batch side by side: residues and edges are numbered through."""

    letters: Int[Tensor, " N"]
    classes: Int[Tensor, " N"]
    node: Float[Tensor, "N F"]
    extra: Float[Tensor, "N X"]
    source: Int[Tensor, " E"]
    target: Int[Tensor, " E"]
    separation: Int[Tensor, " E"]
    edge: Float[Tensor, "E G"]
    pair: Float[Tensor, "E P"]
    evidence: Float[Tensor, "N V"]
    graph: Int[Tensor, " N"]
    sizes: Int[Tensor, " B"]

    @classmethod
    def of(cls, graphs: list[ResidueGraph]) -> "GraphBatch":
        """Put graphs side by side."""
        sizes = np.array([len(graph) for graph in graphs])
        starts = np.cumsum(sizes) - sizes
        edges = np.concatenate([graph.edges + start for graph, start in zip(graphs, starts, strict=True)])
        columns = {
            name: torch.from_numpy(np.concatenate([getattr(graph, name) for graph in graphs]))
            for name in ("letters", "classes", "node", "extra", "edge", "pair", "evidence")
        }
        return cls(
            **{**columns, "pair": columns["pair"].float()},
            source=torch.from_numpy(edges[:, 0]),
            target=torch.from_numpy(edges[:, 1]),
            separation=torch.from_numpy(np.abs(edges[:, 0] - edges[:, 1])),
            graph=torch.from_numpy(np.repeat(np.arange(len(graphs)), sizes)),
            sizes=torch.from_numpy(sizes),
        )

    def to(self, device: torch.device) -> "GraphBatch":
        """The batch on a device."""
        return GraphBatch(**{item.name: getattr(self, item.name).to(device) for item in fields(self)})

    @property
    def edge_graph(self) -> Int[Tensor, " E"]:
        """Graph of each edge."""
        return self.graph[self.target]


def mean_of(values: Float[Tensor, "M D"], index: Int[Tensor, " M"], count: int) -> Float[Tensor, "{count} D"]:
    """Mean of the rows with each index, 0 where there is none.

    Examples
    --------
    >>> mean_of(torch.tensor([[1.0], [3.0], [5.0]]), torch.tensor([0, 0, 2]), 3)[:, 0].tolist()
    [2.0, 0.0, 5.0]
    """
    total = values.new_zeros(count, values.shape[1]).index_add_(0, index, values)
    number = torch.bincount(index, minlength=count).clamp(min=1).to(values.dtype)
    return total / number[:, None]
