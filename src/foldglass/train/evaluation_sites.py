"""Measure interaction-site models on the published test sets, next to baselines; write the report."""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from html import escape
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float64

from foldglass.metrics.binary import best_threshold
from foldglass.metrics.regression import Interval
from foldglass.models.sites_model import SitesModel
from foldglass.protein import Structure
from foldglass.train.html_table import Column, table
from foldglass.train.report_page import bullets, check_report_path, facts, render_page, write_page
from foldglass.train.site_baselines import LogisticRegression, exposure, hydrophobicity
from foldglass.train.site_data import TESTS, TRAINING, SiteChains, load_site_chains
from foldglass.train.site_measures import RESAMPLES, SiteFigures, site_figures
from foldglass.typing import PathLike

Scores = Callable[[Structure], Float64[np.ndarray, " _"]]


@dataclass(frozen=True)
class SiteResult:
    """Figures of one predictor on one test set."""

    key: str
    title: str
    is_baseline: bool
    subset: str
    figures: SiteFigures


@dataclass(frozen=True)
class SiteEvaluation:
    """All figures, and where they come from."""

    model: str
    data: str
    date: str
    foldglass: str
    command: str
    results: list[SiteResult]

    def to_json(self) -> dict[str, Any]:
        """Everything as plain values."""
        return asdict(self)


def evaluate_sites(
    model: SitesModel,
    folder: Path,
    subsets: tuple[str, ...] = TESTS,
    *,
    command: str = "",
    progress: Callable[[int, int], None] | None = None,
) -> SiteEvaluation:
    """Measure a model and the baselines on test sets; baselines learn from the training chains.

    Chains without coordinates are left out.

    Raises
    ------
    NotFoundError
        If the folder has no table of sites.
    InputError
        If a subset is empty.
    """
    training = load_site_chains(folder, TRAINING)
    tests = {name: load_site_chains(folder, name) for name in subsets}
    known = _structures(training)
    prevalence = float(np.concatenate(training.labels).mean())
    baselines: dict[str, tuple[str, Scores]] = {
        "constant": ("the same for all", lambda chain: np.full(len(chain), prevalence)),
        "exposure": ("exposure alone", exposure),
        "hydrophobicity": ("hydrophobicity around the residue", hydrophobicity),
        "logistic": ("logistic regression on local features", LogisticRegression(known, training.labels)),
    }
    thresholds = {
        key: best_threshold(np.concatenate([scores(chain) for chain in known]), np.concatenate(training.labels))
        for key, (_, scores) in baselines.items()
    }
    total, done = sum(map(len, tests.values())), 0
    results = []
    for name, chains in tests.items():
        own = []
        for chain in _structures(chains):
            own.append(model.probability(chain))
            done += 1
            if progress:
                progress(done, total)
        results.append(SiteResult("model", model.id, False, name, site_figures(own, chains.labels, model.threshold)))
        for key, (title, scores) in baselines.items():
            given = [scores(chain) for chain in _structures(chains)]
            results.append(SiteResult(key, title, True, name, site_figures(given, chains.labels, thresholds[key])))
    return SiteEvaluation(
        model.id, folder.name, f"{datetime.now(UTC):%Y-%m-%d}", version("foldglass"), command, results
    )


def write_sites_report(evaluation: SiteEvaluation, path: PathLike) -> tuple[Path, Path]:
    """Write `path` (.html) and the same figures as .json beside it; both are complete or absent.

    Raises
    ------
    InputError
        If the name does not end in .html or the folder cannot be written.
    """
    page = check_report_path(path)
    return write_page(page, render_sites(evaluation), evaluation.to_json())


def render_sites(evaluation: SiteEvaluation) -> str:
    """Give the report as one HTML page."""
    return render_page(f"Interaction sites by {evaluation.model}", _sections(evaluation))


def _sections(evaluation: SiteEvaluation) -> Iterator[str]:
    yield f"<h1>Interaction sites by {escape(evaluation.model)}</h1>"
    yield "<p class='lead'>Which residues of a chain touch a partner protein, on chains unlike those trained on.</p>"
    yield facts([("model", evaluation.model, ""), ("data", evaluation.data, ""), ("date", evaluation.date, "")])
    for subset in dict.fromkeys(result.subset for result in evaluation.results):
        own = [result for result in evaluation.results if result.subset == subset]
        about = own[0].figures
        yield f"<h2>{escape(subset)}</h2>"
        size = f"{about.residues:,} residues of {about.chains} chains, {100 * about.prevalence:.1f} % of them touch."
        yield table("Ranking and decisions", f"{size} Threshold from validation chains.", _COLUMNS, own)
        yield table(
            "Decisions with the best threshold of the test set itself",
            "Optimistic: the threshold has seen the answers. Published tables are often made this way.",
            _OPTIMISTIC,
            own,
        )
    yield "<h2>What to keep in mind</h2>"
    yield bullets(
        [
            "Chance reaches the share of touching residues as area under the precision-recall curve (AUPRC).",
            f"Intervals are 95 % of {RESAMPLES} resamplings of whole chains.",
            "Labels know one partner of each chain; a true site of another partner counts as an error.",
        ]
    )
    if evaluation.command:
        yield f"<h2>Run it again</h2><p><code>{escape(evaluation.command)}</code></p>"
    yield f"<footer>foldglass {escape(evaluation.foldglass)} · {escape(evaluation.date)}</footer>"


def _auprc(result: SiteResult) -> Interval:
    return Interval(result.figures.auprc, *result.figures.auprc_interval)


def _decided(name: str, chosen: str, result: SiteResult) -> float:
    value: float = getattr(getattr(result.figures, chosen), name)
    return value


_NAMES = {"accuracy": "ACC", "precision": "precision", "recall": "recall", "f1": "F1", "mcc": "MCC"}
_COLUMNS: list[Column[SiteResult]] = [
    Column("AUPRC", _auprc, "high"),
    Column("AUROC", lambda result: result.figures.auroc, "high"),
    *(Column(title, partial(_decided, name, "decided"), "high") for name, title in _NAMES.items()),
]
_OPTIMISTIC: list[Column[SiteResult]] = [
    Column(title, partial(_decided, name, "optimistic"), "high") for name, title in _NAMES.items()
]


def _structures(chains: SiteChains) -> list[Structure]:
    return [chain for chain in chains.chains if isinstance(chain, Structure)]
