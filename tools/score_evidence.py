"""Do the embeddings of a score network carry structure? Probes and retrieval on held-out superfamilies.

    python tools/score_evidence.py MODEL DATA -o evidence.json [--chains 150]

Linear probes from residue vectors (fitted on training chains, ridge strength chosen on validation chains, judged on
held-out superfamilies), nearest-neighbour retrieval and rank correlation with TM-score from protein vectors. Every
figure stands next to the same network with random weights and to the raw soft histogram of distances.
"""

import argparse
import json
from collections.abc import Callable
from pathlib import Path

import biotite.structure as struc
import numpy as np
import polars as pl
import torch
from scipy.stats import spearmanr

from foldglass.models.pair_input import distance_encoding
from foldglass.models.score import ScoreNetwork
from foldglass.models.score_model import ScoreModel, ScoreVectors, load_score_model
from foldglass.protein import Structure
from foldglass.train.data import PairData, load_pair_data
from foldglass.train.splits import SUPERFAMILY, TRAIN, VALIDATION

LONGEST = 250
RIDGE = (1e-2, 1.0, 1e2, 1e4)
Describe = Callable[[Structure], np.ndarray]
"""Residue vectors (L, D) of a structure."""


def targets(structure: Structure) -> dict[str, np.ndarray]:
    """What the probes predict: P-SEA classes, neighbours within 10 A, and those of them on the side chain's side."""
    atoms = struc.AtomArray(len(structure))
    atoms.coord = structure.ca
    atoms.atom_name[:] = "CA"
    atoms.res_name[:] = "ALA"
    atoms.res_id[:] = np.arange(len(structure))
    classes = struc.annotate_sse(atoms)
    between = structure.ca[None] - structure.ca[:, None]
    distance = np.linalg.norm(between, axis=-1)
    near = (distance < 10.0) & (distance > 0)
    bisector = np.zeros_like(structure.ca)
    bisector[1:-1] = 2 * structure.ca[1:-1] - structure.ca[:-2] - structure.ca[2:]
    side = np.einsum("ijk,ik->ij", between, bisector) > 0
    return {
        "secondary structure": np.stack([classes == name for name in "abc"], axis=1).astype(float),
        "contact number": near.sum(1, keepdims=True).astype(float),
        "half-sphere exposure": (near & side).sum(1, keepdims=True).astype(float),
    }


def probe(vectors: dict[str, list[np.ndarray]], truth: dict[str, list[np.ndarray]]) -> float:
    """Accuracy of classes, or R2 of a number, on the test chains."""
    x = {role: np.concatenate(parts) for role, parts in vectors.items()}
    y = {role: np.concatenate(parts) for role, parts in truth.items()}
    mean, spread = x["train"].mean(0), x["train"].std(0) + 1e-6
    scaled = {
        role: np.clip((value - mean) / spread, -10, 10) for role, value in x.items()
    }  # some bins are nearly empty
    x = {role: np.c_[value, np.ones(len(value))] for role, value in scaled.items()}
    gram, right = x["train"].T @ x["train"], x["train"].T @ y["train"]
    solutions = [np.linalg.solve(gram + ridge * np.eye(len(gram)), right) for ridge in RIDGE]
    best = max(solutions, key=lambda w: quality(x["validation"] @ w, y["validation"]))
    return quality(x["test"] @ best, y["test"])


def quality(predicted: np.ndarray, truth: np.ndarray) -> float:
    """Accuracy for several columns, R2 for one."""
    if truth.shape[1] > 1:
        return float((predicted.argmax(1) == truth.argmax(1)).mean())
    return float(1 - ((predicted - truth) ** 2).sum() / ((truth - truth.mean()) ** 2).sum())


def retrieval(vectors: np.ndarray, labels: list[str]) -> float:
    """Share of the chains with a relative whose nearest neighbour is one."""
    similarity = vectors @ vectors.T
    np.fill_diagonal(similarity, -np.inf)
    names = np.array(labels)
    nearest = names[similarity.argmax(1)] == names
    has = np.array([(names == name).sum() > 1 for name in names])
    return float(nearest[has].mean())


def unit(vectors: np.ndarray, mean: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """Standardised by training proteins, to length one."""
    z = (vectors - mean) / (spread + 1e-6)
    out: np.ndarray = z / np.linalg.norm(z, axis=1, keepdims=True)
    return out


def describers(model: ScoreModel) -> dict[str, Describe]:
    """Residue vectors by name: the model at one level and at three, random weights, the raw encoding."""
    torch.manual_seed(0)
    network = ScoreNetwork(model.network.config)
    for name, value in network.named_parameters():
        if name.endswith("up.weight"):
            torch.nn.init.normal_(value, 0.0, 0.1)
    ones = torch.ones_like(model.statistics.spread)
    random = ScoreModel(network, sigma=model.sigma, statistics=ScoreVectors(torch.zeros_like(ones), ones))

    def residue(of: ScoreModel, *levels: float) -> Describe:
        return lambda s: np.concatenate([of.embed([s], sigma=v, pair=False)[0].residue for v in levels], axis=1)

    def raw(structure: Structure) -> np.ndarray:
        ca = torch.tensor(structure.ca)
        return distance_encoding(torch.cdist(ca, ca)).mean(dim=1).numpy()

    single = {f"score, {level:g} A": residue(model, level) for level in (0.25, 1.0, 4.0)}
    return {
        **single,
        "score, 0.25 + 1 + 4 A": residue(model, 0.25, 1.0, 4.0),
        "random weights": residue(random, 1.0),
        "raw distance encoding": raw,
    }


def evidence(model: ScoreModel, data: PairData, folder: Path, chains: int) -> dict[str, dict[str, float]]:
    """All figures by describer."""
    rng = np.random.default_rng(0)
    short = np.array([LONGEST >= len(s) >= 40 for s in data.structures])
    chosen = {
        name: rng.permutation(np.flatnonzero((data.roles == role) & short))[:chains]
        for name, role in {"train": TRAIN, "validation": VALIDATION, "test": SUPERFAMILY}.items()
    }
    table = pl.read_parquet(folder / "structures.parquet", columns=["id", "superfamily_group", "fold_group"])
    groups = {row[0]: row[1:] for row in table.iter_rows()}
    rows = data.splits["superfamily"]
    rows = rows[short[data.query[rows]] & short[data.target[rows]]][: 6 * chains]
    paired = np.unique(np.concatenate([data.query[rows], data.target[rows]]))
    names = ("secondary structure", "contact number", "half-sphere exposure")
    truth = {role: [targets(data.structures[i]) for i in own] for role, own in chosen.items()}
    results: dict[str, dict[str, float]] = {}
    for label, describe in describers(model).items():
        vectors = {role: [describe(data.structures[i]) for i in own] for role, own in chosen.items()}
        figures = {
            f"{name} ({'accuracy' if 'structure' in name else 'R2'})": probe(
                vectors, {role: [own[name] for own in parts] for role, parts in truth.items()}
            )
            for name in names
        }
        trained = np.stack([v.mean(0) for v in vectors["train"]])
        mean, spread = trained.mean(0), trained.std(0)
        proteins = {i: describe(data.structures[i]).mean(0) for i in paired.tolist()}
        whole = unit(np.stack(list(proteins.values())), mean, spread)
        own = [groups[data.structures[i].id] for i in proteins]
        figures["superfamily, first hit"] = retrieval(whole, [str(group[0]) for group in own])
        figures["fold, first hit"] = retrieval(whole, [str(group[1]) for group in own])
        place = {i: n for n, i in enumerate(proteins)}
        ends = np.stack([data.query[rows], data.target[rows]], axis=1).tolist()
        cosine = [float(whole[place[query]] @ whole[place[target]]) for query, target in ends]
        figures["TM-score, Spearman"] = float(spearmanr(cosine, data.tm[rows]).statistic)
        results[label] = figures
        print(label, {key: round(value, 3) for key, value in figures.items()}, flush=True)
    return results


def level_share(model: ScoreModel, structures: list[Structure]) -> dict[str, float]:
    """How much of the variance of protein vectors over levels and proteins is between levels, and between proteins."""
    levels = model.noise.sigma[:: max(1, len(model.noise.sigma) // 8)].tolist()
    vectors = np.stack([[model.embed([s], sigma=v, pair=False)[0].protein for s in structures] for v in levels])
    total = vectors.var(axis=(0, 1)).sum()
    return {
        "between levels": float(vectors.mean(axis=1).var(axis=0).sum() / total),
        "between proteins": float(vectors.mean(axis=0).var(axis=0).sum() / total),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("data", type=Path)
    parser.add_argument("-o", "--out", type=Path, required=True)
    parser.add_argument("--chains", type=int, default=150, help="chains of each role")
    arguments = parser.parse_args()
    model, data = load_score_model(arguments.model), load_pair_data(arguments.data)
    held_out = [data.structures[i] for i in np.flatnonzero(data.roles == SUPERFAMILY) if len(data.structures[i]) < 150]
    report = {
        "model": model.id,
        "chains": arguments.chains,
        "variance of protein vectors": level_share(model, held_out[:40]),
        "figures": evidence(model, data, arguments.data, arguments.chains),
    }
    arguments.out.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
