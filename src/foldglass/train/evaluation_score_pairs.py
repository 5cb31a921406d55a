"""Do vectors of residue pairs tell more than those of residues? Native contacts and distances under noise.

Guo et al. (2022) find their pair embeddings more useful than pooled ones. Here each structure gets noise, and linear
probes read from vectors of the noisy structure what the native one was like.
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float, Int

from foldglass.metrics.classification import auroc
from foldglass.metrics.regression import Interval, bootstrap_interval, r_squared
from foldglass.models.score_model import ScoreModel
from foldglass.protein import Structure
from foldglass.train.evaluation_score_residues import explained
from foldglass.train.evaluation_score_set import ScoreEvaluationSet
from foldglass.train.evaluation_score_vectors import nearest, raw_distances, untrained
from foldglass.train.probe import fit_probe
from foldglass.train.splits import fraction

NOISE = 2.0
"""Standard deviation of the noise on each coordinate in angstrom, and the level of the vectors."""
CONTACT = 8.0
"""Distance of two C-alphas in contact, in angstrom."""
CLOSE = 16.0
"""Pairs further apart than this in the noisy structure, in angstrom, are left out: nobody would take them for one."""
SEPARATION = 6
"""Least number of steps along the chain."""
PAIRS = 500
"""Pairs of each chain, drawn at random."""

TITLES = {
    "pair": ("pair vectors", False),
    "pair-distance": ("pair vectors, and noisy distance", False),
    "pooled": ("vectors of both residues", False),
    "pooled-distance": ("vectors of both residues, and noisy distance", False),
    "random-pair": ("pair vectors, random weights", True),
    "distance": ("noisy distance", True),
}


@dataclass(frozen=True)
class PairResult:
    """What one kind of vector of noisy structures tells of native residue pairs.

    `contact_auroc` is of native contacts, `distance_change` the R2 of native minus noisy distance.
    """

    key: str
    title: str
    is_baseline: bool
    contact_auroc: Interval
    distance_change: Interval


@dataclass(frozen=True, eq=False)
class _Sample:
    """Features of some residue pairs of a chain by kind, and what they were in the native structure."""

    features: dict[str, Float[np.ndarray, "M D"]]
    contact: Bool[np.ndarray, " M"]
    change: Float[np.ndarray, " M"]


def measure_pairs(model: ScoreModel, data: ScoreEvaluationSet, *, draws: int) -> tuple[PairResult, ...]:
    """Probe pair and residue vectors of noisy structures, on half of the chains of each role."""
    networks = (model, untrained(model))
    parts = []
    for chains in (data.fit, data.choose, data.judge):
        parts.append([_sample(*networks, structure) for structure in chains[: (len(chains) + 1) // 2]])
    cluster = np.repeat(data.cluster[: len(parts[2])], [len(sample.contact) for sample in parts[2]])
    contact = [np.concatenate([sample.contact for sample in part]) for part in parts]
    change = [np.concatenate([sample.change for sample in part]) for part in parts]
    results = []
    for key, (title, is_baseline) in TITLES.items():
        x = [np.concatenate([sample.features[key] for sample in part]) for part in parts]
        as_numbers = [value.astype(np.float64)[:, None] for value in contact]
        found = fit_probe(x[0], as_numbers[0], x[1], as_numbers[1], _ranked)(x[2])
        moved = fit_probe(x[0], change[0][:, None], x[1], change[1][:, None], explained)(x[2])
        results.append(
            PairResult(
                key,
                title,
                is_baseline,
                contact_auroc=bootstrap_interval(
                    np.stack([found[:, 0], contact[2]], axis=1), cluster, _auroc_of_rows, n=draws
                ),
                distance_change=bootstrap_interval(
                    np.stack([moved[:, 0], change[2]], axis=1),
                    cluster,
                    lambda rows: r_squared(rows[:, 0], rows[:, 1]),
                    n=draws,
                ),
            )
        )
    return tuple(results)


def _sample(model: ScoreModel, random: ScoreModel, structure: Structure) -> _Sample:
    sigma = nearest(model, NOISE)
    rng = np.random.default_rng(int(fraction("pair noise", structure.id) * 2**53))
    ca = (structure.ca + rng.normal(0.0, sigma, structure.ca.shape)).astype(np.float32)
    noisy = replace(structure, ca=ca, atoms=None)
    i, j = _drawn(ca, rng)
    native, now = (np.linalg.norm(x[i] - x[j], axis=-1).astype(np.float64) for x in (structure.ca, ca))
    along = np.stack([np.log(j - i), np.sqrt(j - i)], axis=1)  # every kind knows the separation, as pair vectors do
    trained, untaught = (own.embed([noisy], sigma=sigma, pair=True)[0] for own in (model, random))
    assert trained.pair is not None and untaught.pair is not None
    one, other = trained.residue[i], trained.residue[j]
    features = {
        "pair": trained.pair[i, j],
        "pooled": np.concatenate([one + other, one * other], axis=1),
        "random-pair": untaught.pair[i, j],
        "distance": raw_distances(noisy)[i, j],
    }
    for key in ("pair", "pooled"):
        features[f"{key}-distance"] = np.concatenate([features[key], features["distance"]], axis=1)
    return _Sample(
        {key: np.concatenate([value, along], axis=1) for key, value in features.items()},
        contact=native < CONTACT,
        change=native - now,
    )


def _drawn(ca: Float[np.ndarray, "L 3"], rng: np.random.Generator) -> tuple[Int[np.ndarray, " M"], ...]:
    """Residues i < j of random pairs that are close in the noisy structure and distant along the chain."""
    i, j = np.triu_indices(len(ca), k=SEPARATION)
    close = np.flatnonzero(np.linalg.norm(ca[i] - ca[j], axis=-1) < CLOSE)
    kept = np.sort(rng.permutation(close)[:PAIRS])
    return i[kept], j[kept]


def _ranked(predicted: Float[np.ndarray, "M T"], true: Float[np.ndarray, "M T"]) -> float:
    return auroc(predicted[:, 0], true[:, 0] > 0)


def _auroc_of_rows(rows: Float[np.ndarray, "M 2"]) -> float:
    return auroc(rows[:, 0], rows[:, 1] > 0)
