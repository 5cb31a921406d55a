"""Interaction-site model directories: written and read again, altered ones refused."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from foldglass.encoders.builtin import SequenceEncoder, SequenceEncoderConfig
from foldglass.errors import InputError, ModelError
from foldglass.io.structure import read_structures
from foldglass.metrics.binary import average_precision
from foldglass.metrics.interface import LOST, area_lost
from foldglass.models.quality_input import GraphMaker, QualityInputConfig
from foldglass.models.registry import kind_of, load_inverse, load_sites
from foldglass.models.site_inputs import SiteInputs
from foldglass.models.sites import SitesConfig, SitesNetwork
from foldglass.models.sites_model import SitesModel, save_sites_model
from foldglass.protein import Structure


def test_saved_model_says_the_same(
    make_sites_model: Callable[..., SitesModel], make_structure: Callable[..., Structure], tmp_path: Path
) -> None:
    model, chain = make_sites_model(), make_structure(33)
    digest = save_sites_model(model, tmp_path, card="# tiny\n")
    again = load_sites(str(tmp_path))
    assert kind_of(str(tmp_path)) == "sites" and again.id == f"tiny@{digest[:8]}"
    assert again.threshold == model.threshold and len(again.members) == 2
    np.testing.assert_allclose(again.probability(chain), model.probability(chain), atol=1e-7)
    each = [SitesModel([m], inputs=model.inputs, threshold=0.5).probability(chain) for m in model.members]
    np.testing.assert_allclose(model.probability(chain), np.mean(each, axis=0))


def test_model_takes_its_sequence_encoder_along(
    make_sites_model: Callable[..., SitesModel], make_structure: Callable[..., Structure], tmp_path: Path
) -> None:
    torch.manual_seed(1)
    config = SitesConfig({"sequence": 8}, neighbours=8, dim=12, heads=2, layers=1)
    encoder = SequenceEncoder(SequenceEncoderConfig(dim=8, layers=1, heads=2, feedforward=16))
    inputs, chain = SiteInputs(["sequence"], encoder=encoder), make_structure(30)
    model = SitesModel([SitesNetwork(config)], inputs=inputs, threshold=0.5)
    save_sites_model(model, tmp_path, card="# own encoder\n")
    np.testing.assert_allclose(load_sites(str(tmp_path)).probability(chain), model.probability(chain), atol=2e-3)


def test_other_weights_behind_the_inputs_are_refused(
    make_sites_model: Callable[..., SitesModel], tmp_path: Path
) -> None:
    save_sites_model(make_sites_model(), tmp_path, card="# tiny\n")
    path = tmp_path / "config.json"
    config = json.loads(path.read_text())
    config["inputs"] = {"score": "0" * 64}
    path.write_text(json.dumps(config))
    with pytest.raises(ModelError, match="score vectors of weights none; expected 000000000000"):
        load_sites(str(tmp_path))


def test_other_models_and_inputs_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="a siamese model; expected a sites model"):
        load_sites("builtin")
    with pytest.raises(InputError, match="'colour'; expected one of letters, geometry"):
        SiteInputs(["colour"])


def test_packaged_model_needs_no_other_model() -> None:
    model = load_sites()
    assert model.name == "sites" and model.inputs.digests == {} and 0 < model.threshold < 1
    chain, partner = read_structures(Path(__file__).parents[3] / "examples" / "1hpv.pdb")
    true = area_lost(chain, [partner]) > LOST
    assert average_precision(model.probability(chain), true) > true.mean() + 0.05


def test_how_well_letters_fit_is_said_by_the_packaged_network(make_structure: Callable[..., Structure]) -> None:
    chain = make_structure(30)
    inputs = SiteInputs(["inverse"])
    found = inputs.of(chain)["inverse"]
    maker = GraphMaker(QualityInputConfig(inverse=True), inverse=load_inverse())
    np.testing.assert_array_equal(found, maker(chain).evidence[:, 6:])
    other = inputs.of(replace(chain, letters="A" * 30))["inverse"]
    np.testing.assert_array_equal(other[:, 8:], found[:, 8:])  # probabilities do not see the letters
    assert np.abs(other[:, 0] - found[:, 0]).max() > 0.1
    assert inputs.digests == {"inverse": load_inverse().digest}
