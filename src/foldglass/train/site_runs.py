"""Recipes of the task `sites`, from the data folder to a model or to a published network's figures."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from foldglass.errors import InputError
from foldglass.metrics.binary import best_threshold
from foldglass.models.site_inputs import SiteInputs
from foldglass.models.sites_model import SitesModel, save_sites_model
from foldglass.train.card import sites_card
from foldglass.train.recipe import Recipe, SitesTrainConfig
from foldglass.train.site_data import TRAINING, load_site_chains
from foldglass.train.site_examples import residue_inputs
from foldglass.train.site_measures import site_figures
from foldglass.train.site_members import fit_members
from foldglass.train.site_published import train_published

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
    members = fit_members(recipe, config, chains, made, folder, progress)
    seen = [i for i in range(len(chains)) if len(members.held_out[i])]
    probability, positive = [members.held_out[i] for i in seen], [chains.labels[i] for i in seen]
    model = SitesModel(
        members.networks,
        inputs=inputs,
        threshold=best_threshold(np.concatenate(probability), np.concatenate(positive)),
        name=name,
        description="interaction sites of a chain from its C-alphas and letters, trained on Train_335",
    )
    figures = site_figures(probability, positive, model.threshold)
    save_sites_model(model, folder / "model", card=sites_card(model, recipe, len(chains), figures))
    return folder / "model"
