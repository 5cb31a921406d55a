"""The trunk of the networks that read residue graphs: residual message passing.

Of GraphQA (`models.graphqa`) it keeps the graph and the three states; see docs/decisions for what it changes.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from foldglass.models.graph_batch import GraphBatch, mean_of
from foldglass.models.graphqa import N_CLASSES, N_LETTERS, N_SEPARATIONS, separation_code


@dataclass(frozen=True)
class GraphConfig:
    """Sizes of a `GraphTrunk`; the inputs' widths are those of the graphs.

    Vectors of pre-trained networks (`extra_inputs`, `pair_inputs`) pass through `narrow` channels; `evidence_inputs`
    are numbers that speak of the answer itself. `farthest` is the last of the `centres` of the distance code in
    angstrom.
    """

    node_inputs: int
    edge_inputs: int
    extra_inputs: int = 0
    pair_inputs: int = 0
    evidence_inputs: int = 0
    node: int = 96
    edge: int = 48
    whole: int = 64
    centres: int = 16
    farthest: float = 16.0
    blocks: int = 1
    narrow: int = 16
    dropout: float = 0.2


class GraphTrunk(nn.Module):
    """A batch of residue graphs to a state of each residue and of each graph.

    Parameters
    ----------
    letters
        Whether it sees which residues the chain has.
    """

    def __init__(self, config: GraphConfig, *, letters: bool = True) -> None:
        super().__init__()
        self.config = config
        self.letter = nn.Embedding(N_LETTERS, config.node) if letters else None
        self.kind = nn.Embedding(N_CLASSES, config.node)
        self.separation = nn.Embedding(N_SEPARATIONS, config.edge)
        self.node = nn.Linear(config.node_inputs, config.node)
        self.edge = nn.Linear(config.edge_inputs - 1 + config.centres, config.edge)
        self.extra = _narrowed(config.extra_inputs, config.node, config) if config.extra_inputs else None
        self.pair = _narrowed(config.pair_inputs, config.edge, config) if config.pair_inputs else None
        self.evidence = nn.Linear(config.evidence_inputs, config.node) if config.evidence_inputs else None
        self.begin = nn.Linear(config.node, config.whole)
        self.drop = nn.Dropout(config.dropout)
        self.blocks = nn.ModuleList(GraphBlock(config, last=k == config.blocks - 1) for k in range(config.blocks))

    def forward(
        self, batch: GraphBatch, evidence: Float[Tensor, "N V"]
    ) -> tuple[Float[Tensor, "N C"], Float[Tensor, "B U"]]:
        config = self.config
        centres = torch.linspace(0.0, config.farthest, config.centres, device=batch.edge.device)
        width = config.farthest / (config.centres - 1)
        radial = torch.exp(-(((batch.edge[:, :1] - centres) / width) ** 2))
        edge = self.edge(torch.cat([batch.edge[:, 1:], radial], 1)) + self.separation(separation_code(batch.separation))
        node = self.node(batch.node) + self.kind(batch.classes)
        if self.letter is not None:
            node = node + self.letter(batch.letters)
        if self.extra is not None:
            node = node + self.extra(batch.extra)
        if self.pair is not None:
            edge = edge + self.pair(batch.pair)
        if self.evidence is not None:
            node = node + self.evidence(evidence)
        node = self.drop(node)
        whole = self.begin(mean_of(node, batch.graph, len(batch.sizes)))
        for block in self.blocks:
            edge, node, whole = block(edge, node, whole, batch)
        return node, whole


def _narrowed(inner: int, outer: int, config: GraphConfig) -> nn.Sequential:
    """A linear map through few channels: vectors of pre-trained networks tell targets apart too well."""
    return nn.Sequential(
        nn.Dropout(config.dropout), nn.Linear(inner, config.narrow, bias=False), nn.Linear(config.narrow, outer)
    )


class GraphBlock(nn.Module):
    """Messages from source, target, edge and whole; each state adds what it learns to what it was.

    Nobody reads the edges after the last block, so it leaves them alone.
    """

    def __init__(self, config: GraphConfig, *, last: bool) -> None:
        super().__init__()
        node, edge, whole = config.node, config.edge, config.whole
        self.edge_norm, self.node_norm = nn.LayerNorm(edge), nn.LayerNorm(node)
        self.source, self.target = nn.Linear(node, edge), nn.Linear(node, edge, bias=False)
        self.own, self.from_whole = nn.Linear(edge, edge, bias=False), nn.Linear(whole, edge, bias=False)
        self.back = None if last else nn.Linear(edge, edge)
        self.node = nn.Sequential(
            nn.Linear(node + edge + whole, 2 * node),
            nn.SiLU(),
            nn.Dropout(config.dropout),
            nn.Linear(2 * node, node),
        )
        self.whole = nn.Sequential(nn.Linear(edge + node + whole, whole), nn.SiLU(), nn.Linear(whole, whole))

    def forward(
        self, edge: Float[Tensor, "E D"], node: Float[Tensor, "N C"], whole: Float[Tensor, "B U"], batch: GraphBatch
    ) -> tuple[Float[Tensor, "E D"], Float[Tensor, "N C"], Float[Tensor, "B U"]]:
        x, count = self.node_norm(node), len(batch.sizes)
        source = (self.source(x) + self.from_whole(whole)[batch.graph]).index_select(0, batch.source)
        message = F.silu(source + self.target(x).index_select(0, batch.target) + self.own(self.edge_norm(edge)))
        received = mean_of(message, batch.target, len(node))
        node = node + self.node(torch.cat([x, received, whole[batch.graph]], 1))
        means = [mean_of(received, batch.graph, count), mean_of(node, batch.graph, count)]
        if self.back is not None:
            edge = edge + self.back(message)
        return edge, node, whole + self.whole(torch.cat([*means, whole], 1))
