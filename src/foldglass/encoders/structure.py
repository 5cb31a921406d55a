"""Structure encoder: a C-alpha trace to residue vectors that rigid motions leave alone.

Attention whose weights see the geometry of each residue pair and whose output carries it (after the invariant point
attention of Jumper et al. 2021, with fixed pair features in place of a learned pair track: no L x L x D map is kept).
"""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor, nn

from foldglass.encoders.layers import FeedForward
from foldglass.geometry.trace import N_FEATURES

CENTRES = (4.0, 5.0, 6.0, 7.5, 9.0, 10.5, 12.0, 14.0, 16.0, 19.0, 22.0, 26.0, 30.0, 35.0, 40.0)
"""Centres of the radial basis over C-alpha distances, in angstrom; each is as wide as the gap to the next."""

N_PAIR_FEATURES = len(CENTRES) + 9

PAIRS_AT_ONCE = 8_000_000
"""Residue pairs whose geometry is held in memory at one time (about 100 bytes each, 200 with the biases)."""


def pair_features(
    ca: Float[Tensor, "B L 3"], frames: Float[Tensor, "B L 3 3"], rows: slice
) -> Float[Tensor, "B R L P"]:
    """Geometry of each ordered pair (i, j), seen from residue i, for i in `rows` and every j.

    Radial basis of the distance, direction of j and chain direction at j in the frame of i, and the separation along
    the chain (two decays and a sign). Mirror images differ through the frames.
    """
    centre = torch.tensor(CENTRES, device=ca.device, dtype=ca.dtype)
    width = torch.cat([centre[1:] - centre[:-1], centre[-1:] - centre[-2:-1]])
    own = frames[:, rows]
    offset = ca[:, None, :, :] - ca[:, rows, None, :]
    distance = offset.square().sum(-1, keepdim=True).clamp_min(1e-8).sqrt()
    radial = (-((distance - centre) / width).square()).exp()
    direction = torch.einsum("biak,bijk->bija", own, offset / (distance + 1.0))
    heading = torch.einsum("biak,bjk->bija", own, frames[:, :, 0])
    index = torch.arange(ca.shape[1], device=ca.device, dtype=ca.dtype)
    separation = (index[None, :] - index[rows, None]).unsqueeze(-1)
    chain = torch.cat([(-separation.abs() / 3).exp(), (-separation.abs() / 12).exp(), separation.sign()], dim=-1)
    return torch.cat([radial, direction, heading, chain.expand(len(ca), -1, -1, -1)], dim=-1)


@dataclass(frozen=True)
class StructureEncoderConfig:
    """Sizes of a `StructureEncoder`."""

    dim: int = 128
    layers: int = 4
    heads: int = 4
    feedforward: int = 512


class GeometricAttention(nn.Module):
    """Self-attention biased by pair geometry; each head also says where it looks, in the frame of the residue.

    Beside the mean of its values a head returns the mean position and the mean chain direction of the residues it
    attends to, as seen from the attending residue: six numbers that rigid motions leave alone.
    """

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(dim, 3 * dim)
        self.out = nn.Linear(dim + 6 * heads, dim)

    def forward(
        self,
        x: Float[Tensor, "B L D"],
        biases: Iterable[tuple[slice, Float[Tensor, "B H R L"]]],
        ca: Float[Tensor, "B L 3"],
        frames: Float[Tensor, "B L 3 3"],
    ) -> Float[Tensor, "B L D"]:
        batch, length, _ = x.shape
        query, key, value = self.qkv(x).view(batch, length, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        points = torch.cat([ca, frames[:, :, 0]], dim=-1)[:, None].expand(-1, self.heads, -1, -1)
        carried = torch.cat([value, points], dim=-1).flatten(0, 1)
        keys = key.flatten(0, 1).transpose(1, 2)
        rows_seen = []
        for rows, bias in biases:
            rows_query = query[:, :, rows].flatten(0, 1)
            logits = torch.baddbmm(bias.flatten(0, 1), rows_query, keys, alpha=rows_query.shape[-1] ** -0.5)
            rows_seen.append((logits.softmax(dim=-1) @ carried).view(batch, self.heads, -1, carried.shape[-1]))
        seen = torch.cat(rows_seen, dim=2).transpose(1, 2)
        position = (seen[..., -6:-3] - ca[:, :, None]) / 10.0
        geometry = torch.stack([position, seen[..., -3:]], dim=-2) @ frames.transpose(-1, -2)[:, :, None]
        out: Tensor = self.out(torch.cat([seen[..., :-6].flatten(2), geometry.flatten(2)], dim=-1))
        return out


class GeometricBlock(nn.Module):
    """Pre-norm layer: geometric attention, then a feed-forward network."""

    def __init__(self, config: StructureEncoderConfig) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(config.dim), nn.LayerNorm(config.dim)
        self.attention = GeometricAttention(config.dim, config.heads)
        self.feedforward = FeedForward(config.dim, config.feedforward)

    def forward(
        self,
        x: Float[Tensor, "B L D"],
        biases: Iterable[tuple[slice, Float[Tensor, "B H R L"]]],
        ca: Float[Tensor, "B L 3"],
        frames: Float[Tensor, "B L 3 3"],
    ) -> Float[Tensor, "B L D"]:
        x = x + self.attention(self.norm1(x), biases, ca, frames)
        x = x + self.feedforward(self.norm2(x))
        return x


class StructureEncoder(nn.Module):
    """Residue features and pair geometry to residue vectors (B, L, dim), invariant to rigid motion."""

    def __init__(self, config: StructureEncoderConfig) -> None:
        super().__init__()
        self.config = config
        self.lift = nn.Sequential(nn.Linear(N_FEATURES, config.dim), nn.LayerNorm(config.dim))
        # one wide product for the biases of all layers is several times faster than one narrow product per layer
        self.bias = nn.Linear(N_PAIR_FEATURES, config.layers * config.heads, bias=False)
        self.blocks = nn.ModuleList(GeometricBlock(config) for _ in range(config.layers))
        self.final = nn.LayerNorm(config.dim)

    def forward(
        self,
        features: Float[Tensor, "B L F"],
        ca: Float[Tensor, "B L 3"],
        frames: Float[Tensor, "B L 3 3"],
        mask: Bool[Tensor, "B L"],
    ) -> Float[Tensor, "B L D"]:
        length, heads = ca.shape[1], self.config.heads
        step = max(1, PAIRS_AT_ONCE // (length * len(ca)))
        chunks = [slice(start, min(start + step, length)) for start in range(0, length, step)]
        keep = [self._bias(ca, frames, mask, chunks[0], self.bias.weight)] if len(chunks) == 1 else None
        x = self.lift(features)
        for layer, block in enumerate(self.blocks):
            own = slice(layer * heads, (layer + 1) * heads)
            if keep:
                biases = iter([(chunks[0], keep[0][:, own])])
            else:  # a long chain: the pair maps of all layers would not fit, so they are made again when needed
                biases = ((rows, self._bias(ca, frames, mask, rows, self.bias.weight[own])) for rows in chunks)
            x = block(x, biases, ca, frames)
        out: Tensor = self.final(x)
        return out

    @staticmethod
    def _bias(
        ca: Float[Tensor, "B L 3"],
        frames: Float[Tensor, "B L 3 3"],
        mask: Bool[Tensor, "B L"],
        rows: slice,
        weight: Float[Tensor, "H P"],
    ) -> Float[Tensor, "B H R L"]:
        """Attention bias of the residues `rows` towards all, minus infinity towards padding."""
        bias = F.linear(pair_features(ca, frames, rows), weight).permute(0, 3, 1, 2)
        return bias.masked_fill(~mask[:, None, None, :], float("-inf"))
