"""What protein vectors of a score network tell of the fold: the nearest neighbour, and TM-scores by cosine."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from foldglass.constants import SAME_FOLD_TM
from foldglass.metrics.regression import Interval, bootstrap_interval
from foldglass.models.calibration import Calibration
from foldglass.train.calibrate import logistic, monotone_knots
from foldglass.train.evaluation_fold import FoldResult, measure_fold
from foldglass.train.evaluation_predictions import FoldPredictions
from foldglass.train.evaluation_score_vectors import VectorKind
from foldglass.train.evaluation_set import EvaluationSet

Vectors = Float[np.ndarray, "N D"]


@dataclass(frozen=True)
class RetrievalResult:
    """Share of the chains with a relative whose nearest neighbour by cosine is of their superfamily group."""

    key: str
    title: str
    is_baseline: bool
    first_hit: Interval


def standardised(vectors: Vectors, mean: Float[np.ndarray, " D"], spread: Float[np.ndarray, " D"]) -> Vectors:
    """Each channel on one scale, each vector of length one, for cosines.

    Examples
    --------
    >>> standardised(np.array([[9.0, 5.0]]), np.array([3.0, 5.0]), np.array([2.0, 1.0])).tolist()
    [[1.0, 0.0]]
    """
    z = (vectors - mean) / (spread + 1e-6)
    return np.asarray(z / np.maximum(np.linalg.norm(z, axis=1, keepdims=True), 1e-9))


def measure_retrieval(kind: VectorKind, unit: Vectors, data: EvaluationSet, *, draws: int) -> RetrievalResult:
    """Look for each chain's nearest neighbour among all others of the set; NaN if no chain has a relative."""
    similarity = unit @ unit.T
    np.fill_diagonal(similarity, -np.inf)
    related = _relatives(data.cluster) > 0
    hit = (data.cluster[similarity.argmax(axis=1)] == data.cluster)[related].astype(np.float64)
    return RetrievalResult(kind.key, kind.title, kind.is_baseline, _share(hit, data.cluster[related], draws))


def measure_chance(data: EvaluationSet, *, draws: int) -> RetrievalResult:
    """The chance that a random other chain is a relative."""
    relatives = _relatives(data.cluster)
    chance = relatives[relatives > 0] / max(len(data.cluster) - 1, 1)
    return RetrievalResult("constant", "a random chain", True, _share(chance, data.cluster[relatives > 0], draws))


def measure_tm(
    kind: VectorKind, fitted: tuple[Vectors, EvaluationSet], judged: tuple[Vectors, EvaluationSet], *, draws: int
) -> tuple[FoldPredictions, FoldResult]:
    """TM-scores and same-fold probabilities from cosines of unit vectors, by curves fitted on other pairs."""
    cosine, asked = (np.einsum("bd,bd->b", unit[data.query], unit[data.target]) for unit, data in (fitted, judged))
    truth = fitted[1].tm
    slope, intercept = logistic(cosine, truth > SAME_FOLD_TM)
    predictions = FoldPredictions(
        kind.key,
        kind.title,
        kind.is_baseline,
        tm=np.asarray(np.interp(asked, *monotone_knots(cosine, truth))),
        p_same_fold=1.0 / (1.0 + np.exp(-np.clip(slope * asked + intercept, -60, 60))),
    )
    return predictions, measure_fold(predictions, judged[1], Calibration(), draws=draws)


def _relatives(cluster: Int[np.ndarray, " N"]) -> Int[np.ndarray, " N"]:
    return (cluster[:, None] == cluster[None]).sum(axis=1) - 1


def _share(values: Float[np.ndarray, " M"], cluster: Int[np.ndarray, " M"], draws: int) -> Interval:
    return bootstrap_interval(values, cluster, n=draws) if len(values) else Interval(np.nan, np.nan, np.nan)
