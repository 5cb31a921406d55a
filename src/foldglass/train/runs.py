"""What `foldglass train` and `foldglass evaluate` do: recipes to models, data folders to evaluation sets."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Int

from foldglass.encoders.builtin import SequenceEncoder
from foldglass.encoders.registry import encoder_by_name
from foldglass.encoders.structure import StructureEncoder
from foldglass.errors import InputError, NotFoundError, UsageError
from foldglass.io.fetch import cache_folder
from foldglass.io.read import iter_read
from foldglass.models.checkpoint import load_model, save_model
from foldglass.models.inverse_folding import InverseFoldingModel, save_inverse_folding
from foldglass.models.model import Model
from foldglass.models.registry import load_score
from foldglass.models.score_model import ScoreModel, save_score_model
from foldglass.models.siamese import SiameseConfig, SiameseNetwork
from foldglass.models.tower import PretrainedFront, SequenceFront, StructureFront, Tower, features_per_residue
from foldglass.protein import Structure
from foldglass.train.calibrate import calibrate
from foldglass.train.card import inverse_folding_card, model_card, score_card
from foldglass.train.data import PairData, load_pair_data
from foldglass.train.evaluation_set import EvaluationSet
from foldglass.train.inverse_folding import InverseFoldingTask, native_graphs
from foldglass.train.loop import BEST, load_weights, train
from foldglass.train.pretrain import PretrainTask
from foldglass.train.quality_runs import train_quality
from foldglass.train.recipe import Recipe, read_recipe
from foldglass.train.score import ScoreTask, channel_statistics
from foldglass.train.score_data import score_pools
from foldglass.train.siamese import SiameseTask, embed_all
from foldglass.train.site_runs import train_sites
from foldglass.train.splits import TRAIN
from foldglass.train.unrelated import unrelated_pairs
from foldglass.train.whole import WholeTask

Progress = Callable[[str], None]


def run_recipe(
    recipe_path: Path, folder: Path, *, data: Path | None = None, name: str = "", progress: Progress | None = None
) -> Path:
    """Train what a recipe asks for; goes on where an interrupted run of the same recipe stopped.

    Parameters
    ----------
    recipe_path
        A TOML recipe.
    folder
        For the log and the checkpoints; a Siamese run ends with a model directory `folder/model`.
    data
        Data folder, in place of the recipe's.
    name
        The model's name; the recipe's file name if not given.
    progress
        Called with one line at a time.

    Returns
    -------
    The model directory, or the best weights of a run whose network is not one that embeds: a pre-training run, or a
    score network with batch statistics; of a published interaction-site network the file of its figures.
    """
    recipe = read_recipe(recipe_path)
    if data is not None:
        recipe = replace(recipe, pairs=replace(recipe.pairs, folder=str(data)))
    progress = progress or (lambda line: None)
    torch.manual_seed(recipe.loop.seed)
    if recipe.task == "sites":
        return train_sites(recipe, folder, name or recipe_path.stem, progress)
    if recipe.task == "quality":
        return train_quality(recipe, folder, name or recipe_path.stem, progress)
    if recipe.task == "inverse-folding":
        return _train_inverse(recipe, folder, name or recipe_path.stem, progress)
    pairs = load_pair_data(Path(recipe.pairs.folder), unpublishable=recipe.pairs.unpublishable)
    if recipe.task == "pretrain":
        held_out = frozenset(
            structure.letters for structure, role in zip(pairs.structures, pairs.roles, strict=True) if role != TRAIN
        )
        train(PretrainTask(recipe, held_out=held_out), recipe.loop, folder, progress=progress)
        return folder / BEST
    if recipe.task == "score":
        return _train_score(recipe, pairs, folder, name or recipe_path.stem, progress)
    task = siamese_task(recipe, pairs, progress)
    if recipe.whole:
        for kind in task.towers:
            _train_whole(recipe, task, kind, folder / f"whole-{kind}", progress)
    train(task, recipe.loop, folder, progress=progress)
    return _finish(recipe, task, folder, name or recipe_path.stem, progress)


def _train_score(recipe: Recipe, pairs: PairData, folder: Path, name: str, progress: Progress) -> Path:
    if recipe.score is None:
        raise InputError("recipe", got="no [score]", expected="it for the task 'score'")
    pools = score_pools(pairs, Path(recipe.pairs.folder), by_cluster=recipe.score.by_cluster)
    progress(", ".join(f"{len(pool.structures)} chains to {role}" for role, pool in pools.items()))
    task = ScoreTask(recipe, pools)
    train(task, recipe.loop, folder, progress=progress)
    if task.network.config.norm != "channel":
        return folder / BEST
    tensors, facts = load_weights(folder / BEST)
    task.network.load_state_dict(tensors)
    network = task.network.cpu().eval()
    progress("measuring the channels on training chains")
    model = ScoreModel(
        network,
        sigma=recipe.score.embedding_sigma,
        statistics=channel_statistics(network, pools["train"]),
        name=name,
        description="score network on C-alpha traces: gradients, and vectors of residue pairs, residues and structures",
    )
    save_score_model(model, folder / "model", card=score_card(model, recipe, pools, facts))
    return folder / "model"


def _train_inverse(recipe: Recipe, folder: Path, name: str, progress: Progress) -> Path:
    if recipe.inverse is None:
        raise InputError("recipe", got="no [inverse]", expected="it for the task 'inverse-folding'")
    data = {
        role: native_graphs(Path(recipe.pairs.folder), recipe.inverse, role, progress=progress)
        for role in ("train", "validation")
    }
    task = InverseFoldingTask(recipe, data)
    train(task, recipe.loop, folder, progress=progress)
    tensors, facts = load_weights(folder / BEST)
    task.network.load_state_dict(tensors)
    model = InverseFoldingModel(
        task.network.cpu(), name=name, description="inverse folding: amino acids of a backbone from its C-alphas"
    )
    save_inverse_folding(model, folder / "model", card=inverse_folding_card(model, recipe, data, facts))
    return folder / "model"


def _train_whole(recipe: Recipe, task: SiameseTask, kind: str, folder: Path, progress: Progress) -> None:
    branch = task.tower(kind).network.whole
    assert branch is not None
    whole = WholeTask(recipe, task.data, branch, lambda protein: task.inputs(kind, protein).whole, task.teacher)
    train(whole, whole.loop, folder, progress=progress)
    branch.load_state_dict(load_weights(folder / BEST)[0])
    branch.requires_grad_(not whole.config.frozen)


def siamese_task(recipe: Recipe, pairs: PairData, progress: Progress) -> SiameseTask:
    """The towers of a recipe, with the weights they start from, and the vectors of its teacher."""
    towers = {kind: new_tower(recipe, kind) for kind in recipe.towers}
    if not towers:
        raise InputError("recipe", got="no tower", expected="towers with 'sequence', 'structure' or both")
    if recipe.start:
        _start(towers, Path(recipe.start))
    if not recipe.teacher:
        return SiameseTask(recipe, pairs, towers)
    teacher = load_model(Path(recipe.teacher))
    fixed = [kind for kind in teacher.towers if kind not in towers]
    if not fixed:
        raise InputError(f"teacher {teacher.id}", got="no tower but those in training", expected="another tower")
    wanted = set(pairs.query[pairs.splits["train"]]) | set(pairs.target[pairs.splits["train"]])
    vectors = embed_all(
        teacher.towers[fixed[0]],
        pairs.structures,
        wanted=np.array(sorted(wanted)),
        progress=lambda done: progress(f"teacher: {done} of {len(wanted)} proteins"),
    )
    return SiameseTask(recipe, pairs, towers, vectors)


def new_tower(recipe: Recipe, kind: str) -> Tower:
    """An untrained tower with the recipe's sizes."""
    front: SequenceFront | StructureFront | PretrainedFront
    if kind == "structure":
        front, dim = structure_front(recipe), recipe.structure.dim
    elif kind != "sequence":
        raise InputError("recipe, towers", got=repr(kind), expected="'sequence' or 'structure'")
    elif recipe.encoder == "builtin":
        front, dim = SequenceFront(SequenceEncoder(recipe.sequence)), recipe.sequence.dim
    else:
        encoder = encoder_by_name(recipe.encoder, cache=cache_folder() / "residues")
        front, dim = PretrainedFront(encoder), encoder.dim
    config = SiameseConfig.preset(recipe.network.preset, input_dim=dim)
    if recipe.whole:
        sketch = front.sketch_dim if recipe.whole.sketch else 0
        config = replace(config, whole_dim=front.whole_dim, whole_linear=recipe.whole.linear, sketch_dim=sketch)
    changed: dict[str, Any] = {
        key: value for key, value in vars(recipe.network).items() if key != "preset" and value is not None
    }
    return Tower(front, SiameseNetwork(replace(config, **changed)))


def structure_front(recipe: Recipe) -> StructureFront:
    """An untrained front with the recipe's sizes and inputs."""
    inputs, score = recipe.inputs, None
    if inputs.score:
        score = load_score(inputs.score)
        score.sigma = inputs.sigma
    features = features_per_residue(inputs.geometry, score)
    encoder = StructureEncoder(replace(recipe.structure, features=features))
    return StructureFront(encoder, geometry=inputs.geometry, score=score)


def evaluation_set(
    pairs: PairData, split: str, *, name: str, rows: Int[np.ndarray, " S"] | None = None
) -> EvaluationSet:
    """One split of a data folder, or the given rows of it; superfamily groups are the clusters."""
    if split not in pairs.splits:
        raise UsageError(f"split {split!r}", got="no such split", expected=f"one of {', '.join(pairs.splits)}")
    rows = pairs.splits[split] if rows is None else rows
    proteins, place = np.unique(np.concatenate([pairs.query[rows], pairs.target[rows]]), return_inverse=True)
    query, target = place.reshape(2, -1)
    return EvaluationSet(
        name=name,
        split=split,
        proteins=tuple(pairs.structures[i] for i in proteins.tolist()),
        cluster=pairs.superfamily[proteins].astype(np.int64),
        query=query,
        target=target,
        tm_query=pairs.tm_query[rows].astype(np.float64),
        tm_target=pairs.tm_target[rows].astype(np.float64),
        alignments=tuple(pairs.alignment(row) for row in rows.tolist()),
        kinds=tuple(pairs.kind[row] for row in rows.tolist()),
    )


def evaluation_sets(data: Path, structures: Path | None, split: str) -> tuple[EvaluationSet, EvaluationSet | None]:
    """The pairs to evaluate and those to fit the baselines on.

    A data folder gives a split and its validation split; a label table, with the structures that it was made from,
    gives all its pairs and none to fit on.

    Raises
    ------
    NotFoundError
        If there is no such data.
    UsageError
        If a label table comes without structures, or there is no such split.
    """
    if data.is_dir():
        pairs = load_pair_data(data)
        chosen = evaluation_set(pairs, split, name=data.name)
        return chosen, None if split == "validation" else evaluation_set(pairs, "validation", name=data.name)
    if not data.is_file():
        raise NotFoundError(str(data), got="no such file or folder", expected="a label table or a data folder")
    if structures is None:
        raise UsageError(str(data), got="a label table alone", remedy="give its structures with --structures")
    found = [protein for protein in iter_read(structures) if isinstance(protein, Structure)]
    return EvaluationSet.from_label_table(data, found), None


def _start(towers: dict[str, Tower], folder: Path) -> None:
    """Weights from a pre-training run (of the sequence encoder) or from a model directory."""
    if (folder / "config.json").is_file():
        for kind, tower in load_model(folder).towers.items():
            if kind in towers:
                towers[kind].load_state_dict(tower.state_dict())
        return
    if not (folder / BEST).is_file():
        raise NotFoundError(str(folder), got="no weights", expected="a pre-training run or a model directory")
    tensors, _ = load_weights(folder / BEST)
    encoder = {k.removeprefix("encoder."): v for k, v in tensors.items() if k.startswith("encoder.")}
    front = towers["sequence"].front
    assert isinstance(front, SequenceFront)
    front.encoder.load_state_dict(encoder)


def _finish(recipe: Recipe, task: SiameseTask, folder: Path, name: str, progress: Progress) -> Path:
    """Best weights, the teacher's towers, calibration and card as a model directory."""
    tensors, facts = load_weights(folder / BEST)
    task.towers.load_state_dict(tensors, strict=False)
    towers: dict[str, Tower] = {kind: tower.cpu() for kind, tower in task.towers.items()}  # type: ignore[misc]
    if recipe.teacher:
        towers = {**load_model(Path(recipe.teacher)).towers, **towers}
    progress("calibrating on the validation pairs")
    validation = evaluation_set(task.data, "validation", name=Path(recipe.pairs.folder).name)
    model = Model(towers, name=name, description=f"{' and '.join(sorted(towers))} towers, recipe {name}")
    model.calibration = calibrate(model, validation, unrelated_pairs(Path(recipe.pairs.folder)))
    save_model(model, folder / "model", card=model_card(model, recipe, task.data, facts))
    return folder / "model"
