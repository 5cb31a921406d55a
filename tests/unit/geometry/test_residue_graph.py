"""Edges by chain and by space, and what they carry."""

import numpy as np

from foldglass.geometry.residue_graph import (
    MOST_NEIGHBOURS,
    c_beta_directions,
    edge_features,
    oriented_features,
    residue_edges,
)


def line(length: int, step: float = 3.8) -> np.ndarray:
    return np.outer(step * np.arange(length), [1.0, 0.0, 0.0]).astype(np.float32)


def test_edges_are_those_along_the_chain_and_those_in_reach():
    ca = line(23)
    ca[19] = ca[2] + np.float32([0, 4, 0])
    edges = {tuple(edge) for edge in residue_edges(ca, radius=7.0).tolist()}
    distance = np.linalg.norm(ca[:, None] - ca[None], axis=-1)
    for i in range(23):
        for j in range(23):
            assert ((i, j) in edges) == (i != j and (abs(i - j) <= 5 or distance[i, j] <= 7.0)), (i, j)


def test_edges_are_sorted_by_target_and_blocks_do_not_matter(monkeypatch):
    ca = np.random.default_rng(0).normal(size=(41, 3)).astype(np.float32) * 9
    whole = residue_edges(ca, radius=8.0)
    assert (np.lexsort((whole[:, 0], whole[:, 1])) == np.arange(len(whole))).all()
    monkeypatch.setattr("foldglass.geometry.residue_graph._ROWS", 7)
    np.testing.assert_array_equal(residue_edges(ca, radius=8.0), whole)


def test_a_collapsed_model_keeps_the_nearest_neighbours():
    ca = np.random.default_rng(0).normal(size=(211, 3)).astype(np.float32)
    edges = residue_edges(ca, radius=12.0)
    assert np.bincount(edges[:, 1]).max() <= MOST_NEIGHBOURS + 10
    source = edges[edges[:, 1] == 100, 0]
    far = np.abs(source - 100) > 5
    distance = np.linalg.norm(ca - ca[100], axis=1)
    assert distance[source[far]].max() <= np.sort(distance)[MOST_NEIGHBOURS + 1]


def test_point_pair_features_of_two_residues_by_hand():
    """A right-angled zigzag in the plane: distance and angles follow from the C-beta directions."""
    ca = np.float32([[0, 0, 0], [1, 1, 0], [2, 0, 0], [3, 1, 0]])
    direction = c_beta_directions(ca).astype(np.float64)
    np.testing.assert_allclose(np.linalg.norm(direction, axis=1), 1, atol=1e-4)
    found = edge_features(ca, np.array([[1, 2], [2, 1]]))
    toward = np.array([1, -1, 0]) / np.sqrt(2)
    angles = [
        np.arccos(direction[1] @ toward),
        np.arccos(direction[2] @ toward),
        np.arccos(direction[1] @ direction[2]),
    ]
    np.testing.assert_allclose(found[0], [np.sqrt(2), *angles], atol=1e-3)
    back = [np.arccos(-direction[2] @ toward), np.arccos(-direction[1] @ toward), angles[2]]
    np.testing.assert_allclose(found[1], [np.sqrt(2), *back], atol=1e-3)


def test_place_of_the_source_in_the_frame_of_the_target():
    ca = np.float32([[0, 0, 0], [1, 1, 0], [2, 0, 0], [1, 5, 0]])  # residue 3 lies outside the bend of residue 1
    found = oriented_features(ca, np.array([[3, 1]]))[0]
    np.testing.assert_allclose(found[:3], [0, 1, 0], atol=1e-6)


def test_the_mirror_image_has_other_angles():
    ca = np.cumsum(np.random.default_rng(1).normal(size=(17, 3)), axis=0).astype(np.float32) * 2
    edges = residue_edges(ca, radius=9.0)
    mirrored = ca * np.float32([1, 1, -1])
    assert np.abs(edge_features(ca, edges) - edge_features(mirrored, edges)).max() > 0.1
