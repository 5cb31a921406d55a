"""Evaluate a model on measured pairs, next to baselines that never saw the model."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from foldglass.train.baselines import predict_baselines
from foldglass.train.evaluation_fold import FoldResult, FoldTest, compare_with_baseline, measure_fold
from foldglass.train.evaluation_local import (
    Floor,
    LocalResult,
    measure_floor,
    measure_local,
    measure_local_baselines,
    remote,
)
from foldglass.train.evaluation_predictions import (
    EvaluatedModel,
    FoldPredictions,
    LocalPredictions,
    LocalTruth,
    local_pairs,
    predict,
)
from foldglass.train.evaluation_set import EvaluationSet
from foldglass.train.report_json import plain, provenance

__all__ = ["About", "Evaluation", "EvaluationSet", "evaluate"]

SCHEMA = 1
"""Version of the JSON file; raised when a field is renamed, removed or changes its meaning."""


@dataclass(frozen=True)
class About:
    """What was measured, on what, when and where; `fit` says where the baselines learned."""

    model: str
    data: str
    split: str
    n_proteins: int
    n_clusters: int
    n_pairs: int
    n_local_pairs: int
    n_remote_pairs: int
    fit: str
    draws: int
    date: str
    machine: str
    foldglass: str
    command: str


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The results of one model on one evaluation set; `report.write_report` makes it readable.

    `folds` and `locals` begin with the model's pairings and go on with the baselines. `locals` is of the
    pairs with a TM-score of 0.7 or more, `remote_locals` of those among them with less than 30 % sequence
    identity; each is empty if there is no such pair. The predictions are kept for the figures.
    """

    about: About
    folds: tuple[FoldResult, ...]
    tests: tuple[FoldTest, ...]
    locals: tuple[LocalResult, ...]
    remote_locals: tuple[LocalResult, ...]
    floor: Floor
    data: EvaluationSet
    fold_predictions: tuple[FoldPredictions, ...]
    local_predictions: tuple[LocalPredictions, ...]
    local_truth: LocalTruth

    def to_json(self) -> dict[str, Any]:
        """Give all measures as plain JSON values; a value that could not be measured is null."""
        measures = {
            name: getattr(self, name) for name in ("about", "folds", "tests", "locals", "remote_locals", "floor")
        }
        return {"schema": f"foldglass-evaluation/{SCHEMA}", **plain(measures)}


def evaluate(
    model: EvaluatedModel,
    data: EvaluationSet,
    fit: EvaluationSet | None = None,
    *,
    command: str = "",
    draws: int = 1000,
) -> Evaluation:
    """Measure a model's TM-scores, same-fold probabilities, local scores and alignments.

    Every pairing of the model's towers is measured (sequence vs sequence, structure vs structure,
    sequence vs structure), and every measure is given for the baselines too. Intervals and tests
    resample the queries' clusters.

    Parameters
    ----------
    model
        The model to judge.
    data
        The measured pairs.
    fit
        Pairs from which the baselines learn, such as the validation split. Without them each half of
        `data`, parted by the query's cluster, is predicted from the other half.
    command
        How to run it again, for the report.
    draws
        Bootstrap resamples per interval.

    Raises
    ------
    ModelError
        If the model has no tower to evaluate.
    MissingExtraError
        If parasail or scipy is not installed.
    """
    answers = predict(model, data)
    models = [fold for fold, _ in answers]
    baselines = predict_baselines(data, fit)
    local_predictions = [local for _, local in answers]
    truth = LocalTruth.of(data, local_pairs(data))
    far = remote(truth.pairs, data)
    fit_truth = None if fit is None else LocalTruth.of(fit, local_pairs(fit))
    fit_far = None if fit is None or fit_truth is None else fit_truth.only(remote(fit_truth.pairs, fit))
    return Evaluation(
        about=_about(model, data, fit, n_local=len(far), n_remote=int(far.sum()), command=command, draws=draws),
        folds=tuple(measure_fold(p, data, model.calibration, draws=draws) for p in (*models, *baselines)),
        tests=tuple(compare_with_baseline(m, b, data, draws=draws) for m in models for b in baselines),
        locals=_local_results(local_predictions, truth, data, fit_truth, draws),
        remote_locals=_local_results(
            [local.only(far, truth) for local in local_predictions], truth.only(far), data, fit_far, draws
        ),
        floor=measure_floor(data),
        data=data,
        fold_predictions=(*models, *baselines),
        local_predictions=tuple(local_predictions),
        local_truth=truth,
    )


def _local_results(
    predictions: list[LocalPredictions], truth: LocalTruth, data: EvaluationSet, fit: LocalTruth | None, draws: int
) -> tuple[LocalResult, ...]:
    if not len(truth.pairs):
        return ()
    models = [measure_local(local, truth, data, draws=draws) for local in predictions]
    return (*models, *measure_local_baselines(truth, data, fit, draws=draws))


def _about(
    model: EvaluatedModel,
    data: EvaluationSet,
    fit: EvaluationSet | None,
    *,
    n_local: int,
    n_remote: int,
    command: str,
    draws: int,
) -> About:
    if fit is not None:
        learned = f"the {len(fit)} pairs of {fit.name}, split {fit.split}"
    elif len(np.unique(data.cluster[data.query])) > 1:
        learned = "cross-fitting: each half of the pairs, parted by the query's cluster, from the other half"
    else:
        learned = "the evaluated pairs themselves, because all queries are of one cluster: the baselines are flattered"
    return About(
        model=model.id,
        data=data.name,
        split=data.split,
        n_proteins=len(data.proteins),
        n_clusters=len(np.unique(data.cluster)),
        n_pairs=len(data),
        n_local_pairs=n_local,
        n_remote_pairs=n_remote,
        fit=learned,
        draws=draws,
        command=command,
        **provenance(),
    )
