"""What the score network sees of residue pairs: who they are, where in the chain, and how far apart.

Source: Guo et al. 2022; the distance encoding's anchors and the position encoding's wavelengths are those of its
public code.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from foldglass.constants import AMINO_ACIDS

N_LETTERS = len(AMINO_ACIDS)
N_POSITION = 24
_LONGEST_WAVE = 1000.0
_ANCHORS = torch.cat([torch.arange(0.0, 31.0), torch.arange(32.0, 71.0, 2.0), torch.arange(73.0, 101.0, 3.0)])
N_DISTANCE = len(_ANCHORS)
_WIDTH = 3.0
LONGEST_DISTANCE = 100.0
"""Longer distances, in angstrom, look like this one."""
_NEAR_ANCHORS = torch.arange(2.0, 10.01, 0.25)
N_NEAR = len(_NEAR_ANCHORS)
_NEAR_WIDTH = 0.3
N_PAIR = 2 * (N_LETTERS + N_POSITION) + N_DISTANCE


@dataclass(frozen=True, eq=False)
class ResidueWindow:
    """Residues along one axis of a pair map.

    Parameters
    ----------
    letters
        Index into `AMINO_ACIDS`; any other residue is len(AMINO_ACIDS) or more and gets no one-hot entry.
    position
        0-based place in the chain, the same inside a crop.
    mask
        True at real residues.
    """

    letters: Int[Tensor, "B L"]
    position: Int[Tensor, "B L"]
    mask: Bool[Tensor, "B L"]

    def __getitem__(self, part: tuple[slice, slice]) -> "ResidueWindow":
        return ResidueWindow(self.letters[part], self.position[part], self.mask[part])

    def encoding(self) -> Float[Tensor, "B L 44"]:
        """One-hot letter and sine/cosine position."""
        known = torch.eye(N_LETTERS, device=self.letters.device)
        one_hot = torch.cat([known, torch.zeros_like(known[:1])])[self.letters.clamp(max=N_LETTERS)]
        return torch.cat([one_hot, position_encoding(self.position)], dim=-1)


def position_encoding(position: Int[Tensor, "*S"]) -> Float[Tensor, "*S 24"]:
    """12 sines, then 12 cosines, of position / 1000^(m/11), m = 0 ... 11.

    Examples
    --------
    >>> position_encoding(torch.zeros(1, dtype=torch.long))[0, [0, 12]].tolist()
    [0.0, 1.0]
    """
    half = N_POSITION // 2
    wave = _LONGEST_WAVE ** (torch.arange(half, device=position.device) / (half - 1))
    angle = position[..., None] / wave
    return torch.cat([angle.sin(), angle.cos()], dim=-1)


def distance_encoding(distance: Float[Tensor, "*S"]) -> Float[Tensor, "*S 61"]:
    """Soft histogram of a distance in angstrom: Gaussians of width 3 around 61 anchors from 0 to 100, summing to 1.

    Distances beyond 100 angstrom count as 100.

    Examples
    --------
    >>> distance_encoding(torch.tensor(12.0)).argmax().item()
    12
    """
    anchors = _ANCHORS.to(distance.device, distance.dtype)
    weight = (distance.clamp(0.0, LONGEST_DISTANCE)[..., None] - anchors).square_().mul_(-0.5 / _WIDTH**2).exp_()
    return weight.div_(weight.sum(dim=-1, keepdim=True) + 1e-6)


def near_encoding(distance: Float[Tensor, "*S"]) -> Float[Tensor, "*S 33"]:
    """Gaussians of width 0.3 angstrom around 33 anchors from 2 to 10: what tells small noise from none.

    The published histogram is ten times as wide as the deviations of a bond; see docs/decisions.

    Examples
    --------
    >>> near_encoding(torch.tensor(3.75)).argmax().item(), near_encoding(torch.tensor(40.0)).sum().item()
    (7, 0.0)
    """
    anchors = _NEAR_ANCHORS.to(distance.device, distance.dtype)
    return (distance[..., None] - anchors).square_().mul_(-0.5 / _NEAR_WIDTH**2).exp_()


def distances(row: Float[Tensor, "B R 3"], column: Float[Tensor, "B C 3"]) -> Float[Tensor, "B R C"]:
    """Distances from coordinate differences: a matrix product would lose the digits that low noise needs."""
    return torch.cdist(row, column, compute_mode="donot_use_mm_for_euclid_dist")
