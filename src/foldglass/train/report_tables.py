"""Tables of an evaluation report as HTML: the model's pairings first, the baselines below."""

from collections.abc import Callable, Sequence
from html import escape
from typing import Literal

from foldglass.metrics.regression import Interval
from foldglass.train.evaluation import Evaluation
from foldglass.train.evaluation_fold import FoldResult, TmMeasures
from foldglass.train.evaluation_local import LocalResult
from foldglass.train.html_table import Column, cell, dot, frame, head, p_value, table


def headline(folds: Sequence[FoldResult]) -> str:
    """The symmetric TM-score and same fold, overall."""
    return table(
        "TM-score and same fold, all pairs",
        f"{folds[0].tm.n} pairs. Small print: 95 % bootstrap interval. Bold: best of the column. "
        "TM-score here is the symmetric value, the geometric mean of both normalisations.",
        [
            Column[FoldResult]("mean abs. error", lambda r: r.tm.mae),
            Column[FoldResult]("RMSE", lambda r: r.tm.rmse),
            Column[FoldResult]("bias", lambda r: r.tm.bias, ""),
            Column[FoldResult]("Pearson r", lambda r: r.tm.pearson, "high"),
            Column[FoldResult]("Spearman ρ", lambda r: r.tm.spearman, "high"),
            Column[FoldResult]("AUROC", lambda r: r.auroc, "high", note="same fold"),
            Column[FoldResult]("Brier score", lambda r: r.brier, note="same fold"),
        ],
        folds,
    )


def local(evaluation: Evaluation) -> str:
    """The local score and the alignment, of all similar pairs."""
    return _local(
        "Local score and alignment, pairs with a TM-score of 0.7 or more",
        f"{evaluation.about.n_local_pairs} pairs, {evaluation.local_truth.row.size} aligned residues. Errors against "
        "glass lDDT, first with TM-align's alignment given, then end to end with the alignment that the model makes "
        "itself. Precision and recall: residue pairs shared with TM-align's alignment.",
        evaluation.locals,
    )


def remote_local(evaluation: Evaluation) -> str:
    """The same of remote pairs, empty if there is none."""
    if not evaluation.remote_locals:
        return ""
    return _local(
        "The same, remote relatives only",
        f"{evaluation.about.n_remote_pairs} of these pairs have less than 30 % sequence identity over TM-align's "
        "alignment. Close relatives are easy for everyone, so this is where a model can be of use.",
        evaluation.remote_locals,
    )


def _local(caption: str, note: str, results: Sequence[LocalResult]) -> str:
    return table(
        caption,
        note,
        [
            Column[LocalResult]("mean abs. error", _given_reader("glass", "mae"), note="alignment given"),
            Column[LocalResult](
                "mean abs. error", lambda r: r.end_to_end.mae if r.end_to_end else None, note="end to end"
            ),
            Column[LocalResult](
                "residues scored", lambda r: r.end_to_end.coverage if r.end_to_end else None, "high", note="end to end"
            ),
            Column[LocalResult]("precision", lambda r: r.alignment.precision if r.alignment else None, "high"),
            Column[LocalResult]("recall", lambda r: r.alignment.recall if r.alignment else None, "high"),
        ],
        results,
    )


def local_forms(evaluation: Evaluation) -> str:
    """The same predictions against three forms of the local score."""
    columns: list[Column[LocalResult]] = []
    for form, name in (("glass", "glass lDDT"), ("plain", "plain Cα lDDT"), ("distant", "glass, no neighbours")):
        columns += [
            Column[LocalResult]("mean abs. error", _given_reader(form, "mae"), note=name),
            Column[LocalResult]("Spearman ρ", _given_reader(form, "spearman"), "high", note=name),
        ]
    floor = evaluation.floor
    return table(
        "The local score against three definitions, alignment given",
        "The model predicts glass lDDT, whose inverse-cubic kernel is dominated by the chain neighbours; the last form "
        "leaves out those up to two residues away. For the other two forms read the rank correlation: their scale "
        f"differs. {_floor_sentence(floor.n_pairs, floor.aligned, floor.by_index)}",
        columns,
        [result for result in evaluation.locals if result.given_alignment],
    )


def bins(folds: Sequence[FoldResult]) -> str:
    """Mean absolute error per bin of the true TM-score."""
    return table(
        "Mean absolute error by true TM-score",
        "A predictor that always says the same is good in one bin and bad in the others. The last bin holds 1.0.",
        [
            Column[FoldResult](f"{b.low:.1f} to {b.high:.1f}", _bin_reader(k), note=f"{b.n} pairs")
            for k, b in enumerate(folds[0].tm.bins)
        ],
        folds,
    )


def bin_biases(evaluation: Evaluation) -> str:
    """Mean signed error per bin of the true TM-score."""
    return table(
        "Mean signed error (predicted - true) by true TM-score",
        "Above 0: pairs look more alike than they are.",
        [
            Column[FoldResult](f"{b.low:.1f} to {b.high:.1f}", _bias_reader(k), "", note=f"{b.n} pairs")
            for k, b in enumerate(evaluation.folds[0].tm.bins)
        ],
        evaluation.folds,
    )


def kinds(evaluation: Evaluation) -> str:
    """Mean absolute error per kind of pair; empty where the data names none."""
    counts = {kind: evaluation.data.kinds.count(kind) for kind in evaluation.folds[0].kinds}
    if not counts:
        return ""
    return table(
        "Mean absolute error by kind of pair",
        "How the pairs were drawn, from the closest relation to none.",
        [Column(kind, _kind_reader(kind), note=f"{n} pairs") for kind, n in counts.items()],
        evaluation.folds,
    )


def sides(evaluation: Evaluation) -> str:
    """The two normalisations, recovered from the symmetric value with both lengths."""

    def columns(name: str, measures: Callable[[FoldResult], TmMeasures]) -> list[Column[FoldResult]]:
        return [
            Column[FoldResult]("mean abs. error", lambda r: measures(r).mae, note=name),
            Column[FoldResult]("RMSE", lambda r: measures(r).rmse, note=name),
            Column[FoldResult]("Pearson r", lambda r: measures(r).pearson, "high", note=name),
        ]

    return table(
        "TM-score normalised by the query's and by the target's length",
        "Every predictor's symmetric value is turned into both sides with the two lengths.",
        [*columns("by query", lambda f: f.tm_query), *columns("by target", lambda f: f.tm_target)],
        evaluation.folds,
    )


def comparisons(evaluation: Evaluation) -> str:
    """Model against baseline: the paired test, and Welch's as the paper words it."""
    titles = {fold.key: fold.title for fold in evaluation.folds}
    bodies = []
    for model in dict.fromkeys(test.model for test in evaluation.tests):
        rows = [f"<tr class='group'><th colspan='6'>{dot(model)}{escape(titles[model])} against</th></tr>"]
        for test in evaluation.tests:
            if test.model == model:
                low, high = test.difference.low, test.difference.high
                welch = [result.p if result else None for result in (test.welch_predictions, test.welch_errors)]
                cells = [
                    cell(test.difference.value, signed=True),
                    f"{cell(low, signed=True)} to {cell(high, signed=True)}",
                    *map(p_value, [test.difference.p, *welch]),
                ]
                rows.append(
                    f"<tr><th scope='row' class='inner'>{escape(titles[test.baseline])}</th>"
                    f"{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"
                )
        bodies.append(f"<tbody>{''.join(rows)}</tbody>")
    heads = [
        head("difference", "in mean abs. error"),
        head("95 % interval", "paired bootstrap"),
        head("p", "paired bootstrap"),
        head("p", "Welch, predictions"),
        head("p", "Welch, abs. errors"),
    ]
    return frame(
        "Is the model better than the baseline?",
        "Below 0 the model is better. The paired bootstrap compares both on the same pairs and resamples the queries' "
        "clusters; it is the one to read. Welch's test, as in the GLASS paper, treats the pairs as two independent "
        "samples; on predictions it asks only whether the two means differ, not which one is right.",
        heads,
        bodies,
    )


def _floor_sentence(n: int, aligned: dict[str, float], by_index: dict[str, float]) -> str:
    if not n:
        return "No pair has a TM-score below 0.3, so the floor of unrelated pairs is not known here."
    return (
        f"Unrelated pairs (TM-score below 0.3, {n} of them) score {aligned['glass']:.2f} in glass and "
        f"{aligned['plain']:.2f} in plain lDDT under TM-align's alignment, {by_index['glass']:.2f} and "
        f"{by_index['plain']:.2f} when residue i is laid over residue i: that is the floor, not 0."
    )


def _bin_reader(k: int) -> Callable[[FoldResult], Interval]:
    return lambda result: result.tm.bin_intervals[k]


def _bias_reader(k: int) -> Callable[[FoldResult], float]:
    return lambda result: result.tm.bins[k].bias


def _kind_reader(kind: str) -> Callable[[FoldResult], Interval]:
    return lambda result: result.kinds[kind]


def _given_reader(form: str, measure: Literal["mae", "spearman"]) -> Callable[[LocalResult], Interval | float | None]:
    return lambda result: getattr(result.given_alignment[form], measure) if result.given_alignment else None
