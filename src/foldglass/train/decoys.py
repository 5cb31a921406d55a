"""Decoys made from native C-alpha traces: what can be wrong with a model, from slight to all of it.

Each maker takes a native trace and random numbers and gives a trace of the same residues. The strength is drawn on a
wide scale, so that the scores of many decoys spread from near 1 to that of an unrelated fold.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float

from foldglass.geometry.internal import bends, rebuilt
from foldglass.geometry.trace import dihedrals
from foldglass.models.score_model import ScoreModel
from foldglass.protein import Structure
from foldglass.typing import Coordinates

Maker = Callable[[Coordinates, np.random.Generator], Coordinates]

_BOND = 3.8
_CLASH = 4.0
_SHORT, _LONG = 4.9, 7.3
"""Distances in angstrom that residues two apart keep."""


def relaxed(x: Coordinates, *, steps: int = 80) -> Float[np.ndarray, "L 3"]:
    """Bring neighbours back to 3.8 angstrom, the next but one to 4.9 to 7.3, and keep all others 4 angstrom apart.

    Violations are halved by moving both residues, all at once, `steps` times; what remains is small but not 0.

    Examples
    --------
    >>> x = relaxed(np.random.default_rng(0).normal(size=(20, 3)) * 8)
    >>> bool(abs(np.linalg.norm(np.diff(x, axis=0), axis=1) - 3.8).max() < 0.6)
    True
    """
    x = x.astype(np.float64).copy()
    length = len(x)
    far = np.abs(np.subtract.outer(np.arange(length), np.arange(length))) > 2
    for step in range(steps):
        move = np.zeros_like(x)
        if step % 4 == 0 and step < steps - 8:  # repulsion moves slowly and costs most
            i, j = np.nonzero(far & (((x[:, None] - x[None]) ** 2).sum(-1) < _CLASH**2))
            offset = x[i] - x[j]
            distance = np.maximum(np.linalg.norm(offset, axis=1, keepdims=True), 0.1)
            np.add.at(move, i, 0.4 * (_CLASH - distance) * offset / distance)
        for apart, low, high in ((2, _SHORT, _LONG), (1, _BOND, _BOND)):
            offset = x[apart:] - x[:-apart]
            distance = np.maximum(np.linalg.norm(offset, axis=1, keepdims=True), 1e-3)
            push = 0.25 * apart * (distance - np.clip(distance, low, high)) * offset / distance
            move[:-apart] += push
            move[apart:] -= push
        x += move
    return x


def hinge(x: Coordinates, rng: np.random.Generator) -> Coordinates:
    """Turn the chain about one to three of its bonds."""
    bond, bend, turn = _internal(x)
    for place in rng.integers(len(turn), size=rng.integers(1, 4)):
        turn[place] += rng.normal() * np.deg2rad(60)
        bend[place] = np.clip(bend[place] + rng.normal() * np.deg2rad(10), 1.3, 2.7)
    return rebuilt(bond, bend, turn)


def unfold(x: Coordinates, rng: np.random.Generator) -> Coordinates:
    """Add noise to every dihedral and bend, to all of the chain or beyond one residue."""
    bond, bend, turn = _internal(x)
    sigma = np.deg2rad(_spread(rng, 1.0, 40.0))
    start = 0 if rng.random() < 0.5 else int(rng.integers(len(turn)))
    turn[start:] += rng.normal(size=len(turn) - start) * sigma
    bend[start:] += rng.normal(size=len(bend) - start) * sigma / 4
    return relaxed(rebuilt(bond, np.clip(bend, 1.4, 2.7), turn), steps=24)


def shear(x: Coordinates, rng: np.random.Generator) -> Coordinates:
    """Move pieces of 8 to 25 residues as rigid bodies, each on its own way, and join them again."""
    x = x.astype(np.float64).copy()
    shift, angle = _spread(rng, 0.5, 8.0), _spread(rng, 3.0, 60.0)
    start = 0
    while start < len(x):
        stop = start + int(rng.integers(8, 26))
        piece = x[start:stop]
        centre = piece.mean(axis=0)
        if rng.random() < 0.7:
            turned = (piece - centre) @ _turn(rng, np.deg2rad(angle) * rng.normal())
            x[start:stop] = turned + centre + rng.normal(size=3) * shift / np.sqrt(3)
        start = stop
    return relaxed(x)


def rebuild(x: Coordinates, rng: np.random.Generator) -> Coordinates:
    """Grow one to four stretches anew, as random walks between the residues that hold them."""
    x = x.astype(np.float64).copy()
    for _ in range(int(rng.integers(1, 5))):
        size = min(int(rng.integers(5, 31)), len(x) - 4)
        start = int(rng.integers(len(x) - size))
        walk = np.cumsum(rng.normal(size=(size + 1, 3)) * 2.2, axis=0)
        first, last = x[max(start - 1, 0)], x[min(start + size, len(x) - 1)]
        share = np.arange(1, size + 1)[:, None] / (size + 1)
        x[start : start + size] = first + walk[:size] - share * walk[size] + share * (last - first)
    return relaxed(x, steps=120)


def noise(x: Coordinates, rng: np.random.Generator) -> Coordinates:
    """Add noise that is smooth along the chain over a random length, and restore the bonds."""
    reach = _spread(rng, 0.3, 12.0)
    kernel = np.exp(-0.5 * (np.arange(-30, 31) / reach) ** 2)
    kernel /= np.sqrt((kernel**2).sum())
    white = rng.normal(size=(len(x) + 60, 3))
    smooth = np.stack([np.convolve(white[:, k], kernel, mode="valid") for k in range(3)], axis=1)
    return relaxed(x + smooth * _spread(rng, 0.15, 6.0))


def register(x: Coordinates, rng: np.random.Generator) -> Coordinates:
    """Slide the residues of a stretch along the path of the chain by one to six places."""
    length = len(x)
    size = int(rng.integers(min(15, length // 2), length))
    start = int(rng.integers(length - size + 1))
    shift = float(rng.integers(1, 7)) * rng.choice([-1.0, 1.0])
    place = np.arange(length, dtype=np.float64)
    inside = (place >= start) & (place < start + size)
    edge = np.minimum(place - start, start + size - 1 - place)
    ends = np.where(inside, np.clip((edge + 1) / (2 * abs(shift)), 0, 1), 0.0)
    place = np.clip(place + shift * ends, 0, length - 1)
    path = np.stack([np.interp(place, np.arange(length), x[:, k]) for k in range(3)], axis=1)
    return relaxed(path)


def slight(x: Coordinates, rng: np.random.Generator) -> Coordinates:
    """Nearly the native: 0.05 to 0.5 angstrom of noise, bonds restored."""
    return relaxed(x + rng.normal(size=x.shape) * _spread(rng, 0.05, 0.5), steps=24)


MAKERS: dict[str, Maker] = {maker.__name__: maker for maker in (hinge, unfold, shear, rebuild, noise, register, slight)}
"""Makers that need no network, by name."""


def denoised(
    model: ScoreModel, native: Structure, rng: np.random.Generator, *, levels: int = 6
) -> Float[np.ndarray, "L 3"]:
    """Add noise of 1 to 8 angstrom and follow the score network's gradient down to 0.5 angstrom.

    What comes out looks like a protein to the network and need not be the one it came from.
    """
    sigma = _spread(rng, 1.0, 8.0)
    x = native.ca + rng.normal(size=native.ca.shape) * sigma
    for level in np.geomspace(sigma, 0.5, levels):
        x = x + 0.8 * level**2 * model.gradient(native, sigma=float(level), ca=x.astype(np.float32))
    return relaxed(x, steps=24)


def _internal(x: Coordinates) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    points = x.astype(np.float64)
    return np.linalg.norm(np.diff(points, axis=0), axis=1), bends(points), dihedrals(points)


def _spread(rng: np.random.Generator, low: float, high: float) -> float:
    """A number between both, each decade as likely."""
    return float(low * (high / low) ** rng.random())


def _turn(rng: np.random.Generator, angle: float) -> Float[np.ndarray, "3 3"]:
    """Rotation by an angle in radians about a random axis (Rodrigues)."""
    axis = rng.normal(size=3)
    x, y, z = axis / np.linalg.norm(axis)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.asarray(np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross)
