"""Pair maps of whole chains in bounded memory: the network runs strip by strip of rows.

Only two maps of the whole chain exist at a time, one of 64 channels and one of the bottleneck's 32, 384 bytes per
residue pair: 1.5 GB at 2,000 residues. Each 3 x 3 convolution sees the rows beside its strip, so the result is that of
one pass over the whole map, but for the order of sums.
"""

import os

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from foldglass.errors import ModelError
from foldglass.models.pair_input import ResidueWindow, distances
from foldglass.models.score import Convolution, LeanBlock, ScoreNetwork

_CELLS = 2**16
"""Residue pairs in a strip: its channels then stay in the processor's cache."""

# oneDNN keeps compiled convolutions for 1,024 shapes, and every length of a chain is a few new ones: megabytes each.
os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "16")


@torch.no_grad()
def pair_map(
    network: ScoreNetwork,
    residues: ResidueWindow,
    x: Float[Tensor, "1 L 3"],
    level: Int[Tensor, " 1"],
    *,
    cells: int = _CELLS,
) -> tuple[Float[Tensor, "L L G"], Float[Tensor, "L L D"]]:
    """Pair gradients and embeddings of one chain, as `ScoreNetwork.forward` gives them.

    Parameters
    ----------
    cells
        Residue pairs of a strip; a strip has at least one row.

    Raises
    ------
    ModelError
        If the network is not of the `foldglass` preset's kind: batch statistics of the whole map need the whole map.
    """
    wide = feature_map(network, residues, x, level, cells=cells)
    gradient = wide.new_empty(*wide.shape[:2], network.config.outputs)
    for rows in _strips(len(wide), cells):
        gradient[rows] = convolved(network.output, wide, rows)
    return gradient, wide


@torch.no_grad()
def feature_map(
    network: ScoreNetwork,
    residues: ResidueWindow,
    x: Float[Tensor, "1 L 3"],
    level: Int[Tensor, " 1"],
    *,
    cells: int = _CELLS,
) -> Float[Tensor, "L L D"]:
    """The embeddings alone; parameters and errors of `pair_map`."""
    config = network.config
    if config.norm != "channel" or config.block != "lean" or config.lift != "sum":
        raise ModelError("score network", got="one with batch statistics", expected="one of the preset 'foldglass'")
    length = x.shape[1]
    strips = _strips(length, cells)
    wide = x.new_empty(length, length, config.channels)
    narrow = x.new_empty(length, length, config.bottleneck, dtype=network.convolution_dtype)
    for rows in strips:
        wide[rows] = network.lift(residues[:, rows], residues, distances(x[:, rows], x), None)[0]
    for block in network.blocks:
        assert isinstance(block, LeanBlock)
        for rows in strips:
            narrow[rows] = block.narrowed(wide[None, rows], level)[0]
        for rows in strips:
            wide[rows] += block.widened(convolved(block.mix, narrow, rows).to(wide.dtype))
    for rows in strips:
        wide[rows] = F.elu_(network.norm(wide[None, rows], level)[0])
    return wide


def _strips(length: int, cells: int) -> list[slice]:
    """Ranges of rows that hold about `cells` residue pairs each."""
    step = max(1, cells // length)
    return [slice(i, min(i + step, length)) for i in range(0, length, step)]


def convolved(layer: Convolution, x: Float[Tensor, "L L D"], rows: slice) -> Float[Tensor, "R L E"]:
    """Some rows of a convolution of the whole map."""
    reach = int(layer.layer.dilation[0])
    above, below = min(reach, rows.start), min(reach, len(x) - rows.stop)
    seen = x[rows.start - above : rows.stop + below].permute(2, 0, 1)[None]
    padded = F.pad(seen, (reach, reach, reach - above, reach - below))
    weight, bias, dilation = layer.layer.weight, layer.layer.bias, layer.layer.dilation
    out: Tensor = F.conv2d(padded, weight, bias, dilation=dilation)[0].permute(1, 2, 0)
    return out


def symmetrised_(x: Float[Tensor, "L L D"], *, step: int = 256) -> Float[Tensor, "L L D"]:
    """Mean of a map and its transpose, in place and tile by tile."""
    for i in range(0, len(x), step):
        for j in range(i, len(x), step):
            upper, lower = x[i : i + step, j : j + step], x[j : j + step, i : i + step]
            mean = (upper + lower.transpose(0, 1)) / 2
            upper.copy_(mean)
            lower.copy_(mean.transpose(0, 1))
    return x
