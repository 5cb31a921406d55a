"""Decoys made by heat: what a native passes through while a structure-based (Go) model of it unfolds.

Each residue is one bead at its C-alpha, and the native is the model's only minimum: its bends, dihedrals and contacts
hold the chain, all else repels (Clementi et al. 2000). So parts of a frame that have not melted are as in the native,
and lie where the others let them. OpenMM moves the beads (Eastman et al. 2017 PLoS Comput. Biol. 13:e1005659); the
optional extra `physics` brings it.
"""

from contextlib import suppress
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from foldglass.errors import InputError, MissingExtraError
from foldglass.geometry.internal import bends
from foldglass.geometry.trace import dihedrals
from foldglass.metrics.superposition import GDT_DISTANCES, kabsch
from foldglass.typing import AlignedPairs, Coordinates

SHORTEST = 5
"""Residues; fewer have no contacts."""

_NEAR, _APART = 8.0, 4
"""A contact: residues this near in angstrom and this far along the chain."""
_RADIUS, _REACH = 4.0, 8.0
"""Repulsion of all other residues: where it costs one unit of energy, and where it is cut off, in angstrom."""
_BOND, _BEND, _TURN, _THIRD_TURN = 20000.0, 40.0, 1.0, 0.5
"""In units of a contact's energy, which is 1 kJ/mol; bonds per square nanometre, bends per square radian."""
_COLD, _HOT = 0.4, 2.0
"""Temperatures between which the run heats, in the same units; five chains tried melted between 1.0 and 1.5."""
_TIME, _SNAPSHOTS = 50.0, 100
_COOLING = 1.0
"""Times in units of a bead of mass 1 u: picoseconds, of no chain that exists."""
_STEPS = (0.005, 0.0025, 0.001)
"""Time steps, each tried if the one before blows up."""
_FRICTION = 1.0
_BOLTZMANN = 0.00831446
"""kJ/mol/K"""
_NANOMETRE = 10.0
"""OpenMM's unit of length, in angstrom."""


def unfolded(native: Coordinates, rng: np.random.Generator, *, frames: int = 8) -> Float[np.ndarray, "F L 3"]:
    """Heat a native until it has unfolded, and take traces along the way, roughly from the most native to the least.

    The run ends where all chains have melted. Of its snapshots so many are taken as asked for, each at a level of
    similarity to the native drawn from its part of the range, so that few frames cover it as well. Each is then cooled
    for a moment, which stills the beads and brings back what has hardly left its place.

    One processor thread; the same random state gives the same frames on the same machine and version of OpenMM. On
    others rounding differs, and so does the path: a sample of the same kind, not the same frames.

    Parameters
    ----------
    native
        C-alphas in angstrom, at least 5. A chain break is kept as wide as it is.
    rng
        Gives a seed and the levels; how much is drawn depends on `frames` alone.
    frames
        How many, 1 to 100.

    Raises
    ------
    MissingExtraError
        If OpenMM is not installed.
    InputError
        If there are too few residues or frames, a coordinate is not finite, or the run blows up at every time step.

    References
    ----------
    Clementi, Nymeyer and Onuchic (2000) J. Mol. Biol. 298:937; Noel et al. (2010) Nucleic Acids Res. 38:W657 (SMOG).
    """
    try:
        import openmm
    except ModuleNotFoundError as error:
        raise MissingExtraError("unfolding", package=error.name or "", extra="physics") from error
    if len(native) < SHORTEST:
        raise InputError("unfolding", got=f"{len(native)} residues", expected=f"at least {SHORTEST}")
    if not np.isfinite(native).all():
        raise InputError("unfolding", got="a coordinate that is not finite", expected="a whole trace")
    if not 1 <= frames <= _SNAPSHOTS:
        raise InputError("unfolding", got=f"{frames} frames", expected=f"1 to {_SNAPSHOTS}")
    seed = int(rng.integers(1, 2**31))
    levels = (np.arange(frames) + rng.random(frames)) / frames
    native = native.astype(np.float64)
    for step in _STEPS:
        with suppress(openmm.OpenMMException):
            return _run(native, levels, seed, step)
    raise InputError("unfolding", got="a run that blows up", expected="a trace without residues upon each other")


def contacts(native: Coordinates) -> AlignedPairs:
    """Residues (i, j) within 8 angstrom and at least 4 apart along the chain, i before j.

    Examples
    --------
    >>> contacts(np.array([[0.0, 0, 0], [3.8, 0, 0], [3.8, 3.8, 0], [0, 3.8, 0], [0, 3.8, 3.8]])).tolist()
    [[0, 4]]
    """
    apart = np.linalg.norm(native[:, None] - native[None], axis=-1)
    return np.argwhere(np.triu(apart <= _NEAR, _APART))


def similarity(native: Coordinates, traces: Float[np.ndarray, "F L 3"]) -> Float[np.ndarray, " F"]:
    """GDT_TS of traces under the one superposition of least RMSD: a lower bound, and quick.

    Examples
    --------
    >>> chain = np.cumsum(np.random.default_rng(0).normal(size=(30, 3)), axis=0)
    >>> similarity(chain, np.stack([chain + 5, 9 * chain])).round(2).tolist()
    [1.0, 0.0]
    """
    moved = [trace @ fit.rotation + fit.translation for trace in traces for fit in [kabsch(native, trace)]]
    apart = np.linalg.norm(np.stack(moved) - native, axis=-1)
    return np.asarray(np.mean([(apart <= distance).mean(axis=1) for distance in GDT_DISTANCES[1:]], axis=0))


def nearest_levels(values: Float[np.ndarray, " S"], levels: Float[np.ndarray, " F"]) -> Int[np.ndarray, " F"]:
    """Places of the values nearest to each level, 0 for the largest to 1 for the smallest; none is taken twice.

    Examples
    --------
    >>> nearest_levels(np.array([0.9, 0.85, 0.5, 0.1, 0.12]), np.array([0.0, 0.02, 0.5])).tolist()
    [0, 1, 2]
    """
    wanted = values.max() - levels * np.ptp(values)
    miss, taken = np.abs(values[None] - wanted[:, None]), []
    for row in miss:
        taken.append(int(row.argmin()))
        miss[:, taken[-1]] = np.inf
    return np.array(taken)


def _run(native: Coordinates, levels: Float[np.ndarray, " F"], seed: int, step: float) -> Float[np.ndarray, "F L 3"]:
    """Heat, choose and cool; OpenMM's exception if the run blows up."""
    import openmm
    from openmm import unit

    integrator = openmm.LangevinMiddleIntegrator(_COLD / _BOLTZMANN, _FRICTION, step)
    integrator.setRandomNumberSeed(seed)
    platform = openmm.Platform.getPlatformByName("CPU")
    context = openmm.Context(_system(native), integrator, platform, {"Threads": "1"})

    def placed(trace: Coordinates) -> None:
        context.setPositions(trace / _NANOMETRE)
        context.setVelocitiesToTemperature(_COLD / _BOLTZMANN, seed)

    def after(time: float) -> Coordinates:
        integrator.step(round(time / step))
        positions = context.getState(positions=True).getPositions(asNumpy=True)
        trace = np.asarray(positions.value_in_unit(unit.angstrom))
        if not np.isfinite(trace).all():  # OpenMM itself looks only now and then
            raise openmm.OpenMMException("a coordinate is not finite")
        return trace

    placed(native)
    snapshots = []
    for temperature in np.linspace(_COLD, _HOT, _SNAPSHOTS):
        integrator.setTemperature(temperature / _BOLTZMANN)
        snapshots.append(after(_TIME / _SNAPSHOTS))
    found = np.stack(snapshots)
    found = found[nearest_levels(similarity(native, found), levels)]
    integrator.setTemperature(_COLD / _BOLTZMANN)
    for k, trace in enumerate(found):
        placed(trace)
        found[k] = after(_COOLING)
    return found


def _system(native: Coordinates) -> Any:
    """The beads and what holds them, in OpenMM's units."""
    import openmm

    system = openmm.System()
    x, length = native / _NANOMETRE, len(native)
    for _ in range(length):
        system.addParticle(1.0)
    bond = openmm.HarmonicBondForce()
    for i, distance in enumerate(np.linalg.norm(np.diff(x, axis=0), axis=1).tolist()):
        bond.addBond(i, i + 1, distance, _BOND)
    bend = openmm.HarmonicAngleForce()
    for i, angle in enumerate(bends(x).tolist()):
        bend.addAngle(i, i + 1, i + 2, angle, _BEND)
    turn = openmm.PeriodicTorsionForce()
    for i, angle in enumerate(dihedrals(x).tolist()):  # 1 - cos(n (turn - native))
        turn.addTorsion(i, i + 1, i + 2, i + 3, 1, angle + np.pi, _TURN)
        turn.addTorsion(i, i + 1, i + 2, i + 3, 3, 3 * angle + np.pi, _THIRD_TURN)
    pairs = contacts(native).tolist()
    contact = openmm.CustomBondForce("5 * q^6 - 6 * q^5; q = (native / r)^2")
    contact.addPerBondParameter("native")
    for i, j in pairs:
        contact.addBond(i, j, [float(np.linalg.norm(x[i] - x[j]))])
    repulsion = openmm.CustomNonbondedForce(f"({_RADIUS / _NANOMETRE} / r)^12")
    repulsion.setNonbondedMethod(openmm.CustomNonbondedForce.CutoffNonPeriodic)
    repulsion.setCutoffDistance(_REACH / _NANOMETRE)
    for _ in range(length):
        repulsion.addParticle([])
    along = [(i, j) for i in range(length) for j in range(i + 1, min(i + _APART, length))]
    for i, j in [*along, *pairs]:
        repulsion.addExclusion(i, j)
    for force in (bond, bend, turn, contact, repulsion):
        system.addForce(force)
    return system
