import numpy as np

from foldglass.geometry.internal import bends, rebuilt
from foldglass.geometry.trace import dihedrals


def test_a_chain_is_the_same_after_internal_coordinates_handedness_included():
    x = np.cumsum(np.random.default_rng(0).normal(size=(23, 3)), axis=0) * 2
    y = rebuilt(np.linalg.norm(np.diff(x, axis=0), axis=1), bends(x), dihedrals(x))
    np.testing.assert_allclose(
        np.linalg.norm(y[:, None] - y[None], axis=-1), np.linalg.norm(x[:, None] - x[None], axis=-1), atol=1e-9
    )
    np.testing.assert_allclose(dihedrals(y), dihedrals(x), atol=1e-9)


def test_three_residues_lie_as_told():
    x = rebuilt(np.array([2.0, 3.0]), np.array([np.pi / 3]), np.zeros(0))
    np.testing.assert_allclose(np.linalg.norm(np.diff(x, axis=0), axis=1), [2, 3])
    np.testing.assert_allclose(bends(x), [np.pi / 3])
