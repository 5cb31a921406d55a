"""Train the networks of our interaction-site model, each on the chains outside one fold."""

from collections.abc import Callable
from collections.abc import Sequence as List
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float64

from foldglass.models.sites import SitesConfig, SitesNetwork
from foldglass.train.loop import load_best, train
from foldglass.train.recipe import Recipe, SitesTrainConfig
from foldglass.train.site_data import FOLDS, SiteChains
from foldglass.train.site_examples import GraphExamples
from foldglass.train.sites import SitesTask, predict


@dataclass(frozen=True, eq=False)
class Members:
    """Trained networks, and of each chain the mean probability of those that did not learn from it.

    Chains of folds that no network left out have empty arrays.
    """

    networks: list[SitesNetwork]
    held_out: list[Float64[np.ndarray, " _"]]


def fit_members(
    recipe: Recipe,
    config: SitesTrainConfig,
    chains: SiteChains,
    inputs: List[dict[str, np.ndarray]],
    folder: Path,
    progress: Callable[[str], None],
) -> Members:
    """Train `config.members` networks; the first five leave out one fold each, the next five again, and so on."""
    examples = GraphExamples(chains, inputs, count=config.neighbours)
    rows, fold = np.arange(len(chains)), chains.folds()
    sizes = SitesConfig(
        inputs={key: int(values.shape[1]) for key, values in inputs[0].items()},
        neighbours=config.neighbours,
        dim=config.dim,
        layers=config.layers,
        dropout=config.dropout,
    )
    networks = []
    answers: list[list[Float64[np.ndarray, " _"]]] = [[] for _ in range(len(chains))]
    for number in range(config.members):
        left_out = fold == number % FOLDS
        seed = recipe.loop.seed * config.members + number
        torch.manual_seed(seed)
        network = SitesNetwork(sizes)
        task = SitesTask(
            network, examples, config=config, training=rows[~left_out], validation=rows[left_out], seed=seed
        )
        progress(f"network {number + 1} of {config.members}: {len(task.training)} chains, {len(task.validation)} watch")
        train(task, recipe.loop, folder / f"member-{number}", progress=progress)
        load_best(network, folder / f"member-{number}")
        networks.append(network)
        for chain in task.validation:
            answers[chain].append(predict(network, examples, [chain]))
    return Members(networks, [np.mean(each, axis=0) if each else np.zeros(0) for each in answers])
