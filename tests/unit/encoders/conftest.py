"""Language models of the right architecture and vocabulary, tiny and random, as `save_pretrained` writes them."""

from pathlib import Path

import pytest
import torch
from transformers import EsmConfig, EsmForMaskedLM, T5Config, T5EncoderModel
from transformers.utils import logging

T5_PIECES = ["<pad>", "</s>", "<unk>", *(f"▁{letter}" for letter in "ALGVSREDTIPKFQNYMHWCXBOUZ")]
ESM_TOKENS = ["<cls>", "<pad>", "<eos>", "<unk>", *"LAGVSERTIDPKQNFYMHWCXBUZO.-", "<null_1>", "<mask>"]


def write_spiece(path: Path, pieces: list[str]) -> None:
    """A sentencepiece model with exactly these pieces, the first three special."""
    from sentencepiece import sentencepiece_model_pb2

    proto = sentencepiece_model_pb2.ModelProto()
    proto.trainer_spec.model_type = 1
    proto.trainer_spec.pad_id, proto.trainer_spec.eos_id, proto.trainer_spec.unk_id = 0, 1, 2
    proto.trainer_spec.bos_id = -1
    proto.normalizer_spec.name = "identity"
    for number, piece in enumerate(pieces):
        entry = proto.pieces.add()
        entry.piece, entry.type = piece, {0: 3, 1: 3, 2: 2}.get(number, 1)
        entry.score = 0.0 if number < 3 else -1.0
    path.write_bytes(proto.SerializeToString())


def write_prott5(folder: Path, pieces: list[str] = T5_PIECES) -> Path:
    folder.mkdir(exist_ok=True)
    torch.manual_seed(2)
    config = T5Config(vocab_size=131, d_model=12, d_kv=5, d_ff=17, num_layers=2, num_heads=3)
    T5EncoderModel(config).save_pretrained(folder)
    write_spiece(folder / "spiece.model", pieces)
    return folder


def write_esm2(folder: Path, *, positions: int = 1026, tokens: list[str] = ESM_TOKENS) -> Path:
    folder.mkdir(exist_ok=True)
    torch.manual_seed(3)
    config = EsmConfig(
        vocab_size=33,
        hidden_size=20,
        num_hidden_layers=2,
        num_attention_heads=5,
        intermediate_size=23,
        max_position_embeddings=positions,
        position_embedding_type="rotary",
        token_dropout=True,
        emb_layer_norm_before=False,
        mask_token_id=32,
        pad_token_id=1,
    )
    EsmForMaskedLM(config).save_pretrained(folder)
    (folder / "vocab.txt").write_text("\n".join(tokens))
    return folder


@pytest.fixture(scope="session", autouse=True)
def quiet_transformers() -> None:
    logging.disable_progress_bar()


@pytest.fixture(scope="session")
def prott5_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_prott5(tmp_path_factory.mktemp("prott5"))


@pytest.fixture(scope="session")
def esm2_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_esm2(tmp_path_factory.mktemp("esm2"))


@pytest.fixture(scope="session")
def write_checkpoint() -> dict[str, object]:
    """The two writers, for tests that need a checkpoint of their own."""
    return {"prott5": write_prott5, "esm2": write_esm2}
