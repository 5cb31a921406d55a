"""How the rest of a C-alpha trace is arranged around each of its residues, whatever its position and orientation."""

import numpy as np
from jaxtyping import Float, Float32, Int

from foldglass.geometry.trace import local_frames
from foldglass.typing import Coordinates

_SHELLS = (5.0, 7.0, 9.0, 11.0, 13.0, 16.0, 19.0, 23.0, 27.0, 32.0, 38.0)
"""Centres of the distance histogram in angstrom; a distance counts in the two nearest in proportion."""

_CHAIN_CLASSES = 5
_HEADINGS = 5
_WIDE_SHELLS = (10.0, 20.0, 35.0)
_ROWS = 512

N_ENVIRONMENT = len(_SHELLS) * _CHAIN_CLASSES + _HEADINGS * 4 + 9 * len(_WIDE_SHELLS) + 6


def environment_features(ca: Coordinates) -> Float32[np.ndarray, "L F"]:
    """Describe by numbers of order one where, and in which direction, the chain passes around each residue.

    Per residue, over all residues at least 3 further along the chain:

    - square root of a histogram of distances to 38 angstrom, apart by separation along the chain (3 to 6; 7 to 20 and
      more than 20, each before and after);
    - within 13 angstrom, a histogram of the angle between the two chain directions (parallel to antiparallel), apart
      by side (towards or away from the bend) and distance;
    - first and second moments of the direction to them in the residue's own frame, in three shells to 35 angstrom;
    - the writhe integrand (t_i x t_j) . r / |r|^3 with its sign, its size, and the part of distant residues (Levitt
      1983; Rogen and Fain 2003): mirror images have the opposite sign.

    Memory grows with the length, not its square.

    Examples
    --------
    >>> import numpy as np
    >>> environment_features(np.random.default_rng(0).normal(size=(7, 3))).shape == (7, N_ENVIRONMENT)
    True
    """
    x = (ca - ca.mean(axis=0)).astype(np.float32)
    frames = local_frames(ca)
    parts = [_block(x, frames, start, min(start + _ROWS, len(x))) for start in range(0, len(x), _ROWS)]
    return np.concatenate(parts).astype(np.float32)


def _block(
    x: Float32[np.ndarray, "L 3"], frames: Float32[np.ndarray, "L 3 3"], start: int, stop: int
) -> Float[np.ndarray, "R F"]:
    """Features of the residues from `start` to `stop`."""
    rows, separation = stop - start, np.arange(len(x))[None] - np.arange(start, stop)[:, None]
    offset = x[None] - x[start:stop, None]
    distance = np.sqrt(np.maximum((offset**2).sum(-1), 1e-6))
    far = np.abs(separation) > 2
    use = far & (distance < _SHELLS[-1])
    i, j = np.nonzero(use)
    d, s = distance[i, j], separation[i, j]
    along = frames[:, 0]
    own = frames[start:stop][i]
    unit = offset[i, j] / d[:, None]
    cosine = (own[:, 0] * along[j]).sum(-1)
    local = np.einsum("pak,pk->pa", own, unit)

    chain = np.select([np.abs(s) <= 6, np.abs(s) <= 20], [0, np.where(s > 0, 1, 2)], default=np.where(s > 0, 3, 4))
    shells = np.sqrt(_histogram(i, rows, d, np.array(_SHELLS), chain, _CHAIN_CLASSES)) / 2.0

    near = d < 13.0
    side = (local[near, 1] > 0) * 2 + (d[near] > 8.0)
    angles = np.linspace(-1, 1, _HEADINGS)
    headings = np.sqrt(_histogram(i[near], rows, cosine[near], angles, side, 4)) / 1.5

    moments = []
    inner = 0.0
    products = np.stack([local[:, a] * local[:, b] for a, b in ((0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2))])
    for outer in _WIDE_SHELLS:
        within = (d >= inner) & (d < outer)
        count = np.bincount(i[within], minlength=rows)
        for value in (*local.T, *products):
            moments.append(_sum(i[within], value[within], rows) / (count + 3.0))
        inner = outer

    writhe = (np.cross(own[:, 0], along[j]) * unit).sum(-1) / d**2 * 10.0
    distant = np.abs(s) > 20
    twists = []
    for chosen in (np.ones_like(distant), distant, d < 12.0):
        twists += [_sum(i[chosen], writhe[chosen], rows), _sum(i[chosen], np.abs(writhe[chosen]), rows)]
    return np.concatenate([shells, headings, np.stack([*moments, *twists], axis=1)], axis=1)


def _sum(i: Int[np.ndarray, " P"], value: Float[np.ndarray, " P"], rows: int) -> Float[np.ndarray, " R"]:
    return np.bincount(i, value, minlength=rows).astype(np.float64)  # of nothing it gives integers


def _histogram(
    i: Int[np.ndarray, " P"],
    rows: int,
    value: Float[np.ndarray, " P"],
    centres: Float[np.ndarray, " C"],
    group: Int[np.ndarray, " P"],
    groups: int,
) -> Float[np.ndarray, "R H"]:
    """Counts per row, group and centre; a value between two centres counts in both in proportion."""
    place = np.interp(value, centres, np.arange(len(centres)))
    low = np.minimum(place.astype(np.int64), len(centres) - 2)
    upper = place - low
    cell = (i * groups + group) * len(centres) + low
    size = rows * groups * len(centres)
    counts = np.bincount(cell, 1.0 - upper, minlength=size) + np.bincount(cell + 1, upper, minlength=size)
    return counts.reshape(rows, -1).astype(np.float64)
