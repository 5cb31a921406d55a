"""What residue vectors of a score network tell of a residue's surroundings, read by linear probes."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from foldglass.geometry.burial import contact_number, half_sphere_exposure
from foldglass.geometry.psea import CLASSES, psea_classes
from foldglass.metrics.regression import Interval, bootstrap_interval, r_squared
from foldglass.protein import Structure
from foldglass.train.evaluation_score_set import ScoreEvaluationSet
from foldglass.train.evaluation_score_vectors import VectorKind
from foldglass.train.probe import fit_probe

ResidueVectors = dict[str, Float[np.ndarray, "L D"]]
"""Residue vectors by the id of their structure."""


@dataclass(frozen=True)
class ResidueResult:
    """What one kind of vector tells of held-out residues.

    `secondary_structure` is the accuracy in three classes, the others are R2; see `geometry.psea` and
    `geometry.burial`.
    """

    key: str
    title: str
    is_baseline: bool
    secondary_structure: Interval
    contact_number: Interval
    half_sphere_exposure: Interval


def measure_residues(
    kind: VectorKind, vectors: ResidueVectors, data: ScoreEvaluationSet, *, draws: int
) -> ResidueResult:
    """Probe one kind of vector; intervals resample the superfamilies of the held-out chains."""
    x, cluster = [_joined(vectors, part) for part in (data.fit, data.choose, data.judge)], _clusters(data)
    measured = {}
    for name, targets in TARGETS.items():
        y = [np.concatenate([targets(structure) for structure in part]) for part in (data.fit, data.choose, data.judge)]
        quality = accuracy if name == "secondary_structure" else explained
        predicted = fit_probe(x[0], y[0], x[1], y[1], quality)(x[2])
        measured[name] = _interval(name, predicted, y[2], cluster, draws)
    return ResidueResult(kind.key, kind.title, kind.is_baseline, **measured)


def measure_constant(data: ScoreEvaluationSet, *, draws: int) -> ResidueResult:
    """The commonest class and the means of the training chains."""
    measured = {}
    for name, targets in TARGETS.items():
        fitted, true = (np.concatenate([targets(s) for s in part]) for part in (data.fit, data.judge))
        predicted = np.broadcast_to(fitted.mean(axis=0), true.shape)
        measured[name] = _interval(name, predicted, true, _clusters(data), draws)
    return ResidueResult("constant", "best constant", True, **measured)


def accuracy(predicted: Float[np.ndarray, "M T"], true: Float[np.ndarray, "M T"]) -> float:
    """Share of the rows whose largest value is in the right place.

    Examples
    --------
    >>> accuracy(np.array([[0.6, 0.4], [0.2, 0.1]]), np.array([[1.0, 0.0], [0.0, 1.0]]))
    0.5
    """
    return float((predicted.argmax(axis=1) == true.argmax(axis=1)).mean())


def explained(predicted: Float[np.ndarray, "M T"], true: Float[np.ndarray, "M T"]) -> float:
    """R2 of the first column.

    Examples
    --------
    >>> explained(np.array([[1.0], [2.0], [3.0]]), np.array([[1.0], [2.0], [3.0]]))
    1.0
    """
    return r_squared(predicted[:, 0], true[:, 0])


def _classes(structure: Structure) -> Float[np.ndarray, "L 3"]:
    return np.eye(len(CLASSES))[psea_classes(structure.ca)]


def _contacts(structure: Structure) -> Float[np.ndarray, "L 1"]:
    return contact_number(structure.ca).astype(np.float64)[:, None]


def _exposure(structure: Structure) -> Float[np.ndarray, "L 1"]:
    return half_sphere_exposure(structure.ca).astype(np.float64)[:, None]


TARGETS = {"secondary_structure": _classes, "contact_number": _contacts, "half_sphere_exposure": _exposure}
"""What is probed: one-hot classes, or one number per residue."""


def _joined(vectors: ResidueVectors, part: tuple[Structure, ...]) -> Float[np.ndarray, "M D"]:
    return np.concatenate([vectors[structure.id] for structure in part])


def _clusters(data: ScoreEvaluationSet) -> Int[np.ndarray, " M"]:
    return np.repeat(data.cluster, [len(structure) for structure in data.judge])


def _interval(
    name: str,
    predicted: Float[np.ndarray, "M T"],
    true: Float[np.ndarray, "M T"],
    cluster: Int[np.ndarray, " M"],
    draws: int,
) -> Interval:
    if name == "secondary_structure":
        hits = (predicted.argmax(axis=1) == true.argmax(axis=1)).astype(np.float64)
        return bootstrap_interval(hits, cluster, n=draws)
    both = np.concatenate([predicted, true], axis=1)
    return bootstrap_interval(both, cluster, lambda rows: r_squared(rows[:, 0], rows[:, 1]), n=draws)
