"""The model card that is written with every model."""

import platform
from collections import Counter
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

import torch

from foldglass.models.model import Model
from foldglass.models.score_model import ScoreModel
from foldglass.train.data import PairData
from foldglass.train.recipe import Recipe
from foldglass.train.score_data import ChainPool
from foldglass.train.splits import ROLES, TRAIN


def model_card(model: Model, recipe: Recipe, data: PairData, facts: dict[str, Any]) -> str:
    """Markdown: what the model is, what it learned from, how it was chosen, and where it ends.

    Parameters
    ----------
    facts
        What the loop stored with the best weights: step and validation figures.
    """
    parameters = {kind: sum(p.numel() for p in tower.parameters()) for kind, tower in model.towers.items()}
    sets = Counter(
        structure.id.split("/")[0] for structure, role in zip(data.structures, data.roles, strict=True) if role == TRAIN
    )
    roles = Counter(ROLES[role] for role in data.roles.tolist())
    lines = [
        f"# {model.name}",
        "",
        "Embeds proteins so that the cosine of two protein vectors predicts their TM-score and the cosine of aligned",
        "residue vectors their local score (`glass` lDDT).",
        "",
        "## Towers",
        *(f"- {kind}: {count:,} parameters" for kind, count in parameters.items()),
        "",
        "## Training data",
        f"{roles['train']:,} protein chains and {len(data.splits['train']):,} pairs labelled with TM-align. Held out:",
        f"{roles['validation']:,} chains of whole superfamilies for validation, {roles['superfamily']:,} for test, and",
        f"{roles['family']:,} chains of further families. Chains by set: "
        + ", ".join(f"{name} {count}" for name, count in sets.most_common())
        + ".",
        "Sets whose licences forbid it were left out. Coordinates come from the Protein Data Bank (CC0) and, in part,",
        "from published predicted and designed models.",
        "",
        "## Training",
        f"Task {recipe.task}, loss {recipe.loss.kind}, {recipe.loop.steps} steps of {recipe.pairs.proteins} proteins,",
        f"seed {recipe.loop.seed}, {recipe.loop.precision}; weights of step {facts['step']}, the best on validation:",
        *(f"- {key}: {value:.4f}" for key, value in facts.items() if key != "step"),
        "",
        _made(),
        "",
        "## Limits",
        f"Trained on chains of up to {recipe.pairs.longest} residues, one chain at a time; longer chains and complexes",
        "are outside what was measured. The structure tower sees C-alpha atoms only. The sequence tower is small: for",
        "proteins without a relative in training it is little better than a guess from composition and length.",
        "Immunoglobulins, MHC molecules and lysozymes are over-represented.",
        "",
    ]
    return "\n".join(lines)


def score_card(model: ScoreModel, recipe: Recipe, pools: dict[str, ChainPool], facts: dict[str, Any]) -> str:
    """Markdown card of a score network; arguments as `model_card`'s, with the chains of each role."""
    assert recipe.score is not None
    config = model.network.config
    levels = {key: value for key, value in facts.items() if key.startswith("sigma_")}
    lines = [
        f"# {model.name}",
        "",
        "Says for each C-alpha which way lies a more probable structure, at a chosen level of noise, and embeds",
        "residue pairs, residues and structures by its last feature map. Denoising score matching on C-alpha",
        "coordinates through their distances (Guo et al., AAAI 2022).",
        "",
        "## Network",
        f"{sum(p.numel() for p in model.network.parameters()):,} parameters: {config.blocks} blocks of",
        f"{config.channels}-{config.bottleneck}-{config.channels} channels, dilations {config.dilations},",
        f"{config.levels} levels from {config.highest:g} to {config.lowest:g} angstrom. It embeds at",
        f"{model.sigma:g} angstrom.",
        "",
        "## Training",
        ", ".join(f"{len(pool.structures):,} chains to {role}" for role, pool in pools.items())
        + ": whole superfamilies",
        "are held out, and every family with a chain in a test set of the interaction-site task. Sets whose licences",
        f"forbid it were left out. {recipe.loop.steps} steps of {recipe.score.maps} maps of",
        f"{recipe.score.crop} residues in {recipe.score.segments} segments, seed {recipe.loop.seed}; weights of step",
        f"{facts['step']}, an average with decay {recipe.loop.average:g}. Error on held-out superfamilies, where",
        f"predicting nothing scores 1: {facts['loss']:.3f} in the mean of all levels; by level:",
        ", ".join(f"{key.removeprefix('sigma_')} A {value:.2f}" for key, value in levels.items()) + ".",
        "",
        _made(),
        "",
        "## Limits",
        "Distances do not see handedness: a structure and its mirror image have the same embedding. It was trained on",
        f"parts of up to {recipe.score.crop} residues of single chains.",
        "",
    ]
    return "\n".join(lines)


def _made() -> str:
    return (
        f"Made {datetime.now(UTC):%Y-%m-%d} with foldglass {version('foldglass')}, torch {version('torch')}, "
        f"{platform.system()} {platform.machine()}, {torch.get_num_threads()} threads."
    )
