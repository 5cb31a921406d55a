"""Move a C-alpha trace towards more probable structures, and say where it is strained.

The score network gives for each residue the direction in which noisy structures become more probable. Following it from
a coarse level of noise to the finest is annealed Langevin dynamics (Song and Ermon 2019, Algorithm 1).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from foldglass.errors import InputError
from foldglass.metrics.superposition import kabsch
from foldglass.models.score_model import ScoreModel
from foldglass.protein import Sequence, Structure
from foldglass.typing import Coordinates, ResidueScores

SIGMA = 1.0
"""Start level in angstrom."""
STEP = 0.5
"""Step of the dynamics in units of sigma^2."""
STEPS = 2
"""Steps at each level."""

_FEWEST = 3
"""Residues: two have one distance, which has no fold."""


@dataclass(frozen=True, eq=False)
class Denoised:
    """A refined trace, and the strain of the one it came from.

    Parameters
    ----------
    structure
        The refined C-alpha trace, laid over the input by least squares. Other atoms are gone, because nothing moved
        them; ids, letters and numbering are the input's.
    strain
        Sigma x length of the score of each residue of the *input* at the start level, without unit; see `strain`.
    sigma
        Noise level of each stage in angstrom; the first is the start level.
    trajectory
        RMSD of the trace after each stage to the input in angstrom, after superposition.
    """

    structure: Structure
    strain: ResidueScores
    sigma: Float[np.ndarray, " K"]
    trajectory: Float[np.ndarray, " K"]

    @property
    def rmsd(self) -> float:
        """How far the refined trace is from the input: RMSD in angstrom after superposition."""
        return float(self.trajectory[-1])


def denoise(
    model: ScoreModel,
    structure: Sequence,
    *,
    sigma: float = SIGMA,
    steps: int = STEPS,
    step: float = STEP,
    temperature: float = 0.0,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Denoised:
    """Refine a C-alpha trace by annealed Langevin dynamics.

    At each level sigma_k of the network, from the start level to its lowest, `steps` times, with unit Gaussian z:

        eps = step * sigma_k^2
        x <- x + eps / 2 * score(x, sigma_k) + temperature * sqrt(eps) * z

    The network sees distances only: a structure and its mirror image are refined alike, and handedness is kept because
    moves are small, not because it is known. Ligands, partners and solvent are not seen.

    Parameters
    ----------
    model
        A score network.
    structure
        A chain of at least three residues.
    sigma
        Start level in angstrom: about the error that is expected of each coordinate. More moves the trace further, and
        away from its details.
    steps
        Steps at each level.
    step
        Step in units of sigma_k^2, above 0 to 2. At 2 and temperature 0 a step goes all the way to the mean of what
        the noisy structure may have been; a small step follows the gradient more faithfully.
    temperature
        0 climbs to a probable structure; 1 samples from the distribution, as published.
    seed
        Of the noise; without effect at temperature 0.
    progress
        Called with the steps done and their total.

    Raises
    ------
    ModelError
        If the protein is a sequence.
    InputError
        If the chain is too short or too long, a parameter is out of range, or the trace falls apart.

    References
    ----------
    Song and Ermon (2019) *Generative modeling by estimating gradients of the data distribution*. Guo et al. (2022).
    """
    _check(steps, step, temperature)
    strained = strain(model, structure, sigma=sigma)
    assert isinstance(structure, Structure)  # the model refuses a sequence
    levels = model.noise.sigma[model.level(sigma) :].astype(np.float64)
    rng = np.random.default_rng(seed)
    x, trajectory = structure.ca.astype(np.float64), []
    for k, level in enumerate(levels.tolist()):
        eps = step * level**2
        for n in range(steps):
            x = x + eps / 2 * model.gradient(structure, sigma=level, ca=x)
            if temperature:
                x = x + temperature * np.sqrt(eps) * rng.normal(size=x.shape)
            if progress:
                progress(k * steps + n + 1, len(levels) * steps)
        if not np.isfinite(x).all():
            raise InputError(
                f"structure {structure.id!r}",
                got=f"coordinates that are not finite after the level of {level:g} angstrom",
                remedy="take a smaller step or a lower sigma",
            )
        trajectory.append(_rmsd(structure.ca, x))
    refined = replace(structure, ca=_laid_over(structure.ca, x).astype(np.float32), atoms=None)
    return Denoised(refined, strained, levels, np.array(trajectory))


def strain(model: ScoreModel, structure: Sequence, *, sigma: float = SIGMA) -> ResidueScores:
    """Sigma x length of the score at each residue: how strongly the network wants to move it, without unit.

    Small where the trace looks like a structure as it is. Of coordinates with added noise of that level, a network that
    recognised all of the noise would give 1.73 (the square root of 3) in the root mean square. It is no energy, and no
    probability of an error: it also points at what is rare, and a mirror image has the same.

    Raises
    ------
    ModelError
        If the protein is a sequence.
    InputError
        If the chain has fewer than three residues or is too long, or the network has no such level.
    """
    if len(structure) < _FEWEST:
        raise InputError(
            f"structure {structure.id!r}",
            got=f"{len(structure)} residue" + "s" * (len(structure) > 1),
            expected=f"at least {_FEWEST}",
        )
    level = float(model.noise.sigma[model.level(sigma)])
    return np.asarray(level * np.linalg.norm(model.gradient(structure, sigma=level), axis=1), np.float64)


def _check(steps: int, step: float, temperature: float) -> None:
    for name, got, good, expected in (
        ("steps", steps, steps >= 1, "at least 1"),
        ("step", step, 0 < step <= 2, "above 0, to 2"),
        ("temperature", temperature, 0 <= temperature <= 1, "0 to 1"),
    ):
        if not good:
            raise InputError(f"denoise, {name}", got=f"{got:g}", expected=expected)


def _laid_over(reference: Coordinates, x: Coordinates) -> Coordinates:
    rotation, translation = kabsch(reference, x)
    return np.asarray(x @ rotation + translation)


def _rmsd(reference: Coordinates, x: Coordinates) -> float:
    return float(np.sqrt(((_laid_over(reference, x) - reference) ** 2).sum(axis=1).mean()))
