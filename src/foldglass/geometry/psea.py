"""Secondary structure as a truth to compare with: the segments that P-SEA assigns from C-alphas alone.

`geometry.secondary` has the plainer classes that networks read.
"""

import numpy as np
from jaxtyping import Bool, Float, Int

from foldglass.geometry.runs import runs
from foldglass.geometry.trace import dihedrals
from foldglass.typing import Coordinates

CLASSES = ("coil", "helix", "strand")
COIL, HELIX, STRAND = range(len(CLASSES))

_HELIX_RUN, _STRAND_RUN, _SHORT_STRAND = 5, 4, 3
_PARTNERS = 5
"""C-alphas at the distance of a neighbouring strand that a strand of only three residues must have."""


def psea_classes(ca: Coordinates) -> Int[np.ndarray, " L"]:
    """Index into `CLASSES` of each residue.

    A residue may be in a helix or strand if its distances to the next ones along the chain, or its angle and dihedral,
    are those of one; at least five such residues in a row are a helix, four a strand, or three beside others.
    A segment takes in the residue at either end whose distances still fit. The distances alone are enough, so that a
    mirror image has the same helices.

    References
    ----------
    Labesse et al. (1997) *P-SEA: a new efficient assignment of secondary structure from C-alpha trace of proteins*,
    CABIOS 13:291.

    Examples
    --------
    >>> turn = np.deg2rad(100) * np.arange(9)
    >>> helix = np.stack([2.3 * np.cos(turn), 2.3 * np.sin(turn), 1.5 * np.arange(9)], axis=1).astype(np.float32)
    >>> set(psea_classes(helix)[1:-2].tolist()) == {HELIX}
    True
    """
    x = ca.astype(np.float64)
    length = len(x)
    d2, d3, d4 = (_along(x, ahead) for ahead in (1, 2, 3))
    angle, dihedral = np.full((2, length), np.nan)
    if length > 2:
        before, after = x[:-2] - x[1:-1], x[2:] - x[1:-1]
        cosine = (before * after).sum(-1) / (np.linalg.norm(before, axis=-1) * np.linalg.norm(after, axis=-1) + 1e-9)
        angle[1:-1] = np.rad2deg(np.arccos(np.clip(cosine, -1, 1)))
    dihedral[1:-2] = np.rad2deg(dihedrals(x))
    helix = (_near(d3, 5.3, 0.5) & _near(d4, 6.4, 0.6)) | (_near(angle, 89.0, 12.0) & _near(dihedral, 50.0, 20.0))
    turned = _near((dihedral + 170 + 180) % 360 - 180, 0.0, 45.0)  # around the end of the scale
    strand = (_near(d2, 6.7, 0.6) & _near(d3, 9.9, 0.9) & _near(d4, 12.4, 1.1)) | (_near(angle, 124.0, 14.0) & turned)
    classes = np.full(length, COIL)
    beside = _beside(x)
    for run in runs(strand, least=_SHORT_STRAND):
        if run.stop - run.start >= _STRAND_RUN or beside[run].sum() >= _PARTNERS:
            classes[_extended(run, _near(d3, 9.9, 0.9))] = STRAND
    for run in runs(helix, least=_HELIX_RUN):
        classes[_extended(run, _near(d3, 5.3, 0.5) | _near(angle, 89.0, 12.0))] = HELIX
    return classes


def _along(x: Float[np.ndarray, "L 3"], ahead: int) -> Float[np.ndarray, " L"]:
    """Distance from the residue before to the one `ahead`; NaN at the ends."""
    distance = np.full(len(x), np.nan)
    if len(x) > ahead + 1:
        distance[1 : len(x) - ahead] = np.linalg.norm(x[ahead + 1 :] - x[: -ahead - 1], axis=-1)
    return distance


def _near(value: Float[np.ndarray, " L"], middle: float, width: float) -> Bool[np.ndarray, " L"]:
    return np.abs(value - middle) <= width


def _beside(x: Float[np.ndarray, "L 3"]) -> Int[np.ndarray, " L"]:
    """C-alphas at the distance of a neighbouring strand, 4.2 to 5.2 angstrom."""
    distance = np.linalg.norm(x[None] - x[:, None], axis=-1)
    return ((distance >= 4.2) & (distance <= 5.2)).sum(axis=1)


def _extended(run: slice, fits: Bool[np.ndarray, " L"]) -> slice:
    start, stop = run.start, run.stop
    return slice(start - int(start > 0 and fits[start - 1]), stop + int(stop < len(fits) and fits[stop]))
