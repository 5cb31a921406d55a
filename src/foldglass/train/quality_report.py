"""The report of model quality: one HTML page, and the same numbers as JSON beside it."""

import json
import math
from collections import Counter
from datetime import UTC, datetime
from html import escape
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

import numpy as np

from foldglass.errors import InputError
from foldglass.io.atomic import replacing
from foldglass.metrics.regression import Interval
from foldglass.train.quality_measures import QualityMeasures
from foldglass.train.quality_runs import QualityEvaluation

SCHEMA = "foldglass-quality/1"

_WHOLE = (
    ("RMSE", lambda row: row.rmse["gdt_ts"]),
    ("R", lambda row: row.pearson["gdt_ts"]),
    ("R per target", lambda row: row.per_target),
    ("z", lambda row: row.z),
    ("first-rank loss", lambda row: row.first),
    ("best of five loss", lambda row: row.five),
)
_LOCAL = (
    ("RMSE", lambda row: row.local_rmse),
    ("R", lambda row: row.local_pearson),
    ("rho", lambda row: row.local_spearman),
    ("rho per model", lambda row: row.local_per_model),
)
_OTHER = tuple(
    (f"{title}: {measure}", lambda row, name=name, field=field: getattr(row, field)[name])
    for name, title in (("gdt_ha", "GDT_HA"), ("tm", "TM-score"), ("lddt", "lDDT"))
    for measure, field in (("RMSE", "rmse"), ("R", "pearson"))
)


def write_quality_report(evaluation: QualityEvaluation, path: Path, *, command: str = "") -> tuple[Path, Path]:
    """Write `path` (.html) and the same measures as .json beside it; both are complete or absent.

    Raises
    ------
    InputError
        If the name does not end in .html or the folder cannot be written.
    """
    if path.suffix != ".html":
        raise InputError(str(path), got=f"the ending {path.suffix or 'none'}", expected="a name that ends in .html")
    numbers = path.with_suffix(".json")
    with replacing(path) as page, replacing(numbers) as values:
        page.write_text(_page(evaluation), encoding="utf-8")
        values.write_text(json.dumps(to_json(evaluation, command), indent=1, allow_nan=False) + "\n", encoding="utf-8")
    return path, numbers


def to_json(evaluation: QualityEvaluation, command: str = "") -> dict[str, Any]:
    """Every number of the evaluation; what could not be measured is null."""
    return {
        "schema": SCHEMA,
        "about": {
            "model": evaluation.model,
            "split": evaluation.split,
            **_counts(evaluation),
            "coverage_of_90_percent_intervals": round(evaluation.coverage, 4),
            "date": f"{datetime.now(UTC):%Y-%m-%d}",
            "foldglass": version("foldglass"),
            "command": command,
        },
        "predictors": [predictor_json(row) for row in evaluation.rows],
    }


def predictor_json(row: QualityMeasures) -> dict[str, Any]:
    """The figures of one predictor."""
    return {
        "key": row.key,
        "title": row.title,
        "baseline": row.baseline,
        "rmse": {name: _plain(value) for name, value in row.rmse.items()},
        "pearson": {name: _plain(value) for name, value in row.pearson.items()},
        "gdt_ts": {name: _plain(getattr(row, name)) for name in ("per_target", "z", "first", "five")},
        "local": {name: _plain(getattr(row, f"local_{name}")) for name in ("rmse", "pearson", "spearman", "per_model")},
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


def _page(evaluation: QualityEvaluation) -> str:
    counts = _counts(evaluation)
    template = Template((files("foldglass.train") / "static" / "report.html").read_text(encoding="utf-8"))
    body = [
        f"<h1>Model quality by {escape(evaluation.model)}</h1>",
        f"<p>{counts['n_models']} published models of {counts['n_targets']} targets in {counts['n_groups']} groups of "
        f"superfamilies, split {escape(evaluation.split)}. Small figures are 95 % intervals over groups. Of the true "
        f"GDT_TS {evaluation.coverage:.0%} lie within the predicted 90 % interval.</p>",
        _table(
            "GDT_TS",
            "R per target: targets with three models or more. z and first-rank loss: of the model ranked first. Best "
            f"of five: {counts['n_targets_of_six_or_more']} targets with six models or more.",
            _WHOLE,
            evaluation.rows,
        ),
        _table("lDDT per residue", "pooled, and the mean over models", _LOCAL, evaluation.rows),
        _table("Other global scores", "", _OTHER, evaluation.rows),
    ]
    return template.substitute(title=escape(f"Model quality by {evaluation.model}"), body="\n".join(body))


def _table(caption: str, note: str, columns: Any, rows: list[QualityMeasures]) -> str:
    head = "".join(f"<th scope='col'>{escape(title)}</th>" for title, _ in columns)
    bodies = "".join(
        f"<tbody class='{'baseline' if row.baseline else 'model'}'><tr><th scope='row'>{escape(row.title)}</th>"
        + "".join(f"<td>{_cell(read(row))}</td>" for _, read in columns)
        + "</tr></tbody>"
        for row in rows
    )
    return (
        f"<div class='scroll'><table><caption>{escape(caption)}<small>{escape(note)}</small></caption>"
        f"<thead><tr><th></th>{head}</tr></thead>{bodies}</table></div>"
    )


def _cell(value: Interval) -> str:
    if math.isnan(value.value):
        return "–"
    return f"{value.value:.3f}<small>{value.low:.3f} to {value.high:.3f}</small>".replace("-", "−")


def _plain(value: Interval) -> dict[str, float | None]:
    return {name: None if math.isnan(number) else round(number, 5) for name, number in value._asdict().items()}
