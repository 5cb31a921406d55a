"""Put a trained model into the package: python tools/ship_model.py RUN/model REPORT.json ...

Names it `builtin`, adds the figures of the reports to its card, and writes src/foldglass/weights/builtin.
"""

import argparse
from pathlib import Path

from foldglass.models.checkpoint import load_model, save_model
from foldglass.train.figures import figures

DESCRIPTION = "sequence and structure towers in one 512-d space, trained on TM-align pairs of PDB chains and domains"
TARGET = Path(__file__).parents[1] / "src" / "foldglass" / "weights" / "builtin"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("reports", type=Path, nargs="*")
    parser.add_argument("--notes", type=Path, help="Markdown to add to the card")
    arguments = parser.parse_args()
    model = load_model(arguments.model)
    model.name, model.description = "builtin", DESCRIPTION
    card = (arguments.model / "card.md").read_text().splitlines()
    card[0] = "# builtin"
    if arguments.notes:
        card += ["", *arguments.notes.read_text().splitlines()]
    if arguments.reports:
        card += ["", "## Figures", "", *figures(arguments.reports)]
    print(save_model(model, TARGET, card="\n".join(card).rstrip() + "\n"))


if __name__ == "__main__":
    main()
