"""C-alpha traces as bond lengths, bends and dihedrals, and back."""

import numpy as np
from jaxtyping import Float

from foldglass.typing import Coordinates


def bends(x: Coordinates) -> Float[np.ndarray, " T"]:
    """Angles at the inner residues in radians, pi where the chain is straight.

    Examples
    --------
    >>> bends(np.array([[1.0, 0, 0], [0, 0, 0], [0, 1, 0]])).round(4).tolist()
    [1.5708]
    """
    back, ahead = x[:-2] - x[1:-1], x[2:] - x[1:-1]
    return np.arctan2(np.linalg.norm(np.cross(back, ahead), axis=1), (back * ahead).sum(axis=1))


def rebuilt(
    bond: Float[np.ndarray, " B"], bend: Float[np.ndarray, " A"], dihedral: Float[np.ndarray, " T"]
) -> Float[np.ndarray, "L 3"]:
    """Coordinates of a chain of at least three residues from its internal ones.

    Parameters
    ----------
    bond
        L - 1 distances of neighbours in angstrom.
    bend
        L - 2 angles in radians.
    dihedral
        L - 3 dihedral angles in radians.

    References
    ----------
    Parsons et al. (2005) J. Comput. Chem. 26:1063 (natural extension reference frame).

    Examples
    --------
    >>> from foldglass.geometry.trace import dihedrals
    >>> x = np.random.default_rng(0).normal(size=(9, 3)) * 3
    >>> y = rebuilt(np.linalg.norm(np.diff(x, axis=0), axis=1), bends(x), dihedrals(x))
    >>> bool(np.allclose(np.linalg.norm(y[0] - y[8]), np.linalg.norm(x[0] - x[8])))
    True
    """
    x = np.zeros((len(bond) + 1, 3))
    x[1, 0] = bond[0]
    x[2] = x[1] + bond[1] * np.array([-np.cos(bend[0]), np.sin(bend[0]), 0.0])
    for i in range(3, len(x)):
        length, angle, turn = bond[i - 1], bend[i - 2], dihedral[i - 3]
        along = (x[i - 1] - x[i - 2]) / np.linalg.norm(x[i - 1] - x[i - 2])
        normal = np.cross(x[i - 2] - x[i - 3], along)
        normal /= max(float(np.linalg.norm(normal)), 1e-9)
        frame = np.stack([along, np.cross(normal, along), normal])
        place = np.array([-np.cos(angle), np.sin(angle) * np.cos(turn), np.sin(angle) * np.sin(turn)])
        x[i] = x[i - 1] + length * place @ frame
    return x
