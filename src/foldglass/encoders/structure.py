"""Structure encoder: a C-alpha trace to residue vectors that rigid motions leave alone.

All geometry enters through features of each residue and its surroundings (`geometry.trace`, `geometry.environment`),
computed once per structure; a transformer over the chain does the rest. See docs/decisions for why not pair attention.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float32
from torch import Tensor, nn

from foldglass.encoders.layers import EncoderBlock
from foldglass.geometry.environment import N_ENVIRONMENT, environment_features
from foldglass.geometry.trace import N_FEATURES, residue_features
from foldglass.typing import Coordinates

N_STRUCTURE_FEATURES = N_FEATURES + N_ENVIRONMENT


def structure_features(ca: Coordinates) -> Float32[np.ndarray, "L F"]:
    """All features of each residue of a trace.

    Examples
    --------
    >>> import numpy as np
    >>> structure_features(np.random.default_rng(0).normal(size=(7, 3))).shape == (7, N_STRUCTURE_FEATURES)
    True
    """
    return np.concatenate([residue_features(ca), environment_features(ca)], axis=1)


def summary_size(features: int) -> int:
    """Length of the `summary` of so many features.

    Examples
    --------
    >>> summary_size(10)
    31
    """
    return 3 * features + 1


def summary(features: Float32[np.ndarray, "L F"]) -> Float32[np.ndarray, " S"]:
    """One vector of fixed length for a whole trace: mean, spread and N-to-C difference of the features, and the length.

    Examples
    --------
    >>> summary(np.ones((7, 10), np.float32)).shape == (summary_size(10),)
    True
    """
    half = len(features) // 2
    change = features[: half + 1].mean(axis=0) - features[half:].mean(axis=0)
    length = np.array([np.log(len(features)) - 5.0], dtype=np.float32)
    return np.concatenate([features.mean(axis=0), features.std(axis=0), change, length]).astype(np.float32)


@dataclass(frozen=True)
class StructureEncoderConfig:
    """Sizes of a `StructureEncoder`; `features` of each residue come in."""

    features: int = N_STRUCTURE_FEATURES
    dim: int = 128
    layers: int = 2
    heads: int = 4
    feedforward: int = 512


class StructureEncoder(nn.Module):
    """Residue features (B, L, F) to residue vectors (B, L, dim)."""

    def __init__(self, config: StructureEncoderConfig) -> None:
        super().__init__()
        self.config = config
        self.lift = nn.Sequential(
            nn.Linear(config.features, config.feedforward),
            nn.GELU(),
            nn.Linear(config.feedforward, config.dim),
            nn.LayerNorm(config.dim),
        )
        self.blocks = nn.ModuleList(
            EncoderBlock(config.dim, config.heads, config.feedforward) for _ in range(config.layers)
        )
        self.final = nn.LayerNorm(config.dim)

    def forward(self, features: Float[Tensor, "B L F"], mask: Bool[Tensor, "B L"]) -> Float[Tensor, "B L D"]:
        x = self.lift(features)
        for block in self.blocks:
            x = block(x, mask)
        out: Tensor = self.final(x)
        return out
