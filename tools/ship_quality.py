"""Put a trained quality model into the package: python tools/ship_quality.py RUN/model REPORT.json

Names it `quality`, adds the figures of the report that `foldglass evaluate` wrote to its card, and writes
src/foldglass/weights/quality.
"""

import argparse
import json
from pathlib import Path
from typing import Any

from foldglass.models.quality_model import load_quality_model, save_quality_model

TARGET = Path(__file__).parents[1] / "src" / "foldglass" / "weights" / "quality"
COLUMNS = (
    ("RMSE", ("rmse", "gdt_ts")),
    ("R", ("pearson", "gdt_ts")),
    ("R per target", ("gdt_ts", "per_target")),
    ("first-rank loss", ("gdt_ts", "first")),
    ("lDDT rho", ("local", "spearman")),
    ("lDDT rho per model", ("local", "per_model")),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("report", type=Path)
    arguments = parser.parse_args()
    model = load_quality_model(arguments.model)
    model.name = "quality"
    card = (arguments.model / "card.md").read_text().splitlines()
    card[0] = "# quality"
    card += ["", *figures(json.loads(arguments.report.read_text()))]
    print(save_quality_model(model, TARGET, card="\n".join(card).rstrip() + "\n"))


def figures(report: dict[str, Any]) -> list[str]:
    """The report's main figures as Markdown."""
    about = report["about"]
    lines = [
        "## Figures",
        "",
        f"GDT_TS, and lDDT per residue, of {about['n_models']} published models of {about['n_targets']} targets, split "
        f"`{about['split']}`; 95 % intervals over groups of superfamilies. "
        f"{about['coverage_of_90_percent_intervals']:.0%} of the true GDT_TS lie within the predicted 90 % interval.",
        "",
        f"| | {' | '.join(title for title, _ in COLUMNS)} |",
        f"|{' --- |' * (len(COLUMNS) + 1)}",
    ]
    for row in report["predictors"]:
        cells = [_cell(row[part][name]) for _, (part, name) in COLUMNS]
        lines.append(f"| {row['title']} | {' | '.join(cells)} |")
    return lines


def _cell(value: dict[str, float | None]) -> str:
    if value["value"] is None:
        return ""
    return f"{value['value']:.3f} ({value['low']:.3f} to {value['high']:.3f})"


if __name__ == "__main__":
    main()
