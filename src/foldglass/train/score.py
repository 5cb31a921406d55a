"""Pre-training by denoising score matching: the network says which way each residue was moved.

Source: Guo et al. 2022, Eq. 4 and 5. The loss is scaled so that predicting nothing scores 1.
"""

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from foldglass.models.gradient import coordinate_gradient, remove_rigid, window_gradient
from foldglass.models.pair_input import ResidueWindow, distances
from foldglass.models.score import ScoreNetwork
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
        device = next(module.parameters()).device
        sigma = self.sigma[level : level + 1].to(device)
        residues = ResidueWindow(*(t.to(device) for t in vars(crop.residues).values()))
        moved = torch.from_numpy(rng.normal(size=crop.ca.shape).astype(np.float32)).to(device)
        noisy = crop.ca.to(device) + sigma * moved
        chosen = torch.full((1,), level, device=device)
        if self.network.config.gradient == "reference-code":
            return self._window_error(module, residues, noisy, -moved, chosen, sigma)
        pair, _ = module(residues, residues, distances(noisy, noisy), chosen)
        gradient = coordinate_gradient(
            pair, noisy, residues.mask, sigma.expand(len(noisy)), self.network.config.gradient
        )
        wanted, lost = -moved, 0
        if self.network.config.gradient == "foldglass":
            wanted, lost = remove_rigid(wanted, noisy, residues.mask), 6
        return normalised_error(sigma * gradient, wanted, residues, lost=lost)

    def _window_error(
        self,
        module: nn.Module,
        residues: ResidueWindow,
        noisy: Float[Tensor, "B L 3"],
        wanted: Float[Tensor, "B L 3"],
        level: Int[Tensor, " 1"],
        sigma: Float[Tensor, " 1"],
    ) -> Tensor:
        """The public code's tile: the first half of the crop against the second, each told the whole gradient."""
        half = residues.mask.shape[1] // 2
        row, column = residues[:, :half], residues[:, half:]
        pair, _ = module(row, column, distances(noisy[:, :half], noisy[:, half:]), level)
        kept = pair * (row.mask[:, :, None] & column.mask[:, None])[..., None]
        parts = window_gradient(kept, noisy[:, :half], noisy[:, half:], sigma.expand(len(noisy)))
        return normalised_error(sigma * torch.cat(parts, dim=1), wanted, residues, lost=0)


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
