"""Histograms of a residue's surroundings: finite for every chain, made in blocks, blind to rigid motion only."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from foldglass.geometry import environment
from foldglass.geometry.environment import N_ENVIRONMENT, environment_features

WRITHE = slice(N_ENVIRONMENT - 6, N_ENVIRONMENT, 2)
SIZE_OF_WRITHE = slice(N_ENVIRONMENT - 5, N_ENVIRONMENT, 2)


@pytest.mark.parametrize("length", [1, 2, 3, 4, 5, 37])
def test_features_are_finite_and_named_by_their_number(make_structure, length):
    features = environment_features(make_structure(length).ca)
    assert features.shape == (length, N_ENVIRONMENT)
    assert np.isfinite(features).all()


@pytest.mark.parametrize("rows", [1, 7, 41])
def test_blocks_equal_the_whole(make_structure, monkeypatch, rows):
    chain = make_structure(41).ca
    whole = environment_features(chain)
    monkeypatch.setattr(environment, "_ROWS", rows)
    np.testing.assert_allclose(environment_features(chain), whole, rtol=0, atol=1e-6)


def test_rigid_motion_changes_nothing(make_structure):
    chain = make_structure(59).ca
    turn = Rotation.random(random_state=3).as_matrix()
    moved = (chain.astype(np.float64) @ turn.T + [11.0, -37.0, 53.0]).astype(np.float32)
    np.testing.assert_allclose(environment_features(moved), environment_features(chain), rtol=0, atol=2e-4)


def test_mirror_image_has_the_opposite_writhe(make_structure):
    chain = make_structure(43).ca
    here, mirrored = environment_features(chain), environment_features(chain * np.float32([1, 1, -1]))
    assert np.abs(here[:, WRITHE]).max() > 0.05
    np.testing.assert_allclose(mirrored[:, WRITHE], -here[:, WRITHE], rtol=0, atol=1e-4)
    np.testing.assert_allclose(mirrored[:, SIZE_OF_WRITHE], here[:, SIZE_OF_WRITHE], rtol=0, atol=1e-4)


def test_distance_histogram_counts_what_lies_further_along_the_chain():
    line = np.outer(3.8 * np.arange(9), [1.0, 0.0, 0.0]).astype(np.float32)
    shells = (environment_features(line)[:, :55] * 2) ** 2
    # of nine residues the first has 3..8 ahead: 3 to 6 in the first class, 7 and 8 in the second, none behind
    np.testing.assert_allclose(shells[0].reshape(5, 11).sum(axis=1), [4, 2, 0, 0, 0], atol=1e-5)
    np.testing.assert_allclose(shells[8].reshape(5, 11).sum(axis=1), [4, 0, 2, 0, 0], atol=1e-5)
    np.testing.assert_allclose(shells[4].reshape(5, 11).sum(axis=1), [4, 0, 0, 0, 0], atol=1e-5)
    # 11.4 angstrom lies 0.2 of the way from the shell at 11 to that at 13, and 15.2 at 11/15 of that from 13 to 16
    np.testing.assert_allclose(shells[4].reshape(5, 11)[0, 3:6], [1.6, 0.4 + 8 / 15, 22 / 15], atol=1e-4)
