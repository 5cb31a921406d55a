"""Pre-training by denoising score matching: the network says which way each residue was moved.

Source: Guo et al. 2022, Eq. 4 and 5. The loss is scaled so that predicting nothing scores 1.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from foldglass.models.gradient import coordinate_gradient, remove_rigid, window_gradient
from foldglass.models.pair_input import ResidueWindow, distances
from foldglass.models.score import ScoreConfig, ScoreNetwork
from foldglass.models.score_model import ScoreVectors
from foldglass.train.recipe import Recipe, ScoreTrainConfig
from foldglass.train.score_data import ChainPool, Crop

_VALIDATION_SEED = 20221


class ScoreTask:
    """Train a score network on crops of noisy chains."""

    primary = "loss"

    def __init__(self, recipe: Recipe, pools: dict[str, ChainPool]) -> None:
        assert recipe.score is not None
        self.config: ScoreTrainConfig = recipe.score
        self.seed = recipe.loop.seed
        self.pools = pools
        self.network = ScoreNetwork(self.config.network())
        self.sigma = torch.from_numpy(self.network.config.noise.sigma)

    @property
    def module(self) -> nn.Module:
        """The score network."""
        return self.network

    def loss(self, module: nn.Module, step: int) -> tuple[Tensor, dict[str, float]]:
        """Denoising error of the crops of a step, their levels spread evenly over all levels."""
        rng = np.random.default_rng((self.seed, step))
        groups, count = self.config.levels_per_step, len(self.sigma)
        levels = (rng.random() + np.arange(groups)) * count / groups  # stratified
        losses = []
        for level in levels.astype(np.int64).tolist():
            maps = self.config.maps // groups
            crop = self.pools["train"].draw(rng, maps, size=self.config.crop, segments=self.config.segments)
            losses.append(self._error(module, crop, level, rng))
        return torch.stack(losses).mean(), {}

    def validate(self, module: nn.Module) -> dict[str, float]:
        """Error of each level on held-out chains, always with the same crops and noise, and the mean over levels."""
        figures = {}
        for level, sigma in enumerate(self.sigma.tolist()):
            rng = np.random.default_rng((_VALIDATION_SEED, level))
            crop = self.pools["validation"].draw(
                rng, self.config.validation, size=self.config.crop, segments=self.config.segments
            )
            figures[f"sigma_{sigma:.3g}"] = self._error(module, crop, level, rng).item()
        return {"loss": float(np.mean(list(figures.values()))), **figures}

    def _error(self, module: nn.Module, crop: Crop, level: int, rng: np.random.Generator) -> Tensor:
        config, device = self.network.config, next(module.parameters()).device
        return denoising_error(module, config, noised(config, crop, level, rng, device))


@dataclass(frozen=True, eq=False)
class Noised:
    """A crop at one level of noise.

    Parameters
    ----------
    residues
        Who the residues are.
    ca
        Where the noise put them, in angstrom.
    noise
        What was added, in units of the level's sigma.
    level, sigma
        Index of the level, and its standard deviation in angstrom.
    wanted
        What sigma times the gradient should be: minus the noise, without its rigid part if `lost` is not 0.
    lost
        Number of components taken out of `wanted`.
    """

    residues: ResidueWindow
    ca: Float[Tensor, "B L 3"]
    noise: Float[Tensor, "B L 3"]
    level: Int[Tensor, " 1"]
    sigma: Float[Tensor, " 1"]
    wanted: Float[Tensor, "B L 3"]
    lost: int


def noised(config: ScoreConfig, crop: Crop, level: int, rng: np.random.Generator, device: torch.device) -> Noised:
    """Add Gaussian noise of a level to a crop."""
    sigma = torch.from_numpy(config.noise.sigma[level : level + 1]).to(device)
    residues = ResidueWindow(*(t.to(device) for t in vars(crop.residues).values()))
    noise = torch.from_numpy(rng.normal(size=crop.ca.shape).astype(np.float32)).to(device)
    ca = crop.ca.to(device) + sigma * noise
    wanted, lost = -noise, 0
    if config.gradient == "foldglass":
        wanted, lost = remove_rigid(wanted, ca, residues.mask), 6
    return Noised(residues, ca, noise, torch.full((1,), level, device=device), sigma, wanted, lost)


def denoising_error(module: nn.Module, config: ScoreConfig, given: Noised) -> Tensor:
    """How much of the noise a network leaves, as `normalised_error` has it."""
    residues, sigma = given.residues, given.sigma.expand(len(given.ca))
    if config.gradient == "reference-code":
        found = given.sigma * _window_gradient(module, given)
    else:
        pair, _ = module(residues, residues, distances(given.ca, given.ca), given.level)
        found = given.sigma * coordinate_gradient(pair, given.ca, residues.mask, sigma, config.gradient)
    return normalised_error(found, given.wanted, residues, lost=given.lost)


def _window_gradient(module: nn.Module, given: Noised) -> Float[Tensor, "B L 3"]:
    """The public code's tile: the first half of the crop against the second, each told the whole gradient."""
    half = given.residues.mask.shape[1] // 2
    row, column = given.residues[:, :half], given.residues[:, half:]
    here, there = given.ca[:, :half], given.ca[:, half:]
    pair, _ = module(row, column, distances(here, there), given.level)
    kept = pair * (row.mask[:, :, None] & column.mask[:, None])[..., None]
    return torch.cat(window_gradient(kept, here, there, given.sigma.expand(len(given.ca))), dim=1)


@torch.no_grad()
def channel_statistics(network: ScoreNetwork, pool: ChainPool, *, chains: int = 16, longest: int = 128) -> ScoreVectors:
    """Mean and spread of each channel of the embeddings at each level, over undisturbed parts of training chains."""
    rng = np.random.default_rng(0)
    crops = [pool.draw(rng, 1, size=longest, segments=1) for _ in range(chains)]
    means, spreads = [], []
    for level in range(len(network.config.noise.sigma)):
        maps = [
            network(crop.residues, crop.residues, distances(crop.ca, crop.ca), torch.tensor([level]))[1].flatten(0, 2)
            for crop in crops
        ]
        channels = torch.cat(maps)
        means.append(channels.mean(dim=0))
        spreads.append(channels.std(dim=0) + 1e-6)
    return ScoreVectors(torch.stack(means), torch.stack(spreads))


def normalised_error(
    gradient: Float[Tensor, "B L 3"], wanted: Float[Tensor, "B L 3"], residues: ResidueWindow, *, lost: int
) -> Tensor:
    """Mean over maps of |gradient - wanted|^2 / (3 L - lost): 1 if the gradient is 0 and the wanted unit Gaussian.

    `lost` is the number of components that were projected out of `wanted`.
    """
    square = ((gradient - wanted).square().sum(-1) * residues.mask).sum(1)
    return (square / (3 * residues.mask.sum(1) - lost)).mean()
