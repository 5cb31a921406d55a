"""Inverse folding: probabilities, what they say of letters, and the model's folder."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from foldglass.constants import AMINO_ACIDS
from foldglass.encoders.builtin import tokenize
from foldglass.errors import ModelError
from foldglass.models.graph_network import GraphConfig
from foldglass.models.inverse_folding import (
    N_FIT,
    RADIUS,
    InverseFoldingModel,
    InverseFoldingNetwork,
    fit_columns,
    save_inverse_folding,
)
from foldglass.models.quality_input import GraphMaker, QualityInputConfig
from foldglass.models.registry import load_inverse
from foldglass.protein import Structure

Make = Callable[..., Structure]
INPUTS = QualityInputConfig(radius=RADIUS)


@pytest.fixture
def model() -> InverseFoldingModel:
    """A tiny network with random weights."""
    torch.manual_seed(0)
    sizes = GraphConfig(INPUTS.node_size, INPUTS.edge_size, node=17, edge=11, whole=13, blocks=2, farthest=RADIUS)
    return InverseFoldingModel(InverseFoldingNetwork(sizes), name="tiny")


def test_the_letters_are_not_seen_and_the_shape_is(model: InverseFoldingModel, make_structure: Make) -> None:
    structure, maker = make_structure(29), GraphMaker(INPUTS)
    found = model.log_probabilities(maker(structure))
    np.testing.assert_allclose(np.exp(found).sum(axis=1), 1, atol=1e-5)
    np.testing.assert_array_equal(model.log_probabilities(maker(replace(structure, letters="A" * 29))), found)
    assert np.abs(model.log_probabilities(maker(make_structure(29, seed=1))) - found).max() > 1e-3


def test_a_graph_with_other_inputs_is_read_the_same(model: InverseFoldingModel, make_structure: Make) -> None:
    structure = make_structure(29)
    fits = [
        GraphMaker(replace(config, inverse=True), inverse=model)(structure).evidence[:, -N_FIT:]
        for config in (INPUTS, QualityInputConfig(nodes="trace", radius=8.0, oriented=False))
    ]
    assert np.abs(fits[0][:, 8:]).max() > 0.01
    edges_differ = slice(3, 5)
    np.testing.assert_allclose(np.delete(fits[1], edges_differ, 1), np.delete(fits[0], edges_differ, 1), atol=1e-6)


def test_columns_of_known_probabilities() -> None:
    probability = np.full((3, 20), 0.5 / 19, np.float32)
    probability[:, AMINO_ACIDS.index("C")] = 0.5
    edges = np.array([[1, 0], [2, 0], [0, 1], [0, 2]])
    columns = fit_columns(np.log(probability), tokenize("CAX"), edges)
    assert columns.shape == (3, N_FIT)
    entropy = -(0.5 * np.log(0.5) + 0.5 * np.log(0.5 / 19))
    np.testing.assert_allclose(columns[:, 0], [np.log(0.5) + 2.5, np.log(0.5 / 19) + 2.5, -0.4], atol=1e-5)
    np.testing.assert_allclose(columns[:, 1], entropy - 2.5, atol=1e-5)
    half = 0.5 * np.log(19)  # both kinds of letter lie this far from the mean
    excess = half / np.sqrt(half**2 + 1e-3)
    np.testing.assert_allclose(columns[:2, 2], [excess, -excess], atol=1e-4)
    np.testing.assert_allclose(columns[0, 3], (np.log(0.5 / 19) - 2.9) / 2 + 2.5, atol=1e-5)
    np.testing.assert_allclose(columns[:, 5], 4 * (columns[:, 0].mean()), atol=1e-4)
    np.testing.assert_allclose(columns[:, 8:], 0.3 * np.log(probability) + 0.9, atol=1e-5)


def test_a_model_is_the_same_after_its_folder(model: InverseFoldingModel, make_structure: Make, tmp_path: Path) -> None:
    save_inverse_folding(model, tmp_path, card="# tiny\n")
    again, graph = load_inverse(str(tmp_path)), GraphMaker(INPUTS)(make_structure(29))
    np.testing.assert_allclose(again.log_probabilities(graph), model.log_probabilities(graph), atol=1e-6)
    assert again.name == "tiny" and again.id == f"tiny@{again.digest[:8]}"
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**config, "network": {"colour": 1}}))
    with pytest.raises(ModelError, match="sizes that do not fit"):
        load_inverse(str(tmp_path))


def test_another_kind_of_model_is_refused() -> None:
    with pytest.raises(ModelError, match="a score model; expected an inverse-folding model"):
        load_inverse("score")
