"""What do predictions of mutations tell, next to what is simple? Experimental pairs, measured stabilities, baselines.

    python tools/mutation_evidence.py rows DATA -o rows.parquet [--model builtin]
    python tools/mutation_evidence.py report rows.parquet -o docs/results/mutation.json

`rows` (`mutation_rows.py`) predicts and measures every mutant of `mutants.parquet` and every pair of crystals of one
sequence in `structures.parquet`; it takes a few minutes. `report` (`mutation_figures.py`) makes the figures from that
table. Intervals are 95 %, from bootstrap draws of protein families (wild types that share at least 15 % of their
5-mers).
"""

import argparse
import json
from pathlib import Path

import polars as pl
from mutation_figures import figures
from mutation_rows import write_rows

from foldglass.models.registry import load


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    rows = commands.add_parser("rows")
    rows.add_argument("data", type=Path)
    rows.add_argument("--model", default="builtin")
    report = commands.add_parser("report")
    report.add_argument("rows", type=Path)
    for command in (rows, report):
        command.add_argument("-o", "--out", type=Path, required=True)
    arguments = parser.parse_args()
    if arguments.command == "rows":
        write_rows(load(arguments.model), arguments.data, arguments.out)
    else:
        arguments.out.write_text(json.dumps(figures(pl.read_parquet(arguments.rows)), indent=1) + "\n")


if __name__ == "__main__":
    main()
