import builtins
import json
import shutil
import subprocess
import sys

import pytest
import torch
from safetensors.torch import load_file, save_file

from foldglass.encoders.checkpoint import _CONVERT, find_checkpoint
from foldglass.encoders.esm2 import load_esm2
from foldglass.encoders.prott5 import load_prott5
from foldglass.errors import MissingExtraError, ModelError, UsageError
from foldglass.protein import Sequence

CHAIN = [Sequence("a", "MKVLAAGW")]


@pytest.fixture
def folder(prott5_folder, tmp_path):
    return shutil.copytree(prott5_folder, tmp_path / "copy")


@pytest.fixture
def pickled(folder):
    weights = load_file(folder / "model.safetensors")
    torch.save(weights, folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    return folder


def test_revision_is_that_of_the_weights_wherever_they_lie(prott5_folder, folder):
    assert find_checkpoint(folder).revision == find_checkpoint(prott5_folder).revision
    weights = load_file(folder / "model.safetensors")
    weights["shared.weight"][0, 0] += 1
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    assert find_checkpoint(folder).revision != find_checkpoint(prott5_folder).revision


def test_sharded_weights_are_read_and_a_missing_shard_is_named(prott5_folder, folder):
    weights = load_file(folder / "model.safetensors")
    names = sorted(weights)
    shards = {"model-1.safetensors": names[:5], "model-2.safetensors": names[5:]}
    for shard, held in shards.items():
        save_file({name: weights[name] for name in held}, folder / shard, {"format": "pt"})
    index = {"metadata": {}, "weight_map": {name: shard for shard, held in shards.items() for name in held}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    (folder / "model.safetensors").unlink()
    (ours,) = load_prott5(folder, device="cpu").encode(CHAIN)
    assert torch.equal(ours, load_prott5(prott5_folder, device="cpu").encode(CHAIN)[0])
    (folder / "model-2.safetensors").unlink()
    with pytest.raises(ModelError, match=r"1 of 2 weight files are missing; expected model-2.safetensors"):
        load_prott5(folder, device="cpu")


def test_pickle_is_refused_and_never_opened(pickled, monkeypatch):
    monkeypatch.setattr(torch, "load", lambda *a, **k: pytest.fail("a pickle was opened"))
    with pytest.raises(ModelError) as caught:
        load_prott5(pickled, device="cpu")
    assert "weights only as a pickle (pytorch_model.bin), which is never loaded" in str(caught.value)
    assert "convert it once: python -c" in str(caught.value)


def test_command_in_the_refusal_converts(prott5_folder, pickled):
    program = _CONVERT.removeprefix('python -c "').removesuffix('"')
    subprocess.run([sys.executable, "-c", program], cwd=pickled, check=True)
    (ours,) = load_prott5(pickled, device="cpu").encode(CHAIN)
    assert torch.equal(ours, load_prott5(prott5_folder, device="cpu").encode(CHAIN)[0])


def test_folder_that_is_not_there(tmp_path):
    with pytest.raises(ModelError, match=r"there is no such folder; expected a folder with config.json"):
        find_checkpoint(tmp_path / "none")


def test_folder_without_configuration(tmp_path):
    with pytest.raises(ModelError, match=r"no config.json; expected a folder as save_pretrained writes it"):
        find_checkpoint(tmp_path)


def test_folder_without_weights(folder):
    (folder / "model.safetensors").unlink()
    with pytest.raises(ModelError, match=r"no weights; expected model.safetensors"):
        find_checkpoint(folder)


def test_broken_configuration(folder):
    (folder / "config.json").write_text("{")
    with pytest.raises(ModelError, match=r"config.json: no valid JSON .*; copy the folder again"):
        find_checkpoint(folder)


def test_torn_weights(folder):
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ModelError, match=r"the weights cannot be loaded .*; copy the folder again"):
        load_prott5(folder, device="cpu")


def test_layer_without_weights_never_keeps_random_numbers(folder):
    weights = load_file(folder / "model.safetensors")
    del weights["encoder.block.1.layer.0.SelfAttention.q.weight"]
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(ModelError, match=r"no weights for 1 layers, first encoder.block.1.layer.0.SelfAttention.q"):
        load_prott5(folder, device="cpu")


def test_layer_that_is_never_run_may_be_missing(esm2_folder, tmp_path):
    folder = shutil.copytree(esm2_folder, tmp_path / "esm")
    weights = load_file(folder / "model.safetensors")
    kept = {name: weight for name, weight in weights.items() if "contact_head" not in name}
    assert len(kept) < len(weights)
    save_file(kept, folder / "model.safetensors", {"format": "pt"})
    assert len(load_esm2(folder, device="cpu").encode(CHAIN)[0]) == 8


@pytest.mark.parametrize(
    ("family", "load", "vocabulary"),
    [("prott5", load_prott5, "spiece.model"), ("esm2", load_esm2, "vocab.txt")],
)
def test_missing_vocabulary_is_one_line(request, tmp_path, family, load, vocabulary):
    folder = shutil.copytree(request.getfixturevalue(f"{family}_folder"), tmp_path / family)
    (folder / vocabulary).unlink()
    # transformers 5 makes up a vocabulary of special tokens where older ones raise.
    with pytest.raises(ModelError, match=r"no token for the residues|the tokenizer cannot be read"):
        load(folder, device="cpu")


def test_revision_of_a_folder_is_refused(folder):
    with pytest.raises(UsageError, match=r"the revision 'main' of a folder; expected a hub name"):
        find_checkpoint(folder, revision="main")


def test_hub_out_of_reach_says_how_to_go_on(monkeypatch):
    def offline(*args, **kwargs):
        raise ConnectionError("Name or service not known\nmore lines")

    monkeypatch.setattr("huggingface_hub.snapshot_download", offline)
    with pytest.raises(ModelError) as caught:
        load_esm2("facebook/esm2_t6_8M_UR50D", device="cpu")
    assert str(caught.value) == (
        "encoder 'facebook/esm2_t6_8M_UR50D': not in the local hub cache, and the hub did not give it (Name or service "
        "not known); where there is a network run: hf download facebook/esm2_t6_8M_UR50D --local-dir FOLDER; then pass "
        "the folder"
    )


def test_hub_is_asked_for_safetensors_alone(esm2_folder, monkeypatch):
    asked = {}
    monkeypatch.setattr("huggingface_hub.snapshot_download", lambda name, **k: asked.update(k) or str(esm2_folder))
    load_esm2("facebook/esm2_t6_8M_UR50D", device="cpu", revision="abc")
    assert asked["revision"] == "abc"
    assert not any(pattern.endswith((".bin", "*", ".pt")) for pattern in asked["allow_patterns"])


@pytest.mark.parametrize("package", ["transformers", "sentencepiece"])
def test_missing_package_names_the_extra(prott5_folder, monkeypatch, package):
    found = builtins.__import__

    def without(name, *args, **kwargs):
        if name == package:
            raise ImportError(name)
        return found(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingExtraError, match=rf"the package {package} is not installed.*foldglass\[plm\]"):
        load_prott5(prott5_folder, device="cpu")
