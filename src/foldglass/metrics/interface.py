"""Which residues of a complex touch a partner: those that lose accessible area on binding.

Source: the definition of the interaction-site data sets (Murakami and Mizuguchi 2010; Zeng et al. 2020): a residue
belongs to the interface if its solvent-accessible area is more than 1 square angstrom smaller in the complex than in
the chain alone.
"""

from collections.abc import Callable
from collections.abc import Sequence as List

import numpy as np
from jaxtyping import Bool, Float, Float64

from foldglass.errors import InputError, MissingExtraError
from foldglass.protein import Atoms, Structure
from foldglass.typing import Coordinates

LOST = 1.0
"""Square angstrom that an interface residue loses at least."""
PROBE = 1.4
"""Radius of the solvent in angstrom."""
_RADII = {"C": 1.70, "N": 1.55, "O": 1.52, "S": 1.80, "SE": 1.90, "P": 1.80}
_POINTS = 500
_MARGIN = 2 * (max(_RADII.values()) + PROBE)


def area_lost(chain: Structure, partners: List[Structure]) -> Float64[np.ndarray, " L"]:
    """Accessible area that each residue of a chain loses to the other chains of its complex, in square angstrom.

    Shrake and Rupley's method (biotite) on heavy atoms with Bondi's radii.

    Parameters
    ----------
    chain, partners
        With all heavy atoms.

    Raises
    ------
    InputError
        If there is no partner, or a chain has C-alphas alone.
    MissingExtraError
        If biotite is not installed.
    """
    check_complex([chain, *partners])
    own, others = _atoms(chain), [_atoms(partner) for partner in partners]
    coords = np.concatenate([other.coords for other in others])
    names = np.array([name for other in others for name in other.names])
    near = _within(coords, own.coords)
    alone = _area(own, np.zeros((0, 3), np.float32), ())
    bound = _area(own, coords[near], tuple(names[near].tolist()))
    return np.bincount(own.residue, alone - bound, minlength=len(chain))


def check_complex(chains: List[Structure]) -> None:
    """Raise what `area_lost` would, before any work.

    Raises
    ------
    InputError
        If there are fewer than two chains, or one has C-alphas alone.
    MissingExtraError
        If biotite is not installed.

    Examples
    --------
    >>> check_complex([Structure("toy", "A", ca=np.zeros((1, 3), np.float32))])
    Traceback (most recent call last):
        ...
    foldglass.errors.InputError: structure 'toy': one protein chain; expected a partner, for an interface
    """
    if len(chains) < 2:
        subject = f"structure {chains[0].id!r}" if chains else "complex"
        raise InputError(subject, got="one protein chain", expected="a partner, for an interface")
    for chain in chains:
        _atoms(chain)
    _sasa()


def _atoms(chain: Structure) -> Atoms:
    if chain.atoms is None:
        raise InputError(
            f"structure {chain.id!r}",
            got="C-alphas alone",
            expected="side chains: accessible area needs all heavy atoms",
        )
    return chain.atoms


def _within(points: Float[np.ndarray, "N 3"], box: Coordinates) -> Bool[np.ndarray, " N"]:
    """Points close enough to the box around `box` to cover a surface in it."""
    low, high = box.min(axis=0) - _MARGIN, box.max(axis=0) + _MARGIN
    return np.asarray(((points >= low) & (points <= high)).all(axis=1))


def _area(own: Atoms, beside: Float[np.ndarray, "N 3"], names: tuple[str, ...]) -> Float64[np.ndarray, " A"]:
    """Accessible area of each own atom, beside other ones."""
    from biotite.structure import AtomArray

    elements = ["SE" if name == "SE" else name[:1] for name in (*own.names, *names)]
    array = AtomArray(len(elements))
    array.coord = np.concatenate([own.coords, beside]).astype(np.float32)
    array.element = np.array(elements)
    radii = np.array([_RADII.get(element, _RADII["C"]) for element in elements])
    wanted = np.arange(len(elements)) < len(own.coords)
    area = _sasa()(array, probe_radius=PROBE, atom_filter=wanted, point_number=_POINTS, vdw_radii=radii)
    return np.asarray(area[wanted], np.float64)


def _sasa() -> Callable[..., np.ndarray]:
    try:
        from biotite.structure import sasa
    except ModuleNotFoundError as error:
        raise MissingExtraError("interface", package=error.name or "biotite", extra="interface") from error
    found: Callable[..., np.ndarray] = sasa
    return found
