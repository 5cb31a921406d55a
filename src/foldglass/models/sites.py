"""A graph network that says which residues of a chain touch a partner.

Attention over the nearest residues, in which distances and orientations decide how much a neighbour says and what
(Ingraham et al. 2019 use such graphs for design; here with C-alphas alone), and a summary of the whole chain.
"""

from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor, nn

from foldglass.geometry.neighbours import N_NEIGHBOUR
from foldglass.models.site_graph import SiteGraph


@dataclass(frozen=True)
class SitesConfig:
    """Sizes of a `SitesNetwork`; `inputs` gives the channels of each residue input by name."""

    inputs: dict[str, int] = field(default_factory=dict)
    neighbours: int = 20
    dim: int = 64
    heads: int = 4
    layers: int = 3
    dropout: float = 0.2
    input_dropout: float = 0.2
    """Share of channels of each residue input that are hidden in training."""


class SitesNetwork(nn.Module):
    """Graphs of chains to one logit per residue."""

    def __init__(self, config: SitesConfig) -> None:
        super().__init__()
        self.config = config
        self.lift = nn.ModuleDict(
            {
                name: nn.Sequential(
                    nn.BatchNorm1d(channels, affine=False),
                    nn.Dropout(config.input_dropout),
                    nn.Linear(channels, config.dim),
                )
                for name, channels in config.inputs.items()
            }
        )
        self.layers = nn.ModuleList(_Attention(config) for _ in range(config.layers))
        self.final = nn.LayerNorm(config.dim)
        self.decide = nn.Sequential(
            nn.Dropout(config.dropout),
            nn.Linear(2 * config.dim, config.dim),
            nn.GELU(),
            nn.Dropout(config.dropout),
            nn.Linear(config.dim, 1),
        )

    def forward(self, graph: SiteGraph) -> Float[Tensor, " L"]:
        x = torch.stack([lift(graph.inputs[name]) for name, lift in self.lift.items()]).sum(dim=0)
        for layer in self.layers:
            x = layer(x, graph)
        x = self.final(x)
        out: Tensor = self.decide(torch.cat([x, chain_mean(x, graph)[graph.chain]], dim=1))
        return out[:, 0]


def chain_mean(x: Float[Tensor, "L D"], graph: SiteGraph) -> Float[Tensor, "C D"]:
    """Mean over the residues of each chain."""
    chains = int(graph.chain[-1]) + 1
    total = x.new_zeros(chains, x.shape[1]).index_add_(0, graph.chain, x)
    return total / torch.bincount(graph.chain, minlength=chains)[:, None]


class _Attention(nn.Module):
    """One round: every residue asks its neighbours, then thinks."""

    def __init__(self, config: SitesConfig) -> None:
        super().__init__()
        self.heads = config.heads
        self.norm = nn.LayerNorm(config.dim)
        self.query = nn.Linear(config.dim, config.dim)
        self.key_value = nn.Linear(config.dim, 2 * config.dim)
        self.weight = nn.Linear(N_NEIGHBOUR, config.heads)
        self.say = nn.Linear(N_NEIGHBOUR, config.dim)
        self.scale = nn.Linear(N_NEIGHBOUR, config.dim)
        self.out = nn.Linear(config.dim, config.dim)
        self.drop = nn.Dropout(config.dropout)
        self.think = nn.Sequential(
            nn.LayerNorm(config.dim),
            nn.Linear(config.dim, 2 * config.dim),
            nn.GELU(),
            nn.Dropout(config.dropout),
            nn.Linear(2 * config.dim, config.dim),
        )

    def forward(self, x: Float[Tensor, "L D"], graph: SiteGraph) -> Float[Tensor, "L D"]:
        length, count = graph.neighbours.shape
        y = self.norm(x)
        query = self.query(y).view(length, 1, self.heads, -1)
        key, value = self.key_value(y)[graph.neighbours].chunk(2, dim=-1)
        key = key.reshape(length, count, self.heads, -1)
        logits = (query * key).sum(-1) / key.shape[-1] ** 0.5 + self.weight(graph.edges)
        weights = logits.masked_fill(~graph.mask[..., None], -torch.inf).softmax(dim=1)
        said = value * (1 + self.scale(graph.edges)) + self.say(graph.edges)
        said = (weights[..., None] * said.view(length, count, self.heads, -1)).sum(dim=1).reshape(length, -1)
        x = x + self.drop(self.out(said))
        out: Tensor = x + self.drop(self.think(x))
        return out
