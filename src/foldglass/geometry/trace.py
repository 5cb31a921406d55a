"""What a C-alpha trace looks like from each of its residues, free of position and orientation.

Every number is invariant to rotation and translation; the signed dihedrals and the local frames change under
reflection, so that a mirror image differs.
"""

import numpy as np
from jaxtyping import Float, Float32

from foldglass.typing import Coordinates

BREAK = 4.5
"""Neighbouring C-alphas further apart than this (angstrom) are not bonded; a trans peptide gives 3.8."""

_SEPARATIONS = (2, 3, 4, 5, 6)
_ROWS = 512
"""Residues whose distances to all others are held at one time."""

_RADII = (6.0, 8.0, 10.0, 12.0, 14.0, 16.0)

N_FEATURES = 1 + 4 + 2 * len(_SEPARATIONS) + 2 + len(_RADII) + 2 + 3


def local_frames(ca: Coordinates) -> Float32[np.ndarray, "L 3 3"]:
    """Right-handed orthonormal frame of each residue, from itself and its two neighbours.

    Rows are: along the chain (i-1 to i+1), towards the outside of the bend, and their cross product. The first and
    last residue take their neighbour's frame. Where the chain does not bend the second row is any perpendicular; a
    chain of one residue gets the identity.

    Examples
    --------
    >>> import numpy as np
    >>> local_frames(np.float32([[0, 0, 0], [1, 1, 0], [2, 0, 0]]))[1]
    array([[1., 0., 0.],
           [0., 1., 0.],
           [0., 0., 1.]], dtype=float32)
    """
    length = len(ca)
    if length == 1:
        return np.eye(3, dtype=np.float32)[None]
    ca = ca.astype(np.float64)
    if length == 2:  # one bond: its direction must turn with it
        ca = np.stack([ca[0], ca.mean(axis=0), ca[1]])
    along = _unit(ca[2:] - ca[:-2])
    bend = 2 * ca[1:-1] - ca[2:] - ca[:-2]
    bend = bend - (bend * along).sum(-1, keepdims=True) * along
    straight = np.linalg.norm(bend, axis=-1) < 1e-3
    if straight.any():
        axis = np.eye(3)[np.abs(along[straight]).argmin(axis=1)]
        bend[straight] = np.cross(along[straight], axis)
    out = _unit(bend)
    frames = np.stack([along, out, np.cross(along, out)], axis=1)
    return np.concatenate([frames[:1], frames, frames[-1:]])[:length].astype(np.float32)


def residue_features(ca: Coordinates) -> Float32[np.ndarray, "L F"]:
    """Describe each residue's surroundings by numbers of order one.

    Per residue: cosine of the bend; sine and cosine of the signed dihedrals before and after it; distances along the
    chain (separations 2 to 6, both ways); chain breaks at either side; number of C-alphas within 6 to 16 angstrom;
    half-sphere exposure at 12 angstrom (Hamelryck 2005); distance from the centroid, radius of gyration and length.
    Values that a chain end lacks are 0.

    Examples
    --------
    >>> import numpy as np
    >>> residue_features(np.random.default_rng(0).normal(size=(7, 3))).shape == (7, N_FEATURES)
    True
    """
    length = len(ca)
    x = ca.astype(np.float64)
    x = x - x.mean(axis=0)
    columns: list[np.ndarray] = []

    bond = np.diff(x, axis=0)
    bend = np.zeros(length)
    if length > 2:
        bend[1:-1] = (_unit(bond[:-1]) * _unit(bond[1:])).sum(-1)
    columns.append(bend)

    torsion = dihedrals(x)  # of residues i, i+1, i+2, i+3
    for shift in (1, 2):
        for value in (np.sin(torsion), np.cos(torsion)):
            column = np.zeros(length)
            column[shift : shift + len(value)] = value
            columns.append(column)

    for separation in _SEPARATIONS:
        ahead = np.zeros(length)
        if length > separation:
            ahead[:-separation] = np.linalg.norm(x[separation:] - x[:-separation], axis=-1)
        behind = np.roll(ahead, separation)
        columns += [ahead / (3.0 * separation), behind / (3.0 * separation)]

    broken = np.linalg.norm(bond, axis=-1) > BREAK
    columns += [np.concatenate([broken, [True]]), np.concatenate([[True], broken])]

    outward = local_frames(ca)[:, 1]
    surroundings = [_surroundings(x, outward, start) for start in range(0, length, _ROWS)]
    columns += list(np.concatenate(surroundings).T)

    gyration = np.sqrt((x**2).sum(-1).mean())
    columns += [
        np.linalg.norm(x, axis=-1) / max(gyration, 1.0),
        np.full(length, np.log(max(gyration, 1.0)) - 2.7),
        np.full(length, np.log(length) - 5.0),
    ]
    return np.stack(columns, axis=1).astype(np.float32)


def _surroundings(
    x: Float[np.ndarray, "L 3"], outward: Float[np.ndarray, "L 3"], start: int
) -> Float[np.ndarray, "R C"]:
    """Numbers of C-alphas within each radius and in both half-spheres, for a block of residues from `start` on."""
    rows = slice(start, start + _ROWS)
    offset = x[None] - x[rows, None]
    distance = np.sqrt((offset**2).sum(-1))
    # neighbours grow a little slower than the volume
    counts = [((distance < radius).sum(axis=1) - 1) / (radius / 3.4) ** 2.5 for radius in _RADII]
    near = distance < 12.0
    # not zero: in a straight chain rounding alone would decide
    above = np.einsum("ik,ijk->ij", outward[rows], offset) > 1e-3
    return np.stack([*counts, (near & above).sum(axis=1) / 12.0, (near & ~above).sum(axis=1) / 12.0], axis=1)


def _unit(v: Float[np.ndarray, "... 3"]) -> Float[np.ndarray, "... 3"]:
    """Vectors scaled to length 1; a zero vector stays zero."""
    return np.asarray(v / np.maximum(np.linalg.norm(v, axis=-1, keepdims=True), 1e-9))


def dihedrals(x: Float[np.ndarray, "L 3"]) -> Float[np.ndarray, " T"]:
    """Signed dihedral angles of consecutive quadruples of points, in radians.

    Examples
    --------
    >>> np.rad2deg(dihedrals(np.array([[1.0, 0, 0], [0, 0, 0], [0, 0, 1], [0, 1, 1]]))).tolist()
    [90.0]
    """
    if len(x) < 4:
        return np.zeros(0)
    bond = np.diff(x, axis=0)
    first, second = np.cross(bond[:-2], bond[1:-1]), np.cross(bond[1:-1], bond[2:])
    sine = (_unit(bond[1:-1]) * np.cross(first, second)).sum(-1)
    return np.asarray(np.arctan2(sine, (first * second).sum(-1)))
