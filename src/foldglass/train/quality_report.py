"""The report of model quality: one HTML page, and the same numbers as JSON beside it."""

from collections import Counter
from collections.abc import Iterator
from functools import partial
from html import escape
from pathlib import Path
from typing import Any, Literal

import numpy as np

from foldglass.metrics.regression import Interval
from foldglass.train.html_table import Column, table
from foldglass.train.quality_measures import QualityMeasures
from foldglass.train.quality_runs import QualityEvaluation
from foldglass.train.report_json import plain, provenance
from foldglass.train.report_page import bullets, check_report_path, facts, render_page, write_page
from foldglass.typing import PathLike

SCHEMA = "foldglass-quality/2"


def write_quality_report(evaluation: QualityEvaluation, path: PathLike, *, command: str = "") -> tuple[Path, Path]:
    """Write `path` (.html) and the same measures as .json beside it; both are complete or absent.

    Raises
    ------
    InputError
        If the name does not end in .html or the folder cannot be written.
    """
    page = check_report_path(path)
    title = f"Model quality by {evaluation.model}"
    return write_page(page, render_page(title, _sections(evaluation, title, command)), to_json(evaluation, command))


def to_json(evaluation: QualityEvaluation, command: str = "") -> dict[str, Any]:
    """Every number of the evaluation; what could not be measured is null."""
    return {
        "schema": SCHEMA,
        "about": {
            "model": evaluation.model,
            "split": "test",
            **_counts(evaluation),
            "coverage_of_90_percent_intervals": round(evaluation.coverage, 4),
            **provenance(),
            "command": command,
        },
        "predictors": [predictor_json(row) for row in evaluation.rows],
    }


def predictor_json(row: QualityMeasures) -> dict[str, Any]:
    """The figures of one predictor."""
    return {
        "key": row.key,
        "title": row.title,
        "baseline": row.is_baseline,
        "rmse": plain(row.rmse),
        "pearson": plain(row.pearson),
        "gdt_ts": {name: plain(getattr(row, name)) for name in ("per_target", "z", "first", "five")},
        "local": {name: plain(getattr(row, f"local_{name}")) for name in ("rmse", "pearson", "spearman", "per_model")},
    }


def _counts(evaluation: QualityEvaluation) -> dict[str, Any]:
    decoys = evaluation.decoys
    per_target = Counter(decoy.target for decoy in decoys)
    return {
        "n_models": len(decoys),
        "n_targets": len(per_target),
        "n_groups": len({decoy.group for decoy in decoys}),
        "n_targets_of_three_or_more": sum(count >= 3 for count in per_target.values()),
        "n_targets_of_six_or_more": sum(count >= 6 for count in per_target.values()),
        "n_residues": int(sum(np.isfinite(decoy.local).sum() for decoy in decoys)),
        "models_by_set": dict(Counter(decoy.kind for decoy in decoys)),
    }


def _sections(evaluation: QualityEvaluation, title: str, command: str) -> Iterator[str]:
    counts, about = _counts(evaluation), provenance()
    yield f"<h1>{escape(title)}</h1>"
    yield "<p class='lead'>Scores of structure models, predicted without their natives, next to the true ones.</p>"
    yield facts(
        [
            ("model", evaluation.model, ""),
            ("models", f"{counts['n_models']} of {counts['n_targets']} targets in {counts['n_groups']} groups", ""),
            ("true GDT_TS within the 90 % interval", f"{evaluation.coverage:.0%}", ""),
            ("date", about["date"], ""),
        ]
    )
    yield table(
        "GDT_TS",
        "R per target: targets with three models or more. z and first-rank loss: of the model ranked first. Best of "
        f"five: {counts['n_targets_of_six_or_more']} targets with six models or more.",
        _WHOLE,
        evaluation.rows,
    )
    yield table("lDDT per residue", "Pooled, and the mean over models.", _LOCAL, evaluation.rows)
    yield table("Other global scores", "", _OTHER, evaluation.rows)
    yield "<h2>What to keep in mind</h2>"
    yield bullets(
        [
            "The truth is the score against the best of the protein&rsquo;s known native states; &ldquo;against one "
            "native&rdquo; counts the target&rsquo;s own alone.",
            "&ldquo;Each model alone&rdquo; is judged without other models of the same protein beside it, which the "
            "first row sees.",
            "Intervals are 95 %, from resampling superfamily groups.",
        ]
    )
    if command:
        yield f"<h2>Run it again</h2><p><code>{escape(command)}</code></p>"
    yield f"<footer>foldglass {escape(about['foldglass'])} · {escape(about['machine'])}</footer>"


def _of(field: str, name: str, row: QualityMeasures) -> Interval:
    found: Interval = getattr(row, field)[name]
    return found


_WHOLE: list[Column[QualityMeasures]] = [
    Column("RMSE", partial(_of, "rmse", "gdt_ts"), "low"),
    Column("R", partial(_of, "pearson", "gdt_ts"), "high"),
    Column("R per target", lambda row: row.per_target, "high"),
    Column("z", lambda row: row.z, "high"),
    Column("first-rank loss", lambda row: row.first, "low"),
    Column("best of five loss", lambda row: row.five, "low"),
]
_LOCAL: list[Column[QualityMeasures]] = [
    Column("RMSE", lambda row: row.local_rmse, "low"),
    Column("R", lambda row: row.local_pearson, "high"),
    Column("rho", lambda row: row.local_spearman, "high"),
    Column("rho per model", lambda row: row.local_per_model, "high"),
]
_FIELDS: list[tuple[str, str, Literal["low", "high"]]] = [("RMSE", "rmse", "low"), ("R", "pearson", "high")]
_OTHER: list[Column[QualityMeasures]] = [
    Column(f"{title}: {measure}", partial(_of, field, name), best)
    for name, title in (("gdt_ha", "GDT_HA"), ("tm", "TM-score"), ("lddt", "lDDT"))
    for measure, field, best in _FIELDS
]
