"""A score network level by level: how much noise it recognises, and whether its vectors tell the protein."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from foldglass.models.score_model import ScoreModel
from foldglass.protein import Structure
from foldglass.train.evaluation_score_set import LONGEST
from foldglass.train.score import Noised, denoising_error, noised, normalised_error
from foldglass.train.score_data import ChainPool

CROP, SEGMENTS = 64, 2
"""Residues of a crop and its pieces, as the packaged network was trained."""
CROPS, WHOLE = 16, 4
"""Crops, and whole chains, of each level."""
STAGES = 8
"""Levels at which the variance of protein vectors is compared."""
_SEED = 20222


@dataclass(frozen=True)
class LevelResult:
    """Denoising error of one level, where predicting nothing is expected to score 1.

    Parameters
    ----------
    sigma
        The level in angstrom.
    crops, whole
        Error on parts of chains and on whole ones.
    nothing
        What predicting nothing scores on the same crops with the same noise.
    rigid
        Share of the noise that is a rigid motion of the noisy crop. No function of distances can tell it, so it is
        taken out of what is asked for; left in, no error could be lower.
    """

    sigma: float
    crops: float
    whole: float
    nothing: float
    rigid: float


@dataclass(frozen=True)
class VarianceShares:
    """Of the variance of protein vectors over proteins and levels, the share between proteins and between levels."""

    n_proteins: int
    sigmas: tuple[float, ...]
    between_proteins: float
    between_levels: float


@torch.no_grad()
def measure_levels(
    model: ScoreModel, chains: Sequence[Structure], *, progress: Callable[[], None]
) -> tuple[LevelResult, ...]:
    """Denoise crops and whole chains at every level, always with the same crops and noise."""
    pool = ChainPool(list(chains), np.arange(len(chains)), by_cluster=False)
    config, cpu = model.network.config, torch.device("cpu")
    results = []
    for level, sigma in enumerate(config.noise.sigma.tolist()):
        rng = np.random.default_rng((_SEED, level))
        parts = noised(config, pool.draw(rng, CROPS, size=CROP, segments=SEGMENTS), level, rng, cpu)
        alone = [noised(config, pool.draw(rng, 1, size=LONGEST, segments=1), level, rng, cpu) for _ in range(WHOLE)]
        nothing = normalised_error(0 * parts.wanted, parts.wanted, parts.residues, lost=parts.lost)
        results.append(
            LevelResult(
                sigma=sigma,
                crops=denoising_error(model.network, config, parts).item(),
                whole=float(np.mean([denoising_error(model.network, config, given).item() for given in alone])),
                nothing=nothing.item(),
                rigid=_rigid_share(parts),
            )
        )
        progress()
    return tuple(results)


def measure_variance(model: ScoreModel, chains: Sequence[Structure], *, progress: Callable[[], None]) -> VarianceShares:
    """Embed the chains at eight levels from the highest to the lowest."""
    places = np.unique(np.linspace(0, len(model.noise.sigma) - 1, STAGES).astype(np.int64))
    levels = model.noise.sigma[places].tolist()
    vectors = []
    for structure in chains:
        vectors.append([model.embed([structure], sigma=sigma, pair=False)[0].protein for sigma in levels])
        progress()
    each = np.array(vectors, np.float64)
    total = max(float(each.var(axis=(0, 1)).sum()), 1e-12)
    return VarianceShares(
        n_proteins=len(chains),
        sigmas=tuple(levels),
        between_proteins=float(each.mean(axis=1).var(axis=0).sum()) / total,
        between_levels=float(each.mean(axis=0).var(axis=0).sum()) / total,
    )


def _rigid_share(given: Noised) -> float:
    real = given.residues.mask[..., None]
    return 1.0 - ((given.wanted * real).square().sum() / (given.noise * real).square().sum()).item()
