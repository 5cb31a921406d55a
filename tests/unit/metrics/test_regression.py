"""Errors, correlations and tests against hand-computed values and scipy."""

import numpy as np
import pytest
from scipy import stats

from foldglass.errors import InputError
from foldglass.metrics.regression import (
    Bin,
    binned,
    bootstrap_interval,
    mae,
    paired_bootstrap,
    pearson,
    rmse,
    spearman,
    welch,
)

RNG = np.random.default_rng(11)
TRUE = RNG.uniform(size=211)
PREDICTED = np.clip(TRUE + RNG.normal(scale=0.1, size=211), 0, 1).round(1)  # rounding makes ties


def test_mae_and_rmse_by_hand():
    predicted, true = np.array([1.0, 2.0, 3.0]), np.array([1.0, 4.0, 2.0])
    assert mae(predicted, true) == 1.0
    assert rmse(predicted, true) == pytest.approx(np.sqrt(5 / 3))


def test_correlations_agree_with_scipy():
    assert pearson(PREDICTED, TRUE) == pytest.approx(stats.pearsonr(PREDICTED, TRUE)[0], abs=1e-12)
    assert spearman(PREDICTED, TRUE) == pytest.approx(stats.spearmanr(PREDICTED, TRUE)[0], abs=1e-12)


def test_spearman_sees_order_only():
    assert spearman(np.exp(20 * TRUE), TRUE) == 1.0
    assert spearman(-TRUE, TRUE) == -1.0


@pytest.mark.parametrize("correlation", [pearson, spearman])
def test_a_constant_has_no_correlation(correlation):
    assert np.isnan(correlation(np.full(5, 0.1), np.arange(5.0)))
    assert np.isnan(correlation(np.arange(5.0), np.full(5, 0.1)))
    assert np.isnan(correlation(np.array([1.0]), np.array([2.0])))


@pytest.mark.parametrize("metric", [mae, rmse, pearson])
def test_nan_and_emptiness_are_refused(metric):
    with pytest.raises(InputError, match=r"1 of 3 values are NaN; leave them out first"):
        metric(np.array([0.1, np.nan, 0.2]), np.array([0.1, 0.2, 0.3]))
    with pytest.raises(InputError, match=r"no value; expected at least one"):
        metric(np.zeros(0), np.zeros(0))


def test_lengths_that_differ_are_refused():
    with pytest.raises(InputError, match=r"MAE: 2 predicted and 3 true values; expected one each"):
        mae.__wrapped__(np.zeros(2), np.zeros(3))


def test_bins_are_closed_below_and_the_last_also_above():
    true = np.array([0.0, 0.49, 0.5, 0.99, 1.0])
    predicted = true + np.array([0.1, -0.3, 0.2, 0.2, -0.1])
    low, empty, high = binned(predicted, true, [0.0, 0.5, 0.5 + 1e-9, 1.0])[:3]
    assert (low.n, empty.n, high.n) == (2, 1, 2)
    assert low.mae == pytest.approx(0.2)
    assert low.bias == pytest.approx(-0.1)
    assert high.rmse == pytest.approx(np.sqrt((0.2**2 + 0.1**2) / 2))


def test_an_empty_bin_has_nan_errors():
    table = binned(np.array([0.1]), np.array([0.1]), [0.0, 0.5, 1.0])
    assert table[0] == Bin(0.0, 0.5, 1, 0.0, 0.0, 0.0)
    assert table[1].n == 0
    assert np.isnan(table[1][3:]).all()


def test_values_outside_the_bins_are_refused():
    with pytest.raises(InputError, match=r"bins: true values from 0.2 to 1.2; expected 0 to 1; widen the edges"):
        binned(np.array([0.1, 0.1]), np.array([0.2, 1.2]), [0.0, 1.0])
    with pytest.raises(InputError, match=r"bins: the edges \[1.0, 0.0\]; expected at least two, increasing"):
        binned(np.array([0.1]), np.array([0.2]), [1.0, 0.0])


def test_interval_of_independent_values_matches_theory():
    values = np.random.default_rng(5).normal(size=400)
    interval = bootstrap_interval(values, np.arange(400), n=2000)
    half = 1.96 * values.std() / 20
    assert interval.value == values.mean()
    assert interval.low == pytest.approx(values.mean() - half, abs=0.02)
    assert interval.high == pytest.approx(values.mean() + half, abs=0.02)


def test_clusters_widen_the_interval():
    values = np.repeat(np.random.default_rng(5).normal(size=40), 10)
    alone = bootstrap_interval(values, np.arange(400))
    together = bootstrap_interval(values, np.repeat(np.arange(40), 10))
    assert together.high - together.low > 2 * (alone.high - alone.low)


def test_interval_of_two_columns_is_reproducible():
    rows = np.stack([PREDICTED, TRUE], axis=1)

    def correlation(of_rows):
        return pearson(of_rows[:, 0], of_rows[:, 1])

    first, second = (bootstrap_interval(rows, np.arange(211), correlation, n=200, seed=7) for _ in range(2))
    assert first == second
    assert first.low < first.value == pearson(PREDICTED, TRUE) < first.high
    assert first != bootstrap_interval(rows, np.arange(211), correlation, n=200, seed=8)


def test_a_wider_level_gives_a_wider_interval():
    narrow, wide = (bootstrap_interval(TRUE, np.arange(211), level=level) for level in (0.5, 0.99))
    assert wide.low < narrow.low < narrow.high < wide.high


def test_paired_bootstrap_finds_what_welch_misses():
    shared = np.random.default_rng(2).exponential(size=150)  # hard pairs are hard for both
    a, b = shared + 0.02, shared + np.random.default_rng(3).normal(scale=0.01, size=150)
    assert welch(a, b).p > 0.5
    difference = paired_bootstrap(a, b, np.arange(150))
    assert difference.p == pytest.approx(2 / 1001)
    assert difference.low > 0
    assert difference.value == pytest.approx((a - b).mean())


def test_paired_bootstrap_of_equal_errors_is_undecided():
    difference = paired_bootstrap(TRUE, TRUE.copy(), np.arange(211), n=100)
    assert difference == (0.0, 0.0, 0.0, 1.0)


def test_paired_bootstrap_has_a_sign():
    a, b, clusters = TRUE + 0.5, TRUE.copy(), np.arange(211)
    assert paired_bootstrap(a, b, clusters, n=50).value == pytest.approx(0.5)
    assert paired_bootstrap(b, a, clusters, n=50).value == pytest.approx(-0.5)


def test_welch_agrees_with_scipy():
    a, b = RNG.normal(size=17), RNG.normal(loc=0.4, scale=3.0, size=29)
    expected = stats.ttest_ind(a, b, equal_var=False)
    got = welch(a, b)
    assert got.statistic == pytest.approx(expected.statistic)
    assert got.p == pytest.approx(expected.pvalue)
    assert got.degrees_of_freedom == pytest.approx(expected.df)


def test_welch_needs_values_that_vary():
    with pytest.raises(InputError, match=r"Welch's test: samples of 1 and 3; expected at least two values each"):
        welch(np.zeros(1), np.arange(3.0))
    with pytest.raises(InputError, match=r"Welch's test: two constant samples; expected values that vary"):
        welch(np.zeros(4), np.ones(3))
