"""Noise levels of the score network."""

import numpy as np
import pytest

from foldglass.errors import ModelError
from foldglass.models.noise import NoiseLevels


def test_levels_fall_by_the_same_factor_from_highest_to_lowest():
    sigma = NoiseLevels(61, 10.0, 0.01).sigma
    assert len(sigma) == 61 and sigma.dtype == np.float32
    assert sigma[[0, -1]] == pytest.approx([10.0, 0.01])
    np.testing.assert_allclose(sigma[1:] / sigma[:-1], 0.001 ** (1 / 60), rtol=1e-5)


def test_paper_has_32_levels_from_10_to_a_hundredth():
    assert NoiseLevels() == NoiseLevels(32, 10.0, 0.01)
    assert NoiseLevels().sigma[1] == pytest.approx(10 * 0.001 ** (1 / 31))


@pytest.mark.parametrize("level", range(4))
def test_nearest_finds_a_level_from_around_it(level):
    levels = NoiseLevels(4, 8.0, 1.0)
    for factor in (0.72, 1.0, 1.4):
        assert levels.nearest(float(levels.sigma[level]) * factor) == level


def test_nearest_is_meant_on_the_logarithmic_scale():
    assert NoiseLevels(2, 16.0, 1.0).nearest(4.5) == 0  # linearly it is nearer to 1


def test_nearest_beyond_the_ends_is_an_end():
    assert NoiseLevels().nearest(1e4) == 0
    assert NoiseLevels().nearest(1e-9) == 31


@pytest.mark.parametrize("sigma", [0.0, -1.0, float("nan")])
def test_nearest_wants_a_positive_number(sigma):
    with pytest.raises(ModelError, match=rf"^noise level: {sigma} angstrom; expected a positive number$"):
        NoiseLevels().nearest(sigma)


@pytest.mark.parametrize("values", [(1, 10.0, 0.1), (4, 1.0, 1.0), (4, 0.1, 1.0), (4, 1.0, 0.0), (4, 1.0, -1.0)])
def test_levels_that_do_not_fall_are_refused(values):
    count, highest, lowest = values
    expected = (
        rf"^noise levels: {count} from {highest} to {lowest} angstrom; expected two or more, falling, all above 0$"
    )
    with pytest.raises(ModelError, match=expected):
        NoiseLevels(count, highest, lowest)
