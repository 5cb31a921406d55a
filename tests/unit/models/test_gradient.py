"""From gradients of residue pairs to gradients of coordinates: single cases worked out by hand."""

import math

import numpy as np
import pytest
import torch

from foldglass.models.gradient import coordinate_gradient, remove_rigid, window_gradient


def gradient(pair, x, kind, *, mask=None, sigma=1.0):
    """The gradient of one map."""
    mask = torch.ones(1, len(x), dtype=torch.bool) if mask is None else torch.tensor([mask])
    pair = torch.as_tensor(pair, dtype=torch.float64)
    if pair.ndim == 2:
        pair = pair[..., None]
    level = torch.tensor([sigma], dtype=torch.float64)
    return coordinate_gradient(pair[None], torch.as_tensor(x, dtype=torch.float64)[None], mask, level, kind)[0]


TWO = [[0.0, 0.0, 0.0], [3.0, 4.0, 0.0]]


def test_paper_is_equation_4():
    got = gradient([[5.0, 0.25], [0.5, 7.0]], TWO, "paper", sigma=2.0)
    assert got.tolist() == [[-4.5, -6.0, 0.0], [4.5, 6.0, 0.0]]  # 2 (h_01 + h_10) = 1.5


def test_reference_code_is_half_of_it_by_sigma():
    got = gradient([[5.0, 0.25], [0.5, 7.0]], TWO, "reference-code", sigma=2.0)
    assert got.tolist() == [[-1.125, -1.5, 0.0], [1.125, 1.5, 0.0]]


def test_foldglass_adds_near_pairs_and_the_mean_over_all():
    pair = np.zeros((2, 2, 2))
    pair[0, 1, 0], pair[1, 0, 0] = 0.25, 0.5
    near = gradient(pair, TWO, "foldglass", sigma=2.0)
    force = 0.75 * math.exp(-5 / 8) / 2  # along the unit vector (0.6, 0.8, 0)
    np.testing.assert_allclose(near[1], [0.6 * force, 0.8 * force, 0], rtol=1e-12)
    pair = np.zeros((2, 2, 2))
    pair[0, 1, 1], pair[1, 0, 1] = 0.25, 0.5
    far = gradient(pair, TWO, "foldglass", sigma=2.0)
    np.testing.assert_allclose(far[1], np.array([3.0, 4.0, 0]) * 0.75 / (10 * 2) / 2, rtol=1e-12)


def test_far_part_of_foldglass_is_a_mean_over_real_partners():
    x = [[0.0, 0, 0], [10.0, 0, 0], [0, 0, 0], [0, 0, 0]]
    pair = np.zeros((4, 4, 2))
    pair[..., 1] = 0.5
    assert gradient(pair, x, "foldglass", mask=[True, True, False, False])[1, 0] == pytest.approx(0.5)


@pytest.mark.parametrize("kind", ["paper", "reference-code", "foldglass"])
def test_residues_outside_the_mask_neither_pull_nor_move(kind):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(5, 3)) * 5
    pair = rng.normal(size=(5, 5, 2 if kind == "foldglass" else 1))
    got = gradient(pair, x, kind, mask=[True, True, True, False, False])
    np.testing.assert_allclose(got[:3], gradient(pair[:3, :3], x[:3], kind), rtol=1e-12)
    assert (got[3:] == 0).all()


@pytest.mark.parametrize("kind", ["paper", "reference-code", "foldglass"])
def test_two_residues_in_one_place_give_a_finite_gradient(kind):
    pair = np.ones((2, 2, 2 if kind == "foldglass" else 1))
    assert (gradient(pair, np.zeros((2, 3)), kind) == 0).all()


def test_window_is_the_sum_over_its_own_partners():
    rng = np.random.default_rng(0)
    row, column, h = rng.normal(size=(2, 3, 3)), rng.normal(size=(2, 5, 3)), rng.normal(size=(2, 3, 5, 1))
    sigma = np.array([0.5, 2.0])
    parts = window_gradient(*(torch.from_numpy(a) for a in (h, row, column, sigma)))
    apart = row[:, :, None] - column[:, None]
    expected = (2 * h * apart).sum(2) / sigma[:, None, None], (-2 * h * apart).sum(1) / sigma[:, None, None]
    for got, wanted in zip(parts, expected, strict=True):
        np.testing.assert_allclose(got, wanted, atol=1e-12)


def test_both_windows_of_a_diagonal_tile_sum_to_the_samplers_gradient():
    """On the square of a whole chain, the mean of the two estimates is what the public code samples with."""
    rng = np.random.default_rng(0)
    x, h, sigma = rng.normal(size=(1, 7, 3)), rng.normal(size=(1, 7, 7, 1)), np.array([0.5])
    x, h, sigma = (torch.from_numpy(a) for a in (x, h, sigma))
    row, column = window_gradient(h, x, x, sigma)
    whole = coordinate_gradient(h, x, torch.ones(1, 7, dtype=torch.bool), sigma, "reference-code")
    np.testing.assert_allclose((row + column) / 2, whole, atol=1e-12)


def test_translation_and_rotation_are_rigid_and_breathing_is_not():
    x = torch.tensor([[[1.0, 0, 0], [-1, 0, 0], [0, 2, 0], [0, -2, 0], [0, 0, 3], [0, 0, -3]]])
    mask = torch.ones(1, 6, dtype=torch.bool)
    shift = torch.tensor([1.0, -2.0, 0.5]).expand(1, 6, 3)
    turn = torch.linalg.cross(torch.tensor([0.3, -0.2, 0.7]).expand_as(x), x)
    assert remove_rigid(shift + turn, x, mask).abs().max() < 1e-6
    np.testing.assert_allclose(remove_rigid(shift + x + turn, x, mask), x, atol=1e-6)
    assert remove_rigid(x, x, mask).dtype == torch.float32
