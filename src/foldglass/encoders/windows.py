"""Overlapping windows for chains longer than an encoder reads at once.

Every window is as long as the limit allows and they are spread evenly. Where windows overlap, each counts by how
far the residue is from the window's cut ends: in an overlap of two windows that is a linear cross-fade.
"""

from math import ceil

import torch
from jaxtyping import Float

from foldglass.errors import UsageError


def split(length: int, *, limit: int, overlap: int) -> list[tuple[int, int]]:
    """First and past-the-last residue of each window over a chain.

    Parameters
    ----------
    length
        Residues of the chain.
    limit
        Most residues in one window.
    overlap
        Fewest residues that neighbouring windows share; at most half of `limit`.

    Raises
    ------
    UsageError
        If `overlap` is negative or more than half of `limit`.

    Examples
    --------
    >>> split(7, limit=10, overlap=4)
    [(0, 7)]
    >>> split(20, limit=10, overlap=4)
    [(0, 10), (5, 15), (10, 20)]
    """
    if not 0 <= 2 * overlap <= limit or limit < 1:
        raise UsageError("windows", got=f"overlap {overlap} with limit {limit}", expected="0 to half of the limit")
    if length <= limit:
        return [(0, length)]
    last = ceil((length - limit) / (limit - overlap))
    starts = [i * (length - limit) // last for i in range(last + 1)]
    return [(start, start + limit) for start in starts]


def merge(
    parts: list[Float[torch.Tensor, "_ D"]], windows: list[tuple[int, int]], length: int
) -> Float[torch.Tensor, "{length} D"]:
    """One vector per residue from the vectors of each window; a single window is returned as it is."""
    if len(parts) == 1:
        return parts[0]
    total = torch.zeros(length, parts[0].shape[1])
    weight = torch.zeros(length, 1)
    for part, (start, stop) in zip(parts, windows, strict=True):
        fade = _fade(start, stop, length)[:, None]
        total[start:stop] += fade * part
        weight[start:stop] += fade
    return total / weight


def _fade(start: int, stop: int, length: int) -> Float[torch.Tensor, " L"]:
    """Distance of each residue from the nearest cut end of its window; the ends of the chain are no cuts."""
    position = torch.arange(start, stop, dtype=torch.float32)
    from_left = position - start + 1 if start > 0 else torch.full_like(position, float("inf"))
    from_right = stop - position if stop < length else torch.full_like(position, float("inf"))
    return torch.minimum(from_left, from_right)
