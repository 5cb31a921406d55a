"""How deep a residue lies, from C-alphas alone."""

import numpy as np
from jaxtyping import Int

from foldglass.geometry.trace import local_frames
from foldglass.typing import Coordinates

CONTACT_RADIUS = 10.0
"""Radius of `contact_number` in angstrom."""
EXPOSURE_RADIUS = 12.0
"""Radius of `half_sphere_exposure` in angstrom."""


def contact_number(ca: Coordinates) -> Int[np.ndarray, " L"]:
    """Number of other C-alphas within 10 angstrom of each.

    Examples
    --------
    >>> contact_number(np.float32([[0, 0, 0], [6, 0, 0], [12, 0, 0]])).tolist()
    [1, 2, 1]
    """
    return (_distances(ca) < CONTACT_RADIUS).sum(axis=1) - 1


def half_sphere_exposure(ca: Coordinates) -> Int[np.ndarray, " L"]:
    """Number of other C-alphas within 12 angstrom on the side of the side chain, a proxy of residue depth.

    The side chain is taken to point to the outside of the bend of the trace.

    References
    ----------
    Hamelryck (2005) Proteins 59:38.

    Examples
    --------
    >>> half_sphere_exposure(np.float32([[-3, -2, 0], [0, 0, 0], [3, -2, 0], [0, 5, 0], [9, 9, 0]]))[1].item()
    1
    """
    offset = ca[None] - ca[:, None]
    side = np.einsum("ik,ijk->ij", local_frames(ca)[:, 1], offset)
    return ((_distances(ca) < EXPOSURE_RADIUS) & (side > 1e-3)).sum(axis=1)


def _distances(ca: Coordinates) -> np.ndarray:
    return np.linalg.norm(ca[None] - ca[:, None], axis=-1)
