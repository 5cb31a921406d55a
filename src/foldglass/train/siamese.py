"""The Siamese task: towers trained into one space on labelled pairs.

Each protein of a batch is embedded once by every tower and all labelled pairs among them are used, within a tower and
across towers. A tower of a teacher model stays fixed: its vectors are targets for the towers in training.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from foldglass.constants import GLASS_EXPONENT
from foldglass.encoders.builtin import MASK_TOKEN
from foldglass.metrics.lddt import lddt
from foldglass.models.tower import Inputs, Tower
from foldglass.protein import Structure
from foldglass.train.data import PairData
from foldglass.train.losses import (
    agreement_loss,
    alignment_loss,
    glass_loss,
    global_loss,
    local_loss,
    relation_loss,
)
from foldglass.train.recipe import Recipe
from foldglass.train.sampling import Batch, PairSampler

TOKENS_AT_ONCE = 2048
"""Residues per padded batch: the pair maps of a batch then stay near the processor's cache."""

Vectors = tuple[list[Tensor], Tensor]
"""Residue vectors of each protein of a batch and their protein vectors."""


@dataclass(frozen=True, eq=False)
class Teacher:
    """Fixed vectors of every protein, from an already trained tower."""

    kind: str
    residue: list[Float[Tensor, "_ D"]]
    protein: Float[Tensor, "N D"]

    def vectors(self, proteins: np.ndarray) -> Vectors:
        """Vectors of some proteins, in single precision."""
        return [self.residue[i].float() for i in proteins.tolist()], self.protein[proteins]


class Towers(nn.ModuleDict):
    """The towers in training; one call embeds the batch with each of them."""

    def forward(self, inputs: dict[str, list[Inputs]]) -> dict[str, Vectors]:
        """Vectors by kind of tower."""
        return {kind: self[kind](own, tokens=TOKENS_AT_ONCE) for kind, own in inputs.items()}


class SiameseTask:
    """Train towers on the labelled pairs of a `PairData`."""

    primary = "tm_mae"

    def __init__(
        self, recipe: Recipe, data: PairData, towers: dict[str, Tower], teacher: Teacher | None = None
    ) -> None:
        self.recipe, self.data, self.teacher = recipe, data, teacher
        self.towers = Towers(towers)
        self._glass: dict[int, np.ndarray] = {}
        lengths = np.array([len(structure) for structure in data.structures])
        rows = data.splits["train"]
        rows = rows[np.maximum(lengths[data.query[rows]], lengths[data.target[rows]]) <= recipe.pairs.longest]
        rows = rows[: recipe.pairs.limit or None]
        self.sampler = PairSampler(
            data.query,
            data.target,
            rows,
            proteins=recipe.pairs.proteins,
            partners=recipe.pairs.partners,
            seed=recipe.loop.seed,
        )
        self._inputs: dict[tuple[str, int], Inputs] = {}
        self._validation = data.splits["validation"][: recipe.pairs.validation]

    @property
    def module(self) -> nn.Module:
        """The towers."""
        return self.towers

    def loss(self, module: nn.Module, step: int) -> tuple[Tensor, dict[str, float]]:
        """The loss of the batch of a step, and its parts."""
        batch = self.sampler.batch(step)
        rng = np.random.default_rng((self.recipe.loop.seed, step, 1))
        inputs = {kind: [self.inputs(kind, i, rng) for i in batch.proteins.tolist()] for kind in self.towers}
        vectors: dict[str, Vectors] = module(inputs)
        if self.teacher:
            vectors = {**vectors, self.teacher.kind: self.teacher.vectors(batch.proteins)}
        parts = self._glass_parts(vectors, batch) if self.recipe.loss.kind == "glass" else self._parts(vectors, batch)
        total = torch.stack(list(parts.values())).sum()
        return total, {name: value.item() for name, value in parts.items()}

    def validate(self, module: nn.Module) -> dict[str, float]:
        """Mean absolute error and correlation of the cosine with the TM-score, and the local error, by tower."""
        rows = self._validation
        proteins, inverse = np.unique(
            np.concatenate([self.data.query[rows], self.data.target[rows]]), return_inverse=True
        )
        query, target = inverse.reshape(2, -1)
        tm = self.data.tm[rows]
        figures: dict[str, float] = {}
        for kind in self.towers:
            residue: list[Tensor] = []
            protein: list[Tensor] = []
            for start in range(0, len(proteins), 256):
                part = proteins[start : start + 256].tolist()
                own_residue, own_protein = module({kind: [self.inputs(kind, i) for i in part]})[kind]
                residue += [r.half() for r in own_residue]
                protein.append(own_protein.float())
            vectors = torch.cat(protein)
            cosine = (vectors[query] * vectors[target]).sum(-1).cpu().numpy()
            errors = []
            for near in np.flatnonzero(tm >= self.recipe.loss.tm_local).tolist():
                aligned = torch.from_numpy(self.data.alignment(int(rows[near])))
                first = residue[query[near]][aligned[:, 0]].float()
                second = residue[target[near]][aligned[:, 1]].float()
                error = (first * second).sum(-1).cpu() - torch.from_numpy(self.local_score(int(rows[near])))
                errors.append(error.abs().numpy())
            figures |= {
                f"{kind}_tm_mae": float(np.abs(predicted_tm(cosine, self.recipe) - tm).mean()),
                f"{kind}_tm_r": float(np.corrcoef(cosine, tm)[0, 1]),
                f"{kind}_local_mae": float(np.nanmean(np.concatenate(errors))) if errors else float("nan"),
            }
        figures["tm_mae"] = float(np.mean([figures[f"{kind}_tm_mae"] for kind in self.towers]))
        return figures

    def local_score(self, row: int) -> Float[np.ndarray, " M"]:
        """True `glass` lDDT of the aligned query residues of a pair; NaN where a residue has no neighbour."""
        if row not in self._glass:
            aligned = self.data.alignment(row)
            query, target = self.data.structures[self.data.query[row]], self.data.structures[self.data.target[row]]
            score = lddt(query.ca[aligned[:, 0]], target.ca[aligned[:, 1]], exponent=GLASS_EXPONENT)
            self._glass[row] = score.astype(np.float32)
        return self._glass[row]

    def inputs(self, kind: str, index: int, rng: np.random.Generator | None = None) -> Inputs:
        """Inputs of one protein; in training with fresh coordinate noise, or with some letters hidden."""
        structure = self.data.structures[index]
        if kind == "structure" and rng is not None and self.recipe.pairs.noise > 0:
            noise = rng.normal(scale=self.recipe.pairs.noise * rng.random(), size=structure.ca.shape)
            noisy: Structure = replace(structure, ca=(structure.ca + noise).astype(np.float32))
            return self.tower(kind).front.inputs(noisy)
        if (kind, index) not in self._inputs:
            self._inputs[kind, index] = self.tower(kind).front.inputs(structure)
        inputs = self._inputs[kind, index]
        if kind == "sequence" and rng is not None and self.recipe.encoder == "builtin" and self.recipe.pairs.hidden > 0:
            unseen = torch.from_numpy(rng.random(len(structure)) < self.recipe.pairs.hidden)
            return replace(inputs, residues=(inputs.residues[0].masked_fill(unseen, MASK_TOKEN),))
        return inputs

    def tower(self, kind: str) -> Tower:
        """A tower in training."""
        tower = self.towers[kind]
        assert isinstance(tower, Tower)
        return tower

    def _pairings(self, vectors: dict[str, Vectors]) -> list[tuple[Vectors, Vectors]]:
        """Every (query, target) pairing of towers in which at least one is in training."""
        kinds = list(vectors)
        fixed = self.teacher.kind if self.teacher else None
        return [
            (vectors[a], vectors[b]) for i, a in enumerate(kinds) for b in kinds[i:] if not (a == fixed and b == fixed)
        ]

    def _local_pairs(
        self, query: Vectors, target: Vectors, batch: Batch, near: Bool[np.ndarray, " M"]
    ) -> dict[int, tuple[Tensor, Tensor]]:
        """Cosine and true local score of the aligned residues of the pairs that are `near`, by place in the batch."""
        pairs = {}
        for m in np.flatnonzero(near).tolist():
            aligned = torch.from_numpy(self.data.alignment(int(batch.rows[m])))
            truth = torch.from_numpy(self.local_score(int(batch.rows[m])))
            known = ~truth.isnan()
            first = query[0][batch.query[m]][aligned[known, 0]]
            second = target[0][batch.target[m]][aligned[known, 1]]
            pairs[m] = ((first * second).sum(-1), truth[known].to(first.device))
        return pairs

    def _cosine(self, query: Vectors, target: Vectors, batch: Batch) -> Tensor:
        return (query[1][batch.query] * target[1][batch.target]).sum(-1)

    def _glass_parts(self, vectors: dict[str, Vectors], batch: Batch) -> dict[str, Tensor]:
        """The published loss, averaged over the pairings of towers."""
        threshold = self.recipe.loss.tm_local
        score = self.data.tm_query[batch.rows]  # the papers' target is the query's side
        tm = torch.from_numpy(score)
        losses = []
        for query, target in self._pairings(vectors):
            local = self._local_pairs(query, target, batch, score >= threshold)
            cosine = self._cosine(query, target, batch)
            listed = [local.get(m) for m in range(len(batch.rows))]
            losses.append(glass_loss(cosine, tm.to(cosine.device), listed, tm_local=threshold))
        return {"glass": torch.stack(losses).mean()}

    def _parts(self, vectors: dict[str, Vectors], batch: Batch) -> dict[str, Tensor]:
        """Our loss: global, local and alignment terms of every pairing, and the teacher's terms."""
        weights = self.recipe.loss
        wanted = torch.from_numpy(wanted_cosine(self.data.tm[batch.rows], self.recipe))
        pairings = self._pairings(vectors)
        terms: dict[str, list[Tensor]] = {"global": [], "local": [], "alignment": []}
        for query, target in pairings:
            cosine = self._cosine(query, target, batch)
            terms["global"].append(global_loss(cosine, wanted.to(cosine.device)))
            local = self._local_pairs(query, target, batch, self.data.tm[batch.rows] >= weights.tm_local)
            if local:
                predicted = torch.cat([pair[0] for pair in local.values()])
                truth = torch.cat([pair[1] for pair in local.values()])
                terms["local"].append(weights.local * local_loss(predicted, truth))
            related = np.flatnonzero(self.data.tm[batch.rows] >= weights.tm_alignment)
            for m in related[:24].tolist():
                aligned = torch.from_numpy(self.data.alignment(int(batch.rows[m]))).to(cosine.device)
                loss = alignment_loss(query[0][batch.query[m]], target[0][batch.target[m]], aligned)
                terms["alignment"].append(weights.alignment * loss)
        parts = {name: torch.stack(values).mean() for name, values in terms.items() if values}
        if self.teacher:
            parts |= self._teacher_parts(vectors, self.teacher.kind)
        return parts

    def _teacher_parts(self, vectors: dict[str, Vectors], fixed: str) -> dict[str, Tensor]:
        """Agreement with the teacher's vectors and with its similarities of all pairs in the batch."""
        weights = self.recipe.loss
        residue, protein = vectors[fixed]
        apart = ~torch.eye(len(protein), dtype=torch.bool, device=protein.device)
        students = [own for kind, own in vectors.items() if kind != fixed]
        return {
            "agreement": weights.agreement
            * torch.stack([agreement_loss(torch.cat(own[0]), torch.cat(residue)) for own in students]).mean(),
            "relation": weights.relation
            * torch.stack([relation_loss(own[1], protein, apart) for own in students]).mean(),
        }


def wanted_cosine(tm: Float[np.ndarray, " M"], recipe: Recipe) -> Float[np.ndarray, " M"]:
    """Cosine asked of pairs: the TM-score itself for the published loss, stretched from `tm_floor` for ours."""
    floor = _floor(recipe)
    return (tm - floor) / (1.0 - floor)


def predicted_tm(cosine: Float[np.ndarray, " M"], recipe: Recipe) -> Float[np.ndarray, " M"]:
    """TM-score that a cosine stands for before calibration: the inverse of `wanted_cosine`."""
    floor = _floor(recipe)
    return floor + (1.0 - floor) * cosine


def _floor(recipe: Recipe) -> float:
    return 0.0 if recipe.loss.kind == "glass" else recipe.loss.tm_floor


def embed_all(
    tower: Tower,
    structures: list[Structure],
    *,
    wanted: Int[np.ndarray, " W"],
    progress: Callable[[int], None] | None = None,
) -> Teacher:
    """Fixed vectors of the wanted structures, residues in half precision; the others get zeros."""
    dim = tower.network.config.output
    residue: list[Tensor] = [torch.zeros(0, dim, dtype=torch.float16)] * len(structures)
    protein = torch.zeros(len(structures), dim)
    tower.eval()
    with torch.no_grad():
        for start in range(0, len(wanted), 256):
            part = wanted[start : start + 256].tolist()
            own_residue, protein[part] = tower([tower.front.inputs(structures[i]) for i in part], tokens=TOKENS_AT_ONCE)
            for i, vectors in zip(part, own_residue, strict=True):
                residue[i] = vectors.half()
            if progress:
                progress(start + len(part))
    return Teacher(tower.kind, residue, protein)
