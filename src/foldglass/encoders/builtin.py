"""The built-in sequence encoder: a small protein language model that needs no download.

Pre-norm transformer with rotary positions, pre-trained by predicting masked residues (Devlin et al. 2019; for
proteins Rives et al. 2021).
"""

import json
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from safetensors import safe_open
from torch import Tensor, nn

from foldglass.constants import AMINO_ACIDS, UNKNOWN
from foldglass.encoders.device import pick_device
from foldglass.encoders.layers import EncoderBlock
from foldglass.protein import Sequence

ALPHABET = AMINO_ACIDS + UNKNOWN
MASK_TOKEN = len(ALPHABET)
_TOKEN_OF = np.full(128, ALPHABET.index(UNKNOWN), dtype=np.int64)
for _token, _letter in enumerate(ALPHABET):
    _TOKEN_OF[ord(_letter)] = _token


def tokenize(letters: str) -> Int[np.ndarray, " L"]:
    """One token per residue; every letter outside the twenty standard ones is the unknown token.

    Examples
    --------
    >>> tokenize("ACZ").tolist()
    [0, 1, 20]
    """
    return _TOKEN_OF[np.frombuffer(letters.encode("ascii"), dtype=np.uint8)]


@dataclass(frozen=True)
class SequenceEncoderConfig:
    """Sizes of a `SequenceEncoder`."""

    dim: int = 256
    layers: int = 4
    heads: int = 8
    feedforward: int = 1024
    dropout: float = 0.0


class SequenceEncoder(nn.Module):
    """Tokens to residue vectors (B, L, dim)."""

    def __init__(self, config: SequenceEncoderConfig) -> None:
        super().__init__()
        self.config = config
        self.embed = nn.Embedding(len(ALPHABET) + 1, config.dim)
        nn.init.normal_(self.embed.weight, std=0.5)
        self.blocks = nn.ModuleList(
            EncoderBlock(config.dim, config.heads, config.feedforward, dropout=config.dropout)
            for _ in range(config.layers)
        )
        self.final = nn.LayerNorm(config.dim)

    def forward(self, tokens: Int[Tensor, "B L"], mask: Bool[Tensor, "B L"]) -> Float[Tensor, "B L D"]:
        x = self.embed(tokens)
        for block in self.blocks:
            x = block(x, mask)
        out: Tensor = self.final(x)
        return out


class MaskedResidueModel(nn.Module):
    """A `SequenceEncoder` with the output layer of the pre-training task."""

    def __init__(self, encoder: SequenceEncoder) -> None:
        super().__init__()
        self.encoder = encoder
        self.decode = nn.Linear(encoder.config.dim, len(AMINO_ACIDS))

    def forward(
        self, tokens: Int[Tensor, "B L"], mask: Bool[Tensor, "B L"], hidden: Bool[Tensor, "B L"]
    ) -> Float[Tensor, "M 20"]:
        """Logits over the twenty residues at the `hidden` positions only."""
        logits: Tensor = self.decode(self.encoder(tokens, mask)[hidden])
        return logits


class BuiltinEncoder:
    """The packaged sequence encoder behind the `ResidueEncoder` protocol, one protein at a time."""

    id = "builtin"

    def __init__(self, encoder: SequenceEncoder, *, revision: str, device: torch.device) -> None:
        self.revision, self._device = revision, device
        self._encoder = encoder.eval().requires_grad_(False).to(device)

    @property
    def network(self) -> SequenceEncoder:
        """The network itself."""
        return self._encoder

    @property
    def dim(self) -> int:
        """Channels per residue."""
        return self._encoder.config.dim

    def encode(self, proteins: list[Sequence]) -> list[Float[Tensor, "L D"]]:
        """Residue vectors of each protein, single precision on the CPU."""
        vectors = []
        with torch.inference_mode():
            for protein in proteins:
                tokens = torch.from_numpy(tokenize(protein.letters))[None].to(self._device)
                vectors.append(self._encoder(tokens, torch.ones_like(tokens, dtype=torch.bool))[0].float().cpu())
        return vectors


def load_encoder(*, device: str = "auto") -> BuiltinEncoder:
    """The sequence encoder of the packaged model.

    Examples
    --------
    >>> vectors, = load_encoder(device="cpu").encode([Sequence("toy", "MKV")])
    >>> vectors.shape[0]
    3
    """
    folder = Path(str(files("foldglass"))) / "weights" / "builtin"
    config = json.loads((folder / "config.json").read_text())
    sizes = {key: value for key, value in config["towers"]["sequence"]["front"].items() if key != "type"}
    encoder = SequenceEncoder(SequenceEncoderConfig(**sizes))
    prefix = "sequence.front.encoder."
    with safe_open(folder / "model.safetensors", framework="pt") as weights:
        names = [name for name in weights.keys() if name.startswith(prefix)]  # noqa: SIM118 (no mapping)
        own = {name.removeprefix(prefix): weights.get_tensor(name) for name in names}
    encoder.load_state_dict(own)
    return BuiltinEncoder(encoder, revision=config["weights_sha256"], device=pick_device(device))
