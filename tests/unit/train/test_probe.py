"""Linear probes: what they find, how their strength is chosen, and outliers."""

import numpy as np

from foldglass.train.probe import RIDGE, fit_probe


def explained(predicted: np.ndarray, true: np.ndarray) -> float:
    return float(1 - ((predicted - true) ** 2).sum() / ((true - true.mean()) ** 2).sum())


def test_a_linear_map_with_an_intercept_is_found_whatever_the_scale_of_the_columns():
    rng = np.random.default_rng(0)
    x, new = rng.normal([5, -3, 0], [1e-3, 40, 1], (2, 300, 3))
    weights = np.array([[2000.0, 0.0], [0.1, 0.02], [0.0, -1.0]])
    y, wanted = x @ weights + 7, new @ weights + 7
    probe = fit_probe(x, y, x, y, explained)
    np.testing.assert_allclose(probe(new), wanted, atol=2e-3)


def test_strength_is_the_best_on_the_other_sample():
    """Forty columns of noise beside one that counts: without a strong ridge fifty rows are learned by heart."""
    rng = np.random.default_rng(0)
    x, other, new = rng.normal(size=(3, 50, 41))
    y, y_other, y_new = (v[:, :1] + rng.normal(size=(50, 1)) for v in (x, other, new))
    found = explained(fit_probe(x, y, other, y_other, explained)(new), y_new)
    by_heart = explained(fit_probe(x, y, x, y, explained)(new), y_new)
    assert found > by_heart + 0.2

    asked: list[float] = []
    fit_probe(x, y, other, y_other, lambda predicted, true: asked.append(predicted.std()) or predicted.std())
    assert len(asked) == len(RIDGE) and np.all(np.diff(asked) < 0)


def test_a_strong_ridge_leaves_the_mean():
    x = np.random.default_rng(0).normal(size=(20, 2))
    y = x[:, :1] + 100
    least = fit_probe(x, y, x, y, lambda predicted, true: -predicted.std())
    np.testing.assert_allclose(least(x), 100, atol=1)


def test_an_outlier_in_a_nearly_empty_column_does_not_rule():
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.normal(size=(500, 1)), np.zeros((500, 1))], axis=1)
    x[:3, 1] = 0.01, 0.02, 0.03
    y = x[:, :1]
    probe = fit_probe(x, y + 0.5 * (x[:, 1:] > 0), x, y, explained)
    assert abs(probe(np.array([[0.0, 1000.0]]))).max() < 2


def test_a_constant_column_is_no_matter():
    x = np.ones((9, 2))
    x[:, 0] = np.arange(9)
    assert np.isfinite(fit_probe(x, x[:, :1], x, x[:, :1], explained)(x)).all()
