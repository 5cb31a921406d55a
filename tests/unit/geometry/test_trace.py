"""The description of a C-alpha trace, on shapes whose numbers are known."""

import numpy as np
import pytest

from foldglass.geometry.trace import N_FEATURES, local_frames, residue_features

BEND, SINE, COSINE, BREAK_AFTER, BREAK_BEFORE, WITHIN_6 = 0, 1, 2, 15, 16, 17


def helix(length: int, turn: float = 100.0) -> np.ndarray:
    """Alpha helix of C-alphas: 100 degrees and 1.5 angstrom per residue, right-handed for a positive turn."""
    angle = np.deg2rad(turn) * np.arange(length)
    return np.stack([2.3 * np.cos(angle), 2.3 * np.sin(angle), 1.5 * np.arange(length)], axis=1).astype(np.float32)


def line(length: int) -> np.ndarray:
    return np.outer(3.8 * np.arange(length), [1.0, 0.0, 0.0]).astype(np.float32)


def walk(length: int) -> np.ndarray:
    return np.cumsum(np.random.default_rng(length).normal(0, 2.2, (length, 3)), axis=0).astype(np.float32)


def test_dihedral_of_a_right_handed_helix_is_near_plus_fifty():
    features = residue_features(helix(13))
    dihedral = np.degrees(np.arctan2(features[1:11, SINE], features[1:11, COSINE]))
    np.testing.assert_allclose(dihedral, dihedral[0], atol=0.01)
    assert 48 < dihedral[0] < 53


def test_dihedral_of_a_left_handed_helix_has_the_other_sign():
    right, left = residue_features(helix(13)), residue_features(helix(13, turn=-100.0))
    np.testing.assert_allclose(left[1:11, SINE], -right[1:11, SINE], atol=1e-5)
    np.testing.assert_allclose(left[1:11, COSINE], right[1:11, COSINE], atol=1e-5)


def test_dihedrals_stand_before_and_after_their_residue():
    torsion = np.arctan2(*residue_features(walk(11))[:, [SINE, COSINE]].T)
    later = np.arctan2(*residue_features(walk(11))[:, [SINE + 2, COSINE + 2]].T)
    np.testing.assert_allclose(later[2:10], torsion[1:9], atol=1e-6)  # the one after i is the one before i + 1
    assert torsion[0] == later[0] == later[1] == 0


@pytest.mark.parametrize(
    "chain", [helix(17), walk(23), line(7), walk(3), walk(2)], ids=["helix", "walk", "line", "three", "two"]
)
def test_frames_are_orthonormal_and_right_handed(chain):
    frames = local_frames(chain).astype(np.float64)
    np.testing.assert_allclose(frames @ frames.transpose(0, 2, 1), np.broadcast_to(np.eye(3), frames.shape), atol=1e-5)
    np.testing.assert_allclose(np.linalg.det(frames), 1.0, atol=1e-5)


def test_frames_of_a_helix_point_along_and_outwards():
    chain = helix(13)
    frames = local_frames(chain)[1:-1]
    radial = chain[1:-1] * [1, 1, 0] / 2.3
    assert (frames[:, 0, 2] > 0.2).all()
    np.testing.assert_allclose((frames[:, 1] * radial).sum(-1), 1.0, atol=1e-5)


def test_ends_take_their_neighbours_frame():
    frames = local_frames(walk(7))
    np.testing.assert_array_equal(frames[[0, -1]], frames[[1, -2]])


def test_frames_of_two_residues_and_of_one():
    chain = walk(2)
    frames = local_frames(chain)
    assert frames.shape == (2, 3, 3)
    bond = (chain[1] - chain[0]) / np.linalg.norm(chain[1] - chain[0])
    np.testing.assert_allclose(frames[:, 0], [bond, bond], atol=1e-6)
    np.testing.assert_array_equal(local_frames(walk(1)), np.eye(3)[None])


def test_frames_turn_with_the_chain():
    turn = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    chain = walk(19)
    np.testing.assert_allclose(
        local_frames((chain @ turn.T).astype(np.float32)), local_frames(chain) @ turn.T, atol=1e-5
    )


@pytest.mark.parametrize("length", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("chain", [walk, line, lambda n: np.zeros((n, 3), np.float32)], ids=["walk", "line", "point"])
def test_features_are_finite_for_short_chains(chain, length):
    features = residue_features(chain(length))
    assert features.shape == (length, N_FEATURES)
    assert features.dtype == np.float32
    assert np.isfinite(features).all()


def test_straight_chain_has_known_numbers():
    features = residue_features(line(7))
    np.testing.assert_allclose(features[1:-1, BEND], 1.0, atol=1e-6)
    np.testing.assert_allclose(features[[0, -1], BEND], 0.0)
    np.testing.assert_allclose(features[:-2, 5], 2 * 3.8 / 6.0, rtol=1e-6)  # distance to i + 2 over 3 x 2
    np.testing.assert_allclose(features[2:, 6], 2 * 3.8 / 6.0, rtol=1e-6)  # and to i - 2
    np.testing.assert_allclose(features[-2:, 5], 0.0)
    np.testing.assert_allclose(features[:2, 6], 0.0)
    neighbours = np.array([1, 2, 2, 2, 2, 2, 1]) / (6.0 / 3.4) ** 2.5
    np.testing.assert_allclose(features[:, WITHIN_6], neighbours, rtol=1e-6)


def test_breaks_stand_at_both_sides_of_a_gap_and_at_the_ends():
    chain = line(7)
    chain[3:] += [1.0, 0.0, 0.0]  # 4.8 angstrom between residues 2 and 3
    features = residue_features(chain)
    assert np.flatnonzero(features[:, BREAK_AFTER]).tolist() == [2, 6]
    assert np.flatnonzero(features[:, BREAK_BEFORE]).tolist() == [0, 3]


def test_features_do_not_see_position():
    chain = walk(29)
    moved = (chain + np.float32([70.0, -40.0, 10.0])).astype(np.float32)
    np.testing.assert_allclose(residue_features(moved), residue_features(chain), atol=1e-4)
