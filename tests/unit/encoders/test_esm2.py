import json

import pytest
import torch
from transformers import EsmModel, EsmTokenizer

from foldglass.encoders.esm2 import load_esm2
from foldglass.errors import ModelError, UsageError
from foldglass.protein import Sequence

CHAINS = [Sequence("a", "MKVLAAGW"), Sequence("b", "C"), Sequence("c", "MKTAYIAKQRQISFVKSHFSRQ")]


@pytest.fixture(scope="module")
def encoder(esm2_folder):
    return load_esm2(esm2_folder, device="cpu")


def test_rows_are_the_published_recipe_without_begin_and_end(encoder, esm2_folder):
    network = EsmModel.from_pretrained(esm2_folder, add_pooling_layer=False).eval()
    tokenizer = EsmTokenizer.from_pretrained(esm2_folder)
    for protein in CHAINS:
        with torch.no_grad():
            manual = network(**tokenizer(protein.letters, return_tensors="pt")).last_hidden_state[0]
        assert manual.shape[0] == len(protein) + 2
        (ours,) = encoder.encode([protein])
        torch.testing.assert_close(ours, manual[1:-1], rtol=0, atol=1e-5)


def test_name_width_and_limit(encoder):
    assert (encoder.id, encoder.dim, encoder.window) == ("esm2-t2", 20, 1022)


def test_j_is_read_as_x_and_rare_letters_as_themselves(encoder):
    j, x, b = encoder.encode([Sequence("j", "MKJL"), Sequence("x", "MKXL"), Sequence("b", "MKBL")])
    assert torch.equal(j, x)
    assert not torch.allclose(b, x, atol=1e-3)


def test_longest_chain_is_read_at_once_and_a_longer_one_in_windows(write_checkpoint, tmp_path):
    folder = write_checkpoint["esm2"](tmp_path / "short", positions=41)
    encoder = load_esm2(folder, device="cpu")
    assert encoder.window == 37
    chain = "MKVLAAGWCD" * 9
    read = []
    forward = encoder.network.forward
    encoder.network.forward = lambda **kw: (read.append(kw["input_ids"].shape), forward(**kw))[1]
    whole, long = encoder.encode([Sequence("a", chain[:37]), Sequence("b", chain)])
    assert (len(whole), len(long)) == (37, 90)
    assert max(width for _, width in read) == 39
    # Far from every cut end the first window alone decides.
    alone = encoder.encode([Sequence("a", chain[:37])])[0]
    torch.testing.assert_close(long[:17], alone[:17], rtol=0, atol=1e-5)
    assert not torch.allclose(long[30:37], alone[30:37], atol=1e-4)


def test_window_over_the_limit_is_refused(esm2_folder):
    with pytest.raises(UsageError, match=r"a window of 1023 residues; expected at most 1022"):
        load_esm2(esm2_folder, device="cpu", window=1023)


def test_absolute_positions_are_refused(write_checkpoint, tmp_path):
    folder = write_checkpoint["esm2"](tmp_path / "esm1b")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"position_embedding_type": "absolute"}))
    with pytest.raises(ModelError, match=r"expected ESM-2"):
        load_esm2(folder, device="cpu")


def test_other_architecture_is_refused(prott5_folder):
    with pytest.raises(ModelError, match=r"a model of type t5; expected ESM-2"):
        load_esm2(prott5_folder, device="cpu")
