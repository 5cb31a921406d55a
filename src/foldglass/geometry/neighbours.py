"""The nearest residues of every residue of a C-alpha trace, and how each lies seen from the other."""

import numpy as np
from jaxtyping import Float32, Int64

from foldglass.geometry.trace import local_frames
from foldglass.typing import Coordinates

_CENTRES = np.linspace(3.0, 24.0, 16, dtype=np.float32)
_WIDTH = 1.6
_SEPARATIONS = (1, 2, 3, 4, 8, 20)
"""Upper limits of the classes of separation along the chain; what is further apart is one more class."""

N_NEIGHBOUR = len(_CENTRES) + len(_SEPARATIONS) + 2 + 3 + 3 + 9


def nearest(ca: Coordinates, count: int) -> Int64[np.ndarray, "L N"]:
    """Indices of the `count` nearest other residues by C-alphas, nearest first; all others in a shorter chain.

    Examples
    --------
    >>> ca = np.array([[0, 0, 0], [3, 0, 0], [4, 0, 0], [9, 0, 0]], np.float32)
    >>> nearest(ca, 2).tolist()
    [[1, 2], [2, 0], [1, 0], [2, 1]]
    """
    points = ca.astype(np.float64)
    squared = ((points[:, None] - points[None]) ** 2).sum(axis=-1)
    np.fill_diagonal(squared, np.inf)
    return np.argsort(squared, axis=1, kind="stable")[:, : min(count, len(ca) - 1)]


def neighbour_features(ca: Coordinates, index: Int64[np.ndarray, "L N"]) -> Float32[np.ndarray, "L N F"]:
    """Describe each neighbour by numbers of order one that rigid motions leave alone; a mirror image differs.

    Per pair: radial basis functions of the distance to 24 angstrom; class of the separation along the chain, and
    which of the two comes first; direction to the neighbour in the residue's local frame, direction back in the
    neighbour's, and the rotation between the frames (`trace.local_frames`).

    Examples
    --------
    >>> ca = np.random.default_rng(0).normal(size=(7, 3)).astype(np.float32)
    >>> neighbour_features(ca, nearest(ca, 3)).shape == (7, 3, N_NEIGHBOUR)
    True
    """
    frames = local_frames(ca)
    offset = (ca[index] - ca[:, None]).astype(np.float32)
    distance = np.sqrt(np.maximum((offset**2).sum(-1), 1e-6))
    radial = np.exp(-(((distance[..., None] - _CENTRES) / _WIDTH) ** 2))
    separation = index - np.arange(len(ca))[:, None]
    classes = np.searchsorted(_SEPARATIONS, np.abs(separation))
    one_hot = np.eye(len(_SEPARATIONS) + 1)[classes]
    unit = offset / distance[..., None]
    towards = np.einsum("lak,lnk->lna", frames, unit)
    back = np.einsum("lnak,lnk->lna", frames[index], -unit)
    rotation = np.einsum("lak,lnbk->lnab", frames, frames[index]).reshape(*index.shape, 9)
    parts = [radial, one_hot, np.sign(separation)[..., None], towards, back, rotation]
    return np.concatenate(parts, axis=-1).astype(np.float32)
