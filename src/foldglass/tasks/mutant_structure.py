"""Coordinates of a mutant whose structure nobody has measured: side chains exchanged, then a sphere minimised.

PDBFixer exchanges the residues and adds what is missing, OpenMM minimises (Eastman et al. 2017 PLoS Comput. Biol.
13:e1005659). The optional extra `physics` brings both.
"""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from string import ascii_letters
from typing import Any, NamedTuple

import gemmi
import numpy as np

from foldglass.constants import AMINO_ACIDS
from foldglass.errors import InputError, MissingExtraError
from foldglass.geometry.trace import BREAK
from foldglass.protein import Atoms, Structure
from foldglass.variant import Change, Variant, named

RADIUS = 10.0
"""Angstrom."""
_ITERATIONS = 500
_FORCE_FIELD = ("amber14-all.xml", "implicit/gbn2.xml")
_CUTOFF = 16.0
_PARENT_ATOMS = {"SE": "SD"}
"""Atoms of selenomethionine, which is read as methionine."""


class ModelledPair(NamedTuple):
    """A mutant and its wild type, minimised alike so that their difference is the mutation's."""

    wild: Structure
    mutant: Structure


def model_mutant(wild: Structure, variant: Variant, *, radius: float = RADIUS, seed: int = 0) -> ModelledPair:
    """Exchange the residues of a structure and minimise what is near them, in the mutant and in the wild type.

    Residues with an atom within `radius` of a mutated C-alpha move, all others stay as they are: Amber ff14SB with the
    implicit solvent GBn2 at pH 7, one processor thread, so that the same seed gives the same coordinates. A minimum
    nearby is found, not another fold; ligands, partners and water are not there.

    Parameters
    ----------
    wild
        A structure with all heavy atoms.
    variant
        Substitutions of standard residues.
    radius
        In angstrom.
    seed
        Of the positions where hydrogens and missing atoms begin.

    Raises
    ------
    MissingExtraError
        If OpenMM or PDBFixer is not installed.
    InputError
        If the variant is no substitution, the structure has C-alphas only or an unknown residue, or the force field
        does not fit it.
    """
    try:
        import openmm  # noqa: F401
        import pdbfixer  # noqa: F401
    except ModuleNotFoundError as error:
        raise MissingExtraError("a modelled mutant", package=error.name or "", extra="physics") from error
    subject = f"model of {wild.id}:{variant.name}"
    if any(not change.is_substitution for change in variant.changes):
        raise InputError(subject, got="an insertion or deletion", expected="substitutions")
    if wild.atoms is None:
        raise InputError(subject, got="C-alphas only", expected="all heavy atoms")
    if set(wild.letters) - set(AMINO_ACIDS):
        raise InputError(
            subject, got=f"a residue {min(set(wild.letters) - set(AMINO_ACIDS))}", expected="standard ones"
        )
    if not radius > 0:
        raise InputError(subject, got=f"a radius of {radius:g}", expected="above 0")
    sites = variant.sites(len(wild))
    apart = np.linalg.norm(wild.atoms.coords[:, None] - wild.ca[sites][None], axis=-1).min(axis=1)
    moving = np.zeros(len(wild), bool)
    moving[wild.atoms.residue[apart <= radius]] = True
    return ModelledPair(
        _minimised(wild, (), moving, seed, subject), _minimised(wild, variant.changes, moving, seed, subject)
    )


def _minimised(wild: Structure, changes: tuple[Change, ...], moving: np.ndarray, seed: int, subject: str) -> Structure:
    import openmm
    from openmm import app, unit
    from pdbfixer import PDBFixer

    text, places = _pdb(wild, subject)
    platform = openmm.Platform.getPlatformByName("CPU")
    platform.setPropertyDefaultValue("Threads", "1")
    try:
        with _seeded(seed):
            fixer: Any = PDBFixer(pdbfile=StringIO(text), platform=platform)
            for change in changes:
                chain, number = places[change.start]
                old, new = (_three(letter) for letter in (wild.letters[change.start], change.letters))
                fixer.applyMutations([f"{old}-{number}-{new}"], chain)
            fixer.missingResidues = {}
            fixer.findMissingAtoms()
            fixer.addMissingAtoms(seed=seed)
            field = app.ForceField(*_FORCE_FIELD)
            modeller: Any = app.Modeller(fixer.topology, fixer.positions)
            modeller.addHydrogens(field, pH=7.0, platform=platform)
            system = field.createSystem(
                modeller.topology,
                nonbondedMethod=app.CutoffNonPeriodic,
                nonbondedCutoff=_CUTOFF * unit.angstrom,
                constraints=None,
            )
            for atom in modeller.topology.atoms():
                if not moving[atom.residue.index]:
                    system.setParticleMass(atom.index, 0.0)
            context = openmm.Context(system, openmm.VerletIntegrator(0.001), platform)
            context.setPositions(modeller.positions)
            openmm.LocalEnergyMinimizer.minimize(context, maxIterations=_ITERATIONS)
            state = context.getState(positions=True)
            coords = state.getPositions(asNumpy=True).value_in_unit(unit.angstrom)
    except (ValueError, openmm.OpenMMException) as error:
        raise InputError(subject, got=f"the force field does not fit: {error}", expected="a complete chain") from error
    return _structure(wild, changes, modeller.topology, coords)


def _structure(wild: Structure, changes: tuple[Change, ...], topology: Any, coords: np.ndarray) -> Structure:
    letters = list(wild.letters)
    for change in changes:
        letters[change.start] = change.letters
    heavy = [atom for atom in topology.atoms() if atom.element.symbol != "H"]
    return Structure(
        f"{wild.id}:{named(wild, changes).name}" if changes else wild.id,
        "".join(letters),
        wild.source,
        ca=coords[[atom.index for atom in heavy if atom.name == "CA"]].astype(np.float32),
        numbering=wild.numbering,
        chain=wild.chain,
        atoms=Atoms(
            tuple(atom.name for atom in heavy),
            coords[[atom.index for atom in heavy]].astype(np.float32),
            np.array([atom.residue.index for atom in heavy]),
        ),
    )


def _pdb(wild: Structure, subject: str) -> tuple[str, list[tuple[str, int]]]:
    """The heavy atoms, and the chain and number of each residue; the chain ends at every break."""
    assert wild.atoms is not None
    apart = np.linalg.norm(np.diff(wild.ca, axis=0), axis=1) > BREAK
    segment = np.concatenate([[0], np.cumsum(apart)])
    if segment[-1] >= len(ascii_letters):
        raise InputError(subject, got=f"{segment[-1]} chain breaks", expected=f"fewer than {len(ascii_letters)}")
    model = gemmi.Model(1)
    for name in ascii_letters[: segment[-1] + 1]:
        model.add_chain(gemmi.Chain(name))
    residues = []
    for i, letter in enumerate(wild.letters):
        residue = gemmi.Residue()
        residue.name, residue.seqid = _three(letter), gemmi.SeqId(i + 1, " ")
        residues.append(residue)
    for atom_name, position, i in zip(
        wild.atoms.names, wild.atoms.coords.tolist(), wild.atoms.residue.tolist(), strict=True
    ):
        atom = gemmi.Atom()
        atom.name = _PARENT_ATOMS.get(atom_name, atom_name)
        atom.element, atom.pos = gemmi.Element(atom.name[0]), gemmi.Position(*position)
        residues[i].add_atom(atom)
    for i, residue in enumerate(residues):
        model[int(segment[i])].add_residue(residue)
    made = gemmi.Structure()
    made.add_model(model)
    made.setup_entities()
    return made.make_pdb_string(), [(ascii_letters[k], i + 1) for i, k in enumerate(segment.tolist())]


def _three(letter: str) -> str:
    return gemmi.expand_one_letter(letter, gemmi.ResidueKind.AA)


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """OpenMM places hydrogens with Python's random numbers, whose state is given back."""
    before = random.getstate()
    random.seed(seed)
    try:
        yield
    finally:
        random.setstate(before)
