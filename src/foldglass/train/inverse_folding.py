"""Training of inverse folding: which amino acid is where, on natives."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from foldglass.errors import InputError
from foldglass.models.graph_batch import GraphBatch, ResidueGraph
from foldglass.models.graph_network import GraphConfig
from foldglass.models.inverse_folding import RADIUS, InverseFoldingNetwork, amino_acid_columns
from foldglass.models.quality_input import GraphMaker, QualityInputConfig
from foldglass.protein import Structure
from foldglass.train.natives import judged_families, natives_by_role, read_tables
from foldglass.train.recipe import InverseFoldingConfig, Recipe
from foldglass.train.splits import fraction


@dataclass(frozen=True, eq=False)
class NativeGraphs:
    """Chains of one role as graphs, and the superfamily group of each."""

    graphs: list[ResidueGraph]
    groups: list[int]

    def __len__(self) -> int:
        return len(self.graphs)


def native_graphs(
    folder: Path, config: InverseFoldingConfig, role: str, *, progress: Callable[[str], None] | None = None
) -> NativeGraphs:
    """Graphs of the native chains of a role, drawn by name; of `validation` and `test` so many as the recipe says."""
    decoys, chains = read_tables(folder)
    chains = natives_by_role(decoys, chains, judged_families(folder, chains)).filter(
        (pl.col("role") == role) & pl.col("n_residues").is_between(config.shortest, config.longest)
    )
    rows = sorted(
        chains.select("id", "sequence", "ca_coords", "seq_family", "superfamily_group").iter_rows(),
        key=lambda row: fraction("inverse", row[0]),
    )
    maker = GraphMaker(QualityInputConfig(radius=RADIUS))
    rng = np.random.default_rng(0)
    used: dict[int, int] = defaultdict(int)
    graphs: list[ResidueGraph] = []
    groups: list[int] = []
    for name, letters, coords, family, group in rows:
        if used[family] == config.per_family or (role != "train" and len(graphs) == config.validation):
            continue
        used[family] += 1
        ca = np.frombuffer(coords, "<f4").reshape(-1, 3)
        ca = (ca + rng.normal(size=ca.shape) * rng.uniform(0, config.jitter)).astype(np.float32)
        graphs.append(maker(Structure(name, letters, ca=ca)))
        groups.append(group)
        if progress and len(graphs) % 500 == 0:
            progress(f"{role}: {len(graphs)} chains read")
    return NativeGraphs(graphs, groups)


class InverseFoldingTask:
    """Train an inverse-folding network; validates on other superfamilies."""

    primary = "loss"

    def __init__(self, recipe: Recipe, data: dict[str, NativeGraphs]) -> None:
        assert recipe.inverse is not None
        self.config, self.seed, self.data = recipe.inverse, recipe.loop.seed, data
        for role in ("train", "validation"):
            if not len(data[role]):
                raise InputError("inverse folding data", got=f"no chain to {role}", expected="at least one")
        graph = data["train"].graphs[0]
        self.network = InverseFoldingNetwork(
            GraphConfig(
                graph.node.shape[1],
                graph.edge.shape[1],
                node=self.config.node,
                edge=self.config.edge,
                blocks=self.config.blocks,
                dropout=self.config.dropout,
                farthest=RADIUS,
            )
        )
        members: dict[int, list[int]] = defaultdict(list)
        for i, group in enumerate(data["train"].groups):
            members[group].append(i)
        self._members = list(members.values())

    @property
    def module(self) -> nn.Module:
        """The network."""
        return self.network

    def loss(self, module: nn.Module, step: int) -> tuple[Tensor, dict[str, float]]:
        """Cross entropy in nats over the residues of a chain of each of some random groups."""
        rng = np.random.default_rng((self.seed, step))
        chosen = rng.choice(len(self._members), size=min(self.config.batch, len(self._members)), replace=False)
        graphs = [self.data["train"].graphs[int(rng.choice(self._members[group]))] for group in chosen]
        logits, column = _outputs(module, graphs)
        loss = F.cross_entropy(logits, column)
        return loss, {"recovery": _recovery(logits, column)}

    @torch.no_grad()
    def validate(self, module: nn.Module) -> dict[str, float]:
        """Mean cross entropy per residue, and the share of residues whose letter is the likeliest."""
        return inverse_figures(module, self.data["validation"].graphs)


@torch.no_grad()
def inverse_figures(module: nn.Module, graphs: list[ResidueGraph]) -> dict[str, float]:
    """`loss` in nats and `recovery` over all residues of graphs."""
    nats, right, residues = 0.0, 0.0, 0
    for start in range(0, len(graphs), 8):
        logits, column = _outputs(module, graphs[start : start + 8])
        nats += F.cross_entropy(logits, column, reduction="sum").item()
        right += _recovery(logits, column) * len(column)
        residues += len(column)
    return {"loss": nats / residues, "recovery": right / residues}


def _outputs(module: nn.Module, graphs: list[ResidueGraph]) -> tuple[Tensor, Tensor]:
    """Logits and right column of the residues with a known letter."""
    device = next(module.parameters()).device
    column = torch.from_numpy(amino_acid_columns(np.concatenate([graph.letters for graph in graphs]))).to(device)
    known = column >= 0
    return module(GraphBatch.of(graphs).to(device))[known], column[known]


def _recovery(logits: Tensor, column: Tensor) -> float:
    return (logits.argmax(dim=1) == column).float().mean().item()
