"""The quality model in use: graphs, intervals and its folder."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from foldglass.encoders.structure import N_STRUCTURE_FEATURES
from foldglass.errors import InputError, ModelError
from foldglass.geometry.residue_graph import N_EDGE
from foldglass.geometry.trace import N_FEATURES
from foldglass.models.quality_input import GraphMaker, QualityInputConfig, narrowed
from foldglass.models.quality_model import ErrorBands, QualityModel, load_quality_model, predictions, save_quality_model
from foldglass.models.registry import load_quality
from foldglass.protein import Structure

Make = Callable[..., Structure]
MakeQuality = Callable[..., QualityModel]


class Encoder:
    """Stands in for the sequence encoder."""

    id, revision, dim = "toy", "0", 3

    def encode(self, proteins):
        import torch

        return [torch.arange(3.0).repeat(len(protein), 1) for protein in proteins]


def test_a_narrowed_graph_is_the_graph_of_the_narrower_configuration(
    make_score_model: Callable, make_structure: Make
) -> None:
    structure, score = make_structure(31), make_score_model()
    full = QualityInputConfig(sequence=True, score=True, sigma=1.0)
    graph = GraphMaker(full, score=score, encoder=Encoder())(structure)
    assert graph.extra.shape == (31, 3 + 7 + 1) and graph.pair.shape == (len(graph.edges), 7)
    for changes in (
        {"sequence": False},
        {"score": False},
        {"score": False, "sequence": False, "nodes": "trace", "oriented": False},
    ):
        config = replace(full, **changes)
        wanted = GraphMaker(config, score=score, encoder=Encoder())(structure)
        found = narrowed(graph, config, sequence=3)
        for name in vars(wanted):
            np.testing.assert_array_equal(getattr(found, name), getattr(wanted, name), err_msg=name)
        assert found.node.shape[1] == (N_FEATURES if "nodes" in changes else N_STRUCTURE_FEATURES)
    assert found.edge.shape[1] == N_EDGE


def test_pair_vectors_and_strain_are_the_score_networks(make_score_model: Callable, make_structure: Make) -> None:
    structure, score = make_structure(23), make_score_model()
    graph = GraphMaker(QualityInputConfig(score=True, sigma=1.0), score=score)(structure)
    embedding = score.embed([structure], sigma=1.0)[0]
    source, target = graph.edges.T
    np.testing.assert_allclose(graph.pair, embedding.pair[source, target], atol=2e-3, rtol=2e-3)
    np.testing.assert_allclose(graph.extra[:, 1:], embedding.residue, atol=2e-3, rtol=2e-3)
    strain = np.linalg.norm(score.gradient(structure, sigma=1.0), axis=1)
    np.testing.assert_allclose(graph.extra[:, 0], np.log(strain + 0.05), rtol=1e-4)


def test_a_short_chain_is_refused(make_quality_model: MakeQuality, make_structure: Make) -> None:
    with pytest.raises(InputError, match="structure 's0-9': 9 residues; expected at least 10 to judge"):
        list(make_quality_model().judge([make_structure(9)]))


def test_scores_lie_within_their_interval_and_do_not_depend_on_others(
    make_quality_model: MakeQuality, make_structure: Make
) -> None:
    model = make_quality_model()
    first, second = make_structure(23), make_structure(31)
    both, (alone,) = list(model.judge([first, second])), list(model.judge([second]))
    np.testing.assert_array_equal(both[1].scores, alone.scores)
    np.testing.assert_array_equal(both[1].residue, alone.residue)
    assert both[1].residue.shape == (31,)
    assert ((both[0].low <= both[0].scores) & (both[0].scores <= both[0].high)).all()
    assert ((both[0].low >= 0) & (both[0].high <= 1)).all()


def test_bands_hold_nine_of_ten() -> None:
    rng = np.random.default_rng(0)
    predicted = rng.random((3000, 2))
    true = predicted + rng.normal(size=(3000, 2)) * np.array([0.02, 0.1])
    bands = ErrorBands.fit(predicted, true)
    low, high = np.array([bands.around(row) for row in predicted]).swapaxes(0, 1)
    open_ends = (low > 0) & (high < 1)
    covered = (low <= true) & (true <= high)
    for score in range(2):
        assert covered[open_ends[:, score], score].mean() == pytest.approx(0.9, abs=0.03)
    assert (high - low)[:, 0].mean() < (high - low)[:, 1].mean() / 2


def test_a_model_is_the_same_after_its_folder(
    make_quality_model: MakeQuality, make_structure: Make, tmp_path: Path
) -> None:
    model, structure = make_quality_model(), make_structure(29)
    save_quality_model(model, tmp_path, card="# tiny\n")
    again = load_quality(str(tmp_path))
    (first,), (second,) = model.judge([structure]), again.judge([structure])
    np.testing.assert_allclose(second.scores, first.scores, rtol=1e-3)  # weights are kept in half precision
    np.testing.assert_allclose(second.low, first.low, atol=1e-4)
    assert again.maker.config == model.maker.config and again.name == model.name
    save_quality_model(again, tmp_path / "again", card="# tiny\n")
    assert load_quality(str(tmp_path / "again")).digest == again.digest


def test_the_answer_is_the_mean_of_the_networks(make_quality_model: MakeQuality, make_structure: Make) -> None:
    model, graph = make_quality_model(), make_quality_model().maker(make_structure(31))
    whole, (local,) = model.predict([graph])
    parts = [predictions(network, [graph]) for network in model.members]
    assert len(parts) == 2 and not np.allclose(parts[0][0], parts[1][0])
    np.testing.assert_allclose(whole, (parts[0][0] + parts[1][0]) / 2)
    np.testing.assert_allclose(local, (parts[0][1][0] + parts[1][1][0]) / 2)


def test_a_model_that_reads_other_networks_is_refused(make_quality_model: MakeQuality, tmp_path: Path) -> None:
    save_quality_model(make_quality_model(), tmp_path, card="# tiny\n")
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**config, "reads": {"score": "another"}}))
    with pytest.raises(ModelError, match=r"a model that reads \{'score': 'another'\}"):
        load_quality_model(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps({**config, "inputs": {"colour": 1}}))
    with pytest.raises(ModelError, match="sizes that do not fit"):
        load_quality_model(tmp_path)


def test_another_kind_of_model_is_refused() -> None:
    with pytest.raises(ModelError, match="a score model; expected a quality model"):
        load_quality("score")
