"""The fast network against the one it is made from."""

import numpy as np
import pytest
import torch

from foldglass.models.pair_input import LONGEST_DISTANCE, ResidueWindow
from foldglass.models.registry import load_score
from foldglass.models.score import SumLift
from foldglass.models.score_fast import TableLift, fast_copy
from foldglass.models.score_maps import feature_map
from foldglass.models.score_model import ScoreModel


def window(letters: list[int]) -> ResidueWindow:
    mask = torch.ones(1, len(letters), dtype=torch.bool)
    return ResidueWindow(torch.tensor([letters]), torch.arange(len(letters))[None], mask)


def test_table_gives_what_the_lift_computes():
    lift = SumLift(8)
    rows, columns = window([0, 5, 20]), window([7, 19])
    distance = torch.tensor([[[0.0, 3.8], [6.123, 41.7], [99.9, 250.0]]])
    torch.testing.assert_close(
        TableLift(lift)(rows, columns, distance, None), lift(rows, columns, distance, None), atol=2e-3, rtol=0
    )


def test_table_reaches_the_longest_distance_and_stays_there():
    lift = TableLift(SumLift(8))
    far = torch.tensor([[[LONGEST_DISTANCE, 2 * LONGEST_DISTANCE]]])
    out = lift(window([3]), window([3, 3]), far, None)
    same = out - lift.column(window([3, 3]).encoding())[:, None]
    torch.testing.assert_close(same[0, 0, 0], same[0, 0, 1])


def test_original_network_stays_as_it_was():
    network = load_score(fast=False).network
    before = {name: value.clone() for name, value in network.state_dict().items()}
    fast_copy(network)
    assert isinstance(network.lift, SumLift)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


@pytest.fixture(scope="module")
def models() -> dict[str, ScoreModel]:
    return {"exact": load_score(fast=False), "fast": load_score()}


@pytest.mark.parametrize("sigma", [0.1, 0.5, 5.0])
def test_vectors_agree_to_a_few_thousandths_of_their_size(models, make_structure, sigma):
    structure = make_structure(70, seed=3)
    exact, fast = (models[name].embed([structure], sigma=sigma)[0] for name in ("exact", "fast"))
    for name in ("pair", "residue", "protein"):
        expected, got = getattr(exact, name), getattr(fast, name)
        assert 0 < np.abs(got - expected).mean() < 0.004 * np.abs(expected).mean(), name


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_both_number_formats_agree_with_the_exact_map(models, make_structure, dtype):
    structure = make_structure(50, seed=4)
    network = models["exact"].network
    x, level = torch.from_numpy(structure.ca)[None], torch.tensor([3])
    residues = window(list(range(20)) * 2 + [0] * 10)
    expected = feature_map(network, residues, x, level)
    got = feature_map(fast_copy(network, convolutions=dtype), residues, x, level)
    assert got.dtype == torch.float32
    error = float((got - expected).abs().mean() / expected.abs().mean())
    assert 0 < error < (1e-3 if dtype == torch.float32 else 4e-3)


def test_gradient_is_the_exact_one(models, make_structure):
    structure = make_structure(40, seed=1)
    np.testing.assert_array_equal(*(model.gradient(structure, sigma=0.5) for model in models.values()))
