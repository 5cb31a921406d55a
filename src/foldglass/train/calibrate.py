"""Fit a model's calibration on validation pairs."""

import numpy as np
from jaxtyping import Bool, Float

from foldglass.constants import SAME_FOLD_TM
from foldglass.models.calibration import Calibration, PairingCalibration
from foldglass.models.model import Model
from foldglass.train.baselines import IsotonicFit
from foldglass.train.evaluation_predictions import PAIRINGS, LocalTruth, local_pairs, predict
from foldglass.train.evaluation_set import EvaluationSet
from foldglass.train.unrelated import UnrelatedPairs, unrelated_cosines

Knots = tuple[tuple[float, ...], tuple[float, ...]]
KNOTS = 24
"""Knots kept of an isotonic curve."""

_SHARES = (1.0, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001, 0.0005, 0.0002, 0.0001)
_LEAST_BEYOND = 50
_UNCHANGED = ((-1.0, 1.0), (-1.0, 1.0))


def calibrate(model: Model, data: EvaluationSet, unrelated: UnrelatedPairs | None = None) -> Calibration:
    """Calibration of every pairing of the model's towers.

    The TM map is an isotonic regression of the symmetric TM-score on the cosine, the fold probability a logistic
    regression of TM > 0.5 on the cosine (Platt 1999), and the local map an isotonic regression of the `glass` lDDT on
    the cosine of the aligned residues of similar pairs.

    Parameters
    ----------
    model
        Its present calibration does not matter.
    data
        Validation pairs; fitted on test pairs the figures of a report would mean nothing.
    unrelated
        Pairs whose cosines are chance. Without them these are the pairs of `data` with a TM-score below 0.5, which errs
        on the side of caution where they were drawn from the same class or fold.
    """
    unchanged = {pairing.kinds: PairingCalibration(tm=_UNCHANGED, local=_UNCHANGED) for pairing in PAIRINGS}
    bare = Model(model.towers, calibration=Calibration(unchanged), name=model.name, digest=model.digest)
    kinds = {pairing.key: pairing.kinds for pairing in PAIRINGS}
    glass = LocalTruth.of(data, local_pairs(data)).glass
    known = ~np.isnan(glass)
    chance = unrelated_cosines(bare, unrelated) if unrelated else {}
    return Calibration(
        {
            kinds[fold.key]: PairingCalibration(
                tm=monotone_knots(fold.tm, data.tm),
                fold=logistic(fold.tm, data.tm > SAME_FOLD_TM),
                local=monotone_knots(local.given_alignment[known], glass[known]),
                unrelated=tail_knots(chance.get(kinds[fold.key], fold.tm[data.tm < SAME_FOLD_TM])),
            )
            for fold, local in predict(bare, data)
        }
    )


def tail_knots(cosine: Float[np.ndarray, " M"]) -> Knots | None:
    """Knots of log10 of the share of pairs that reach a cosine, falling to a cosine of 1.

    Measured down to the rarest of 1 in 50, 100, 200, ... 10,000 that fifty pairs or more reach. Beyond, excesses are
    exponential with the mean that is observed, the limit of peaks over a threshold for a tail that is neither heavy nor
    bounded (Pickands, Ann. Stat. 3:119, 1975). None of fewer than 500 pairs.

    Examples
    --------
    >>> x, y = tail_knots(np.random.default_rng(0).exponential(0.1, 10_000))
    >>> round(float(np.interp(0.6, x, y)), 1)  # exp(-6)
    -2.6
    """
    if len(cosine) < 500:
        return None
    shares = [share for share in _SHARES if share >= 0.02 or share * len(cosine) >= _LEAST_BEYOND]
    x = [float(value) for value in np.quantile(cosine, [1.0 - share for share in shares])]
    y = [float(np.log10(share)) for share in shares]
    excess = float((cosine[cosine > x[-1]] - x[-1]).mean())
    end = max(1.0, x[-1] + excess)
    return (*x, end), (*y, y[-1] - (end - x[-1]) / (excess * float(np.log(10.0))))


def monotone_knots(
    cosine: Float[np.ndarray, " M"], score: Float[np.ndarray, " M"]
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Knots of a rising piecewise-linear map from cosines to scores in [0, 1]; a cosine of 1 maps to 1.

    Means of the isotonic fit over bins with equal numbers of samples, so that single samples do not make steps.

    Examples
    --------
    >>> x, y = monotone_knots(np.linspace(0, 1, 100), np.linspace(0, 0.5, 100))
    >>> round(float(np.interp(0.5, x, y)), 2), y[-1]
    (0.25, 1.0)
    """
    order = np.argsort(cosine)
    fitted = IsotonicFit.of(cosine, score)(cosine)[order]
    groups = [group for group in np.array_split(np.arange(len(order)), KNOTS) if len(group)]
    x = [float(cosine[order][group].mean()) for group in groups]
    y = [float(np.clip(fitted[group].mean(), 0.0, 1.0)) for group in groups]
    inside = [(a, b) for a, b in zip(x, y, strict=True) if a < 1.0 - 1e-6]
    xs, ys = zip(*inside, (1.0, 1.0), strict=True) if inside else ((1.0,), (1.0,))
    return tuple(xs), tuple(ys)


def logistic(cosine: Float[np.ndarray, " M"], same: Bool[np.ndarray, " M"]) -> tuple[float, float]:
    """Slope and intercept of the log-odds of `same`, by Newton's method with a weak pull towards 0.

    Examples
    --------
    >>> slope, intercept = logistic(np.array([0.1, 0.2, 0.8, 0.9]), np.array([False, False, True, True]))
    >>> slope > 0 > intercept
    True
    """
    design = np.stack([cosine, np.ones_like(cosine)], axis=1)
    weights = np.zeros(2)
    for _ in range(50):
        probability = 1.0 / (1.0 + np.exp(-np.clip(design @ weights, -60, 60)))
        gradient = design.T @ (probability - same) + 1e-3 * weights
        hessian = (design * (probability * (1 - probability))[:, None]).T @ design + 1e-3 * np.eye(2)
        weights = weights - np.linalg.solve(hessian, gradient)
    return float(weights[0]), float(weights[1])
