"""The surface of a C-alpha trace seen from each residue: how far it sticks out, and which residues lie beside it."""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float, Float32

from foldglass.geometry.trace import local_frames
from foldglass.typing import Coordinates

_SPHERES = (8.0, 10.0, 12.0, 14.0, 17.0, 20.0)
_CONES = (12.0, 20.0)
_SCALES = (4.0, 6.0, 8.0, 12.0, 16.0, 24.0)
_PATCHES = (6.0, 10.0, 14.0)
_REACH = 2.4
"""Angstrom from a C-alpha to where the middle of its side chain is taken to be."""
_AHEAD = 1e-3
"""Cosine above which a residue is on the side of the side chain; of chain ends it is 0 to the second next residue."""
_ROWS = 256

N_SURFACE = 2 * len(_SPHERES) + len(_CONES) + 3 * len(_SCALES) + 6


def n_patch(kinds: int) -> int:
    """Columns of `patch_features` of so many kinds of residues."""
    return 1 + len(_PATCHES) * (5 + kinds) + kinds


def side_chain_directions(ca: Coordinates) -> Float[np.ndarray, "L 3"]:
    """Unit vectors to where the side chains are, from three C-alphas each (Rey and Skolnick 1992).

    Examples
    --------
    >>> ca = np.float32([[-3, -2, 0], [0, 0, 0], [3, -2, 0]])
    >>> side_chain_directions(ca)[1].round(2).tolist()
    [0.0, 0.87, 0.5]
    """
    frames = local_frames(ca).astype(np.float64)
    return 0.75**0.5 * frames[:, 1] + 0.5 * frames[:, 2]


def surface_features(ca: Coordinates) -> Float32[np.ndarray, "L F"]:
    """Describe by numbers of order one how each residue lies to the surface; rigid motions leave them alone.

    Per residue: C-alphas within 8 to 20 angstrom on the side of the side chain and on the other (Hamelryck 2005), and
    in a cone around it; density on scales of 4 to 24 angstrom, how one-sided it is, and how far towards the side
    chain; distance from the centre; length, radius of gyration and the three axes of the chain.

    Examples
    --------
    >>> surface_features(np.random.default_rng(0).normal(size=(7, 3))).shape == (7, N_SURFACE)
    True
    """
    x = ca.astype(np.float64) - ca.mean(axis=0, dtype=np.float64)
    parts = []
    for _, unit, distance, cosine, side in _blocks(x, side_chain_directions(ca)):
        columns = []
        for radius in _SPHERES:
            near, ahead = distance < radius, cosine > _AHEAD
            columns += [np.sqrt((near & ahead).sum(1)) / 2, np.sqrt((near & ~ahead).sum(1)) / 2]
        columns += [np.sqrt(((distance < radius) & (cosine > 0.6)).sum(1)) for radius in _CONES]
        for scale in _SCALES:
            weight = np.exp(-((distance / scale) ** 2) / 2)
            total = weight.sum(1)
            pull = np.einsum("ij,ijk->ik", weight, unit) / (total[:, None] + 1e-6)
            columns += [np.log1p(total), np.linalg.norm(pull, axis=1), (pull * side).sum(1)]
        parts.append(np.stack(columns, axis=1))
    squared = (x**2).sum(1)
    gyration = np.sqrt(squared.mean()) + 1e-6
    axes = np.sqrt(np.maximum(np.linalg.eigvalsh(x.T @ x / len(x)), 0)) / gyration
    whole = np.array([np.log(len(x)) - 5.0, gyration / (2.2 * len(x) ** 0.38) - 1.0, *axes])
    place = np.sqrt(squared)[:, None] / gyration - 1.0
    return np.concatenate([np.concatenate(parts), place, np.tile(whole, (len(x), 1))], axis=1).astype(np.float32)


def patch_features(ca: Coordinates, kinds: Float32[np.ndarray, "L K"]) -> Float32[np.ndarray, "L F"]:
    """Describe the patch of surface around each residue: what lies exposed beside it and looks the same way.

    Parameters
    ----------
    kinds
        What each residue is, for instance its letter as one-hot.

    Returns
    -------
    How exposed the residue is (0 to 1); for patches of 6, 10 and 14 angstrom around its side chain the number of
    exposed residues, their mean burial, how far they lie from its plane, above or below it, whether they look the same
    way, and the mean of their kinds; the mean of the kinds over the surface of the chain.

    Examples
    --------
    >>> ca = np.random.default_rng(0).normal(size=(7, 3))
    >>> patch_features(ca, np.ones((7, 2), np.float32)).shape == (7, n_patch(2))
    True
    """
    x = ca.astype(np.float64)
    sides = side_chain_directions(ca)
    buried = np.concatenate([((d < 12.0) & (cosine > _AHEAD)).sum(1) for _, _, d, cosine, _ in _blocks(x, sides)])
    exposed = 1.0 / (1.0 + np.exp((buried - 12.0) / 3.0))
    parts = []
    for rows, unit, distance, _, side in _blocks(x + _REACH * sides, sides):
        alike = side @ sides.T
        height = np.where(np.isfinite(distance), distance, 0.0) * np.einsum("ik,ijk->ij", side, unit)
        columns = [exposed[rows, None]]
        for radius in _PATCHES:
            weight = np.exp(-((distance / radius) ** 2)) * exposed * np.clip(alike + 0.5, 0.0, 1.5)
            total = weight.sum(1)
            share = weight / (total + 0.3)[:, None]
            shape = [share @ buried / 10, (share * np.abs(height)).sum(1) / 5, (share * height).sum(1) / 5]
            columns += [np.stack([np.log1p(total), *shape, (share * alike).sum(1)], axis=1), share @ kinds]
        parts.append(np.concatenate(columns, axis=1))
    whole = exposed @ kinds / exposed.sum()
    return np.concatenate([np.concatenate(parts), np.tile(whole, (len(x), 1))], axis=1).astype(np.float32)


def _blocks(
    x: Float[np.ndarray, "L 3"], sides: Float[np.ndarray, "L 3"]
) -> Iterator[
    tuple[
        slice, Float[np.ndarray, "R L 3"], Float[np.ndarray, "R L"], Float[np.ndarray, "R L"], Float[np.ndarray, "R 3"]
    ]
]:
    """For some rows at a time: unit vectors to all points, distances (infinite to itself), the cosine between the
    vectors and the row's side, and the sides.
    """
    for start in range(0, len(x), _ROWS):
        rows = slice(start, min(start + _ROWS, len(x)))
        offset = x[None] - x[rows, None]
        distance = np.sqrt(np.maximum((offset**2).sum(-1), 1e-12))
        unit = offset / distance[..., None]
        own = np.arange(rows.stop - start)
        distance[own, own + start] = np.inf
        yield rows, unit, distance, np.einsum("ik,ijk->ij", sides[rows], unit), sides[rows]
