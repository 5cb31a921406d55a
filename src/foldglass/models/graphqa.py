"""GraphQA as published: message passing over residue graphs to local and global quality.

Source: Baldassarre et al. (2021) Bioinformatics 37:360, and its public code's configuration. `paper` has the sizes of
the default configuration, `released` those of the published checkpoint.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from foldglass.errors import ModelError
from foldglass.models.graph_batch import GraphBatch, mean_of

LOCAL = ("lddt", "cad")
"""Local outputs; a network that was trained without CAD-scores has the first alone."""
GLOBAL = ("gdt_ts", "gdt_ha", "tm", "lddt", "cad")
"""Global outputs, likewise."""

N_LETTERS = 21
N_CLASSES = 9
_SEPARATIONS = torch.tensor([1, 2, 3, 4, 5, 10, 15])
N_SEPARATIONS = len(_SEPARATIONS) + 1
FARTHEST = 20.0


@dataclass(frozen=True)
class GraphQAConfig:
    """Sizes of a `GraphQANetwork`.

    Parameters
    ----------
    node_inputs, edge_inputs
        Numbers per residue and per edge: 24 (accessibility, two dihedrals, 21 profile frequencies) and 4 as published.
    embedding
        Channels of the embedded amino acid, secondary structure and separation.
    centres
        Gaussians of unit variance that describe the distance, equally spaced on 0 to 20 angstrom.
    node_encoder, edge_encoder
        Channels to which the numbers are brought.
    edges, nodes, globals_
        Channels after each block; their number is the number of blocks.
    norm
        Batch norm in every block.
    concat
        Let the readout of a residue see the blocks' input too.
    cad
        Predict CAD-scores besides.
    """

    node_inputs: int = 24
    edge_inputs: int = 4
    embedding: int = 64
    centres: int = 16
    node_encoder: int = 128
    edge_encoder: int = 64
    edges: tuple[int, ...] = (128, 64, 64, 32, 32, 16)
    nodes: tuple[int, ...] = (256, 128, 128, 128, 64, 64)
    globals_: tuple[int, ...] = (256, 256, 128, 64, 64, 32)
    dropout: float = 0.2
    norm: bool = False
    concat: bool = True
    cad: bool = True

    @classmethod
    def preset(cls, name: str) -> "GraphQAConfig":
        """Sizes of the default configuration (`paper`) or of the published checkpoint (`released`)."""
        presets = {
            "paper": cls(),
            "released": cls(
                centres=32,
                node_encoder=64,
                edge_encoder=128,
                edges=(128, 32, 16),
                nodes=(128, 128, 64),
                globals_=(256, 64, 32),
                norm=True,
                concat=False,
            ),
        }
        if name not in presets:
            raise ModelError(f"GraphQA preset {name!r}", got="no such preset", expected=f"one of {', '.join(presets)}")
        return presets[name]


class GraphQANetwork(nn.Module):
    """A batch of residue graphs to logits per residue and per graph, in the order of `LOCAL` and `GLOBAL`.

    Examples
    --------
    >>> sum(p.numel() for p in GraphQANetwork(GraphQAConfig.preset("released")).parameters())
    294327
    """

    def __init__(self, config: GraphQAConfig) -> None:
        super().__init__()
        self.config = config
        wide = config.embedding
        self.letter = nn.Embedding(N_LETTERS, wide)
        self.kind = nn.Embedding(N_CLASSES, wide)
        self.separation = nn.Embedding(N_SEPARATIONS, wide)
        self.node = _encoder(config.node_inputs, config.node_encoder)
        self.edge = _encoder(config.edge_inputs, config.edge_encoder)
        node, edge, whole = 2 * wide + config.node_encoder, config.edge_encoder + wide + config.centres, 0
        first = node
        self.blocks = nn.ModuleList()
        for sizes in zip(config.edges, config.nodes, config.globals_, strict=True):
            self.blocks.append(GraphQABlock((edge, node, whole), sizes, dropout=config.dropout, norm=config.norm))
            edge, node, whole = sizes
        self.local = nn.Linear(node + (first if config.concat else 0), len(LOCAL) if config.cad else 1)
        self.whole = nn.Linear(whole, len(GLOBAL) if config.cad else len(GLOBAL) - 1)

    def forward(self, batch: GraphBatch) -> tuple[Float[Tensor, "N T"], Float[Tensor, "B G"]]:
        distance = torch.linspace(0.0, FARTHEST, self.config.centres, device=batch.edge.device)
        radial = torch.exp(-((batch.edge[:, :1] - distance) ** 2))
        code = separation_code(batch.separation)
        edge = torch.cat([self.edge(torch.cat([batch.edge, batch.pair], 1)), self.separation(code), radial], 1)
        numbers = torch.cat([batch.node, batch.extra], 1)
        node = torch.cat([self.letter(batch.letters), self.node(numbers), self.kind(batch.classes)], 1)
        first, whole = node, node.new_zeros(len(batch.sizes), 0)
        for block in self.blocks:
            edge, node, whole = block(edge, node, whole, batch)
        local: Tensor = self.local(torch.cat([node, first], 1) if self.config.concat else node)
        out: Tensor = self.whole(whole)
        return local, out


class GraphQABlock(nn.Module):
    """Edges from source, edge and whole; then nodes from their edges' mean; then the whole from the means of both.

    The receiving residue is no input of its edges, and nothing is added to what was before.
    """

    def __init__(self, inner: tuple[int, int, int], outer: tuple[int, int, int], *, dropout: float, norm: bool) -> None:
        super().__init__()
        edge, node, whole = inner
        self.edge = _layer(node + edge + whole, outer[0], dropout, norm)
        self.node = _layer(node + outer[0] + whole, outer[1], dropout, norm)
        self.whole = _layer(outer[0] + outer[1] + whole, outer[2], dropout, norm)

    def forward(
        self, edge: Float[Tensor, "E D"], node: Float[Tensor, "N C"], whole: Float[Tensor, "B U"], batch: GraphBatch
    ) -> tuple[Float[Tensor, "E D2"], Float[Tensor, "N C2"], Float[Tensor, "B U2"]]:
        edge = self.edge(torch.cat([node[batch.source], edge, whole[batch.edge_graph]], 1))
        received = mean_of(edge, batch.target, len(node))
        node = self.node(torch.cat([node, received, whole[batch.graph]], 1))
        count = len(batch.sizes)
        means = [mean_of(edge, batch.edge_graph, count), mean_of(node, batch.graph, count)]
        return edge, node, self.whole(torch.cat([*means, whole], 1))


def separation_code(separation: Tensor) -> Tensor:
    """Which of eight ranges a separation along the chain lies in: 1, 2, 3, 4, 5, to 10, to 15, more.

    Examples
    --------
    >>> separation_code(torch.tensor([1, 5, 6, 10, 15, 16])).tolist()
    [0, 4, 5, 5, 6, 7]
    """
    return torch.bucketize(separation, _SEPARATIONS.to(separation.device))


def _encoder(inner: int, outer: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(inner, outer // 2), nn.ReLU(), nn.Linear(outer // 2, outer), nn.ReLU())


def _layer(inner: int, outer: int, dropout: float, norm: bool) -> nn.Sequential:
    parts = [nn.Linear(inner, outer), nn.Dropout(dropout), *([nn.BatchNorm1d(outer)] if norm else []), nn.ReLU()]
    return nn.Sequential(*parts)
