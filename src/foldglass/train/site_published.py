"""Published interaction-site networks on their own features and sets: GraphPPIS and DeepPPISP."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float64, Int
from torch import nn

from foldglass.encoders.builtin import load_encoder
from foldglass.io.atomic import replacing
from foldglass.metrics.binary import best_threshold
from foldglass.models.deepppisp import DeepPPISP, DeepPPISPConfig
from foldglass.models.graphppis import GraphPPIS, GraphPPISConfig
from foldglass.models.registry import load_score
from foldglass.train.loop import load_best, train
from foldglass.train.recipe import Recipe, SitesTrainConfig
from foldglass.train.site_data import TESTS, TRAINING, SiteChains, load_site_chains
from foldglass.train.site_examples import AdjacencyExamples, WindowExamples
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


@dataclass(frozen=True, eq=False)
class PublishedData:
    """The chains of the published training and test sets, and what the network reads of them."""

    training: SiteChains
    training_examples: AdjacencyExamples | WindowExamples
    tests: SiteChains
    test_examples: AdjacencyExamples | WindowExamples


@dataclass(frozen=True, eq=False)
class Answers:
    """Probabilities and labels of the residues of each chain."""

    probability: list[Float64[np.ndarray, " _"]]
    positive: list[Bool[np.ndarray, " _"]]


def published_data(
    config: SitesTrainConfig, folder: Path, progress: Progress, *, coordinates: bool = False
) -> PublishedData:
    """Load the sets of a published network.

    Parameters
    ----------
    coordinates
        Leave out chains without coordinates even if the network does not read them.
    """
    coordinates = coordinates or config.network == "graphppis" or config.embeddings == "structure"
    training, tests = (load_site_chains(folder, *names, coordinates=coordinates) for names in _SUBSETS[config.network])
    return PublishedData(
        training, _examples(config, folder, training, progress), tests, _examples(config, folder, tests, progress)
    )


def fit_published(
    recipe: Recipe, config: SitesTrainConfig, data: PublishedData, folder: Path, progress: Progress
) -> tuple[Answers, Answers]:
    """Train a published network; one fold in five of the families validates.

    Returns
    -------
    The answers on the validation chains, and those on the test chains.
    """
    network = _network(config, data.training_examples)
    rows, fold = np.arange(len(data.training)), data.training.folds(seed=recipe.loop.seed)
    watched = rows[fold == 0]
    task = SitesTask(
        network,
        data.training_examples,
        config=config,
        training=rows[fold != 0],
        validation=watched,
        seed=recipe.loop.seed,
    )
    train(task, recipe.loop, folder, progress=progress)
    load_best(network, folder)
    judged = np.arange(len(data.tests))
    return _answers(network, data.training_examples, watched), _answers(network, data.test_examples, judged)


def train_published(recipe: Recipe, config: SitesTrainConfig, data: Path, folder: Path, progress: Progress) -> Path:
    """Train a published network; its figures, with the threshold of validation chains, go to `figures.json`."""
    validation, tests = fit_published(recipe, config, published_data(config, data, progress), folder, progress)
    threshold = best_threshold(np.concatenate(validation.probability), np.concatenate(validation.positive))
    figures = {
        "test sets": _SUBSETS[config.network][1],
        "seed": recipe.loop.seed,
        "sites": asdict(config),
        "validation": asdict(site_figures(validation.probability, validation.positive, threshold)),
        "test": asdict(site_figures(tests.probability, tests.positive, threshold)),
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


def _answers(network: nn.Module, examples: Examples, rows: Int[np.ndarray, " R"]) -> Answers:
    chosen = rows.tolist()
    return Answers([predict(network, examples, [i]) for i in chosen], [examples.labels(i) for i in chosen])
