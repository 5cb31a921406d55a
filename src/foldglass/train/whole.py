"""First stage of a Siamese run: the whole-protein branch alone, on random pairs.

One vector per protein goes in, so a step of 512 pairs costs milliseconds; after some minutes the branch knows most of
what its input can tell, and the transformer learns the rest from there.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn

from foldglass.models.siamese import WholeBranch
from foldglass.train.data import PairData
from foldglass.train.losses import global_loss, relation_loss
from foldglass.train.recipe import LoopConfig, Recipe, WholeConfig
from foldglass.train.siamese import Teacher, predicted_tm, wanted_cosine
from foldglass.train.splits import TRAIN, VALIDATION


class WholeTask:
    """Train a tower's whole-protein branch on labelled pairs, and on a teacher's similarities if there is one.

    `describe` gives the branch's input for a protein of the data.
    """

    primary = "tm_mae"

    def __init__(
        self,
        recipe: Recipe,
        data: PairData,
        branch: WholeBranch,
        describe: Callable[[int], Tensor],
        teacher: Teacher | None = None,
    ) -> None:
        assert recipe.whole is not None
        self.config: WholeConfig = recipe.whole
        self.recipe, self.data, self.teacher = recipe, data, teacher
        self._branch = branch
        rows = [data.splits["train"], data.splits["validation"]]
        self._wanted = np.unique(np.concatenate([data.query[np.concatenate(rows)], data.target[np.concatenate(rows)]]))
        vectors = torch.stack([describe(i)[: len(branch.mean)] for i in self._wanted.tolist()])
        self._whole = torch.zeros(len(data.structures), vectors.shape[1])
        self._whole[self._wanted] = vectors
        self._branch.fit(self._whole[self._wanted[data.roles[self._wanted] == TRAIN]])

    @property
    def module(self) -> nn.Module:
        """The branch."""
        return self._branch

    @property
    def loop(self) -> LoopConfig:
        """The recipe's loop with this stage's steps and rates."""
        own = self.config
        every = max(1, own.steps // 8)
        return replace(
            self.recipe.loop,
            steps=own.steps,
            lr=own.lr,
            weight_decay=own.weight_decay,
            warmup=min(50, own.steps // 10),
            validate_every=every,
            log_every=min(100, every),
        )

    def loss(self, module: nn.Module, step: int) -> tuple[Tensor, dict[str, float]]:
        """Error of the cosine on random labelled pairs, and on all pairs of some proteins with a teacher."""
        rng = np.random.default_rng((self.recipe.loop.seed, step, 2))
        rows = rng.choice(self.data.splits["train"], self.config.pairs)
        query, target = self._embed(module, self.data.query[rows]), self._embed(module, self.data.target[rows])
        wanted = torch.from_numpy(wanted_cosine(self.data.tm[rows], self.recipe)).to(query.device)
        parts = {"global": global_loss((query * target).sum(-1), wanted)}
        if self.teacher:
            known = self.teacher.protein[self.data.query[rows]].to(query.device)
            apart = torch.from_numpy(self.data.query[rows][:, None] != self.data.query[rows]).to(query.device)
            parts["relation"] = self.recipe.loss.relation * relation_loss(query, known, apart)
        return torch.stack(list(parts.values())).sum(), {name: value.item() for name, value in parts.items()}

    def validate(self, module: nn.Module) -> dict[str, float]:
        """Mean absolute error and correlation of the TM-score on the validation pairs.

        `tm_mae_new` is the error where neither protein was trained on; most of the other pairs are unrelated.
        """
        rows = self.data.splits["validation"]
        query, target = self._embed(module, self.data.query[rows]), self._embed(module, self.data.target[rows])
        cosine, tm = (query * target).sum(-1).cpu().numpy(), self.data.tm[rows]
        error = np.abs(predicted_tm(cosine, self.recipe) - tm)
        roles = self.data.roles[np.stack([self.data.query[rows], self.data.target[rows]])]
        new = error[(roles == VALIDATION).all(axis=0)]
        return {
            "tm_mae": float(error.mean()),
            "tm_mae_new": float(new.mean()) if len(new) else float("nan"),
            "tm_r": float(np.corrcoef(cosine, tm)[0, 1]),
        }

    def _embed(self, module: nn.Module, proteins: np.ndarray) -> Tensor:
        """Unit vectors of proteins, from noisy input in training."""
        device = next(module.parameters()).device
        whole = self._whole[proteins].to(device)
        if module.training:
            whole = whole + self.config.noise * self._branch.spread * torch.randn_like(whole)
        return nn.functional.normalize(module(whole), dim=-1)
