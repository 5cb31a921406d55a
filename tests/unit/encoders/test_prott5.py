import pytest
import torch
from transformers import T5EncoderModel, T5Tokenizer

from foldglass.encoders.prott5 import load_prott5
from foldglass.errors import ModelError, UsageError
from foldglass.protein import Sequence

CHAINS = [Sequence("a", "MKVLAAGW"), Sequence("b", "C"), Sequence("c", "MKTAYIAKQRQISFVKSHFSRQ")]


@pytest.fixture(scope="module")
def encoder(prott5_folder):
    return load_prott5(prott5_folder, device="cpu")


def test_rows_are_the_published_recipe_without_the_end_token(encoder, prott5_folder):
    tokenizer, network = T5Tokenizer.from_pretrained(prott5_folder), T5EncoderModel.from_pretrained(prott5_folder)
    for protein in CHAINS:
        batch = tokenizer(" ".join(protein.letters), return_tensors="pt")
        with torch.no_grad():
            manual = network.eval()(**batch).last_hidden_state[0]
        assert manual.shape[0] == len(protein) + 1
        (ours,) = encoder.encode([protein])
        torch.testing.assert_close(ours, manual[:-1], rtol=0, atol=1e-5)


def test_vectors_are_float32_on_the_cpu_one_per_residue(encoder):
    vectors = encoder.encode(CHAINS)
    assert [v.shape for v in vectors] == [(8, 12), (1, 12), (22, 12)]
    assert all(v.dtype == torch.float32 and v.device.type == "cpu" and not v.requires_grad for v in vectors)
    assert (encoder.id, encoder.dim, len(encoder.revision)) == ("prott5", 12, 64)


@pytest.mark.parametrize("letter", "UZOBJ")
def test_rare_letters_are_read_as_x(encoder, letter):
    rare, unknown, other = encoder.encode([Sequence("r", f"MK{letter}L"), Sequence("x", "MKXL"), Sequence("a", "MKAL")])
    torch.testing.assert_close(rare, unknown, atol=1e-5, rtol=0)  # rows of a product may round differently
    assert not torch.allclose(rare, other, atol=1e-3)


def test_half_precision_is_close_to_float32(encoder, prott5_folder):
    half = load_prott5(prott5_folder, device="cpu", precision="bfloat16")
    assert half.network.encoder.block[0].layer[0].SelfAttention.q.weight.dtype == torch.bfloat16
    for exact, rounded in zip(encoder.encode(CHAINS), half.encode(CHAINS), strict=True):
        assert torch.nn.functional.cosine_similarity(exact, rounded).min() > 0.999


def test_float16_on_the_cpu_is_refused(prott5_folder):
    with pytest.raises(UsageError, match=r"float16.*the CPU.*use bfloat16 or float32"):
        load_prott5(prott5_folder, device="cpu", precision="float16")


def test_window_is_part_of_the_id(prott5_folder):
    assert load_prott5(prott5_folder, device="cpu", window=4096).id == "prott5"
    assert load_prott5(prott5_folder, device="cpu", window=40).id == "prott5-w40"


def test_prostt5_prefix_is_set_and_dropped(write_checkpoint, tmp_path):
    pieces = ["<pad>", "</s>", "<unk>", *(f"▁{x}" for x in "ALGVSREDTIPKFQNYMHWCX"), *(f"▁{x}" for x in "alg")]
    folder = write_checkpoint["prott5"](tmp_path / "prostt5", pieces)
    tokenizer = T5Tokenizer.from_pretrained(folder)
    tokenizer.add_tokens(["<AA2fold>"])
    tokenizer.save_pretrained(folder)
    encoder = load_prott5(folder, device="cpu")
    token = encoder.alphabet.begin[0]
    assert encoder.id == "prostt5"
    assert tokenizer.convert_ids_to_tokens(token) == "<AA2fold>"
    network = T5EncoderModel.from_pretrained(folder).eval()
    batch = tokenizer("<AA2fold> M K V", return_tensors="pt")
    assert batch["input_ids"][0, 0] == token
    with torch.no_grad():
        manual = network(**batch).last_hidden_state[0, 1:-1]
    torch.testing.assert_close(encoder.encode([Sequence("a", "MKV")])[0], manual, rtol=0, atol=1e-5)


def test_other_architecture_is_refused(esm2_folder):
    with pytest.raises(ModelError, match=r"a model of type esm; expected t5"):
        load_prott5(esm2_folder, device="cpu")


def test_vocabulary_without_residues_is_refused(write_checkpoint, tmp_path):
    folder = write_checkpoint["prott5"](tmp_path / "words", ["<pad>", "</s>", "<unk>", "▁the", "▁A", "▁C"])
    with pytest.raises(ModelError, match=r"no token for the residues D, E, F,.*expected the vocabulary of a protein"):
        load_prott5(folder, device="cpu")
