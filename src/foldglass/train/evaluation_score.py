"""Evaluate a score network on held-out structures, next to its random weights and to raw distances."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from foldglass.models.calibration import Calibration
from foldglass.models.score_model import ScoreModel
from foldglass.protein import Structure
from foldglass.train.baselines import predict_baselines
from foldglass.train.evaluation_fold import FoldResult, measure_fold
from foldglass.train.evaluation_predictions import FoldPredictions
from foldglass.train.evaluation_score_levels import LevelResult, VarianceShares, measure_levels, measure_variance
from foldglass.train.evaluation_score_pairs import PairResult, measure_pairs
from foldglass.train.evaluation_score_residues import ResidueResult, measure_constant, measure_residues
from foldglass.train.evaluation_score_set import ScoreEvaluationSet
from foldglass.train.evaluation_score_vectors import Describer
from foldglass.train.evaluation_score_whole import (
    RetrievalResult,
    measure_chance,
    measure_retrieval,
    measure_tm,
    standardised,
)
from foldglass.train.evaluation_set import EvaluationSet
from foldglass.train.report_json import plain, provenance

SCHEMA = 1
"""Version of the JSON file; raised when a field is renamed, removed or changes its meaning."""

Progress = Callable[[int, int], None]
"""Called with the steps done and their total."""


@dataclass(frozen=True)
class ScoreAbout:
    """What was measured, on what, when and where; lengths of chains are in residues, `sigma` in angstrom."""

    model: str
    sigma: float
    data: str
    split: str
    n_fit_chains: int
    n_choose_chains: int
    n_chains: int
    n_residues: int
    n_clusters: int
    n_proteins: int
    n_pairs: int
    n_calibration_pairs: int
    draws: int
    command: str
    date: str
    machine: str
    foldglass: str


@dataclass(frozen=True, eq=False)
class ScoreEvaluation:
    """The results of one score network; `report_score.write_score_report` makes them readable.

    Each tuple of results begins with the network's vectors and goes on with the baselines. The test pairs and the
    predictions are kept for the figures.
    """

    about: ScoreAbout
    levels: tuple[LevelResult, ...]
    variance: VarianceShares
    residues: tuple[ResidueResult, ...]
    pairs: tuple[PairResult, ...]
    retrieval: tuple[RetrievalResult, ...]
    folds: tuple[FoldResult, ...]
    data: EvaluationSet
    fold_predictions: tuple[FoldPredictions, ...]

    def to_json(self) -> dict[str, Any]:
        """Give all measures as plain JSON values; a value that could not be measured is null."""
        names = ("about", "levels", "variance", "residues", "pairs", "retrieval", "folds")
        return {
            "schema": f"foldglass-score-evaluation/{SCHEMA}",
            **plain({name: getattr(self, name) for name in names}),
        }


def evaluate_score(
    model: ScoreModel,
    data: ScoreEvaluationSet,
    *,
    command: str = "",
    draws: int = 1000,
    progress: Progress = lambda done, total: None,
) -> ScoreEvaluation:
    """Measure how much noise a network recognises, and what its vectors of pairs, residues and proteins tell.

    Memory holds the maps of one chain at a time, and the vectors of the residues that are probed.

    Parameters
    ----------
    model
        The network to judge.
    data
        Chains and pairs; see `evaluation_score_set.score_evaluation_set`.
    command
        How to run it again, for the report.
    draws
        Bootstrap resamples per interval, of superfamily groups.

    Raises
    ------
    MissingExtraError
        If parasail or scipy is not installed.
    """
    describe = Describer(model)
    probed = {structure.id for part in (data.fit, data.choose, data.judge) for structure in part}
    residue: dict[str, dict[str, Float[np.ndarray, "L D"]]] = {kind.key: {} for kind in describe.kinds}
    whole: dict[str, dict[str, Float[np.ndarray, " D"]]] = {kind.key: {} for kind in describe.kinds}
    chains = {s.id: s for s in (*data.fit, *data.calibration.proteins, *data.test.proteins)}
    some = data.judge[: (len(data.judge) + 1) // 2]
    tick = _ticker(progress, len(chains) + len(some) + len(model.noise.sigma))
    for structure in chains.values():
        for key, vectors in describe(structure).items():
            whole[key][structure.id] = vectors.mean(axis=0)
            if structure.id in probed:
                residue[key][structure.id] = vectors
        tick()
    residues, retrieval, folds, predictions = [], [], [], []
    for kind in describe.kinds:
        residues.append(measure_residues(kind, residue[kind.key], data, draws=draws))
        fitted = _stacked(whole[kind.key], data.fit)
        mean, spread = fitted.mean(axis=0), fitted.std(axis=0)
        calibration, test = (
            standardised(_stacked(whole[kind.key], part.proteins), mean, spread)
            for part in (data.calibration, data.test)
        )
        retrieval.append(measure_retrieval(kind, test, data.test, draws=draws))
        predicted, fold = measure_tm(kind, (calibration, data.calibration), (test, data.test), draws=draws)
        predictions.append(predicted)
        folds.append(fold)
    baselines = predict_baselines(data.test, data.calibration)
    no_model = Calibration()
    return ScoreEvaluation(
        about=_about(model, data, command=command, draws=draws),
        levels=measure_levels(model, data.judge, progress=tick),
        variance=measure_variance(model, some, progress=tick),
        residues=(*residues, measure_constant(data, draws=draws)),
        pairs=measure_pairs(model, data, draws=draws),
        retrieval=(*retrieval, measure_chance(data.test, draws=draws)),
        folds=(*folds, *(measure_fold(p, data.test, no_model, draws=draws) for p in baselines)),
        data=data.test,
        fold_predictions=(*predictions, *baselines),
    )


def _stacked(
    vectors: dict[str, Float[np.ndarray, " D"]], structures: tuple[Structure, ...]
) -> Float[np.ndarray, "N D"]:
    return np.stack([vectors[structure.id] for structure in structures])


def _ticker(progress: Progress, total: int) -> Callable[[], None]:
    done = 0

    def tick() -> None:
        nonlocal done
        done += 1
        progress(done, total)

    return tick


def _about(model: ScoreModel, data: ScoreEvaluationSet, *, command: str, draws: int) -> ScoreAbout:
    return ScoreAbout(
        model=model.id,
        sigma=model.sigma,
        data=data.test.name,
        split=data.test.split,
        n_fit_chains=len(data.fit),
        n_choose_chains=len(data.choose),
        n_chains=len(data.judge),
        n_residues=sum(map(len, data.judge)),
        n_clusters=len(np.unique(data.cluster)),
        n_proteins=len(data.test.proteins),
        n_pairs=len(data.test),
        n_calibration_pairs=len(data.calibration),
        draws=draws,
        command=command,
        **provenance(),
    )
