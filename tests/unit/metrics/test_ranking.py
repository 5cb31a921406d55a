import numpy as np
import pytest

from foldglass.metrics.ranking import best_of_five_loss, first_rank_loss, first_rank_z


def test_first_rank_loss_is_that_of_the_highest_prediction():
    true = np.array([0.25, 1.0, 0.5])
    assert first_rank_loss(np.array([0.9, 0.1, 0.2]), true) == 0.75
    assert first_rank_loss(true, true) == 0.0


def test_best_of_five_looks_at_the_five_highest_predictions():
    true = np.array([0.9, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2])
    predicted = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7])  # the five highest leave out the best two
    assert best_of_five_loss(predicted, true) == pytest.approx(0.3)
    assert best_of_five_loss(true, true) == 0.0
    assert np.isnan(best_of_five_loss(predicted[:5], true[:5]))


def test_z_is_among_the_true_values():
    true = np.array([0.0, 0.5, 1.0])
    assert first_rank_z(np.array([0.0, 0.1, 0.9]), true) == pytest.approx(0.5 / true.std())
    assert np.isnan(first_rank_z(np.array([0.1, 0.2]), np.array([0.5, 0.5])))


def test_equal_predictions_rank_nothing():
    true, same = np.arange(7.0), np.full(7, 0.5)
    assert all(np.isnan(measure(same, true)) for measure in (first_rank_loss, best_of_five_loss, first_rank_z))
