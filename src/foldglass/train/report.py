"""The evaluation report: one HTML file that needs nothing else, and the same numbers as JSON beside it."""

from collections.abc import Iterator
from html import escape
from pathlib import Path

from foldglass.train import report_figures as figures
from foldglass.train import report_tables as tables
from foldglass.train.evaluation import Evaluation
from foldglass.train.report_page import bullets, check_report_path, facts, figure, render_page, write_page
from foldglass.typing import PathLike


def write_report(evaluation: Evaluation, path: PathLike) -> tuple[Path, Path]:
    """Write `path` (.html) and the same measures as .json beside it; both are complete or absent.

    Returns
    -------
    tuple of Path
        The HTML and the JSON file.

    Raises
    ------
    InputError
        If the name does not end in .html or the folder cannot be written.
    MissingExtraError
        If matplotlib is not installed.
    """
    page = check_report_path(path)
    return write_page(page, render(evaluation), evaluation.to_json())


def render(evaluation: Evaluation) -> str:
    """Give the report as one HTML page, figures included."""
    return render_page(f"Evaluation of {evaluation.about.model}", _sections(evaluation))


def _sections(evaluation: Evaluation) -> Iterator[str]:
    about = evaluation.about
    yield f"<h1>Evaluation of {escape(about.model)}</h1>"
    yield (
        "<p class='lead'>How well the model predicts, without superposition, what TM-align measures: how similar two "
        "folds are, and how well each aligned residue fits.</p>"
    )
    yield _facts(evaluation)
    yield "<h2>In short</h2>"
    yield bullets(_verdicts(evaluation))
    yield tables.headline(evaluation.folds)
    if evaluation.locals:
        yield tables.local(evaluation)
        yield tables.remote_local(evaluation)
    yield tables.comparisons(evaluation)
    yield "<h2>Where it is right and wrong</h2>"
    yield tables.bins(evaluation.folds)
    yield figure(
        figures.draw_bins(evaluation),
        "Error by true TM-score.",
        "Boxes hold the middle half, the line is the median; outliers hidden.",
    )
    yield tables.bin_biases(evaluation)
    yield tables.kinds(evaluation)
    yield "<h2>TM-score</h2>"
    yield figure(
        figures.draw_scatter(figures.shown(evaluation), evaluation.data.tm),
        "Predicted against true TM-score.",
        "Darker: more pairs, on a logarithmic scale. The line is perfect.",
    )
    yield figure(
        figures.draw_tm_errors(evaluation), "Error of the TM-score.", "In brackets: what lies beyond the axis."
    )
    yield tables.sides(evaluation)
    yield "<h2>Same fold or not</h2>"
    yield (
        "<p>Two proteins are taken to share a fold above a TM-score of 0.5 (Xu and Zhang 2010). AUROC is the chance "
        "that such a pair ranks above one that does not; the Brier score is the mean squared error of the probability."
        "</p>"
    )
    yield figure(
        figures.draw_reliability(evaluation),
        "Are the probabilities honest?",
        "On the line a stated 80 % comes true in 80 of 100 pairs. "
        f"Points of fewer than {figures.FEWEST} pairs are left out.",
    )
    yield "<h2>Local score</h2>"
    if evaluation.locals:
        yield tables.local_forms(evaluation)
        yield figure(
            figures.draw_local_errors(evaluation),
            "Error of the local score.",
            "Residues of pairs with a TM-score of 0.7 or more, TM-align's alignment given.",
        )
    else:
        yield "<p>No pair has a TM-score of 0.7 or more, so there is nothing to judge the local score by.</p>"
    yield "<h2>What to keep in mind</h2>"
    yield bullets(_caveats(evaluation))
    if about.command:
        yield f"<h2>Run it again</h2><p><code>{escape(about.command)}</code></p>"
    yield f"<footer>foldglass {escape(about.foldglass)} · {escape(about.date)}</footer>"


def _facts(evaluation: Evaluation) -> str:
    about = evaluation.about
    return facts(
        [
            ("model", about.model, ""),
            ("data", about.data, ""),
            ("split", about.split, ""),
            ("proteins", f"{about.n_proteins} in {about.n_clusters} clusters", ""),
            ("pairs", f"{about.n_pairs}, of which {about.n_local_pairs} for the local score", ""),
            ("date", about.date, ""),
            ("baselines learn from", about.fit, "wide"),
            ("machine", about.machine, "wide"),
        ]
    )


def _verdicts(evaluation: Evaluation) -> Iterator[str]:
    best = figures.best_baseline(evaluation)
    difference = {test.model: test.difference for test in evaluation.tests if test.baseline == best.key}
    local_error = {r.key: r.given_alignment["glass"].mae.value for r in evaluation.locals if r.given_alignment}
    for fold in evaluation.folds:
        if fold.is_baseline:
            continue
        if difference[fold.key].low <= 0 <= difference[fold.key].high:
            judgement = "which cannot be told apart from"
        else:
            judgement = "better than" if difference[fold.key].value < 0 else "worse than"
        sentence = (
            f"<b>{escape(fold.title)}:</b> the TM-score is off by {fold.tm.mae.value:.3f} on average, {judgement} the "
            f"best baseline ({escape(best.title)}, {best.tm.mae.value:.3f})"
        )
        if fold.key in local_error:
            sentence += (
                f"; the local score of similar pairs is off by {local_error[fold.key]:.3f}, a constant by "
                f"{local_error['constant']:.3f}"
            )
        yield sentence + "."


def _caveats(evaluation: Evaluation) -> Iterator[str]:
    about = evaluation.about
    yield f"The baselines learn from {escape(about.fit)}."
    yield (
        f"Intervals and tests come from {about.draws} resamples of the {about.n_clusters} clusters, by the query of "
        "each pair. Pairs that share only their target count as independent, so the intervals are a little narrow."
    )
    yield (
        "Averages depend on how the pairs were drawn. A set of mostly unrelated pairs makes every constant look good; "
        "the table by true TM-score does not depend on that."
    )
    yield (
        "TM-align's alignment is itself one answer among several good ones, most of all in pairs with a low TM-score "
        "or with repeats; a residue shifted by one counts as wrong here."
    )
    if len(evaluation.data) < 200:
        yield f"{about.n_pairs} pairs are few: read the intervals, not the third digit."
