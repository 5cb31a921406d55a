"""The evaluation report of a score network: one HTML file that needs nothing else, and the same numbers as JSON."""

from collections.abc import Iterator
from html import escape
from pathlib import Path

from foldglass.geometry.burial import CONTACT_RADIUS, EXPOSURE_RADIUS
from foldglass.train import report_tables as tables
from foldglass.train.evaluation_score import ScoreEvaluation
from foldglass.train.evaluation_score_levels import CROP, CROPS, SEGMENTS, WHOLE
from foldglass.train.evaluation_score_pairs import CLOSE, CONTACT, NOISE, SEPARATION, PairResult
from foldglass.train.evaluation_score_residues import ResidueResult
from foldglass.train.evaluation_score_set import LONGEST, SHORTEST
from foldglass.train.evaluation_score_whole import RetrievalResult
from foldglass.train.html_table import Column, table
from foldglass.train.report_figures import draw_scatter
from foldglass.train.report_page import bullets, check_report_path, facts, figure, render_page, write_page
from foldglass.train.svg import COLOURS, WIDTH, legend_above, svg
from foldglass.typing import PathLike
from foldglass.views.figure import GREY, new_figure


def write_score_report(evaluation: ScoreEvaluation, path: PathLike) -> tuple[Path, Path]:
    """Write `path` (.html) and the same measures as .json beside it; both are complete or absent.

    Raises
    ------
    InputError
        If the name does not end in .html or the folder cannot be written.
    MissingExtraError
        If matplotlib is not installed.
    """
    page = check_report_path(path)
    return write_page(page, render_score(evaluation), evaluation.to_json())


def render_score(evaluation: ScoreEvaluation) -> str:
    """Give the report as one HTML page, figures included."""
    return render_page(f"Evaluation of {evaluation.about.model}", _sections(evaluation))


def draw_levels(evaluation: ScoreEvaluation) -> str:
    """Denoising error against the level of noise."""
    sigma = [level.sigma for level in evaluation.levels]
    with new_figure(0.75 * WIDTH, 3.6) as drawn:
        axes = drawn.subplots()
        axes.plot(sigma, [level.nothing for level in evaluation.levels], color=GREY, label="predicting nothing")
        axes.plot(sigma, [level.crops for level in evaluation.levels], color=COLOURS["own"], label="parts of chains")
        axes.plot(sigma, [level.whole for level in evaluation.levels], color=COLOURS["several"], label="whole chains")
        axes.plot(
            sigma,
            [level.rigid for level in evaluation.levels],
            color=GREY,
            linestyle=":",
            label="rigid motion, not asked for",
        )
        axes.axvline(evaluation.about.sigma, color="#d9dde2", linewidth=1, zorder=0)
        axes.set(xscale="log", xlabel="noise on each coordinate (Å)", ylabel="error")
        axes.set_ylim(bottom=0)
        legend_above(axes, columns=4)
        return svg(drawn)


def _sections(evaluation: ScoreEvaluation) -> Iterator[str]:
    about = evaluation.about
    yield f"<h1>Evaluation of {escape(about.model)}</h1>"
    yield (
        "<p class='lead'>How much noise the score network recognises on structures it has not seen, and what its "
        "vectors of pairs, residues and proteins tell about them.</p>"
    )
    yield _facts(evaluation)
    yield "<h2>In short</h2>"
    yield bullets(_verdicts(evaluation))
    yield "<h2>Noise</h2>"
    yield figure(
        draw_levels(evaluation),
        "Error by level of noise.",
        f"{CROPS} crops of {CROP} residues in {SEGMENTS} pieces and {WHOLE} whole chains at each level; predicting "
        "nothing is expected to score 1. The vertical line is the level of the embeddings. Dotted: the share of the "
        "noise that is a rigid motion, which no function of distances can tell; it is taken out of what is asked for.",
    )
    yield "<h2>Residues</h2>"
    yield _residues(evaluation)
    yield "<h2>Pairs of residues</h2>"
    yield _pairs(evaluation)
    yield "<h2>Proteins</h2>"
    yield _retrieval(evaluation)
    yield tables.headline(evaluation.folds)
    yield tables.bins(evaluation.folds)
    yield figure(
        draw_scatter([p for p in evaluation.fold_predictions if p.key in _DRAWN], evaluation.data.tm),
        "Predicted against true TM-score.",
        "Darker: more pairs, on a logarithmic scale. The line is perfect.",
    )
    yield "<h2>What to keep in mind</h2>"
    yield bullets(_caveats(evaluation))
    if about.command:
        yield f"<h2>Run it again</h2><p><code>{escape(about.command)}</code></p>"
    yield f"<footer>foldglass {escape(about.foldglass)} · {escape(about.date)}</footer>"


_DRAWN = ("own", "several", "random", "raw")


def _facts(evaluation: ScoreEvaluation) -> str:
    about = evaluation.about
    return facts(
        [
            ("model", about.model, ""),
            ("level of its embeddings", f"{about.sigma:g} Å", ""),
            ("data", about.data, ""),
            ("held out", about.split, ""),
            ("probed", f"{about.n_residues} residues of {about.n_chains} chains in {about.n_clusters} groups", ""),
            ("pairs of proteins", f"{about.n_pairs} of {about.n_proteins} proteins", ""),
            ("date", about.date, ""),
            (
                "probes and curves learn from",
                f"{about.n_fit_chains} training chains, {about.n_choose_chains} validation chains and "
                f"{about.n_calibration_pairs} validation pairs",
                "wide",
            ),
            ("machine", about.machine, "wide"),
        ]
    )


def _verdicts(evaluation: ScoreEvaluation) -> Iterator[str]:
    crops = [level.crops for level in evaluation.levels]
    whole = [level.whole for level in evaluation.levels]
    yield (
        f"<b>Noise:</b> the mean error over the levels is {_mean(crops):.2f} on parts of chains and {_mean(whole):.2f} "
        "on whole ones, where predicting nothing scores 1."
    )
    residues = {result.key: result for result in evaluation.residues}
    for key, name in (
        ("secondary_structure", "Secondary structure: accuracy"),
        ("contact_number", "Contact number: R<sup>2</sup>"),
        ("half_sphere_exposure", "Depth of a residue: R<sup>2</sup>"),
    ):
        own, random, raw, several = (getattr(residues[kind], key).value for kind in ("own", "random", "raw", "several"))
        yield (
            f"<b>{name}</b> {own:.2f}; with random weights {random:.2f}, from raw distances {raw:.2f}, from several "
            f"levels together {several:.2f}."
        )
    pairs = {result.key: result for result in evaluation.pairs}
    pair, pooled, distance = (pairs[key] for key in ("pair", "pooled", "distance"))
    yield (
        "<b>Pairs:</b> native contacts under noise are told with an AUROC of "
        f"{pair.contact_auroc.value:.2f} from pair vectors, {pooled.contact_auroc.value:.2f} from the vectors of both "
        f"residues and {distance.contact_auroc.value:.2f} from the noisy distance; of the change of distance they "
        f"explain {pair.distance_change.value:.2f}, {pooled.distance_change.value:.2f} and "
        f"{distance.distance_change.value:.2f}."
    )
    folds = {fold.key: fold for fold in evaluation.folds}
    constant = folds["constant"].tm.mae.value
    yield (
        f"<b>TM-score by cosine:</b> off by {folds['own'].tm.mae.value:.3f} on average; raw distances "
        f"{folds['raw'].tm.mae.value:.3f}, the best constant {constant:.3f}."
    )
    variance = evaluation.variance
    yield (
        f"<b>Protein or noise level?</b> Of the variance of the protein vectors of {variance.n_proteins} chains at "
        f"{len(variance.sigmas)} levels {variance.between_proteins:.0%} is between proteins and "
        f"{variance.between_levels:.0%} between levels."
    )


def _residues(evaluation: ScoreEvaluation) -> str:
    return table(
        "What a linear probe reads from residue vectors",
        "Ridge regression, fitted on training chains, its strength chosen on validation chains. Secondary structure: "
        "helix, strand or coil by P-SEA. Contact number: C-alphas within "
        f"{CONTACT_RADIUS:g} Å. Half-sphere exposure: those within {EXPOSURE_RADIUS:g} Å on the side of the side "
        "chain, a proxy of residue depth. Small print: 95 % bootstrap interval over superfamily groups.",
        [
            Column[ResidueResult]("secondary structure", lambda r: r.secondary_structure, "high", "accuracy"),
            Column[ResidueResult]("contact number", lambda r: r.contact_number, "high", "R²"),
            Column[ResidueResult]("half-sphere exposure", lambda r: r.half_sphere_exposure, "high", "R²"),
        ],
        evaluation.residues,
    )


def _pairs(evaluation: ScoreEvaluation) -> str:
    return table(
        "What a linear probe reads of the native structure from a noisy one",
        f"Noise of about {NOISE:g} Å on every coordinate, vectors at that level. Pairs at least {SEPARATION} residues "
        f"apart along the chain and less than {CLOSE:g} Å in the noisy structure. Contact: less than {CONTACT:g} Å in "
        "the native one. Change: native minus noisy distance. Of both residues the probe sees the sums and the "
        "products of the channels; every probe sees the separation along the chain.",
        [
            Column[PairResult]("contact", lambda r: r.contact_auroc, "high", "AUROC"),
            Column[PairResult]("change of distance", lambda r: r.distance_change, "high", "R²"),
        ],
        evaluation.pairs,
    )


def _retrieval(evaluation: ScoreEvaluation) -> str:
    return table(
        "Is the nearest neighbour of the same superfamily?",
        "Protein vectors by cosine, each channel standardised over training chains; among "
        f"{evaluation.about.n_proteins} proteins, asked of those with a relative among them.",
        [Column[RetrievalResult]("first hit", lambda r: r.first_hit, "high", "share of the chains")],
        evaluation.retrieval,
    )


def _caveats(evaluation: ScoreEvaluation) -> Iterator[str]:
    about = evaluation.about
    yield (
        f"Chains have {SHORTEST} to {LONGEST} residues. Intervals come from {about.draws} resamples of superfamily "
        "groups; they do not tell how another training run or another draw of noise would come out."
    )
    yield (
        "A probe says what a linear map can read, not what a network trained on the vectors could. Kinds of vectors "
        "have different numbers of channels."
    )
    yield ("The random network and the raw distances see the same coordinates: what they tell is no merit of training.")
    yield "The vectors were not trained to be compared by cosine; the towers of <code>foldglass compare</code> were."
    if about.n_pairs < 200:
        yield f"{about.n_pairs} pairs are few: read the intervals, not the third digit."


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)
