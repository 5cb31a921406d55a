"""How good predicted local scores and alignments are, beside what a constant and unrelated pairs reach."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from foldglass.constants import GLASS_EXPONENT
from foldglass.metrics.lddt import lddt
from foldglass.metrics.regression import Interval, bootstrap_interval, pearson, spearman
from foldglass.train.baselines import align_sequences, halves
from foldglass.train.evaluation_predictions import LocalPredictions, LocalTruth
from foldglass.train.evaluation_set import Alignments, EvaluationSet

FORMS = ("glass", "plain", "distant")
"""Forms of the local score, see `EvaluationSet.local_truth`; models predict `glass`."""

REMOTE_IDENTITY = 0.3
"""Sequence identity over TM-align's alignment below which relatives count as remote."""

_UNRELATED_TM = 0.3
_MOST_UNRELATED = 500


@dataclass(frozen=True)
class LocalMeasures:
    """Errors over residues; the interval resamples proteins. `coverage` is the share with a prediction."""

    n: int
    mae: Interval
    pearson: float
    spearman: float
    coverage: float


@dataclass(frozen=True)
class AlignmentMeasures:
    """Residue pairs shared with TM-align's alignment: share of the predicted, and share of TM-align's.

    Both are means over pairs of proteins.
    """

    precision: Interval
    recall: Interval


@dataclass(frozen=True)
class LocalResult:
    """Everything measured of one predictor of the local score.

    `given_alignment` has one entry per form of the truth, all against the same predicted score;
    `end_to_end` is against `glass`, with the predictor's own alignment. Baselines that do not align, or
    only align, have None in the other places.
    """

    key: str
    title: str
    is_baseline: bool
    given_alignment: dict[str, LocalMeasures]
    end_to_end: LocalMeasures | None
    alignment: AlignmentMeasures | None


@dataclass(frozen=True)
class Floor:
    """Mean local score of pairs with a TM-score below 0.3: what unrelated proteins get anyhow.

    Once under TM-align's alignment, once with residue i laid over residue i. NaN without such pairs.
    """

    n_pairs: int
    aligned: dict[str, float]
    by_index: dict[str, float]


def measure_local(predictions: LocalPredictions, truth: LocalTruth, data: EvaluationSet, *, draws: int) -> LocalResult:
    """Measure a model's local scores and alignments."""
    return LocalResult(
        key=predictions.key,
        title=predictions.title,
        is_baseline=False,
        given_alignment={
            form: _measure(predictions.given_alignment, getattr(truth, form), truth, data, draws) for form in FORMS
        },
        end_to_end=_measure(predictions.end_to_end, truth.glass, truth, data, draws),
        alignment=_measure_alignments(predictions.alignments, truth.pairs, data, draws),
    )


def measure_local_baselines(
    truth: LocalTruth, data: EvaluationSet, fit: LocalTruth | None, *, draws: int
) -> list[LocalResult]:
    """Measure the best constant (the median of other pairs, per form) and the alignment by sequence.

    Without pairs to fit, each half of the pairs is judged by the median of the other half.
    """
    constant = {
        form: _measure(_constant(form, truth, data, fit), getattr(truth, form), truth, data, draws) for form in FORMS
    }
    sequences = [(data.proteins[data.query[pair]], data.proteins[data.target[pair]]) for pair in truth.pairs]
    by_sequence = tuple(align_sequences(query.letters, target.letters) for query, target in sequences)
    alignment = _measure_alignments(by_sequence, truth.pairs, data, draws)
    return [
        LocalResult("constant", "best constant", True, constant, None, None),
        LocalResult("alignment", "BLOSUM62 alignment", True, {}, None, alignment),
    ]


def remote(pairs: Int[np.ndarray, " P"], data: EvaluationSet) -> Bool[np.ndarray, " P"]:
    """Mark the pairs whose sequences would not have told that they are similar."""
    identity = []
    for pair in pairs:
        query, target = data.proteins[data.query[pair]].letters, data.proteins[data.target[pair]].letters
        identity.append(np.mean([query[i] == target[j] for i, j in data.alignments[pair]]))
    return np.array(identity) < REMOTE_IDENTITY


def measure_floor(data: EvaluationSet) -> Floor:
    """Measure the local score of unrelated pairs, on the first 500 of them."""
    unrelated = np.flatnonzero(data.tm < _UNRELATED_TM)[:_MOST_UNRELATED]
    aligned = LocalTruth.of(data, unrelated)
    means: dict[str, list[float]] = {"glass": [], "plain": []}
    for pair in unrelated:
        query, target = data.proteins[data.query[pair]], data.proteins[data.target[pair]]
        shared = min(len(query), len(target))
        for form, exponent in (("glass", GLASS_EXPONENT), ("plain", 0.0)):
            means[form].append(float(np.nanmean(lddt(query.ca[:shared], target.ca[:shared], exponent=exponent))))
    return Floor(
        n_pairs=len(unrelated),
        aligned={form: _mean(getattr(aligned, form)) for form in FORMS},
        by_index={form: _mean(np.array(values)) for form, values in means.items()},
    )


def _mean(values: Float[np.ndarray, " M"]) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")


def _constant(form: str, truth: LocalTruth, data: EvaluationSet, fit: LocalTruth | None) -> Float[np.ndarray, " M"]:
    true: Float[np.ndarray, " M"] = getattr(truth, form)
    if fit is not None and len(fit.pairs):
        return np.full(len(true), np.nanmedian(getattr(fit, form)))
    constant = np.empty(len(true))
    for learn, use in halves(data):
        known, asked = (rows[truth.pairs][truth.row] for rows in (learn, use))
        constant[asked] = np.nanmedian(true[known if known.any() else asked])
    return constant


def _measure(
    predicted: Float[np.ndarray, " M"],
    true: Float[np.ndarray, " M"],
    truth: LocalTruth,
    data: EvaluationSet,
    draws: int,
) -> LocalMeasures:
    measured = ~np.isnan(true)
    both: Bool[np.ndarray, " M"] = measured & ~np.isnan(predicted)
    if not both.any():
        nothing = float("nan")
        return LocalMeasures(0, Interval(nothing, nothing, nothing), nothing, nothing, 0.0)
    error = np.abs(predicted - true)[both]
    sums = np.stack([np.bincount(truth.row[both], weights=w, minlength=len(truth.pairs)) for w in (error, None)], 1)
    some = sums[:, 1] > 0
    interval = bootstrap_interval(
        sums[some], _clusters(truth.pairs[some], data), lambda rows: rows[:, 0].sum() / rows[:, 1].sum(), n=draws
    )
    return LocalMeasures(
        n=int(both.sum()),
        mae=interval,
        pearson=pearson(predicted[both], true[both]),
        spearman=spearman(predicted[both], true[both]),
        coverage=float(both.sum() / measured.sum()),
    )


def _measure_alignments(
    alignments: Alignments, pairs: Int[np.ndarray, " P"], data: EvaluationSet, draws: int
) -> AlignmentMeasures:
    shared = np.array(
        [
            len(set(map(tuple, own.tolist())) & set(map(tuple, data.alignments[pair].tolist())))
            for own, pair in zip(alignments, pairs, strict=True)
        ],
        dtype=np.float64,
    )
    predicted = np.array([max(len(own), 1) for own in alignments])
    true = np.array([len(data.alignments[pair]) for pair in pairs])
    clusters = _clusters(pairs, data)
    return AlignmentMeasures(
        precision=bootstrap_interval(shared / predicted, clusters, n=draws),
        recall=bootstrap_interval(shared / true, clusters, n=draws),
    )


def _clusters(pairs: Int[np.ndarray, " P"], data: EvaluationSet) -> Int[np.ndarray, " P"]:
    return data.cluster[data.query[pairs]]
