"""How well scores pick out the positives, at every threshold and at a given one."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from foldglass.errors import InputError


@dataclass(frozen=True)
class Decisions:
    """Figures of one threshold: a score above it says yes. A ratio without a case is 0, as in the literature."""

    accuracy: float
    precision: float
    recall: float
    f1: float
    mcc: float


def average_precision(score: Float[np.ndarray, " M"], positive: Bool[np.ndarray, " M"]) -> float:
    """Area under the precision-recall curve, as the mean precision at each positive; NaN without a positive.

    Equal scores are one step of the curve. Chance scores the share of positives.

    Raises
    ------
    InputError
        If a score is NaN.

    Examples
    --------
    >>> import numpy as np
    >>> average_precision(np.array([0.9, 0.8, 0.7, 0.1]), np.array([True, False, True, False]))
    0.8333333333333333
    """
    _refuse_missing(score)
    if not positive.any():
        return float("nan")
    _, hits, chosen = _steps(score, positive)
    gained = np.diff(hits, prepend=0)
    return float((gained * hits / chosen).sum() / hits[-1])


def decisions(score: Float[np.ndarray, " M"], positive: Bool[np.ndarray, " M"], threshold: float) -> Decisions:
    """Figures of the decision `score > threshold`.

    Examples
    --------
    >>> import numpy as np
    >>> decisions(np.array([0.9, 0.8, 0.3]), np.array([True, False, False]), 0.5).precision
    0.5
    """
    said = score > threshold
    tp, fp = float((said & positive).sum()), float((said & ~positive).sum())
    fn, tn = float((~said & positive).sum()), float((~said & ~positive).sum())
    root = np.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn))
    return Decisions(
        accuracy=(tp + tn) / max(len(score), 1),
        precision=tp / max(tp + fp, 1.0),
        recall=tp / max(tp + fn, 1.0),
        f1=2 * tp / max(2 * tp + fp + fn, 1.0),
        mcc=float((tp * tn - fp * fn) / root) if root else 0.0,
    )


def best_threshold(score: Float[np.ndarray, " M"], positive: Bool[np.ndarray, " M"]) -> float:
    """The threshold of the highest F1: halfway between the last score taken and the first one left.

    Raises
    ------
    InputError
        If a score is NaN or nothing is positive.

    Examples
    --------
    >>> import numpy as np
    >>> round(best_threshold(np.array([0.9, 0.8, 0.7, 0.1]), np.array([True, False, True, False])), 3)
    0.4
    """
    _refuse_missing(score)
    if not positive.any():
        raise InputError("threshold", got="no positive", expected="at least one to choose it by")
    values, hits, chosen = _steps(score, positive)
    best = int(np.argmax(2 * hits / (chosen + positive.sum())))
    below = values[best + 1] if best + 1 < len(values) else values[best] - 1.0
    return float((values[best] + below) / 2)


def _steps(
    score: Float[np.ndarray, " M"], positive: Bool[np.ndarray, " M"]
) -> tuple[Float[np.ndarray, " S"], Int[np.ndarray, " S"], Int[np.ndarray, " S"]]:
    """Distinct scores from high to low; positives and samples with at least that score."""
    values, place, count = np.unique(-score, return_inverse=True, return_counts=True)
    hits = np.bincount(place, weights=positive, minlength=len(values))
    return -values, np.cumsum(hits).astype(np.int64), np.cumsum(count)


def _refuse_missing(score: Float[np.ndarray, " M"]) -> None:
    missing = int(np.isnan(score).sum())
    if missing:
        raise InputError("scores", got=f"{missing} of {len(score)} are NaN", expected="a number each")
