"""Training of model quality: decoys in, their scores out.

Source: GraphQA (Baldassarre et al. 2021): mean squared error of local and global scores; a step sees one random decoy
of each of its targets.
"""

from collections import defaultdict
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn

from foldglass.errors import InputError
from foldglass.metrics.regression import pearson, rmse, spearman
from foldglass.models.consensus import without_consensus
from foldglass.models.graph_batch import GraphBatch, ResidueGraph
from foldglass.models.graph_network import GraphConfig
from foldglass.models.graphqa import GraphQAConfig, GraphQANetwork
from foldglass.models.quality_model import predictions
from foldglass.models.quality_network import N_GLOBAL, QualityNetwork
from foldglass.train.quality_data import Decoy
from foldglass.train.quality_split import fold_of
from foldglass.train.recipe import QualityTrainConfig, Recipe


@dataclass(frozen=True, eq=False)
class DecoyGraphs:
    """Decoys and their graphs."""

    decoys: list[Decoy]
    graphs: list[ResidueGraph]

    def __len__(self) -> int:
        return len(self.decoys)

    def fold(self, number: int) -> "dict[str, DecoyGraphs]":
        """All decoys of other folds to train on, and the published models of one fold for validation."""
        folds = [fold_of(decoy.group) for decoy in self.decoys]
        return {
            "train": self._take([i for i, fold in enumerate(folds) if fold != number]),
            "validation": self._take([i for i, fold in enumerate(folds) if fold == number and not self.decoys[i].made]),
        }

    def _take(self, rows: list[int]) -> "DecoyGraphs":
        return DecoyGraphs([self.decoys[i] for i in rows], [self.graphs[i] for i in rows])


class QualityTask:
    """Train a quality network; validates on published models alone."""

    primary = "loss"

    def __init__(self, recipe: Recipe, data: dict[str, DecoyGraphs]) -> None:
        assert recipe.quality is not None
        self.config: QualityTrainConfig = recipe.quality
        self.seed = recipe.loop.seed
        self.data = data
        for role in ("train", "validation"):
            if not len(data[role]):
                raise InputError("quality data", got=f"no decoy to {role}", expected="at least one")
        self.network = new_network(self.config, data["train"].graphs[0])
        self._published, self._made = (_by_target(data["train"].decoys, made=made) for made in (False, True))

    @property
    def module(self) -> nn.Module:
        """The quality network."""
        return self.network

    def loss(self, module: nn.Module, step: int) -> tuple[Tensor, dict[str, float]]:
        """Error of one random decoy of each of some random targets."""
        rng = np.random.default_rng((self.seed, step))
        rows = self._draw(rng)
        whole, local = self._errors(module, rows, self.data["train"])
        return whole.sum() + self.config.local * local, {"local": local.item(), "gdt_ts": whole[0].item()}

    def validate(self, module: nn.Module) -> dict[str, float]:
        """How well the validation models are predicted, with others beside them and alone; the loss is the mean."""
        graphs = self.data["validation"].graphs
        beside = self._figures(module, graphs)
        if not isinstance(self.network, QualityNetwork):
            return beside
        alone = self._figures(module, [without_consensus(graph) for graph in graphs])
        loss = (beside["loss"] + alone["loss"]) / 2
        return {**beside, **{f"alone_{name}": value for name, value in alone.items()}, "loss": loss}

    def _figures(self, module: nn.Module, graphs: list[ResidueGraph]) -> dict[str, float]:
        decoys = self.data["validation"].decoys
        whole, local = predictions(module, graphs)
        truth = np.stack([decoy.truth for decoy in decoys])
        residue = np.concatenate([decoy.local for decoy in decoys])
        known = np.isfinite(residue)
        error = ((whole - truth) ** 2).mean(axis=0)
        local_error = ((np.concatenate(local) - residue)[known] ** 2).mean()
        return {
            "loss": float(error.sum() + self.config.local * local_error),
            "gdt_rmse": rmse(whole[:, 0], truth[:, 0]),
            "gdt_pearson": pearson(whole[:, 0], truth[:, 0]),
            "lddt_spearman": spearman(np.concatenate(local)[known], residue[known]),
        }

    def _draw(self, rng: np.random.Generator) -> list[int]:
        made = round(self.config.batch * self.config.made_share) if self._made else 0
        rows: list[int] = []
        for groups, count in ((self._published, self.config.batch - made), (self._made, made)):
            if count and groups:
                chosen = rng.choice(len(groups), size=count, replace=count > len(groups))
                rows += [int(rng.choice(groups[i])) for i in chosen]
        return rows

    def _errors(self, module: nn.Module, rows: list[int], data: DecoyGraphs) -> tuple[Tensor, Tensor]:
        """Mean squared error of each global score, and of the local one over the residues that have a partner."""
        device = next(module.parameters()).device
        local, whole = module(GraphBatch.of([data.graphs[i] for i in rows]).to(device))
        truth = torch.from_numpy(np.stack([data.decoys[i].truth for i in rows])).float().to(device)
        residue = torch.from_numpy(np.concatenate([data.decoys[i].local for i in rows])).float().to(device)
        known = residue.isfinite()
        error = (local[:, 0].sigmoid()[known] - residue[known]).square().mean()
        return (whole[:, :N_GLOBAL].sigmoid() - truth).square().mean(dim=0), error


def new_network(config: QualityTrainConfig, graph: ResidueGraph) -> GraphQANetwork | QualityNetwork:
    """An untrained network of the recipe's preset, for graphs like this one."""
    node, edge, extra, pair, evidence = (
        getattr(graph, name).shape[1] for name in ("node", "edge", "extra", "pair", "evidence")
    )
    if config.preset == "foldglass":
        return QualityNetwork(
            GraphConfig(node, edge, extra, pair, evidence, blocks=config.blocks, dropout=config.dropout)
        )
    sizes = replace(GraphQAConfig.preset(config.preset), cad=False, node_inputs=node + extra, edge_inputs=edge + pair)
    return GraphQANetwork(sizes)


def _by_target(decoys: list[Decoy], *, made: bool) -> list[list[int]]:
    """Rows of each target, published or made."""
    rows: dict[str, list[int]] = defaultdict(list)
    for i, decoy in enumerate(decoys):
        if decoy.made == made:
            rows[decoy.target].append(i)
    return list(rows.values())
