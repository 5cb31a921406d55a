"""From gradients of residue pairs to gradients of coordinates: the chain rule, and what rigid motions take away.

Source: Guo et al. 2022, Eq. 4: with h_ij the derivative of log p by the squared distance,
g_i = sum over j of 2 (h_ij + h_ji) (x_i - x_j).
"""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from foldglass.models.pair_input import distances

NEAR = 8.0
"""Decay length in angstrom of the near-pair kernel of ours."""
FAR = 10.0
"""Length in angstrom by which ours measures the separation of all pairs."""


def coordinate_gradient(
    pair: Float[Tensor, "B L L G"],
    x: Float[Tensor, "B L 3"],
    mask: Bool[Tensor, "B L"],
    sigma: Float[Tensor, " B"],
    kind: str,
) -> Float[Tensor, "B L 3"]:
    """Score (gradient of log p, in 1/angstrom) of each residue's position; 0 outside the mask.

    Parameters
    ----------
    pair
        Output of the score network on the whole square of residues.
    x
        Noisy coordinates in angstrom.
    mask
        Real residues.
    sigma
        Noise level of each map in angstrom.
    kind
        `paper`: Eq. 4 as written. `reference-code`: half of it, divided by sigma, as the public code samples.
        `foldglass`: divided by sigma; the first output is summed over near pairs, as a force along the distance with
        kernel exp(-d / 8 A), the second averaged over all pairs, so that neither depends on the length of the chain.
    """
    together = mask[:, :, None] & mask[:, None]
    both = (pair + pair.transpose(1, 2)) * together[..., None]
    if kind == "paper":
        return _along(2.0 * both[..., 0], x)
    if kind == "reference-code":
        return _along(both[..., 0], x) / sigma[:, None, None]
    distance = distances(x, x)
    partners = mask.sum(dim=1).clamp(min=1)[:, None, None]
    weight = both[..., 0] * torch.exp(-distance / NEAR) / distance.clamp(min=1e-3) + both[..., 1] / (FAR * partners)
    return _along(weight, x) / sigma[:, None, None]


def window_gradient(
    pair: Float[Tensor, "B R C 1"],
    row: Float[Tensor, "B R 3"],
    column: Float[Tensor, "B C 3"],
    sigma: Float[Tensor, " B"],
) -> tuple[Float[Tensor, "B R 3"], Float[Tensor, "B C 3"]]:
    """Two partial estimates, of the row and of the column residues of an off-diagonal tile, as the public code trains.

    Neither knows the partners outside the tile; see docs/decisions for what that does at full length.
    """
    h = 2.0 * pair[..., 0] / sigma[:, None, None]
    rows = h.sum(2)[..., None] * row - h @ column
    columns = h.sum(1)[..., None] * column - h.transpose(1, 2) @ row
    return rows, columns


def remove_rigid(
    vectors: Float[Tensor, "B L 3"], x: Float[Tensor, "B L 3"], mask: Bool[Tensor, "B L"]
) -> Float[Tensor, "B L 3"]:
    """Vectors without their part that is a translation or rotation of the points `x`.

    A gradient that comes from distances has no such part, so no network could learn it: it is 6 of the 3 L components.
    Computed in double precision; points on one line keep the rotation about that line.
    """
    weight = mask[..., None].double()
    count = weight.sum(dim=1, keepdim=True)
    v = vectors.double() * weight
    v = (v - v.sum(dim=1, keepdim=True) / count) * weight
    r = x.double() * weight
    r = (r - r.sum(dim=1, keepdim=True) / count) * weight
    square = r.square().sum(dim=(1, 2))[:, None, None] * torch.eye(3, device=x.device, dtype=torch.float64)
    inertia = square - r.transpose(1, 2) @ r
    spin = torch.linalg.cross(r, v).sum(dim=1)
    turn = torch.linalg.pinv(inertia, hermitian=True, rtol=1e-9) @ spin[..., None]
    v = v - torch.linalg.cross(turn.transpose(1, 2).expand_as(r), r)
    return (v * weight).to(vectors.dtype)


def _along(weight: Float[Tensor, "B L L"], x: Float[Tensor, "B L 3"]) -> Float[Tensor, "B L 3"]:
    """Sum over j of weight_ij (x_i - x_j), from differences: the large weight of i with itself must drop out."""
    return (weight[..., None] * (x[:, :, None] - x[:, None])).sum(dim=2)
