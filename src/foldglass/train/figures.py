"""The figures of evaluation reports as Markdown tables, for model cards and the README."""

import json
from pathlib import Path
from typing import Any

from foldglass.errors import InputError, NotFoundError


def figures(reports: list[Path]) -> list[str]:
    """Lines of Markdown: per report a table of the global score and one of the local score.

    Parameters
    ----------
    reports
        JSON files that `foldglass evaluate` wrote.

    Raises
    ------
    NotFoundError
        If a report is missing.
    InputError
        If a file is not such a report.
    """
    lines: list[str] = []
    for path in reports:
        if not path.is_file():
            raise NotFoundError(str(path), got="no such report", expected="the JSON of foldglass evaluate")
        try:
            report = json.loads(path.read_text())
            lines += [*_heading(report["about"]), *_global(report["folds"]), *_local(report["locals"])]
        except (ValueError, KeyError, TypeError):
            raise InputError(str(path), got="something else", expected="the JSON of foldglass evaluate") from None
    return lines


def _heading(about: dict[str, Any]) -> list[str]:
    return [
        f"**Split `{about['split']}`** ({about['n_pairs']:,} pairs of {about['n_proteins']:,} proteins, "
        f"{about['n_local_pairs']:,} pairs for the local score; 95 % intervals from {about['draws']} bootstrap draws)",
        "",
    ]


def _global(folds: list[dict[str, Any]]) -> list[str]:
    edges = [f"{entry['low']:.1f}-{entry['high']:.1f}" for entry in folds[0]["tm"]["bins"]]
    head = ["TM-score", "MAE", "Pearson", "Spearman", "AUROC of TM > 0.5", *(f"MAE at {edge}" for edge in edges)]
    rows = [
        [
            fold["title"],
            _interval(fold["tm"]["mae"]),
            _number(_value(fold["tm"]["pearson"])),
            _number(fold["tm"]["spearman"]),
            _number(_value(fold["auroc"])),
            *(_number(entry["mae"]) for entry in fold["tm"]["bins"]),
        ]
        for fold in folds
    ]
    return _table(head, rows)


def _local(results: list[dict[str, Any]]) -> list[str]:
    head = ["Local score (`glass`, TM >= 0.7)", "MAE", "Spearman", "alignment precision", "alignment recall"]
    rows = []
    for result in results:
        given = (result["given_alignment"] or {}).get("glass") or {}
        aligned = result["alignment"] or {}
        rows.append(
            [
                result["title"],
                _interval(given.get("mae")),
                _number(given.get("spearman")),
                _number(_value(aligned.get("precision"))),
                _number(_value(aligned.get("recall"))),
            ]
        )
    return _table(head, rows) if rows else []


def _value(entry: Any) -> float | None:
    return entry["value"] if isinstance(entry, dict) else None


def _interval(entry: Any) -> str:
    if not isinstance(entry, dict) or entry["value"] is None:
        return ""
    if entry["low"] is None:
        return f"{entry['value']:.3f}"
    return f"{entry['value']:.3f} ({entry['low']:.3f}-{entry['high']:.3f})"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _table(head: list[str], rows: list[list[str]]) -> list[str]:
    return [f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows)] + [""]
