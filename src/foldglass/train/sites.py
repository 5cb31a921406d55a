"""Train networks that tell interaction sites: binary cross-entropy over the residues of some chains per step."""

from collections.abc import Sequence as List
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Bool, Float64, Int
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from foldglass.metrics.binary import average_precision
from foldglass.train.recipe import SitesTrainConfig


@runtime_checkable
class Examples(Protocol):
    """Chains in the form that a network reads."""

    def __len__(self) -> int: ...

    def batch(self, chains: List[int]) -> Any:
        """What the network is called with; it gives the residues of the chains in that order."""
        ...

    def labels(self, chain: int) -> Bool[np.ndarray, " L"]:
        """Which residues of a chain touch a partner."""
        ...


class SitesTask:
    """One network on some chains, watched on others.

    Parameters
    ----------
    network
        Takes what `examples.batch` gives and returns one logit per residue.
    training, validation
        Chains of the examples.
    """

    primary = "loss"

    def __init__(
        self,
        network: nn.Module,
        examples: Examples,
        *,
        config: SitesTrainConfig,
        training: Int[np.ndarray, " T"],
        validation: Int[np.ndarray, " V"],
        seed: int,
    ) -> None:
        self.network, self.examples, self.config = network, examples, config
        self.training, self.validation, self.seed = training, validation.tolist(), seed
        self._groups: tuple[int, list[list[int]]] = (-1, [])

    @property
    def module(self) -> nn.Module:
        """The network."""
        return self.network

    def loss(self, module: nn.Module, step: int) -> tuple[Tensor, dict[str, float]]:
        """Cross-entropy of the chains of a step; every chain comes once before any comes again."""
        chains = self._chains(step)
        labels = torch.from_numpy(np.concatenate([self.examples.labels(i) for i in chains]).astype(np.float32))
        return binary_cross_entropy_with_logits(module(self.examples.batch(chains)), labels), {}

    def validate(self, module: nn.Module) -> dict[str, float]:
        """Cross-entropy and 1 - area under the precision-recall curve, over all residues of the validation chains."""
        probability = predict(module, self.examples, self.validation)
        positive = np.concatenate([self.examples.labels(i) for i in self.validation])
        chance = np.clip(np.where(positive, probability, 1 - probability), 1e-7, None)
        return {"loss": float(-np.log(chance).mean()), "auprc": average_precision(probability, positive)}

    def _chains(self, step: int) -> list[int]:
        """Chains of a step: those of a pass are shuffled and cut into groups of about `residues`."""
        pass_number = 0
        while True:
            groups = self._pass(pass_number)
            if step < len(groups):
                return groups[step]
            step -= len(groups)
            pass_number += 1

    def _pass(self, number: int) -> list[list[int]]:
        if self._groups[0] != number:
            order = np.random.default_rng((self.seed, number)).permutation(self.training).tolist()
            groups: list[list[int]] = [[]]
            held = 0
            for chain in order:
                if held >= self.config.residues:
                    groups.append([])
                    held = 0
                groups[-1].append(chain)
                held += len(self.examples.labels(chain))
            self._groups = number, groups
        return self._groups[1]


@torch.no_grad()
def predict(module: nn.Module, examples: Examples, chains: List[int]) -> Float64[np.ndarray, " R"]:
    """Probabilities of the residues of chains, one chain after another."""
    parts = [module(examples.batch([chain])).double().sigmoid().cpu().numpy() for chain in chains]
    return np.concatenate(parts)
