"""Recipes of the task `sites`, from the data folder to a model or to a published network's figures."""

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float64, Int
from torch import nn

from foldglass.encoders.builtin import load_encoder
from foldglass.errors import InputError
from foldglass.io.atomic import replacing
from foldglass.metrics.binary import best_threshold
from foldglass.models.deepppisp import DeepPPISP, DeepPPISPConfig
from foldglass.models.graphppis import GraphPPIS, GraphPPISConfig
from foldglass.models.registry import load_score
from foldglass.models.site_inputs import SiteInputs
from foldglass.models.sites import SitesConfig, SitesNetwork
from foldglass.models.sites_model import SitesModel, save_sites_model
from foldglass.train.card import sites_card
from foldglass.train.loop import BEST, load_weights, train
from foldglass.train.recipe import Recipe, SitesTrainConfig
from foldglass.train.site_data import TESTS, TRAINING, SiteChains, load_site_chains
from foldglass.train.site_examples import AdjacencyExamples, GraphExamples, WindowExamples, residue_inputs
from foldglass.train.site_measures import site_figures
from foldglass.train.sites import Examples, SitesTask, predict

Progress = Callable[[str], None]
FIGURES = "figures.json"

_DEEPPPISP = [f"deepppisp_dset{number}" for number in (186, 164, 72)]
_SUBSETS: dict[str, tuple[list[str], list[str]]] = {
    "graphppis": ([TRAINING], [TESTS[0]]),
    "deepppisp": ([f"{name}_train" for name in _DEEPPPISP], [f"{name}_test" for name in _DEEPPPISP]),
}
"""Published training and test sets."""


def train_sites(recipe: Recipe, folder: Path, name: str, progress: Progress) -> Path:
    """Train what a recipe of the task `sites` asks for.

    Returns
    -------
    Our network: a model directory. A published one: `figures.json` with its figures on the published test sets, with
    the threshold of its validation chains.
    """
    if recipe.sites is None:
        raise InputError("recipe", got="no [sites]", expected="it for the task 'sites'")
    folder.mkdir(parents=True, exist_ok=True)
    data = Path(recipe.pairs.folder)
    if recipe.sites.network == "foldglass":
        return _train_own(recipe, recipe.sites, data, folder, name, progress)
    return _train_published(recipe, recipe.sites, data, folder, progress)


def _train_own(
    recipe: Recipe, config: SitesTrainConfig, data: Path, folder: Path, name: str, progress: Progress
) -> Path:
    chains = load_site_chains(data, TRAINING)
    inputs = SiteInputs(config.inputs)
    made = residue_inputs(chains, inputs, folder / "inputs.safetensors", progress=progress)
    examples = GraphExamples(chains, made, count=config.neighbours)
    fold = chains.folds()
    sizes = SitesConfig(
        inputs={key: int(values.shape[1]) for key, values in made[0].items()},
        neighbours=config.neighbours,
        dim=config.dim,
        layers=config.layers,
        dropout=config.dropout,
    )
    members, held_out = [], [np.zeros(0)] * len(chains)
    for number in range(config.members):
        torch.manual_seed(recipe.loop.seed + number)
        network = SitesNetwork(sizes)
        rows = np.arange(len(chains))
        task = SitesTask(
            network,
            examples,
            config=config,
            training=rows[fold != number],
            validation=rows[fold == number],
            seed=recipe.loop.seed + number,
        )
        progress(f"network {number + 1} of {config.members}: {len(task.training)} chains, {len(task.validation)} watch")
        train(task, recipe.loop, folder / f"member-{number}", progress=progress)
        network.load_state_dict(load_weights(folder / f"member-{number}" / BEST)[0])
        members.append(network.cpu().eval())
        for chain in task.validation:
            held_out[chain] = predict(network, examples, [chain])
    seen = [i for i in range(len(chains)) if len(held_out[i])]
    probability, positive = [held_out[i] for i in seen], [chains.labels[i] for i in seen]
    model = SitesModel(
        members,
        inputs=inputs,
        threshold=best_threshold(np.concatenate(probability), np.concatenate(positive)),
        name=name,
        description="interaction sites of a chain from its C-alphas and letters, trained on Train_335",
    )
    figures = site_figures(probability, positive, model.threshold)
    save_sites_model(model, folder / "model", card=sites_card(model, recipe, len(chains), figures))
    return folder / "model"


def _train_published(recipe: Recipe, config: SitesTrainConfig, data: Path, folder: Path, progress: Progress) -> Path:
    training, tests = _SUBSETS[config.network]
    coordinates = config.network == "graphppis" or config.embeddings == "structure"
    chains = load_site_chains(data, *training, coordinates=coordinates)
    examples = _examples(config, data, chains, progress)
    network = _network(config, examples)
    rows, fold = np.arange(len(chains)), chains.folds(seed=recipe.loop.seed)
    watched = rows[fold == 0]
    task = SitesTask(
        network, examples, config=config, training=rows[fold != 0], validation=watched, seed=recipe.loop.seed
    )
    train(task, recipe.loop, folder, progress=progress)
    network.load_state_dict(load_weights(folder / BEST)[0])
    network.cpu().eval()
    validation = _answers(network, examples, watched)
    threshold = best_threshold(*map(np.concatenate, validation))
    judged = load_site_chains(data, *tests, coordinates=coordinates)
    answers = _answers(network, _examples(config, data, judged, progress), np.arange(len(judged)))
    figures = {
        "test sets": tests,
        "seed": recipe.loop.seed,
        "sites": asdict(config),
        "validation": asdict(site_figures(*validation, threshold)),
        "test": asdict(site_figures(*answers, threshold)),
    }
    with replacing(folder / FIGURES) as part:
        part.write_text(json.dumps(figures, indent=2) + "\n")
    return folder / FIGURES


def _examples(
    config: SitesTrainConfig, data: Path, chains: SiteChains, progress: Progress
) -> AdjacencyExamples | WindowExamples:
    if config.network == "graphppis":
        return AdjacencyExamples(chains, data, features=config.features)
    return WindowExamples(chains, data, dense=config.dense, embeddings=_embeddings(config, chains, progress))


def _embeddings(config: SitesTrainConfig, chains: SiteChains, progress: Progress) -> list[np.ndarray] | None:
    """Residue vectors of each chain, of the kind that DeepPPISP is to read."""
    if config.embeddings == "none":
        return None
    progress(f"{config.embeddings} vectors of {len(chains)} chains")
    if config.embeddings == "sequence":
        return [vectors.numpy() for vectors in load_encoder(device="cpu").encode(chains.chains)]
    return [embedding.residue for embedding in load_score().embed(chains.chains, pair=False)]


def _network(config: SitesTrainConfig, examples: AdjacencyExamples | WindowExamples) -> nn.Module:
    if isinstance(examples, AdjacencyExamples):
        return GraphPPIS(GraphPPISConfig(features=examples.channels))
    return DeepPPISP(DeepPPISPConfig(config.dense, examples.channels, examples.channels))


def _answers(
    network: nn.Module, examples: Examples, rows: Int[np.ndarray, " R"]
) -> tuple[list[Float64[np.ndarray, " _"]], list[Bool[np.ndarray, " _"]]]:
    """Probabilities and labels of each chain."""
    chosen = rows.tolist()
    return [predict(network, examples, [i]) for i in chosen], [examples.labels(i) for i in chosen]
