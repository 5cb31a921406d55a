"""Pre-training of the built-in sequence encoder: predict masked residues."""

from pathlib import Path

import numpy as np
import polars as pl
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from foldglass.constants import AMINO_ACIDS
from foldglass.encoders.builtin import MASK_TOKEN, MaskedResidueModel, SequenceEncoder, tokenize
from foldglass.errors import InputError, NotFoundError
from foldglass.train.recipe import PretrainConfig, Recipe
from foldglass.train.splits import fraction


class PretrainTask:
    """Crops of random sequences with 15 % of the residues hidden (80 % masked, 10 % replaced, 10 % kept)."""

    primary = "loss"

    def __init__(self, recipe: Recipe, *, held_out: frozenset[str] = frozenset()) -> None:
        assert recipe.pretrain is not None
        self.config: PretrainConfig = recipe.pretrain
        self._module = MaskedResidueModel(SequenceEncoder(recipe.sequence))
        self.seed = recipe.loop.seed
        letters = read_letters([Path(name) for name in self.config.sequences])
        kept = [s for s in letters if s not in held_out]
        validating = [fraction(s, seed=self.seed) < self.config.validation / len(kept) for s in kept]
        self._train = [tokenize(s) for s, held in zip(kept, validating, strict=True) if not held]
        self._validation = [tokenize(s) for s, held in zip(kept, validating, strict=True) if held]
        if not self._train or not self._validation:
            raise InputError(
                "pre-training sequences",
                got=f"{len(self._train)} to train on and {len(self._validation)} to validate on",
                expected="some of both",
                remedy="give more sequences or change `validation`",
            )

    @property
    def module(self) -> nn.Module:
        """The encoder and its output layer."""
        return self._module

    def loss(self, module: nn.Module, step: int) -> tuple[Tensor, dict[str, float]]:
        """Cross-entropy at the hidden residues of a batch, in nats."""
        rng = np.random.default_rng((self.seed, step))
        return self._loss(module, self._batch(self._train, rng), rng)

    def validate(self, module: nn.Module) -> dict[str, float]:
        """Cross-entropy and accuracy on held-out sequences, always with the same crops and masks."""
        rng = np.random.default_rng(0)
        results = [self._loss(module, self._batch(self._validation, rng), rng) for _ in range(8)]
        return {
            "loss": float(np.mean([loss.item() for loss, _ in results])),
            "accuracy": float(np.mean([parts["accuracy"] for _, parts in results])),
        }

    def _batch(self, pool: list[np.ndarray], rng: np.random.Generator) -> list[np.ndarray]:
        crops: list[np.ndarray] = []
        while sum(map(len, crops)) < self.config.tokens - self.config.crop:
            whole = pool[rng.integers(len(pool))]
            start = rng.integers(max(1, len(whole) - self.config.crop + 1))
            crops.append(whole[start : start + self.config.crop])
        return crops

    def _loss(
        self, module: nn.Module, crops: list[np.ndarray], rng: np.random.Generator
    ) -> tuple[Tensor, dict[str, float]]:
        length = max(map(len, crops))
        truth = np.stack([np.pad(crop, (0, length - len(crop)), constant_values=-1) for crop in crops])
        known = (truth >= 0) & (truth < len(AMINO_ACIDS))
        hidden = known & (rng.random(truth.shape) < self.config.masked)
        shown = np.where(truth < 0, 0, truth)
        how = rng.random(truth.shape)
        shown[hidden & (how < 0.8)] = MASK_TOKEN
        replaced = hidden & (how >= 0.8) & (how < 0.9)
        shown[replaced] = rng.integers(len(AMINO_ACIDS), size=int(replaced.sum()))
        device = next(module.parameters()).device
        tokens, mask, where = (torch.from_numpy(a).to(device) for a in (shown, truth >= 0, hidden))
        logits = module(tokens, mask, where)
        answer = torch.from_numpy(truth[hidden]).to(device)
        return F.cross_entropy(logits, answer), {"accuracy": (logits.argmax(-1) == answer).float().mean().item()}


def read_letters(tables: list[Path]) -> list[str]:
    """Distinct sequences of Parquet tables with a column `sequence`, in a fixed order."""
    for table in tables:
        if not table.is_file():
            raise NotFoundError(str(table), got="no such table", expected="a Parquet table with a column 'sequence'")
    columns = [pl.read_parquet(table, columns=["sequence"]) for table in tables]
    return pl.concat(columns)["sequence"].unique().sort().to_list()
