"""Secondary structure as an input of networks: one dihedral and one distance per residue, in P-SEA's ranges.

Packaged weights were trained on these classes. `geometry.psea` assigns segments by all of P-SEA's conditions.
"""

import numpy as np
from jaxtyping import Int

from foldglass.geometry.runs import runs
from foldglass.geometry.trace import dihedrals
from foldglass.typing import Coordinates

UNKNOWN_CLASS, HELIX, STRAND, COIL = range(4)


def secondary_classes(ca: Coordinates) -> Int[np.ndarray, " L"]:
    """Class of each residue: `HELIX`, `STRAND` or `COIL`; `UNKNOWN_CLASS` at chain ends, which have no dihedral.

    A residue is helix or strand if the dihedral of the residue before it to the second after it, and the distance of
    those two, lie in P-SEA's ranges; runs of fewer than three are coil. P-SEA's other conditions and its extension of
    segments are left out.

    References
    ----------
    Labesse et al. (1997) Comput. Appl. Biosci. 13:291.

    Examples
    --------
    >>> turn = np.arange(12) * 1.745
    >>> helix = np.stack([2.3 * np.cos(turn), 2.3 * np.sin(turn), np.arange(12) * 1.5], axis=1)
    >>> secondary_classes(helix).tolist()
    [0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0]
    """
    length = len(ca)
    classes = np.zeros(length, np.int64)
    if length < 5:
        return classes
    x = ca.astype(np.float64)
    angle = np.degrees(dihedrals(x))  # of i - 1 to i + 2
    third = np.linalg.norm(x[3:] - x[:-3], axis=1)
    helix = (np.abs(angle - 50) <= 20) & (np.abs(third - 5.3) <= 0.6)
    strand = (np.abs((angle + 170 + 180) % 360 - 180) <= 45) & (np.abs(third - 9.9) <= 0.9)
    inner = np.full(length - 3, COIL)
    for kind, found in ((HELIX, helix), (STRAND, strand)):
        for run in runs(found, least=3):
            inner[run] = kind
    classes[1 : length - 2] = inner
    return classes
