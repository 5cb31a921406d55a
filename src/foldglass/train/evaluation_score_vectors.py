"""The vectors that a score network's report compares: the network's at several levels, and what needs no training."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float

from foldglass.models.pair_input import distance_encoding, distances
from foldglass.models.score import ScoreNetwork
from foldglass.models.score_model import ScoreModel, ScoreVectors
from foldglass.protein import Structure

FINE, COARSE = 0.25, 4.0
"""Further noise levels in angstrom; the nearest ones that the network has are taken."""


@dataclass(frozen=True)
class VectorKind:
    """Where vectors come from."""

    key: str
    title: str
    is_baseline: bool


class Describer:
    """Residue vectors of every kind for one structure after the other."""

    def __init__(self, model: ScoreModel) -> None:
        self._model, self._random = model, untrained(model)
        fine, own, coarse = (nearest(model, sigma) for sigma in (FINE, model.sigma, COARSE))
        self._levels = {"own": own, "fine": fine, "coarse": coarse}
        self.kinds = (
            VectorKind("own", f"at {own:.2g} Å, the model's level", False),
            VectorKind("coarse", f"at {coarse:.2g} Å", False),
            VectorKind("several", f"at {fine:.2g}, {own:.2g} and {coarse:.2g} Å together", False),
            VectorKind("random", "the same network, random weights", True),
            VectorKind("raw", "soft histogram of distances", True),
        )

    def __call__(self, structure: Structure) -> dict[str, Float[np.ndarray, "L D"]]:
        """Residue vectors by the key of their kind; each kind has its own number of channels."""
        at = {key: _residue(self._model, structure, sigma) for key, sigma in self._levels.items()}
        return {
            "own": at["own"],
            "coarse": at["coarse"],
            "several": np.concatenate([at["fine"], at["own"], at["coarse"]], axis=1),
            "random": _residue(self._random, structure, self._levels["own"]),
            "raw": raw_distances(structure).mean(axis=1),
        }


def nearest(model: ScoreModel, sigma: float) -> float:
    """The network's level nearest to a standard deviation in angstrom."""
    return float(model.noise.sigma[model.noise.nearest(sigma)])


def untrained(model: ScoreModel) -> ScoreModel:
    """The same network with random weights; the last map of each branch, which begins at 0, is random too."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = ScoreNetwork(model.network.config)
        for name, value in network.named_parameters():
            if name.endswith("up.weight"):
                torch.nn.init.normal_(value, 0.0, 0.1)
    ones = torch.ones_like(model.statistics.spread)
    return ScoreModel(network, sigma=model.sigma, statistics=ScoreVectors(torch.zeros_like(ones), ones))


def raw_distances(structure: Structure) -> Float[np.ndarray, "L L 61"]:
    """The network's own encoding of each distance, before anything is learned."""
    x = torch.tensor(structure.ca)[None]
    return distance_encoding(distances(x, x)[0]).numpy()


def _residue(model: ScoreModel, structure: Structure, sigma: float) -> Float[np.ndarray, "L D"]:
    return model.embed([structure], sigma=sigma, pair=False)[0].residue
