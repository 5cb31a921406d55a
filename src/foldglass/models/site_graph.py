"""Chains as graphs for the interaction-site networks: residue inputs, nearest residues, and which chain is whose."""

from collections.abc import Sequence as List
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Float32, Int
from torch import Tensor

from foldglass.geometry.neighbours import N_NEIGHBOUR, nearest, neighbour_features
from foldglass.typing import Coordinates


@dataclass(frozen=True, eq=False)
class SiteGraph:
    """One chain, or several side by side.

    Parameters
    ----------
    inputs
        Residue inputs by name, each Float[L, F].
    neighbours
        Rows of the nearest residues; a residue with fewer than the others points at itself.
    edges
        What describes each neighbour (`geometry.neighbours`).
    mask
        True at real neighbours.
    chain
        Which chain a residue belongs to, from 0 on.
    """

    inputs: dict[str, Float[Tensor, "_ _"]]
    neighbours: Int[Tensor, "L N"]
    edges: Float[Tensor, "L N F"]
    mask: Bool[Tensor, "L N"]
    chain: Int[Tensor, " L"]

    def __len__(self) -> int:
        return len(self.chain)


def site_graph(ca: Coordinates, inputs: dict[str, Float32[np.ndarray, "_ _"]], *, count: int) -> SiteGraph:
    """The graph of one chain: every residue and its `count` nearest others.

    Examples
    --------
    >>> ca = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
    >>> graph = site_graph(ca, {"exposure": np.ones((4, 1), np.float32)}, count=5)
    >>> graph.mask.sum(dim=1).tolist()
    [3, 3, 3, 3]
    """
    index = nearest(ca, count)
    found = index.shape[1]
    own = np.arange(len(ca))[:, None]
    padded = np.concatenate([index, np.repeat(own, count - found, axis=1)], axis=1)
    edges = np.zeros((len(ca), count, N_NEIGHBOUR), np.float32)
    edges[:, :found] = neighbour_features(ca, index)
    mask = np.broadcast_to(np.arange(count) < found, padded.shape)
    return SiteGraph(
        {name: torch.from_numpy(values) for name, values in inputs.items()},
        torch.from_numpy(padded),
        torch.from_numpy(edges),
        torch.from_numpy(mask.copy()),
        torch.zeros(len(ca), dtype=torch.int64),
    )


def side_by_side(graphs: List[SiteGraph]) -> SiteGraph:
    """Several graphs of single chains as one; no residue of a chain is a neighbour of another chain's.

    Examples
    --------
    >>> ca = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
    >>> graph = site_graph(ca, {}, count=2)
    >>> side_by_side([graph, graph]).chain.tolist()
    [0, 0, 0, 0, 1, 1, 1, 1]
    """
    starts = np.cumsum([0, *map(len, graphs[:-1])]).tolist()
    return SiteGraph(
        {name: torch.cat([graph.inputs[name] for graph in graphs]) for name in graphs[0].inputs},
        torch.cat([graph.neighbours + start for graph, start in zip(graphs, starts, strict=True)]),
        torch.cat([graph.edges for graph in graphs]),
        torch.cat([graph.mask for graph in graphs]),
        torch.cat([torch.full((len(graph),), number) for number, graph in enumerate(graphs)]),
    )
