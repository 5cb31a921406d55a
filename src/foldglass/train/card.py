"""The model card that is written with every model."""

import platform
from collections import Counter
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

import torch

from foldglass.models.inverse_folding import InverseFoldingModel
from foldglass.models.model import Model
from foldglass.models.quality_model import QualityModel
from foldglass.models.score_model import ScoreModel
from foldglass.models.sites_model import SitesModel
from foldglass.train.data import PairData
from foldglass.train.inverse_folding import NativeGraphs
from foldglass.train.quality_data import Decoy
from foldglass.train.quality_measures import QualityMeasures
from foldglass.train.quality_split import FOLDS
from foldglass.train.recipe import Recipe
from foldglass.train.score_data import ChainPool
from foldglass.train.site_measures import SiteFigures
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


def quality_card(model: QualityModel, recipe: Recipe, decoys: list[Decoy], figures: list[QualityMeasures]) -> str:
    """Markdown card of a quality model.

    Parameters
    ----------
    decoys
        All that were learned from.
    figures
        Of each network on the targets that it held out.
    """
    assert recipe.quality is not None
    inputs = recipe.quality.inputs
    kinds = Counter(decoy.kind for decoy in decoys)
    published = [decoy for decoy in decoys if not decoy.made]
    read = [
        name
        for name, wanted in (
            ("sequence encoder", inputs.sequence),
            ("score network", inputs.score),
            ("inverse-folding network", inputs.inverse),
        )
        if wanted
    ]
    lines = [
        f"# {model.name}",
        "",
        "Judges models of single chains by their C-alphas: GDT_TS, GDT_HA, TM-score and C-alpha lDDT of the model, and",
        "lDDT of each residue. Message passing over a residue graph, after GraphQA (Baldassarre et al. 2021).",
        "",
        "## Network",
        f"{len(model.members)} networks of {sum(p.numel() for p in model.members[0].parameters()):,} parameters, whose",
        f"mean is the answer; preset {recipe.quality.preset}; edges to {inputs.radius:g} angstrom."
        + (f" Reads the vectors of the {' and the '.join(read)}." if read else ""),
        "",
        "## Training",
        f"{len(published):,} published models of {len({d.target for d in published})} targets and",
        f"{len(decoys) - len(published):,} decoys made from natives, of which none is related to a test target: "
        + ", ".join(f"{name} {count}" for name, count in kinds.most_common())
        + ".",
        f"{recipe.loop.steps} steps of {recipe.quality.batch} decoys, seeds from {recipe.loop.seed} on. Each network",
        f"holds out another of {FOLDS} folds of superfamily groups, on which its best step was chosen. On the",
        "published models of the targets that a network held out:",
        "",
        "| | models | GDT_TS RMSE | R | R per target | lDDT rho |",
        "| --- | --- | --- | --- | --- | --- |",
        *(
            f"| {row.title} | {len(row.errors)} | {row.rmse['gdt_ts'].value:.3f} | {row.pearson['gdt_ts'].value:.3f} "
            f"| {row.per_target.value:.3f} | {row.local_spearman.value:.3f} |"
            for row in figures
        ),
        "",
        _made(),
        "",
        "## Limits",
        "Side chains, ligands and partners are not seen. The truth of training is the best known native state; a good",
        "model of an unknown state is judged wrong. Most training models are those of a diffusion model and of",
        "AlphaFold2.",
        "",
    ]
    return "\n".join(lines)


def inverse_folding_card(
    model: InverseFoldingModel, recipe: Recipe, data: dict[str, NativeGraphs], facts: dict[str, Any]
) -> str:
    """Markdown card of an inverse-folding model; arguments as `model_card`'s, with the chains of each role."""
    assert recipe.inverse is not None
    train, validation = data["train"], data["validation"]
    lines = [
        f"# {model.name}",
        "",
        "Probabilities of the 20 amino acids at each residue of a chain, from its C-alphas without its letters.",
        "Message passing over a residue graph.",
        "",
        "## Network",
        f"{sum(p.numel() for p in model.network.parameters()):,} parameters; {recipe.inverse.blocks} rounds of",
        "messages.",
        "",
        "## Training",
        f"{len(train):,} native chains of {len(set(train.groups)):,} superfamily groups, noise of up to",
        f"{recipe.inverse.jitter:g} angstrom on their coordinates; validation on {len(validation):,} chains of",
        f"{len(set(validation.groups)):,} other groups. No chain has a relative among the targets of the model",
        "`quality`, the test chains of interaction sites, or the wild types of the mutants. "
        f"{recipe.loop.steps} steps of {recipe.inverse.batch} chains, seed {recipe.loop.seed}; weights of step",
        f"{facts['step']}, the best on validation (loss in nats per residue; recovery is the share of residues whose",
        "letter is the likeliest):",
        *(f"- {key}: {value:.4f}" for key, value in facts.items() if key != "step"),
        "",
        _made(),
        "",
        "## Limits",
        "Single chains: residues at an interface look exposed. Backbones with C-alphas only; the letters of the",
        "neighbours are not seen, so that only what the shape says is counted.",
        "",
    ]
    return "\n".join(lines)


_SEEN = {
    "sequence": "The sequence encoder has read the letters of the test chains among 170,000 others, and no labels.",
    "structure": "The structure tower has seen some of the structures of the test chains, and no labels.",
    "score": "The score network has left out their families.",
    "inverse": "The inverse-folding network has left out their relatives.",
}
"""What the models that make inputs know of the test chains."""


def sites_card(model: SitesModel, recipe: Recipe, chains: int, figures: SiteFigures) -> str:
    """Markdown card of an interaction-site model.

    Parameters
    ----------
    chains
        Training chains.
    figures
        Of predictions of each chain by the network that did not learn from it.
    """
    config, sites = model.config, recipe.sites
    assert sites is not None
    parameters = sum(parameter.numel() for parameter in model.members.parameters())
    low, high = figures.auprc_interval
    lines = [
        f"# {model.name}",
        "",
        "Gives each residue of a chain the probability that it touches a partner protein: that it loses more than",
        "1 square angstrom of accessible area on binding. It reads C-alpha coordinates and letters alone.",
        "",
        "## Network",
        f"{parameters:,} parameters in {len(model.members)} networks whose mean probability counts.",
        f"Rounds of attention over the {config.neighbours} nearest residues: {config.layers}; {config.dim} channels.",
        "Inputs: " + ", ".join(f"{name} ({channels})" for name, channels in config.inputs.items()) + ".",
        *(["The sequence encoder travels with them, in half precision."] if model.inputs.encoder else []),
        "",
        "## Training data",
        f"{chains} chains of Train_335 of GraphPPIS (Yuan et al. 2022, MIT licence; structures of the Protein Data",
        "Bank, CC0) that have coordinates, rebuilt from C-alpha distance maps. Labels are theirs. No chain of Test_60,",
        "Test_315 or UBtest_31 was trained on.",
        *[text for name, text in _SEEN.items() if name in config.inputs],
        "",
        "## Training",
        f"{recipe.loop.steps} steps of about {sites.residues} residues, seed {recipe.loop.seed}; five folds by",
        "sequence family, of which each network left one out. On chains that a network did not learn from:",
        f"area under the precision-recall curve {figures.auprc:.3f} (95 % over chains {low:.3f} to {high:.3f}; chance",
        f"{figures.prevalence:.3f}), AUROC {figures.auroc:.3f}. The threshold {model.threshold:.3f} has the highest F1",
        f"there, {figures.decided.f1:.3f}.",
        "",
        _made(),
        "",
        "## Limits",
        "Most true interfaces are missed or blurred at any threshold: read the probability as a ranking. The labels",
        "know one partner each; other partners count as errors. Chains below 20 residues are refused, and antibodies,",
        "membrane proteins and peptides were hardly seen.",
        "",
    ]
    return "\n".join(lines)


def _made() -> str:
    return (
        f"Made {datetime.now(UTC):%Y-%m-%d} with foldglass {version('foldglass')}, torch {version('torch')}, "
        f"{platform.system()} {platform.machine()}, {torch.get_num_threads()} threads."
    )
