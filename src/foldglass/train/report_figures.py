"""Figures of an evaluation report as SVG, after figures 4 to 6 of the GLASS paper and a reliability diagram."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from foldglass.train.evaluation import Evaluation
from foldglass.train.evaluation_fold import TM_EDGES, FoldResult
from foldglass.train.evaluation_predictions import FoldPredictions
from foldglass.train.svg import WIDTH, colour_of, legend_above, svg
from foldglass.views.figure import new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TM_RANGE, LOCAL_RANGE = 0.5, 0.3
FEWEST = 10
"""Pairs that a bin of the reliability diagram must hold to be drawn."""


def best_baseline(evaluation: Evaluation) -> FoldResult:
    """Give the baseline with the lowest mean absolute error of the symmetric TM-score."""
    return min((fold for fold in evaluation.folds if fold.is_baseline), key=lambda fold: fold.tm.mae.value)


def shown(evaluation: Evaluation) -> list[FoldPredictions]:
    """The model's pairings and the best baseline."""
    best = best_baseline(evaluation).key
    return [p for p in evaluation.fold_predictions if not p.is_baseline or p.key == best]


def draw_scatter(predictors: Sequence[FoldPredictions], true: Float[np.ndarray, " B"]) -> str:
    """Predicted against true TM-score, one panel per predictor."""
    with new_figure(WIDTH * len(predictors) / 4, 3.1) as figure:
        panels = figure.subplots(1, len(predictors), sharex=True, sharey=True, squeeze=False)[0]
        for axes, predictions in zip(panels, predictors, strict=True):
            axes.plot([0, 1], [0, 1], color="#1a1d21", linewidth=0.8, zorder=3)
            axes.hexbin(
                true,
                predictions.tm,
                gridsize=36,
                extent=(0, 1, 0, 1),
                mincnt=1,
                bins="log",
                cmap="Blues",
                vmin=0.2,
                linewidths=0.1,
            )
            axes.set(xlim=(0, 1), ylim=(0, 1), aspect="equal", title=predictions.title, xlabel="true TM-score")
        panels[0].set_ylabel("predicted TM-score")
        return svg(figure)


def draw_tm_errors(evaluation: Evaluation) -> str:
    """Histogram of predicted minus true TM-score."""
    with new_figure(WIDTH, 3.4) as figure:
        axes = figure.subplots()
        for predictions in shown(evaluation):
            _outline(axes, predictions.tm - evaluation.data.tm, TM_RANGE, 50, predictions.key, predictions.title)
        _finish_histogram(axes, TM_RANGE, "predicted - true TM-score", "share of pairs per bin")
        return svg(figure)


def draw_bins(evaluation: Evaluation) -> str:
    """Box plots of the TM error per bin of the true TM-score; the last bin holds 1.0."""
    predictors = shown(evaluation)
    true = evaluation.data.tm
    place = np.minimum(np.searchsorted(TM_EDGES, true, side="right") - 1, len(TM_EDGES) - 2)
    width = 0.8 / len(predictors)
    with new_figure(WIDTH, 3.8) as figure:
        axes = figure.subplots()
        axes.axhline(0, color="#1a1d21", linewidth=0.8, zorder=0)
        for k, predictions in enumerate(predictors):
            error = predictions.tm - true
            boxes = axes.boxplot(
                [error[place == b] for b in range(len(TM_EDGES) - 1)],
                positions=np.arange(len(TM_EDGES) - 1) + (k - (len(predictors) - 1) / 2) * width,
                widths=width * 0.84,
                showfliers=False,
                patch_artist=True,
                manage_ticks=False,
                medianprops={"color": "white", "linewidth": 1.6},
                whiskerprops={"color": colour_of(predictions.key)},
                capprops={"linewidth": 0},
            )
            for box in boxes["boxes"]:
                box.set(facecolor=colour_of(predictions.key), edgecolor="none")
            axes.plot([], [], linewidth=6, color=colour_of(predictions.key), label=predictions.title)
        labels = [f"{b.low:.1f} to {b.high:.1f}\n{b.n} pairs" for b in evaluation.folds[0].tm.bins]
        axes.set_xticks(range(len(labels)), labels)
        axes.tick_params(axis="x", length=0)
        axes.set(xlabel="true TM-score", ylabel="predicted - true")
        legend_above(axes, columns=4)
        return svg(figure)


def draw_reliability(evaluation: Evaluation) -> str:
    """Share of same-fold pairs against the predicted probability, and how often each was said."""
    folds = {fold.key: fold for fold in evaluation.folds}
    with new_figure(0.6 * WIDTH, 5.4) as figure:
        curves, counts = figure.subplots(2, 1, sharex=True, height_ratios=[4, 1])
        curves.plot([0, 1], [0, 1], color="#1a1d21", linewidth=0.8)
        for predictions in shown(evaluation):
            curve, colour = folds[predictions.key].reliability, colour_of(predictions.key)
            filled = curve.count >= FEWEST
            curves.plot(
                curve.mean_predicted[filled],
                curve.observed[filled],
                marker="o",
                markersize=5,
                color=colour,
                label=predictions.title,
                clip_on=False,
            )
            counts.stairs(curve.count / curve.count.sum(), curve.edges, color=colour, linewidth=1.4)
        curves.set(xlim=(0, 1), ylim=(0, 1), ylabel="share that share the fold")
        counts.set(xlabel="predicted probability of the same fold", ylabel="share of\npairs")
        legend_above(curves, columns=2)
        return svg(figure)


def draw_local_errors(evaluation: Evaluation) -> str:
    """Histogram of the local error under TM-align's alignment."""
    truth = evaluation.local_truth.glass
    with new_figure(WIDTH, 3.4) as figure:
        axes = figure.subplots()
        for predictions in evaluation.local_predictions:
            _outline(axes, predictions.given_alignment - truth, LOCAL_RANGE, 100, predictions.key, predictions.title)
        _outline(axes, np.nanmedian(truth) - truth, LOCAL_RANGE, 100, "constant", "their median")
        _finish_histogram(axes, LOCAL_RANGE, "predicted - true local score (glass lDDT)", "share of residues per bin")
        return svg(figure)


def _outline(axes: "Axes", error: Float[np.ndarray, " M"], limit: float, bins: int, key: str, title: str) -> None:
    error = error[~np.isnan(error)]
    count, edges = np.histogram(error, bins=bins, range=(-limit, limit))
    outside = 1 - count.sum() / max(len(error), 1)
    label = f"{title} ({outside:.1%} beyond)" if outside else title
    axes.stairs(count / max(len(error), 1), edges, color=colour_of(key), linewidth=1.5, label=label)


def _finish_histogram(axes: "Axes", limit: float, xlabel: str, ylabel: str) -> None:
    axes.axvline(0, color="#1a1d21", linewidth=0.8, zorder=0)
    axes.set(xlim=(-limit, limit), xlabel=xlabel, ylabel=ylabel)
    axes.set_ylim(bottom=0)
    legend_above(axes, columns=2)
