"""Score networks in use: maps strip by strip, what embeddings are made of, gradients, folders, and what is refused."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from foldglass.encoders.builtin import tokenize
from foldglass.errors import InputError, ModelError
from foldglass.geometry.pairs import PairSelection
from foldglass.models.gradient import coordinate_gradient
from foldglass.models.pair_input import ResidueWindow, distances
from foldglass.models.score import ScoreConfig, ScoreNetwork
from foldglass.models.score_maps import pair_map, symmetrised_
from foldglass.models.score_model import LONGEST, load_score_model, save_score_model
from foldglass.protein import Sequence, Structure


def window(structure: Structure) -> tuple[ResidueWindow, torch.Tensor]:
    length = len(structure)
    letters = torch.from_numpy(tokenize(structure.letters))[None]
    whole = ResidueWindow(letters, torch.arange(length)[None], torch.ones(1, length, dtype=torch.bool))
    return whole, torch.from_numpy(structure.ca - structure.ca.mean(0))[None]


def maps(model, structure: Structure, level: int) -> tuple[torch.Tensor, torch.Tensor]:
    """The network on the whole map at once."""
    residues, x = window(structure)
    pair, embedding = model.network(residues, residues, distances(x, x), torch.tensor([level]))
    return pair[0], embedding[0]


@pytest.mark.parametrize("cells", [1, 100, 500, 2**16])
def test_strips_give_the_map_of_one_pass(cells, make_score_model, make_structure):
    """Rows one by one, two at a time with three in the last strip, some, and all at once."""
    model, structure = make_score_model(), make_structure(47)
    whole = maps(model, structure, 2)
    strips = pair_map(model.network, *window(structure), torch.tensor([2]), cells=cells)
    for one, other in zip(strips, whole, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)
    assert whole[1].std() > 0.1 and whole[0].std() > 0.01


def test_a_network_with_batch_statistics_is_refused(make_structure):
    network = ScoreNetwork(replace(ScoreConfig.preset("paper"), channels=8, bottleneck=3, blocks=4, levels=5)).eval()
    with pytest.raises(ModelError, match=r"^score network: one with batch statistics; expected one of the preset"):
        pair_map(network, *window(make_structure(5)), torch.tensor([2]))


@pytest.mark.parametrize("step", [1, 4, 5, 50])
def test_symmetrised_is_the_mean_with_the_transpose_and_in_place(step):
    x = torch.randn(13, 13, 3, generator=torch.Generator().manual_seed(0))
    expected = (x + x.transpose(0, 1)) / 2
    assert symmetrised_(x, step=step) is x
    torch.testing.assert_close(x, expected)


def test_vectors_are_standardised_symmetric_means(make_score_model, make_structure):
    model, structure = make_score_model(), make_structure(23)
    level = model.level(1.0)
    expected = maps(model, structure, level)[1]
    expected = (expected + expected.transpose(0, 1)) / 2
    expected = (expected - model.statistics.mean[level]) / model.statistics.spread[level]
    (found,) = model.embed([structure])
    np.testing.assert_allclose(found.pair, expected, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(found.residue, expected.mean(1), rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(found.protein, expected.mean((0, 1)), rtol=1e-3, atol=1e-4)
    assert found.pair_index is None and found.model == "tiny-score@01234567"
    assert model.embed([structure], pair=False)[0].pair is None


def test_chosen_pairs_have_the_vectors_of_all(make_score_model, make_structure):
    model, structure = make_score_model(), make_structure(23)
    (whole,) = model.embed([structure])
    (some,) = model.embed([structure], pair=PairSelection(within=9.0))
    np.testing.assert_array_equal(some.pair_index, PairSelection(within=9.0).of(structure.ca))
    assert 10 < len(some.pair_index) < 23 * 11
    np.testing.assert_array_equal(some.pair, whole.pair[some.pair_index[:, 0], some.pair_index[:, 1]])
    np.testing.assert_array_equal(some.residue, whole.residue)


def test_level_is_the_models_own_or_the_nearest_to_the_one_asked_for(make_score_model, make_structure):
    model, structure = make_score_model(), make_structure(11)
    own, same, near, other = (
        model.embed([structure], sigma=sigma, pair=False)[0].protein for sigma in (None, 1.0, 1.1, 4.0)
    )
    np.testing.assert_array_equal(own, same)
    np.testing.assert_array_equal(own, near)
    assert abs(own - other).max() > 1e-3
    for sigma in (8.1, 0.24):
        with pytest.raises(InputError, match=rf"^sigma {sigma} angstrom: no such noise level .* 0.25 to 8 angstrom$"):
            model.level(sigma)
    assert (model.level(8.0), model.level(0.25)) == (0, 5)


def test_motions_and_mirror_change_nothing(make_score_model, make_structure):
    model, structure = make_score_model(), make_structure(17)
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0]
    (found,) = model.embed([structure])
    for matrix in (turn, -turn):
        moved = replace(structure, ca=(structure.ca @ matrix + 300).astype(np.float32))
        np.testing.assert_allclose(model.embed([moved])[0].pair, found.pair, rtol=1e-2, atol=1e-3)


def test_stream_is_lazy_in_order_and_counted(make_score_model, make_structure):
    model = make_score_model()
    taken, done = [], []

    def chains():
        for length in (5, 3, 9):
            taken.append(length)
            yield make_structure(length)

    stream = model.embed_stream(chains(), progress=done.append)
    assert len(next(stream)) == 5 and taken == [5]
    assert [len(e) for e in stream] == [3, 9] and done == [1, 2, 3]


def test_gradient_is_that_of_the_whole_map(make_score_model, make_structure):
    model, structure = make_score_model(), make_structure(19)
    residues, x = window(structure)
    pair, _ = maps(model, structure, 3)
    expected = coordinate_gradient(pair[None], x, residues.mask, torch.tensor([1.0]), "foldglass")[0]
    found = model.gradient(structure, sigma=1.0)
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4)
    assert abs(found).max() > 0.01
    other = make_structure(19, seed=1).ca
    here = model.gradient(structure, sigma=1.0, ca=other)
    np.testing.assert_allclose(here, model.gradient(replace(structure, ca=other), sigma=1.0), rtol=1e-4, atol=1e-5)
    assert abs(here - found).max() > 0.01


def test_folder_keeps_everything(make_score_model, make_structure, tmp_path):
    model = make_score_model()
    save_score_model(model, tmp_path / "m", card="# tiny\n")
    replaced = load_score_model(tmp_path / "m", fast=False)
    assert (replaced.name, replaced.sigma, replaced.network.config) == (model.name, 1.0, model.network.config)
    structure = make_structure(13)
    (one,), (other,) = model.embed([structure]), replaced.embed([structure])
    np.testing.assert_array_equal(one.pair, other.pair)


def test_refused(make_score_model, make_model, make_structure, tmp_path):
    model = make_score_model()
    with pytest.raises(ModelError, match=r"the sequence 's'; expected a structure: it reads coordinates$"):
        model.embed([Sequence("s", "MKV")])
    assert LONGEST == 3000
    with pytest.raises(InputError, match=r"3001 residues; expected at most 3000: .*; cut it into domains$"):
        model.embed([make_structure(3001)])
    from foldglass.models.checkpoint import save_model

    save_model(make_model(), tmp_path / "towers", card="# tiny\n")
    with pytest.raises(ModelError, match=r"towers: a siamese model; expected a score model$"):
        load_score_model(tmp_path / "towers")
