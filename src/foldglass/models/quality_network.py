"""Our network for model quality: message passing over residue graphs, and what speaks of quality directly.

Two kinds of numbers go to the residues and straight to both outputs: how far other models of the protein agree
(`models.consensus`), and how well its letters fit the structure (`models.inverse_folding`).
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from foldglass.models.consensus import N_CONSENSUS
from foldglass.models.graph_batch import GraphBatch, mean_of
from foldglass.models.graph_network import GraphConfig, GraphTrunk

N_LOCAL = 1
"""Local outputs: lDDT."""
N_GLOBAL = 4
"""Global outputs: GDT_TS, GDT_HA, TM-score, lDDT."""
_ALONE = 0.5
"""Share of the training models that do not see what others agree on: a user may have one model only."""


class QualityNetwork(nn.Module):
    """A batch of residue graphs to logits per residue (`N_LOCAL`) and per graph (`N_GLOBAL`)."""

    def __init__(self, config: GraphConfig) -> None:
        super().__init__()
        self.config = config
        self.trunk = GraphTrunk(config)
        self.norm = nn.LayerNorm(config.node)
        self.local = nn.Sequential(
            nn.Linear(config.node + config.evidence_inputs, config.node), nn.SiLU(), nn.Linear(config.node, N_LOCAL)
        )
        seen = config.node + config.whole + 2 * N_LOCAL + config.evidence_inputs
        self.whole = nn.Sequential(
            nn.Dropout(config.dropout), nn.Linear(seen, config.whole), nn.SiLU(), nn.Linear(config.whole, N_GLOBAL)
        )

    def forward(self, batch: GraphBatch) -> tuple[Float[Tensor, "N T"], Float[Tensor, "B G"]]:
        count = len(batch.sizes)
        evidence = self._hidden(batch) if self.training else batch.evidence
        node, whole = self.trunk(batch, evidence)
        node = self.norm(node)
        local = self.local(torch.cat([node, evidence], 1))
        probability = local.sigmoid()
        parts = [node, probability, (probability - 0.5).relu(), evidence]
        out: Tensor = self.whole(torch.cat([whole, *(mean_of(part, batch.graph, count) for part in parts)], 1))
        return local, out

    def _hidden(self, batch: GraphBatch) -> Float[Tensor, "N V"]:
        """The evidence without the consensus of some graphs."""
        seen = torch.rand(len(batch.sizes), device=batch.graph.device) >= _ALONE
        agreement = batch.evidence[:, :N_CONSENSUS] * seen[batch.graph, None]
        return torch.cat([agreement, batch.evidence[:, N_CONSENSUS:]], 1)
