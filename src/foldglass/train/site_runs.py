"""Recipes of the task `sites`, from the data folder to a model or to a published network's figures."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from foldglass.errors import InputError
from foldglass.metrics.binary import best_threshold
from foldglass.models.site_inputs import SiteInputs
from foldglass.models.sites import SitesConfig, SitesNetwork
from foldglass.models.sites_model import SitesModel, save_sites_model
from foldglass.train.card import sites_card
from foldglass.train.loop import BEST, load_weights, train
from foldglass.train.recipe import Recipe, SitesTrainConfig
from foldglass.train.site_data import TRAINING, load_site_chains
from foldglass.train.site_examples import GraphExamples, residue_inputs
from foldglass.train.site_measures import site_figures
from foldglass.train.site_published import train_published
from foldglass.train.sites import SitesTask, predict

Progress = Callable[[str], None]


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
    return train_published(recipe, recipe.sites, data, folder, progress)


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
