"""The figures of model quality, as GraphQA's evaluation defines them, with intervals by target."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

from foldglass.metrics.ranking import best_of_five_loss, first_rank_loss, first_rank_z
from foldglass.metrics.regression import Interval, bootstrap_interval, pearson, rmse, spearman
from foldglass.models.quality_model import GLOBALS
from foldglass.train.quality_data import Decoy

DRAWS = 1000
LOCAL_DRAWS = 100
"""Bootstrap draws; fewer for pooled residues, of which there are many."""

Statistic = Callable[[np.ndarray, np.ndarray], float]


@dataclass(frozen=True)
class QualityMeasures:
    """Figures of one predictor; intervals resample the targets' superfamily groups.

    `rmse` and `pearson` are of each global score over all models. Of GDT_TS besides, means over targets: `per_target`
    correlation (targets with three models or more), `z`, `first` (first-rank loss), `five` (best of five loss; targets
    with six models or more). `local_*` are of lDDT per residue, pooled, and `local_per_model` the mean over models of
    the rank correlation.
    """

    key: str
    title: str
    is_baseline: bool
    rmse: dict[str, Interval]
    pearson: dict[str, Interval]
    per_target: Interval
    z: Interval
    first: Interval
    five: Interval
    local_rmse: Interval
    local_pearson: Interval
    local_spearman: Interval
    local_per_model: Interval
    errors: Float[np.ndarray, " M"] = field(repr=False, default_factory=lambda: np.zeros(0))


def measure(
    key: str,
    title: str,
    decoys: list[Decoy],
    whole: Float[np.ndarray, "M G"],
    local: list[Float[np.ndarray, " _"]],
    *,
    is_baseline: bool = False,
) -> QualityMeasures:
    """Compare predictions with the truth of the models."""
    truth = np.stack([decoy.truth for decoy in decoys])
    groups = np.array([decoy.group for decoy in decoys])
    pairs = [np.stack([whole[:, k], truth[:, k]], axis=1) for k in range(len(GLOBALS))]
    residues, per_model, owners = [], [], []
    for decoy, found in zip(decoys, local, strict=True):
        known = np.isfinite(decoy.local)
        residues.append(np.stack([found[known], decoy.local[known]], axis=1))
        per_model.append(spearman(found[known], decoy.local[known]))
        owners.append(np.full(int(known.sum()), decoy.group))
    pooled, owner = np.concatenate(residues), np.concatenate(owners)
    of_target = {
        name: _by_target(decoys, pairs[0], statistic)
        for name, statistic in (
            ("per_target", _correlation),
            ("z", first_rank_z),
            ("first", _first),
            ("five", best_of_five_loss),
        )
    }
    return QualityMeasures(
        key,
        title,
        is_baseline,
        rmse={name: _interval(values, groups, rmse) for name, values in zip(GLOBALS, pairs, strict=True)},
        pearson={name: _interval(values, groups, pearson) for name, values in zip(GLOBALS, pairs, strict=True)},
        **{name: _mean(values, clusters) for name, (values, clusters) in of_target.items()},
        local_rmse=_interval(pooled, owner, rmse, LOCAL_DRAWS),
        local_pearson=_interval(pooled, owner, pearson, LOCAL_DRAWS),
        local_spearman=_interval(pooled, owner, spearman, LOCAL_DRAWS),
        local_per_model=_mean(np.array(per_model), groups),
        errors=(whole[:, 0] - truth[:, 0]) ** 2,
    )


def _interval(pairs: np.ndarray, clusters: np.ndarray, statistic: Statistic, draws: int = DRAWS) -> Interval:
    return bootstrap_interval(pairs, clusters, lambda rows: statistic(rows[:, 0], rows[:, 1]), n=draws)


def _mean(values: np.ndarray, clusters: np.ndarray) -> Interval:
    known = np.isfinite(values)
    if not known.any():
        return Interval(float("nan"), float("nan"), float("nan"))
    return bootstrap_interval(values[known], clusters[known], n=DRAWS)


def _by_target(decoys: list[Decoy], pairs: np.ndarray, statistic: Statistic) -> tuple[np.ndarray, np.ndarray]:
    """A statistic of each target's models, and the group of each target."""
    targets = np.array([decoy.target for decoy in decoys])
    names, first = np.unique(targets, return_index=True)
    values = [statistic(*pairs[targets == name].T) for name in names]
    return np.array(values), np.array([decoys[i].group for i in first])


def _correlation(predicted: np.ndarray, true: np.ndarray) -> float:
    return pearson(predicted, true) if len(true) >= 3 else float("nan")


def _first(predicted: np.ndarray, true: np.ndarray) -> float:
    return first_rank_loss(predicted, true) if len(true) >= 2 else float("nan")
