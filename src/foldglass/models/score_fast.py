"""The score network as it embeds structures: the same numbers to a thousandth, in two thirds of the time.

The first step of the network, from a distance to its channels, is a function of one number and costs most of the
exponentials; it is read off a table. The 3 x 3 convolutions run in bfloat16 where the processor has instructions for
it. All else stays in single precision: in bfloat16 the protein vectors were off by 4 %, as rounding errors of weights
do not average out over residue pairs.
"""

from copy import deepcopy

import torch
from jaxtyping import Float
from torch import Tensor, nn

from foldglass.models.pair_input import LONGEST_DISTANCE, ResidueWindow, distance_encoding, near_encoding
from foldglass.models.score import LeanBlock, ScoreNetwork, SumLift

_STEP = 0.0025
"""Angstrom between entries of the table."""


class TableLift(nn.Module):
    """A `SumLift` whose distance terms are read off a table, to the nearest entry."""

    table: Tensor

    def __init__(self, lift: SumLift) -> None:
        super().__init__()
        self.row, self.column = lift.row, lift.column
        distance = torch.arange(0.0, LONGEST_DISTANCE + _STEP, _STEP)
        terms = lift.distance(distance_encoding(distance)) + lift.near(near_encoding(distance))
        self.register_buffer("table", terms.detach())

    def forward(
        self, row: ResidueWindow, column: ResidueWindow, distance: Float[Tensor, "B R C"], mask: Tensor | None
    ) -> Float[Tensor, "B R C D"]:
        entry = (distance.clamp(max=LONGEST_DISTANCE) / _STEP).round_().to(torch.int32)
        out = self.table.index_select(0, entry.flatten()).view(*distance.shape, -1)
        return out.add_(self.row(row.encoding())[:, :, None]).add_(self.column(column.encoding())[:, None])


def fast_copy(network: ScoreNetwork, *, convolutions: torch.dtype | None = None) -> ScoreNetwork:
    """A copy of a `foldglass` network that embeds faster; its gradients would be too coarse for small noise.

    Parameters
    ----------
    convolutions
        Number format of the 3 x 3 convolutions; None for what suits this processor.

    Examples
    --------
    >>> from foldglass.models.score import ScoreConfig
    >>> fast_copy(ScoreNetwork(ScoreConfig.preset("foldglass"))).lift.table.dtype
    torch.float32
    """
    copy = deepcopy(network)
    assert isinstance(copy.lift, SumLift)
    copy.lift = TableLift(copy.lift)
    for block in copy.blocks:
        assert isinstance(block, LeanBlock)
        block.mix.to(convolutions or (torch.bfloat16 if has_bfloat16() else torch.float32))
    return copy


def has_bfloat16() -> bool:
    """Whether this processor has matrix instructions for bfloat16.

    Examples
    --------
    >>> isinstance(has_bfloat16(), bool)
    True
    """
    known = torch.cpu.get_capabilities()
    return bool(known.get("avx512_bf16") or known.get("amx_bf16"))
