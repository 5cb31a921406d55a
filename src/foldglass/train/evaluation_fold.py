"""How good predicted TM-scores and same-fold probabilities are, overall and where it matters."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from foldglass.constants import SAME_FOLD_TM
from foldglass.errors import InputError
from foldglass.metrics.classification import Reliability, auroc, brier, reliability
from foldglass.metrics.regression import (
    Bin,
    Difference,
    Interval,
    WelchResult,
    binned,
    bootstrap_interval,
    paired_bootstrap,
    pearson,
    rmse,
    spearman,
    welch,
)
from foldglass.train.evaluation_predictions import Calibration, FoldPredictions
from foldglass.train.evaluation_set import EvaluationSet

TM_EDGES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
"""Bins of the true TM-score; the last one holds 1.0 too."""


@dataclass(frozen=True)
class TmMeasures:
    """Errors of one form of the TM-score: overall, and in bins of the true value.

    `bin_intervals` are the mean absolute errors of `bins` with their bounds.
    """

    n: int
    mae: Interval
    rmse: float
    bias: float
    pearson: Interval
    spearman: float
    bins: tuple[Bin, ...]
    bin_intervals: tuple[Interval, ...]


@dataclass(frozen=True, eq=False)
class FoldResult:
    """Everything measured of one predictor of the fold.

    `tm` is the symmetric value; `tm_query` and `tm_target` are recovered from it with both lengths.
    `kinds` holds the mean absolute error per kind of pair, empty if the data names none.
    """

    key: str
    title: str
    is_baseline: bool
    tm: TmMeasures
    tm_query: TmMeasures
    tm_target: TmMeasures
    kinds: dict[str, Interval]
    auroc: Interval
    brier: Interval
    reliability: Reliability


@dataclass(frozen=True)
class FoldTest:
    """A model's pairing against a baseline on the same pairs.

    `difference` is the mean of abs(error of the model) - abs(error of the baseline), resampled by protein
    cluster: below 0 the model is better. The Welch tests treat the same pairs as two independent
    samples, once of predictions (as the GLASS paper words it) and once of absolute errors; None where a
    sample does not vary.
    """

    model: str
    baseline: str
    difference: Difference
    welch_predictions: WelchResult | None
    welch_errors: WelchResult | None


def measure_fold(
    predictions: FoldPredictions, data: EvaluationSet, calibration: Calibration, *, draws: int
) -> FoldResult:
    """Measure one predictor; intervals come from `draws` resamples of the queries' clusters."""
    cluster = data.cluster[data.query]
    same_fold = data.tm > SAME_FOLD_TM
    lengths = data.lengths.astype(np.float64)
    tm_query, tm_target = calibration.sides(predictions.tm, lengths[data.query], lengths[data.target])
    outcome = np.stack([predictions.p_same_fold, same_fold], axis=1)
    error = np.abs(predictions.tm - data.tm)
    return FoldResult(
        key=predictions.key,
        title=predictions.title,
        is_baseline=predictions.is_baseline,
        tm=_measure_tm(predictions.tm, data.tm, cluster, draws),
        tm_query=_measure_tm(np.asarray(tm_query, dtype=np.float64), data.tm_query, cluster, draws),
        tm_target=_measure_tm(np.asarray(tm_target, dtype=np.float64), data.tm_target, cluster, draws),
        kinds={kind: _interval(error[rows], cluster[rows], draws) for kind, rows in rows_of_kinds(data).items()},
        auroc=bootstrap_interval(outcome, cluster, lambda rows: auroc(rows[:, 0], rows[:, 1] > 0), n=draws),
        brier=bootstrap_interval(outcome, cluster, lambda rows: brier(rows[:, 0], rows[:, 1] > 0), n=draws),
        reliability=reliability(predictions.p_same_fold, same_fold),
    )


def rows_of_kinds(data: EvaluationSet) -> dict[str, Bool[np.ndarray, " B"]]:
    """Give the pairs of each kind, closest kind first where the names are known."""
    names = np.array(data.kinds)
    known = ("family", "superfamily", "fold", "architecture", "random")
    order = sorted(set(data.kinds), key=lambda kind: (known.index(kind) if kind in known else len(known), kind))
    return {kind: names == kind for kind in order}


def compare_with_baseline(
    model: FoldPredictions, baseline: FoldPredictions, data: EvaluationSet, *, draws: int
) -> FoldTest:
    """Test whether the model's absolute errors are smaller than the baseline's."""
    of_model, of_baseline = np.abs(model.tm - data.tm), np.abs(baseline.tm - data.tm)
    return FoldTest(
        model=model.key,
        baseline=baseline.key,
        difference=paired_bootstrap(of_model, of_baseline, data.cluster[data.query], n=draws),
        welch_predictions=_welch_or_none(model.tm, baseline.tm),
        welch_errors=_welch_or_none(of_model, of_baseline),
    )


def _measure_tm(
    predicted: Float[np.ndarray, " B"], true: Float[np.ndarray, " B"], cluster: Int[np.ndarray, " B"], draws: int
) -> TmMeasures:
    error = np.abs(predicted - true)
    bins = binned(predicted, true, TM_EDGES)
    both = np.stack([predicted, true], axis=1)
    return TmMeasures(
        n=len(true),
        mae=_interval(error, cluster, draws),
        rmse=rmse(predicted, true),
        bias=float((predicted - true).mean()),
        pearson=bootstrap_interval(both, cluster, lambda rows: pearson(rows[:, 0], rows[:, 1]), n=draws),
        spearman=spearman(predicted, true),
        bins=tuple(bins),
        bin_intervals=tuple(_bin_intervals(bins, error, true, cluster, draws)),
    )


def _bin_intervals(
    bins: Sequence[Bin],
    error: Float[np.ndarray, " B"],
    true: Float[np.ndarray, " B"],
    cluster: Int[np.ndarray, " B"],
    draws: int,
) -> list[Interval]:
    place = np.minimum(np.searchsorted(TM_EDGES, true, side="right") - 1, len(bins) - 1)
    return [_interval(error[place == k], cluster[place == k], draws) for k in range(len(bins))]


def _interval(error: Float[np.ndarray, " B"], cluster: Int[np.ndarray, " B"], draws: int) -> Interval:
    return bootstrap_interval(error, cluster, n=draws) if len(error) else Interval(np.nan, np.nan, np.nan)


def _welch_or_none(a: Float[np.ndarray, " B"], b: Float[np.ndarray, " B"]) -> WelchResult | None:
    try:
        return welch(a, b)
    except InputError:
        return None
