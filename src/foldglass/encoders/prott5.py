"""ProtT5 (Elnaggar et al. 2021) and ProstT5 (Heinzinger et al. 2024) as residue encoders."""

from foldglass.encoders.alphabet import read_alphabet
from foldglass.encoders.checkpoint import find_checkpoint, load_network, load_tokenizer, require_transformers
from foldglass.encoders.device import pick_device
from foldglass.encoders.transformer import TransformerEncoder, pick_precision
from foldglass.errors import ModelError
from foldglass.typing import PathLike

PROTT5 = "Rostlab/prot_t5_xl_half_uniref50-enc"
"""Encoder half of ProtT5-XL-UniRef50 on the model hub; 1024 channels."""

WINDOW = 4096
"""Residues read at once: positions are relative and set no limit, but memory grows with the square."""

_UNKNOWN = "BJOUZ"
_PROSTT5_PREFIX = "<AA2fold>"


def load_prott5(
    source: PathLike = PROTT5,
    *,
    device: str = "auto",
    precision: str = "auto",
    revision: str | None = None,
    window: int | None = None,
) -> TransformerEncoder:
    """ProtT5 from the model hub or a folder.

    U, Z, O, B and J are read as X, residues are separate words and the end token is dropped, as ProtTrans says. A
    vocabulary with the prefix of ProstT5 makes it that model: the prefix is set before each chain and dropped.

    Parameters
    ----------
    source
        Hub name, or folder with `config.json`, `model.safetensors` and the tokenizer.
    device
        `auto`, `cpu`, `cuda` or `mps`.
    precision
        `auto` (float16 on CUDA, else float32), `float32`, `float16` or `bfloat16`.
    revision
        Branch, tag or commit on the hub.
    window
        Residues read at once, `WINDOW` if not given.

    Raises
    ------
    ModelError
        If the checkpoint cannot be reached or used.
    MissingExtraError
        If `transformers` or `sentencepiece` is not installed.
    """
    subject = f"encoder {str(source)!r}"
    require_transformers(subject)
    from transformers import T5EncoderModel, T5Tokenizer

    place = pick_device(device)
    dtype = pick_precision(precision, place)
    checkpoint = find_checkpoint(source, revision=revision)
    if checkpoint.kind != "t5":
        raise ModelError(subject, got=f"a model of type {checkpoint.kind}", expected="t5")
    tokenizer = load_tokenizer(checkpoint, T5Tokenizer)
    prost = _PROSTT5_PREFIX in tokenizer.get_vocab()
    prefix = f"{_PROSTT5_PREFIX} " if prost else ""
    alphabet = read_alphabet(
        tokenizer,
        subject,
        piece=lambda letter: f"▁{letter}",
        text=lambda letters: prefix + " ".join(letters),
        unknown=_UNKNOWN,
        begin=(tokenizer.convert_tokens_to_ids(_PROSTT5_PREFIX),) if prost else (),
        end=(tokenizer.eos_token_id,),
    )
    name = "prostt5" if prost else "prott5"
    return TransformerEncoder(
        load_network(checkpoint, T5EncoderModel, dtype).to(place),
        alphabet,
        id=name if window in (None, WINDOW) else f"{name}-w{window}",
        revision=checkpoint.revision,
        window=window or WINDOW,
    )
