"""Our network for model quality: residual message passing over residue graphs.

Of GraphQA (`models.graphqa`) it keeps the graph and the three states; see docs/decisions for what it changes.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from foldglass.models.graph_batch import GraphBatch, mean_of
from foldglass.models.graphqa import N_CLASSES, N_LETTERS, N_SEPARATIONS, separation_code

N_LOCAL = 1
"""Local outputs: lDDT."""
N_GLOBAL = 4
"""Global outputs: GDT_TS, GDT_HA, TM-score, lDDT."""


@dataclass(frozen=True)
class QualityConfig:
    """Sizes of a `QualityNetwork`; the inputs' widths are those of the graphs.

    Vectors of pre-trained networks pass through `narrow` channels.
    """

    node_inputs: int
    edge_inputs: int
    extra_inputs: int = 0
    pair_inputs: int = 0
    node: int = 96
    edge: int = 48
    whole: int = 64
    centres: int = 16
    farthest: float = 16.0
    blocks: int = 1
    narrow: int = 16
    dropout: float = 0.2


class QualityNetwork(nn.Module):
    """A batch of residue graphs to logits per residue (`N_LOCAL`) and per graph (`N_GLOBAL`)."""

    def __init__(self, config: QualityConfig) -> None:
        super().__init__()
        self.config = config
        self.letter = nn.Embedding(N_LETTERS, config.node)
        self.kind = nn.Embedding(N_CLASSES, config.node)
        self.separation = nn.Embedding(N_SEPARATIONS, config.edge)
        self.node = nn.Linear(config.node_inputs, config.node)
        self.edge = nn.Linear(config.edge_inputs - 1 + config.centres, config.edge)
        self.extra = _narrowed(config.extra_inputs, config.node, config) if config.extra_inputs else None
        self.pair = _narrowed(config.pair_inputs, config.edge, config) if config.pair_inputs else None
        self.begin = nn.Linear(config.node, config.whole)
        self.drop = nn.Dropout(config.dropout)
        self.blocks = nn.ModuleList(QualityBlock(config, last=k == config.blocks - 1) for k in range(config.blocks))
        self.local = nn.Sequential(
            nn.LayerNorm(config.node), nn.Linear(config.node, config.node), nn.SiLU(), nn.Linear(config.node, N_LOCAL)
        )
        seen = config.node + config.whole + 2 * N_LOCAL
        self.whole = nn.Sequential(
            self.drop, nn.Linear(seen, config.whole), nn.SiLU(), nn.Linear(config.whole, N_GLOBAL)
        )

    def forward(self, batch: GraphBatch) -> tuple[Float[Tensor, "N T"], Float[Tensor, "B G"]]:
        config, count = self.config, len(batch.sizes)
        centres = torch.linspace(0.0, config.farthest, config.centres, device=batch.edge.device)
        width = config.farthest / (config.centres - 1)
        radial = torch.exp(-(((batch.edge[:, :1] - centres) / width) ** 2))
        edge = self.edge(torch.cat([batch.edge[:, 1:], radial], 1)) + self.separation(separation_code(batch.separation))
        node = self.node(batch.node) + self.letter(batch.letters) + self.kind(batch.classes)
        if self.extra is not None:
            node = node + self.extra(batch.extra)
        if self.pair is not None:
            edge = edge + self.pair(batch.pair)
        node = self.drop(node)
        whole = self.begin(mean_of(node, batch.graph, count))
        for block in self.blocks:
            edge, node, whole = block(edge, node, whole, batch)
        local = self.local(node)
        probability = local.sigmoid()
        low = mean_of((probability - 0.5).relu(), batch.graph, count)
        means = [mean_of(node, batch.graph, count), mean_of(probability, batch.graph, count), low]
        out: Tensor = self.whole(torch.cat([whole, *means], 1))
        return local, out


def _narrowed(inner: int, outer: int, config: QualityConfig) -> nn.Sequential:
    """A linear map through few channels: vectors of pre-trained networks tell targets apart too well."""
    return nn.Sequential(
        nn.Dropout(config.dropout), nn.Linear(inner, config.narrow, bias=False), nn.Linear(config.narrow, outer)
    )


class QualityBlock(nn.Module):
    """Messages from source, target, edge and whole; each state adds what it learns to what it was.

    Nobody reads the edges after the last block, so it leaves them alone.
    """

    def __init__(self, config: QualityConfig, *, last: bool) -> None:
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
