"""What the score network sees of residue pairs."""

import math

import numpy as np
import pytest
import torch

from foldglass.constants import AMINO_ACIDS
from foldglass.encoders.builtin import tokenize
from foldglass.models.pair_input import (
    N_PAIR,
    ResidueWindow,
    distance_encoding,
    distances,
    position_encoding,
)
from foldglass.models.score import ConvolutionLift

ANCHORS = [*range(31), *range(32, 71, 2), *range(73, 101, 3)]


def window(letters: list[int], position: list[int]) -> ResidueWindow:
    mask = torch.ones(1, len(letters), dtype=torch.bool)
    return ResidueWindow(torch.tensor([letters]), torch.tensor([position]), mask)


def test_letters_are_one_hot_in_alphabetical_order_and_an_unknown_one_is_nothing():
    assert AMINO_ACIDS == "ACDEFGHIKLMNPQRSTVWY"
    letters = tokenize("ACYXB").tolist()
    encoding = window([*letters, 99], list(range(6))).encoding()
    assert encoding.shape == (1, 6, 44)
    expected = torch.zeros(6, 20)
    expected[0, 0] = expected[1, 1] = expected[2, 19] = 1
    assert torch.equal(encoding[0, :, :20], expected)


def test_position_is_twelve_sines_then_twelve_cosines():
    got = position_encoding(torch.tensor([[0, 1], [7, 1359]]))
    expected = [
        [[f(p / 1000 ** (m / 11)) for f in (math.sin, math.cos) for m in range(12)] for p in row]
        for row in ((0, 1), (7, 1359))
    ]
    np.testing.assert_allclose(got.numpy(), expected, atol=2e-4)


def test_position_in_a_crop_is_that_in_the_chain():
    chain = window([3, 1, 4, 1, 5], [0, 1, 2, 3, 4])
    part = chain[:, 2:4]
    assert torch.equal(part.encoding(), chain.encoding()[:, 2:4])
    assert not torch.equal(part.encoding(), window([4, 1], [0, 1]).encoding())


def test_distance_is_a_soft_histogram_of_61_anchors():
    assert len(ANCHORS) == 61
    d = np.array([[0.0, 3.8, 41.3], [99.9, 71.5, 17.0]])
    weight = np.exp(-((d[..., None] - ANCHORS) ** 2) / 18)
    expected = weight / (weight.sum(-1, keepdims=True) + 1e-6)
    np.testing.assert_allclose(distance_encoding(torch.from_numpy(d)).numpy(), expected, rtol=1e-10)


@pytest.mark.parametrize("anchor", range(61))
def test_each_anchor_peaks_at_its_distance(anchor):
    assert distance_encoding(torch.tensor(float(ANCHORS[anchor]))).argmax() == anchor


def test_distances_beyond_100_count_as_100():
    far = distance_encoding(torch.tensor([100.0, 101.0, 1e6]))
    assert torch.equal(far[1], far[0]) and torch.equal(far[2], far[0])


def test_distance_is_not_changed_in_place():
    d = torch.tensor([3.0, 120.0])
    distance_encoding(d)
    assert d.tolist() == [3.0, 120.0]


def test_distances_keep_their_digits_far_from_the_origin():
    rng = np.random.default_rng(0)
    x = (rng.normal(size=(1, 53, 3)) * 10 + 300).astype(np.float32)
    exact = np.linalg.norm(x[:, :, None].astype(float) - x[:, None], axis=-1)
    got = distances(torch.from_numpy(x), torch.from_numpy(x)).numpy()
    np.testing.assert_allclose(got, exact, rtol=1e-6)
    assert (np.diagonal(got, axis1=1, axis2=2) == 0).all()


def test_pair_has_149_channels_column_then_row_then_distance():
    row, column = window([3, 1], [11, 12]), window([4, 20, 5], [40, 41, 42])
    distance = torch.arange(6.0).reshape(1, 2, 3) * 7
    seen = []
    lift = ConvolutionLift(5)
    lift.convolution.layer.register_forward_pre_hook(lambda layer, inputs: seen.append(inputs[0]))
    lift(row, column, distance, None)
    (channels,) = seen
    assert channels.shape == (1, N_PAIR, 2, 3) == (1, 149, 2, 3)
    for i in range(2):
        for j in range(3):
            expected = [column.encoding()[0, j], row.encoding()[0, i], distance_encoding(distance[0, i, j])]
            assert torch.equal(channels[0, :, i, j], torch.cat(expected))
