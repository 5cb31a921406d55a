"""Linear probes: what a linear map can read from vectors."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

RIDGE = (1e-2, 1.0, 1e2, 1e4)
"""Strengths to choose from, for columns of spread 1."""

_FARTHEST = 10.0
"""Spreads from the mean at which a value counts as an outlier: some bins of a histogram are nearly empty."""

Quality = Callable[[Float[np.ndarray, "M T"], Float[np.ndarray, "M T"]], float]
"""How good predictions are, higher is better, from (predicted, true)."""


@dataclass(frozen=True, eq=False)
class Probe:
    """A ridge regression on standardised columns."""

    mean: Float[np.ndarray, " D"]
    spread: Float[np.ndarray, " D"]
    weights: Float[np.ndarray, "E T"]

    def __call__(self, x: Float[np.ndarray, "M D"]) -> Float[np.ndarray, "M T"]:
        """Predict the targets of vectors."""
        return np.asarray(_design(x, self.mean, self.spread) @ self.weights)


def fit_probe(
    x: Float[np.ndarray, "M D"],
    y: Float[np.ndarray, "M T"],
    x_choose: Float[np.ndarray, "N D"],
    y_choose: Float[np.ndarray, "N T"],
    quality: Quality,
) -> Probe:
    """Fit on `x` and `y`; the ridge strength is that with the best quality on the other sample.

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(50, 3))
    >>> probe = fit_probe(x, x[:, :1] + 2, x, x[:, :1] + 2, lambda predicted, true: -abs(predicted - true).max())
    >>> bool(abs(probe(x) - x[:, :1] - 2).max() < 0.01)
    True
    """
    mean, spread = x.mean(axis=0, dtype=np.float64), x.std(axis=0, dtype=np.float64) + 1e-6
    design = _design(x, mean, spread)
    gram, right = design.T @ design, design.T @ y
    free = np.eye(len(gram))
    free[-1, -1] = 0.0  # the intercept is not held back
    probes = [Probe(mean, spread, np.linalg.solve(gram + ridge * free, right)) for ridge in RIDGE]
    return max(probes, key=lambda probe: quality(probe(x_choose), y_choose))


def _design(
    x: Float[np.ndarray, "M D"], mean: Float[np.ndarray, " D"], spread: Float[np.ndarray, " D"]
) -> Float[np.ndarray, "M E"]:
    scaled = np.clip((x - mean) / spread, -_FARTHEST, _FARTHEST)
    return np.concatenate([scaled, np.ones((len(x), 1))], axis=1)
