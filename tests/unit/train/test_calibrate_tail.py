import numpy as np

from foldglass.train.calibrate import tail_knots


def test_the_tail_is_measured_and_then_exponential():
    rng = np.random.default_rng(0)
    cosine = 0.2 * rng.normal(size=20_000)
    x, y = tail_knots(cosine)
    assert x[-1] == 1.0 and list(x) == sorted(x) and list(y) == sorted(y, reverse=True)
    for share in (0.5, 0.1, 0.02):
        at = np.quantile(cosine, 1 - share)
        assert np.isclose(10 ** np.interp(at, x, y), share, rtol=0.01)
    scale = 0.05
    x, y = tail_knots(rng.exponential(scale, 20_000))
    np.testing.assert_allclose(np.interp(0.8, x, y), -0.8 / scale / np.log(10), rtol=0.1)


def test_few_pairs_say_nothing():
    assert tail_knots(np.linspace(0, 1, 499)) is None
