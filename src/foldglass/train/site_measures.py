"""Figures of interaction-site predictions, over all residues of some chains and with intervals over chains."""

from collections.abc import Callable
from collections.abc import Sequence as List
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float64

from foldglass.metrics.binary import Decisions, average_precision, best_threshold, decisions
from foldglass.metrics.classification import auroc

RESAMPLES = 200


@dataclass(frozen=True)
class SiteFigures:
    """Figures over all residues.

    Parameters
    ----------
    prevalence
        Share of residues that touch a partner: the area under the precision-recall curve that chance reaches.
    threshold, decided
        Threshold chosen on validation chains, and the figures with it.
    best_threshold, optimistic
        Threshold of the highest F1 on these very residues, and the figures with it, which flatter.
    auprc_interval
        95 % of the resamplings of whole chains.
    """

    chains: int
    residues: int
    prevalence: float
    auprc: float
    auprc_interval: tuple[float, float]
    auroc: float
    threshold: float
    decided: Decisions
    best_threshold: float
    optimistic: Decisions


def site_figures(
    probability: List[Float64[np.ndarray, " _"]],
    positive: List[Bool[np.ndarray, " _"]],
    threshold: float,
    *,
    resamples: int = RESAMPLES,
) -> SiteFigures:
    """Figures of some chains, given one array for each.

    Examples
    --------
    >>> scores, true = [np.array([0.9, 0.2]), np.array([0.7, 0.1])], [np.array([True, False])] * 2
    >>> figures = site_figures(scores, true, 0.8, resamples=10)
    >>> figures.auprc, figures.decided.recall, figures.optimistic.recall
    (1.0, 0.5, 1.0)
    """
    scores, true = np.concatenate(probability), np.concatenate(positive)
    best = best_threshold(scores, true)
    return SiteFigures(
        chains=len(probability),
        residues=len(true),
        prevalence=float(true.mean()),
        auprc=average_precision(scores, true),
        auprc_interval=interval(average_precision, probability, positive, resamples=resamples),
        auroc=auroc(scores, true),
        threshold=threshold,
        decided=decisions(scores, true, threshold),
        best_threshold=best,
        optimistic=decisions(scores, true, best),
    )


def interval(
    measure: Callable[[Float[np.ndarray, " M"], Bool[np.ndarray, " M"]], float],
    probability: List[Float64[np.ndarray, " _"]],
    positive: List[Bool[np.ndarray, " _"]],
    *,
    resamples: int = RESAMPLES,
) -> tuple[float, float]:
    """95 % of a measure over resamplings of whole chains; residues of one chain are not independent."""
    rng = np.random.default_rng(0)
    values = []
    for _ in range(resamples):
        drawn = rng.integers(len(probability), size=len(probability)).tolist()
        value = measure(np.concatenate([probability[i] for i in drawn]), np.concatenate([positive[i] for i in drawn]))
        if not np.isnan(value):
            values.append(value)
    low, high = np.quantile(values, [0.025, 0.975]) if values else (np.nan, np.nan)
    return float(low), float(high)
