"""Put a trained interaction-site model into the package: python tools/ship_sites.py RUN/model REPORT.json

Names it `sites`, adds the figures of the report to its card, and writes src/foldglass/weights/sites.
"""

import argparse
import json
from pathlib import Path
from typing import Any

from foldglass.models.sites_model import load_sites_model, save_sites_model

TARGET = Path(__file__).parents[1] / "src" / "foldglass" / "weights" / "sites"


def figures(report: dict[str, Any]) -> list[str]:
    """One line per predictor and test set, as Markdown."""
    lines = ["| set | predictor | AUPRC (95 %) | AUROC | F1 | MCC |", "|---|---|---|---|---|---|"]
    for result in report["results"]:
        own = result["figures"]
        low, high = own["auprc_interval"]
        lines.append(
            f"| {result['subset']} | {'this model' if not result['is_baseline'] else result['title']} "
            f"| {own['auprc']:.3f} ({low:.3f} to {high:.3f}) | {own['auroc']:.3f} | {own['decided']['f1']:.3f} "
            f"| {own['decided']['mcc']:.3f} |"
        )
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("report", type=Path)
    arguments = parser.parse_args()
    model = load_sites_model(arguments.model)
    model.name = "sites"
    card = (arguments.model / "card.md").read_text().splitlines()
    card[0] = "# sites"
    card += ["", "## Test sets", "", "Looked at once. Threshold from held-out training chains.", ""]
    card += figures(json.loads(arguments.report.read_text()))
    print(save_sites_model(model, TARGET, card="\n".join(card) + "\n"))


if __name__ == "__main__":
    main()
