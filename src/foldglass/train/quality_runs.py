"""What `foldglass train` and `foldglass evaluate` do for model quality."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from foldglass.errors import InputError
from foldglass.io.fetch import cache_folder
from foldglass.models.consensus import N_CONSENSUS, has_consensus, without_consensus
from foldglass.models.quality_input import GraphMaker, QualityInputConfig
from foldglass.models.quality_model import Network, QualityModel, graph_maker, save_quality_model
from foldglass.models.registry import load_inverse, load_score
from foldglass.train.card import quality_card
from foldglass.train.loop import load_best, train
from foldglass.train.natives import DECOYS, STRUCTURES
from foldglass.train.quality import DecoyGraphs, QualityTask
from foldglass.train.quality_baselines import BASELINES, Calibrated, Facts
from foldglass.train.quality_data import Decoy, kept_decoys, key_of, made_decoys, published_decoys
from foldglass.train.quality_graphs import decoy_graphs, kept_reading, published_consensus
from foldglass.train.quality_held_out import HeldOut
from foldglass.train.quality_measures import QualityMeasures, measure
from foldglass.train.quality_split import FOLDS
from foldglass.train.recipe import QualityTrainConfig, Recipe

Progress = Callable[[str], None]

CALIBRATION = 2
"""Models of each training target on which the baselines are calibrated."""


def train_quality(recipe: Recipe, folder: Path, name: str, progress: Progress) -> Path:
    """Train a quality model; decoys and the score network's readings are kept in the cache folder."""
    config = recipe.quality
    if config is None:
        raise InputError("recipe", got="no [quality]", expected="it for the task 'quality'")
    maker = graph_maker(config.inputs)
    decoys = decoys_of(Path(recipe.pairs.folder), config, "train", progress)
    data = graphs_of(maker, decoys, progress)
    members = []
    for number in range(config.members):
        progress(f"network {number + 1} of {config.members}")
        members.append(train_member(recipe, data, number, folder / f"member-{number}", progress))
    held_out = HeldOut.of(members, data)
    description = "quality of structure models from C-alphas: GDT_TS, GDT_HA, TM-score, lDDT and lDDT per residue"
    model = QualityModel(members, maker, *held_out.bands(), name=name, description=description)
    save_quality_model(model, folder / "model", card=quality_card(model, recipe, data.decoys, held_out.figures()))
    return folder / "model"


def train_member(recipe: Recipe, data: DecoyGraphs, number: int, folder: Path, progress: Progress) -> Network:
    """One network with the best weights on the fold that it holds out; the number is added to the seed."""
    loop = replace(recipe.loop, seed=recipe.loop.seed + number)
    torch.manual_seed(loop.seed)
    task = QualityTask(replace(recipe, loop=loop), data.fold(number % FOLDS))
    train(task, loop, folder, progress=progress)
    load_best(task.network, folder)
    return task.network


def decoys_of(folder: Path, config: QualityTrainConfig, split: str, progress: Progress) -> list[Decoy]:
    """The decoys of a recipe: published models, and to train those made from natives."""
    decoys = [decoy for decoy in _published(folder) if decoy.split == split]
    if split == "train" and config.made_share and config.made.natives:
        score = load_score()
        progress(f"decoys of {config.made.natives} natives")
        path = _kept(folder, "made", config.made, score.id)
        decoys += kept_decoys(path, lambda: made_decoys(folder, config.made, score))
    return decoys


@dataclass(frozen=True, eq=False)
class QualityEvaluation:
    """Figures of a model and of the baselines on the models of the test targets."""

    model: str
    decoys: list[Decoy]
    rows: list[QualityMeasures]
    coverage: float
    """Share of the true GDT_TS within the predicted interval, other models of the protein being seen."""


def evaluate_quality(model: QualityModel, folder: Path, progress: Progress) -> QualityEvaluation:
    """Measure a model on the published models of the test targets of a data folder, next to baselines.

    Raises
    ------
    NotFoundError
        If the folder lacks a table.
    """
    decoys = _published(folder)
    judged = [decoy for decoy in decoys if decoy.split == "test"]
    graphs = graphs_of(model.maker, judged, progress).graphs
    whole, local = model.predict(graphs)
    rows = [measure("model", model.id, judged, whole, local)]
    bands = [model.bands] * len(judged)
    if model.reads_consensus:
        bands = [model.consensus_bands if has_consensus(graph) else model.bands for graph in graphs]
        alone = model.predict([without_consensus(graph) for graph in graphs])
        rows.append(measure("alone", f"{model.id}, each model alone", judged, *alone))
        strict = [replace(decoy, truth=decoy.strict) for decoy in judged]
        rows.append(measure("strict", f"{model.id}, against one native", strict, whole, local))
    rows += baseline_measures([decoy for decoy in decoys if decoy.split == "train"], judged, progress)
    ends = [band.around(row) for band, row in zip(bands, whole, strict=True)]
    inside = [low[0] <= decoy.truth[0] <= high[0] for (low, high), decoy in zip(ends, judged, strict=True)]
    return QualityEvaluation(model.id, judged, rows, float(np.mean(inside)))


def baseline_measures(train: list[Decoy], judged: list[Decoy], progress: Progress) -> list[QualityMeasures]:
    """The baselines on some models, calibrated on the first `CALIBRATION` published models of each training target."""
    met: Counter[str] = Counter()
    known = []
    for decoy in train:
        met[decoy.target] += not decoy.made
        if not decoy.made and met[decoy.target] <= CALIBRATION:
            known.append(decoy)
    facts = [*_facts(known, train, progress), *_facts(judged, judged, progress)]
    rows = []
    for baseline in BASELINES:
        predicted = Calibrated(baseline, facts[: len(known)]).predict(facts[len(known) :])
        rows.append(measure(baseline.key, baseline.title, judged, *predicted, is_baseline=True))
    return rows


def _facts(decoys: list[Decoy], beside: list[Decoy], progress: Progress) -> list[Facts]:
    """What the baselines read of decoys, other models of their proteins being among those `beside`."""
    maker = GraphMaker(QualityInputConfig(score=True, inverse=True), score=load_score(), inverse=load_inverse())
    agreements = dict(zip([decoy.structure.id for decoy in beside], published_consensus(beside), strict=True))
    found = []
    for done, decoy in enumerate(decoys):
        reading = kept_reading(maker, decoy.structure, _cache() / "score")
        fit = maker(decoy.structure, reading=reading).evidence[:, N_CONSENSUS:]
        found.append(Facts(decoy, reading, agreements[decoy.structure.id], fit))
        if done % 50 == 0:
            progress(f"baselines: {done} of {len(decoys)} models read")
    return found


def _cache() -> Path:
    return cache_folder() / "quality"


def _published(folder: Path) -> list[Decoy]:
    """The published models, scored again where a table is another one or the truth is another kind."""
    return kept_decoys(_kept(folder, "published", "best known state"), lambda: published_decoys(folder))


def _kept(folder: Path, name: str, *parts: object) -> Path:
    """Where decoys of a data folder are kept; other tables, or other parts, are another file."""
    sizes = [path.stat().st_size if path.is_file() else 0 for path in (folder / DECOYS, folder / STRUCTURES)]
    return _cache() / f"{name}-{key_of(str(folder.resolve()), sizes, *parts)}.parquet"


def graphs_of(maker: GraphMaker, decoys: list[Decoy], progress: Progress) -> DecoyGraphs:
    """Decoys with their graphs, the score network's readings kept in the cache folder."""

    def say(done: int) -> None:
        if done % 100 == 0 or done == len(decoys):
            progress(f"{done} of {len(decoys)} models read")

    return DecoyGraphs(decoys, decoy_graphs(maker, decoys, _cache() / "score", progress=say))
