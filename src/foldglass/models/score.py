"""The score network: from a noisy distance matrix to a gradient for each residue pair, and to pair embeddings.

Source: Guo et al., AAAI 2022. `paper` follows its text, `reference-code` its public code, `foldglass` is ours; the
departures and their measurements are in docs/decisions.
"""

from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from foldglass.errors import ModelError
from foldglass.models.noise import NoiseLevels
from foldglass.models.pair_input import (
    N_DISTANCE,
    N_LETTERS,
    N_NEAR,
    N_PAIR,
    N_POSITION,
    ResidueWindow,
    distance_encoding,
    near_encoding,
)

N_RESIDUE = N_LETTERS + N_POSITION


@dataclass(frozen=True)
class ScoreConfig:
    """Sizes and switches of a `ScoreNetwork`.

    Parameters
    ----------
    norm
        `batch`: statistics over the batch and the map, running averages in use, shared by all noise levels (Guo).
        `channel`: over the channels of each residue pair, so that nothing depends on batch, crop or level statistics.
    block
        `preactivation`: three norms and ELUs per block (Guo). `lean`: one norm and two ReLUs.
    lift
        `convolution`: one 3 x 3 convolution over all 149 input channels (Guo). `sum`: row, column and distance
        encodings each through a linear map, added, with a finer encoding of near distances.
    gradient
        How pair gradients become coordinate gradients; see `models.gradient`.

    Examples
    --------
    >>> ScoreConfig.preset("reference-code").levels
    61
    """

    channels: int = 64
    bottleneck: int = 16
    blocks: int = 32
    dilations: tuple[int, ...] = (1, 3, 5, 9)
    norm: Literal["batch", "channel"] = "batch"
    block: Literal["preactivation", "lean"] = "preactivation"
    lift: Literal["convolution", "sum"] = "convolution"
    gradient: Literal["paper", "reference-code", "foldglass"] = "paper"
    levels: int = 32
    highest: float = 10.0
    lowest: float = 0.01

    @classmethod
    def preset(cls, name: str) -> "ScoreConfig":
        """The published network (`paper`), its public code (`reference-code`) or ours (`foldglass`)."""
        presets = {
            "paper": cls(),
            "reference-code": cls(levels=61, gradient="reference-code"),
            "foldglass": cls(
                bottleneck=32, blocks=8, norm="channel", block="lean", lift="sum", gradient="foldglass", lowest=0.1
            ),
        }
        if name not in presets:
            raise ModelError(f"score preset {name!r}", got="no such preset", expected=f"one of {', '.join(presets)}")
        return presets[name]

    @property
    def noise(self) -> NoiseLevels:
        """The noise levels."""
        return NoiseLevels(self.levels, self.highest, self.lowest)

    @property
    def outputs(self) -> int:
        """Gradients per residue pair: ours tells near pairs and all pairs apart."""
        return 2 if self.gradient == "foldglass" else 1


class LevelNorm(nn.Module):
    """Normalisation whose scale and shift are looked up by noise level (Guo: conditional batch norm)."""

    def __init__(self, channels: int, levels: int, kind: str) -> None:
        super().__init__()
        self.scale = nn.Embedding(levels, channels)
        self.shift = nn.Embedding(levels, channels)
        nn.init.normal_(self.scale.weight, 1.0, 0.01)
        nn.init.zeros_(self.shift.weight)
        self.batch = nn.BatchNorm2d(channels, affine=False) if kind == "batch" else None

    def forward(self, x: Float[Tensor, "B R C D"], level: Int[Tensor, " #B"]) -> Float[Tensor, "B R C D"]:
        scale, shift = self.scale(level), self.shift(level)
        if self.batch is None and len(level) == 1:
            return F.layer_norm(x, x.shape[-1:], scale[0], shift[0])
        if self.batch is None:
            x = F.layer_norm(x, x.shape[-1:])
        else:
            x = self.batch(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
        return torch.addcmul(shift[:, None, None], x, scale[:, None, None])


class Convolution(nn.Module):
    """3 x 3 convolution with the channels last; `mask` is 0 where there is no residue pair."""

    def __init__(self, inner: int, outer: int, dilation: int = 1) -> None:
        super().__init__()
        self.layer = nn.Conv2d(inner, outer, 3, padding=dilation, dilation=dilation)

    def forward(self, x: Float[Tensor, "B R C D"], mask: Tensor | None) -> Float[Tensor, "B R C E"]:
        if mask is not None:
            x = x * mask
        out: Tensor = self.layer(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
        return out


class ScoreBlock(nn.Module):
    """Pre-activation bottleneck (He et al. 2016): norm, ELU, map down; norm, ELU, 3 x 3; norm, ELU, map up; add."""

    def __init__(self, config: ScoreConfig, dilation: int) -> None:
        super().__init__()
        wide, narrow = config.channels, config.bottleneck
        self.norm1, self.norm2, self.norm3 = (
            LevelNorm(size, config.levels, config.norm) for size in (wide, narrow, narrow)
        )
        self.down, self.up = nn.Linear(wide, narrow), nn.Linear(narrow, wide)
        self.mix = Convolution(narrow, narrow, dilation)

    def forward(
        self, x: Float[Tensor, "B R C D"], level: Int[Tensor, " #B"], mask: Tensor | None
    ) -> Float[Tensor, "B R C D"]:
        y = self.down(F.elu(self.norm1(x, level)))
        y = self.mix(F.elu(self.norm2(y, level)), mask)
        out: Tensor = x + self.up(F.elu(self.norm3(y, level)))
        return out


class LeanBlock(nn.Module):
    """Ours: norm, map down, ReLU, 3 x 3, ReLU, map up; add.

    On a processor the elementwise steps of the published block cost more than its multiply-adds.
    """

    def __init__(self, config: ScoreConfig, dilation: int) -> None:
        super().__init__()
        wide, narrow = config.channels, config.bottleneck
        self.norm = LevelNorm(wide, config.levels, config.norm)
        self.down, self.up = nn.Linear(wide, narrow), nn.Linear(narrow, wide)
        self.mix = Convolution(narrow, narrow, dilation)
        nn.init.zeros_(self.up.weight)  # every branch starts as a constant, the published ones near 0

    def forward(
        self, x: Float[Tensor, "B R C D"], level: Int[Tensor, " #B"], mask: Tensor | None
    ) -> Float[Tensor, "B R C D"]:
        return x + self.widened(self.mix(self.narrowed(x, level), mask))

    def narrowed(self, x: Float[Tensor, "B R C D"], level: Int[Tensor, " #B"]) -> Float[Tensor, "B R C E"]:
        """What the convolution sees, pair by pair."""
        out: Tensor = self.down(self.norm(x, level)).relu()
        return out

    def widened(self, y: Float[Tensor, "*A R C E"]) -> Float[Tensor, "*A R C D"]:
        """What is added, pair by pair, from what the convolution gives."""
        out: Tensor = self.up(y.relu())
        return out


class ConvolutionLift(nn.Module):
    """All 149 input channels through one 3 x 3 convolution: column residue, row residue, distance."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.convolution = Convolution(N_PAIR, channels)

    def forward(
        self, row: ResidueWindow, column: ResidueWindow, distance: Float[Tensor, "B R C"], mask: Tensor | None
    ) -> Float[Tensor, "B R C D"]:
        shape = (*distance.shape, N_RESIDUE)
        parts = [
            column.encoding()[:, None].expand(shape),
            row.encoding()[:, :, None].expand(shape),
            distance_encoding(distance),
        ]
        out: Tensor = self.convolution(torch.cat(parts, dim=-1), mask)
        return out


class SumLift(nn.Module):
    """Row residue, column residue, distance and near distance, each through a linear map, added."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.row = nn.Linear(N_RESIDUE, channels)
        self.column = nn.Linear(N_RESIDUE, channels, bias=False)
        self.distance = nn.Linear(N_DISTANCE, channels, bias=False)
        self.near = nn.Linear(N_NEAR, channels, bias=False)

    def forward(
        self, row: ResidueWindow, column: ResidueWindow, distance: Float[Tensor, "B R C"], mask: Tensor | None
    ) -> Float[Tensor, "B R C D"]:
        out: Tensor = self.distance(distance_encoding(distance)) + self.near(near_encoding(distance))
        return out + self.row(row.encoding())[:, :, None] + self.column(column.encoding())[:, None]


class ScoreNetwork(nn.Module):
    """Residue pairs and a noise level in; gradients of the pairs and their embeddings out.

    Distances do not see handedness: a structure and its mirror image give the same output.

    Examples
    --------
    >>> sum(p.numel() for p in ScoreNetwork(ScoreConfig.preset("reference-code")).parameters())
    611393
    """

    def __init__(self, config: ScoreConfig) -> None:
        super().__init__()
        if config.blocks % len(config.dilations):
            raise ModelError(
                "score network",
                got=f"{config.blocks} blocks",
                expected=f"a multiple of the {len(config.dilations)} dilations",
            )
        self.config = config
        self.lift: nn.Module = (
            ConvolutionLift(config.channels) if config.lift == "convolution" else SumLift(config.channels)
        )
        kind = LeanBlock if config.block == "lean" else ScoreBlock
        self.blocks = nn.ModuleList(
            kind(config, config.dilations[i % len(config.dilations)]) for i in range(config.blocks)
        )
        self.norm = LevelNorm(config.channels, config.levels, config.norm)
        self.output = Convolution(config.channels, config.outputs)
        if config.block == "lean":
            nn.init.zeros_(self.output.layer.weight)
            return
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):  # as in the public code: every branch starts near 0
                nn.init.normal_(module.weight, 0.0, 1e-3)
                assert module.bias is not None
                nn.init.zeros_(module.bias)

    @property
    def convolution_dtype(self) -> torch.dtype:
        """Number format of the convolutions inside the blocks."""
        mix = self.blocks[0].mix
        assert isinstance(mix, Convolution)
        return mix.layer.weight.dtype

    def forward(
        self,
        row: ResidueWindow,
        column: ResidueWindow,
        distance: Float[Tensor, "B R C"],
        level: Int[Tensor, " #B"],
    ) -> tuple[Float[Tensor, "B R C G"], Float[Tensor, "B R C D"]]:
        """Pair gradients and pair embeddings (the last feature map); both mean nothing outside the masks.

        `level` is one index per map, or a single one for all of them.
        """
        mask = pair_mask(row.mask, column.mask)
        x = self.lift(row, column, distance, mask)
        for block in self.blocks:
            x = block(x, level, mask)
        embedding = F.elu(self.norm(x, level))
        return self.output(embedding, mask), embedding


def pair_mask(row: Bool[Tensor, "B R"], column: Bool[Tensor, "B C"]) -> Float[Tensor, "B R C 1"] | None:
    """1 where both residues are real; None where all are."""
    if bool(row.all()) and bool(column.all()):
        return None
    return (row[:, :, None] & column[:, None]).float()[..., None]
