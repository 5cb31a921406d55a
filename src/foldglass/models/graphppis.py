"""GraphPPIS: a deep graph convolution network for interaction sites (Yuan et al. 2022, Bioinformatics 38:125).

Graph convolutions with initial residual and identity mapping (GCNII; Chen et al. 2020), "variant" form, on the graph of
residues within 14 angstrom.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Float32
from torch import Tensor, nn

from foldglass.typing import Coordinates

RADIUS = 14.0
"""Angstrom between the C-alphas of two residues that share an edge."""


@dataclass(frozen=True)
class GraphPPISConfig:
    """Sizes of a `GraphPPIS`; as published but for the number of input features."""

    features: int
    dim: int = 256
    layers: int = 8
    dropout: float = 0.1
    strength: float = 1.5
    """Lambda of GCNII: layer l weighs its weight matrix by min(1, ln(lambda / l + 1))."""
    initial: float = 0.7
    """Alpha of GCNII: the share of the first layer's output."""


def adjacency(ca: Coordinates) -> Float32[np.ndarray, "L L"]:
    """D^-1/2 A D^-1/2 of the residues within `RADIUS` angstrom, each with itself.

    Examples
    --------
    >>> adjacency(np.array([[0, 0, 0], [10, 0, 0], [90, 0, 0]], np.float32)).tolist()
    [[0.5, 0.5, 0.0], [0.5, 0.5, 0.0], [0.0, 0.0, 1.0]]
    """
    points = ca.astype(np.float64)
    near = ((points[:, None] - points[None]) ** 2).sum(axis=-1) <= RADIUS**2
    root = np.sqrt(near.sum(axis=1))
    return (near / root[:, None] / root[None]).astype(np.float32)


class GraphPPIS(nn.Module):
    """Features and the normalised adjacency of one chain to one logit per residue."""

    def __init__(self, config: GraphPPISConfig) -> None:
        super().__init__()
        self.config = config
        self.lift = nn.Linear(config.features, config.dim)
        self.mix = nn.ModuleList(nn.Linear(2 * config.dim, config.dim, bias=False) for _ in range(config.layers))
        for layer in self.mix:
            assert isinstance(layer, nn.Linear)
            nn.init.uniform_(layer.weight, -(config.dim**-0.5), config.dim**-0.5)
        self.decide = nn.Linear(config.dim, 2)
        self.drop = nn.Dropout(config.dropout)

    def forward(self, chain: tuple[Float[Tensor, "L F"], Float[Tensor, "L L"]]) -> Float[Tensor, " L"]:
        features, edges = chain
        first = h = torch.relu(self.lift(self.drop(features)))
        alpha = self.config.initial
        for number, layer in enumerate(self.mix, start=1):
            theta = min(1.0, float(np.log(self.config.strength / number + 1)))
            h = self.drop(h)
            seen = edges @ h
            support = (1 - alpha) * seen + alpha * first
            h = torch.relu(theta * layer(torch.cat([seen, first], dim=1)) + (1 - theta) * support + h)
        no, yes = self.decide(self.drop(h)).unbind(dim=1)
        return yes - no
