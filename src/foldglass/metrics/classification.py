"""How good a yes-or-no answer is: its order, its probability and its honesty."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from foldglass.errors import InputError


@dataclass(frozen=True, eq=False)
class Reliability:
    """A reliability diagram: what was promised and what came true, per bin of equal width.

    `mean_predicted` and `observed` are NaN in a bin without a sample; `edges` has one value more than
    there are bins.
    """

    edges: Float[np.ndarray, " E"]
    mean_predicted: Float[np.ndarray, " K"]
    observed: Float[np.ndarray, " K"]
    count: Int[np.ndarray, " K"]

    @property
    def calibration_error(self) -> float:
        """Expected calibration error: abs(promised - came true), mean over samples (Naeini et al. 2015)."""
        filled = self.count > 0
        if not filled.any():
            return float("nan")
        gap = np.abs(self.mean_predicted[filled] - self.observed[filled])
        return float(np.average(gap, weights=self.count[filled]))


def auroc(score: Float[np.ndarray, " M"], positive: Bool[np.ndarray, " M"]) -> float:
    """Area under the ROC curve: the chance that a positive scores higher than a negative.

    A tie counts one half (the Mann-Whitney form). NaN if there is no positive or no negative.

    Raises
    ------
    InputError
        If a score is NaN.

    Examples
    --------
    >>> import numpy as np
    >>> auroc(np.array([0.1, 0.4, 0.4, 0.9]), np.array([False, False, True, True]))
    0.875
    """
    _refuse_missing("AUROC", score)
    positives = int(positive.sum())
    negatives = len(positive) - positives
    if not positives or not negatives:
        return float("nan")
    _, place, count = np.unique(score, return_inverse=True, return_counts=True)
    middle_rank = np.cumsum(count) - (count - 1) / 2
    rank_sum = middle_rank[place][positive].sum()
    return float((rank_sum - positives * (positives + 1) / 2) / (positives * negatives))


def brier(probability: Float[np.ndarray, " M"], positive: Bool[np.ndarray, " M"]) -> float:
    """Mean squared difference of probability and outcome (Brier 1950): 0 is perfect, 0.25 is a coin.

    NaN if there is no sample.

    Raises
    ------
    InputError
        If a probability is NaN.

    Examples
    --------
    >>> import numpy as np
    >>> brier(np.array([1.0, 0.5]), np.array([True, False]))
    0.125
    """
    _refuse_missing("Brier score", probability)
    return float(np.mean((probability - positive) ** 2)) if len(probability) else float("nan")


def reliability(
    probability: Float[np.ndarray, " M"], positive: Bool[np.ndarray, " M"], *, bins: int = 10
) -> Reliability:
    """Compare probabilities with outcomes, in `bins` of equal width over 0 to 1; the last bin is closed.

    Raises
    ------
    InputError
        If a probability is NaN or outside 0 to 1.

    Examples
    --------
    >>> import numpy as np
    >>> curve = reliability(np.array([0.2, 0.3, 0.9, 1.0]), np.array([False, True, True, True]), bins=2)
    >>> curve.mean_predicted, curve.observed
    (array([0.25, 0.95]), array([0.5, 1. ]))
    """
    _refuse_missing("reliability", probability)
    if len(probability) and not (probability.min() >= 0 and probability.max() <= 1):
        raise InputError(
            "reliability", got=f"{probability.min():g} to {probability.max():g}", expected="probabilities from 0 to 1"
        )
    place = np.minimum((probability * bins).astype(np.int64), bins - 1)
    count = np.bincount(place, minlength=bins)
    sums = (np.bincount(place, weights, minlength=bins) for weights in (probability, positive.astype(np.float64)))
    mean_predicted, observed = (np.where(count > 0, total / np.maximum(count, 1), np.nan) for total in sums)
    return Reliability(np.linspace(0, 1, bins + 1), mean_predicted, observed, count)


def _refuse_missing(subject: str, score: Float[np.ndarray, " M"]) -> None:
    missing = int(np.isnan(score).sum())
    if missing:
        raise InputError(subject, got=f"{missing} of {len(score)} scores are NaN", expected="a number each")
