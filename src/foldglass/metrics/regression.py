"""How far predicted numbers are from measured ones, and how sure we are of it."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int, Shaped

from foldglass.errors import InputError, MissingExtraError

Values = Float[np.ndarray, " M"]
Clusters = Shaped[np.ndarray, " M"]


class Bin(NamedTuple):
    """Errors of the pairs whose true value lies in [low, high); the last bin also holds its upper edge.

    An empty bin has n = 0 and NaN errors. `bias` is the mean of predicted minus true.
    """

    low: float
    high: float
    n: int
    mae: float
    rmse: float
    bias: float


class Interval(NamedTuple):
    """A statistic of the data with the bounds of its bootstrap interval."""

    value: float
    low: float
    high: float


class WelchResult(NamedTuple):
    """A test statistic, its degrees of freedom and the two-sided p value."""

    statistic: float
    degrees_of_freedom: float
    p: float


class Difference(NamedTuple):
    """Mean of error a minus error b, its bootstrap interval and a two-sided bootstrap p value."""

    value: float
    low: float
    high: float
    p: float


def mae(predicted: Values, true: Values) -> float:
    """Give the mean absolute error.

    Examples
    --------
    >>> mae(np.array([0.5, 0.75]), np.array([0.75, 0.5]))
    0.25
    """
    return float(np.abs(_error(predicted, true, "MAE")).mean())


def rmse(predicted: Values, true: Values) -> float:
    """Give the root of the mean squared error.

    Examples
    --------
    >>> rmse(np.array([3.0, 4.0]), np.array([2.0, 11.0]))
    5.0
    """
    return float(np.sqrt((_error(predicted, true, "RMSE") ** 2).mean()))


def pearson(predicted: Values, true: Values) -> float:
    """Give Pearson's correlation, NaN if either side is constant or there are fewer than two values.

    Examples
    --------
    >>> round(pearson(np.array([1.0, 2.0, 4.0]), np.array([1.0, 3.0, 2.0])), 4)
    0.3273
    """
    _error(predicted, true, "Pearson correlation")
    if np.ptp(predicted) == 0 or np.ptp(true) == 0:
        return float("nan")
    x, y = predicted - predicted.mean(), true - true.mean()
    return float(np.clip((x @ y) / np.sqrt((x @ x) * (y @ y)), -1.0, 1.0))


def spearman(predicted: Values, true: Values) -> float:
    """Give Spearman's rank correlation; ties share their mean rank. NaN as for `pearson`.

    Examples
    --------
    >>> spearman(np.array([1.0, 2.0, 40.0]), np.array([0.1, 0.2, 0.3]))
    1.0
    """
    return pearson(_ranks(predicted), _ranks(true))


def r_squared(predicted: Values, true: Values) -> float:
    """Give the share of the variance that is explained: 1 is perfect, 0 the mean, below 0 worse than the mean.

    NaN if the true values do not vary.

    Examples
    --------
    >>> r_squared(np.array([1.0, 2.0, 2.0]), np.array([1.0, 2.0, 3.0]))
    0.5
    """
    error = _error(predicted, true, "R squared")
    total = ((true - true.mean()) ** 2).sum()
    return float(1 - (error**2).sum() / total) if total > 0 else float("nan")


def binned(predicted: Values, true: Values, edges: Sequence[float]) -> list[Bin]:
    """Give the errors within bins of the true value; see `Bin` for what the bins hold.

    Raises
    ------
    InputError
        If the edges do not increase or a true value lies outside them.

    Examples
    --------
    >>> table = binned(np.array([0.1, 0.9]), np.array([0.2, 1.0]), [0.0, 0.5, 1.0])
    >>> [(row.low, row.high, row.n, round(row.bias, 2)) for row in table]
    [(0.0, 0.5, 1, -0.1), (0.5, 1.0, 1, -0.1)]
    """
    error = _error(predicted, true, "binned errors")
    limits = np.asarray(edges, dtype=np.float64)
    if len(limits) < 2 or (np.diff(limits) <= 0).any():
        raise InputError("bins", got=f"the edges {list(edges)}", expected="at least two, increasing")
    if true.min() < limits[0] or true.max() > limits[-1]:
        raise InputError(
            "bins",
            got=f"true values from {true.min():g} to {true.max():g}",
            expected=f"{limits[0]:g} to {limits[-1]:g}",
            remedy="widen the edges",
        )
    index = np.minimum(np.searchsorted(limits, true, side="right") - 1, len(limits) - 2)
    table = []
    for k in range(len(limits) - 1):
        of_bin = error[index == k]
        summary = (np.abs(of_bin).mean(), np.sqrt((of_bin**2).mean()), of_bin.mean()) if len(of_bin) else [np.nan] * 3
        table.append(Bin(float(limits[k]), float(limits[k + 1]), len(of_bin), *map(float, summary)))
    return table


def bootstrap_interval(
    values: Shaped[np.ndarray, "M ..."],
    clusters: Clusters,
    statistic: Callable[[np.ndarray], float] = np.mean,
    *,
    n: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> Interval:
    """Give a percentile interval from resampling whole clusters.

    Pairs that share a protein are not independent, so proteins (or families) are drawn with
    replacement and bring all their rows.

    Parameters
    ----------
    values
        One row per pair; for a statistic of two columns, such as a correlation, both columns.
    clusters
        The cluster of each row.
    statistic
        Maps rows to a number.

    Examples
    --------
    >>> bootstrap_interval(np.array([0.0, 1.0, 2.0]), np.array(["a", "a", "a"]))
    Interval(value=1.0, low=1.0, high=1.0)
    """
    draws = np.array([statistic(values[rows]) for rows in _resamples(clusters, n, seed)])
    low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(statistic(values)), float(low), float(high))


def paired_bootstrap(
    error_a: Values,
    error_b: Values,
    clusters: Clusters,
    *,
    n: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> Difference:
    """Compare two predictors on the same pairs: mean error of a minus mean error of b.

    Whole clusters are resampled. The p value is twice the smaller share of resampled differences on
    either side of 0, counting the observed one, so it is never below 2 / (n + 1) nor above 1.

    Examples
    --------
    >>> difference = paired_bootstrap(np.array([0.2, 0.3]), np.array([0.1, 0.2]), np.array([1, 2]), n=99)
    >>> round(difference.value, 3), round(difference.p, 3)
    (0.1, 0.02)
    """
    differences = error_a - error_b
    draws = np.array([differences[rows].mean() for rows in _resamples(clusters, n, seed)])
    low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2])
    p = 2 * (1 + min((draws <= 0).sum(), (draws >= 0).sum())) / (n + 1)
    return Difference(float(differences.mean()), float(low), float(high), min(1.0, float(p)))


def welch(a: Float[np.ndarray, " A"], b: Float[np.ndarray, " B"]) -> WelchResult:
    """Compare the means of two independent samples of unequal variance (Welch 1947, Biometrika 34:28).

    For two predictors on the same pairs `paired_bootstrap` is the right test; this one is here because
    the GLASS paper reports it.

    Raises
    ------
    InputError
        If a sample has fewer than two values, or neither varies.
    MissingExtraError
        If scipy is not installed.

    Examples
    --------
    >>> result = welch(np.array([1.0, 2.0, 3.0]), np.array([2.0, 4.0, 6.0]))
    >>> round(result.statistic, 3), round(result.degrees_of_freedom, 3)
    (-1.549, 2.941)
    """
    if min(len(a), len(b)) < 2:
        raise InputError("Welch's test", got=f"samples of {len(a)} and {len(b)}", expected="at least two values each")
    share_a, share_b = a.var(ddof=1) / len(a), b.var(ddof=1) / len(b)
    if share_a + share_b == 0:
        raise InputError("Welch's test", got="two constant samples", expected="values that vary")
    try:
        from scipy.special import stdtr
    except ImportError:
        raise MissingExtraError("Welch's test", package="scipy", extra="train") from None
    statistic = (a.mean() - b.mean()) / np.sqrt(share_a + share_b)
    freedom = (share_a + share_b) ** 2 / (share_a**2 / (len(a) - 1) + share_b**2 / (len(b) - 1))
    return WelchResult(float(statistic), float(freedom), float(2 * stdtr(freedom, -abs(statistic))))


def _error(predicted: Values, true: Float[np.ndarray, " T"], subject: str) -> Values:
    if len(predicted) != len(true):
        raise InputError(subject, got=f"{len(predicted)} predicted and {len(true)} true values", expected="one each")
    if not len(true):
        raise InputError(subject, got="no value", expected="at least one")
    error: Values = predicted.astype(np.float64) - true
    unknown = int(np.isnan(error).sum())
    if unknown:
        raise InputError(subject, got=f"{unknown} of {len(error)} values are NaN", remedy="leave them out first")
    return error


def _ranks(values: Values) -> Values:
    _, inverse, count = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(count)
    mean_rank = last - (count - 1) / 2
    ranks: Values = mean_rank[inverse]
    return ranks


def _resamples(clusters: Clusters, n: int, seed: int) -> Iterator[Int[np.ndarray, " rows"]]:
    """Row indices of n draws of whole clusters."""
    if not len(clusters):
        raise InputError("bootstrap", got="no value", expected="at least one")
    names, cluster = np.unique(clusters, return_inverse=True)
    rows = np.arange(len(clusters))
    rng = np.random.default_rng(seed)
    for _ in range(n):
        times_drawn = np.bincount(rng.integers(len(names), size=len(names)), minlength=len(names))
        yield np.repeat(rows, times_drawn[cluster])
