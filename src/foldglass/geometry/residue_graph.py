"""The graph of a chain: which residues see each other, and how they lie to each other.

Source: GraphQA (Baldassarre et al. 2021, Bioinformatics 37:360): edges to the five neighbours along the chain on either
side and to all residues within a radius; on each edge the point pair feature (Drost et al. 2010).
"""

import numpy as np
from jaxtyping import Float, Float32, Int

from foldglass.geometry.trace import local_frames
from foldglass.typing import Coordinates

SEQUENCE_REACH = 5
"""Residues along the chain, either way, that always share an edge."""

MOST_NEIGHBOURS = 128
"""Edges by distance that a residue receives at most; the nearest are kept."""

_C_BETA = np.array([0.0904, 0.7764, 0.6237], np.float32)
_ROWS = 512

N_EDGE = 4
N_ORIENTED = 5


def c_beta_directions(ca: Coordinates) -> Float32[np.ndarray, "L 3"]:
    """Unit vectors from C-alpha to where C-beta is expected, from three consecutive C-alphas.

    A fixed direction in the frame of `local_frames`: the mean over 560 residues of crystal and NMR structures, from
    which the true directions deviate by 14 degrees in the mean.

    Examples
    --------
    >>> turn = np.float32([[0, 0, 0], [1, 1, 0], [2, 0, 0]])
    >>> c_beta_directions(turn)[1].round(2).tolist()
    [0.09000000357627869, 0.7799999713897705, 0.6200000047683716]
    """
    return np.asarray(_C_BETA @ local_frames(ca), np.float32)


def residue_edges(ca: Coordinates, *, radius: float) -> Int[np.ndarray, "E 2"]:
    """Directed edges (source, target) of residues near along the chain or in space, both ways, none to itself.

    Parameters
    ----------
    ca
        C-alpha coordinates in angstrom.
    radius
        Largest distance of two C-alphas in angstrom; of more than `MOST_NEIGHBOURS` the nearest count.

    Returns
    -------
    Sorted by target, then source.

    Examples
    --------
    >>> chain = np.float32([[0, 0, 0], [1, 0, 0], [9, 0, 0]])
    >>> residue_edges(chain, radius=5.0).tolist()
    [[1, 0], [2, 0], [0, 1], [2, 1], [0, 2], [1, 2]]
    """
    x, length = ca.astype(np.float64), len(ca)
    found = []
    for start in range(0, length, _ROWS):
        rows = np.arange(start, min(start + _ROWS, length))
        distance = np.sqrt(((x[rows, None] - x[None]) ** 2).sum(axis=-1))
        distance[np.arange(len(rows)), rows] = np.inf
        near = distance <= radius
        crowded = np.flatnonzero(near.sum(axis=1) > MOST_NEIGHBOURS)
        for row in crowded.tolist():
            near[row, np.argsort(distance[row], kind="stable")[MOST_NEIGHBOURS:]] = False
        near |= np.abs(rows[:, None] - np.arange(length)[None]) <= SEQUENCE_REACH
        near[np.arange(len(rows)), rows] = False
        target, source = np.nonzero(near)
        found.append(np.stack([source, target + start], axis=1))
    return np.concatenate(found)


def edge_features(ca: Coordinates, edges: Int[np.ndarray, "E 2"]) -> Float32[np.ndarray, "E 4"]:
    """Point pair features of each edge: C-alpha distance in angstrom, and three angles in radians.

    With n the C-beta directions and d the line from source to target, the angles are those of n_source and d, of
    n_target and d, and of n_source and n_target. A mirror image has other ones, as C-beta has a hand.

    Examples
    --------
    >>> ca = np.random.default_rng(0).normal(size=(7, 3)).astype(np.float32)
    >>> edge_features(ca, residue_edges(ca, radius=1.0)).shape[1] == N_EDGE
    True
    """
    direction = c_beta_directions(ca).astype(np.float64)
    source, target = edges.T
    line = ca[target].astype(np.float64) - ca[source]
    angles = [_angle(direction[source], line), _angle(direction[target], line)]
    angles.append(_angle(direction[source], direction[target]))
    return np.stack([np.linalg.norm(line, axis=1), *angles], axis=1).astype(np.float32)


def oriented_features(ca: Coordinates, edges: Int[np.ndarray, "E 2"]) -> Float32[np.ndarray, "E 5"]:
    """How the source lies in the target's local frame (unit vector), and cosines between their frames.

    Examples
    --------
    >>> ca = np.random.default_rng(0).normal(size=(7, 3)).astype(np.float32)
    >>> oriented_features(ca, residue_edges(ca, radius=1.0)).shape[1] == N_ORIENTED
    True
    """
    frames = local_frames(ca)
    source, target = edges.T
    line = ca[source] - ca[target]
    unit = line / np.maximum(np.linalg.norm(line, axis=1, keepdims=True), 1e-6)
    place = np.einsum("eij,ej->ei", frames[target], unit)
    cosines = (frames[source, :2] * frames[target, :2]).sum(axis=-1)
    return np.concatenate([place, cosines], axis=1).astype(np.float32)


def _angle(a: Float[np.ndarray, "E 3"], b: Float[np.ndarray, "E 3"]) -> Float[np.ndarray, " E"]:
    return np.arctan2(np.linalg.norm(np.cross(a, b), axis=1), (a * b).sum(axis=1))
