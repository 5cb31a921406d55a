"""ESM-2 (Lin et al. 2023) as a residue encoder."""

from foldglass.encoders.alphabet import read_alphabet
from foldglass.encoders.checkpoint import find_checkpoint, load_network, load_tokenizer, require_transformers
from foldglass.encoders.device import pick_device
from foldglass.encoders.transformer import TransformerEncoder, pick_precision
from foldglass.errors import ModelError, UsageError
from foldglass.typing import PathLike

ESM2 = {
    "8m": "facebook/esm2_t6_8M_UR50D",
    "35m": "facebook/esm2_t12_35M_UR50D",
    "150m": "facebook/esm2_t30_150M_UR50D",
    "650m": "facebook/esm2_t33_650M_UR50D",
    "3b": "facebook/esm2_t36_3B_UR50D",
    "15b": "facebook/esm2_t48_15B_UR50D",
}
"""Sizes on the model hub, by parameters."""

_SIZE_OF_LAYERS = {6: "8m", 12: "35m", 30: "150m", 33: "650m", 36: "3b", 48: "15b"}


def load_esm2(
    source: PathLike,
    *,
    device: str = "auto",
    precision: str = "auto",
    revision: str | None = None,
    window: int | None = None,
) -> TransformerEncoder:
    """ESM-2 from the model hub or a folder.

    J is read as X, the begin and end tokens are dropped, and a chain longer than the model was trained on (1022
    residues) is read in overlapping windows.

    Parameters
    ----------
    source
        Hub name, or folder with `config.json`, `model.safetensors` and `vocab.txt`.
    device, precision, revision
        As for `load_prott5`.
    window
        Residues read at once; the model's limit if not given.

    Raises
    ------
    ModelError
        If the checkpoint cannot be reached or used.
    MissingExtraError
        If `transformers` is not installed.
    UsageError
        If `window` is more than the model's limit.
    """
    subject = f"encoder {str(source)!r}"
    require_transformers(subject)
    from transformers import EsmModel, EsmTokenizer

    place = pick_device(device)
    dtype = pick_precision(precision, place)
    checkpoint = find_checkpoint(source, revision=revision)
    config = checkpoint.config
    if checkpoint.kind != "esm" or config.get("position_embedding_type") != "rotary":
        raise ModelError(subject, got=f"a model of type {checkpoint.kind}", expected="ESM-2: esm with rotary positions")
    # Hub configurations count two positions that padding reserves; begin and end tokens take two more.
    limit = config["max_position_embeddings"] - 4
    if window is not None and window > limit:
        raise UsageError(subject, got=f"a window of {window} residues", expected=f"at most {limit}")
    tokenizer = load_tokenizer(checkpoint, EsmTokenizer)
    alphabet = read_alphabet(
        tokenizer,
        subject,
        piece=str,
        text=str,
        unknown="J",
        begin=(tokenizer.cls_token_id,),
        end=(tokenizer.eos_token_id,),
    )
    layers = config["num_hidden_layers"]
    name = f"esm2-{_SIZE_OF_LAYERS.get(layers, f't{layers}')}"
    network = load_network(checkpoint, EsmModel, dtype, unused=("contact_head.",), add_pooling_layer=False)
    return TransformerEncoder(
        network.to(place),
        alphabet,
        id=name if window in (None, limit) else f"{name}-w{window}",
        revision=checkpoint.revision,
        window=window or limit,
    )
