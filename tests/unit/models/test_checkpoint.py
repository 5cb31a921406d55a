"""Model directories: what is written is what is read, and damage is named."""

import hashlib
import json
import shutil

import numpy as np
import pytest
from safetensors.torch import load_file, save

from foldglass.encoders.structure import StructureEncoder, StructureEncoderConfig
from foldglass.errors import ModelError
from foldglass.models.calibration import Calibration, PairingCalibration
from foldglass.models.checkpoint import load_model, save_model
from foldglass.models.config import FILES, read_config
from foldglass.models.model import Model
from foldglass.models.registry import load_score
from foldglass.models.tower import PretrainedFront, StructureFront, Tower, features_per_residue
from foldglass.protein import Sequence


@pytest.fixture(scope="module")
def saved(make_model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("saved") / "tiny"
    model = make_model(3)
    model.calibration = Calibration({"sequence-structure": PairingCalibration(fold=(3.0, -2.0))})
    return folder, model, save_model(model, folder, card="# tiny\n")


@pytest.fixture
def copy(saved, tmp_path):
    """A model directory to damage."""
    return shutil.copytree(saved[0], tmp_path / "model")


def rewrite(folder, **changes):
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def replace_weights(folder, tensors):
    content = save(tensors)
    (folder / "model.safetensors").write_bytes(content)
    rewrite(folder, weights_sha256=hashlib.sha256(content).hexdigest())


def test_directory_holds_the_four_files(saved):
    folder, _, digest = saved
    assert sorted(path.name for path in folder.iterdir()) == sorted(FILES)
    assert (folder / "card.md").read_text() == "# tiny\n"
    assert read_config(folder)["weights_sha256"] == digest
    assert set(json.loads((folder / "versions.json").read_text())) == {"foldglass", "torch", "numpy", "safetensors"}


def test_loaded_model_gives_the_same_vectors_bit_for_bit(saved, make_structure):
    folder, model, digest = saved
    loaded = load_model(folder)
    assert (loaded.name, loaded.description) == ("tiny", "a tiny random model")
    assert loaded.id == f"tiny@{digest[:8]}"
    assert loaded.calibration == model.calibration
    proteins = [make_structure(31), Sequence("toy", "MKVLAAGIVGLLAAPE"), make_structure(1)]
    for before, after in zip(model.embed(proteins), loaded.embed(proteins), strict=True):
        np.testing.assert_array_equal(before.protein, after.protein)
        np.testing.assert_array_equal(before.residue, after.residue)


def test_saving_twice_gives_the_same_hash(saved, make_model, tmp_path):
    assert save_model(make_model(3), tmp_path, card="") == saved[2]
    assert save_model(make_model(4), tmp_path, card="") != saved[2]


def test_flipped_bit_is_noticed(copy):
    path = copy / "model.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"weights with SHA-256 .* as config.json says; the file was altered or cut"):
        load_model(copy)


def test_truncated_weights_are_noticed(copy):
    path = copy / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ModelError, match="the file was altered or cut short: get the model again"):
        load_model(copy)


def test_bytes_that_are_no_safetensors_are_named_even_with_the_right_hash(copy):
    (copy / "model.safetensors").write_bytes(b"not tensors")
    rewrite(copy, weights_sha256=hashlib.sha256(b"not tensors").hexdigest())
    with pytest.raises(ModelError, match=r"no safetensors file \(.*\); expected the model's weights$"):
        load_model(copy)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda tensors: tensors.pop("sequence.network.project.0.weight"), "Missing key.*project.0.weight"),
        (
            lambda tensors: tensors.update({"sequence.extra": tensors["sequence.network.project.0.bias"].clone()}),
            "extra",
        ),
        (
            lambda tensors: tensors.update(
                {"sequence.network.project.0.bias": tensors["sequence.network.output.0.bias"].clone()}
            ),
            "size mismatch for network.project.0.bias",
        ),
    ],
    ids=["missing", "extra", "shape"],
)
def test_weights_of_another_network_are_named(copy, damage, words):
    tensors = load_file(copy / "model.safetensors")
    damage(tensors)
    replace_weights(copy, tensors)
    with pytest.raises(ModelError, match=rf"other weights \(.*{words}.*\); expected those of config.json$"):
        load_model(copy)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_missing_file_is_named(copy, name):
    (copy / name).unlink()
    with pytest.raises(ModelError, match=rf"no {name}; expected a model directory$"):
        load_model(copy)


def test_newer_format_asks_for_a_newer_version(copy):
    rewrite(copy, format=2)
    with pytest.raises(ModelError, match=r"format 2; expected format 1; install a newer foldglass$"):
        load_model(copy)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '"text"'])
def test_configuration_that_is_none_is_named(copy, text):
    (copy / "config.json").write_text(text)
    with pytest.raises(ModelError, match=r"config.json: something else; expected a foldglass model's configuration$"):
        load_model(copy)


def test_missing_entry_is_named(copy):
    path = copy / "config.json"
    config = json.loads(path.read_text())
    del config["calibration"]
    path.write_text(json.dumps(config))
    with pytest.raises(ModelError, match=r"no 'calibration'; expected a complete configuration$"):
        load_model(copy)


def test_unknown_kind_of_tower_lists_the_known_ones(copy):
    config = read_config(copy)
    config["towers"]["sequence"]["front"]["type"] = "quantum"
    rewrite(copy, towers=config["towers"])
    with pytest.raises(ModelError, match=r"a tower of type 'quantum'; expected one of builtin, structure, pretrained$"):
        load_model(copy)


def test_unknown_size_is_named(copy):
    config = read_config(copy)
    config["towers"]["sequence"]["network"]["temperature"] = 3
    rewrite(copy, towers=config["towers"])
    with pytest.raises(ModelError, match=r"sizes that do not fit \(.*temperature.*\); expected those of this version$"):
        load_model(copy)


class Known:
    """A residue encoder by name, with a version."""

    id, dim = "known", 28

    def __init__(self, revision):
        self.revision = revision

    def encode(self, proteins):
        raise NotImplementedError


def test_pretrained_tower_is_built_on_its_encoder_and_no_other_version(make_model, tmp_path, monkeypatch):
    network = make_model().towers["structure"].network
    model = Model({"sequence": Tower(PretrainedFront(Known("abc")), network)}, name="on-known")
    save_model(model, tmp_path, card="")
    assert read_config(tmp_path)["towers"]["sequence"]["front"] == {
        "type": "pretrained",
        "encoder": "known",
        "revision": "abc",
    }
    monkeypatch.setattr("foldglass.models.checkpoint.encoder_by_name", lambda name: Known("abc"))
    assert load_model(tmp_path).towers["sequence"].front.encoder.id == "known"
    monkeypatch.setattr("foldglass.models.checkpoint.encoder_by_name", lambda name: Known("def"))
    with pytest.raises(ModelError, match=r"encoder known: revision def; expected abc, with which the model was"):
        load_model(tmp_path)


def test_tower_with_a_score_network_names_it_and_checks_its_weights(make_model, make_structure, tmp_path):
    score = load_score()
    score.sigma = 2.0
    features = features_per_residue(True, score)
    encoder = StructureEncoder(StructureEncoderConfig(features, dim=28, layers=1, heads=2, feedforward=16))
    network = make_model().towers["structure"].network
    model = Model({"structure": Tower(StructureFront(encoder, score=score), network)}, name="scored")
    save_model(model, tmp_path, card="# scored\n")
    structure = make_structure(30)
    loaded = load_model(tmp_path)
    np.testing.assert_array_equal(loaded.embed([structure])[0].protein, model.embed([structure])[0].protein)

    towers = read_config(tmp_path)["towers"]
    towers["structure"]["front"]["score_sha256"] = "0" * 64
    rewrite(tmp_path, towers=towers)
    with pytest.raises(ModelError, match=r"^score network score: other weights than .*score@"):
        load_model(tmp_path)
