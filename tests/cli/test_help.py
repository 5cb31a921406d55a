import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer

from foldglass import __version__
from foldglass.app.columns import COLUMNS, EVALUE, EXACT_COLUMNS, LIST_COLUMNS, M8_COLUMNS
from foldglass.app.main import app

DOCS = Path(__file__).parents[2] / "docs"
COMMAND_NAMES = (
    *("compare", "search", "cluster", "embed", "mutate", "denoise", "quality", "sites", "label"),
    *("train", "evaluate", "fetch", "db", "models"),
)
HEAVY = {"torch", "polars", "pyarrow", "gemmi", "httpx", "numpy", "rich"}


def _commands(command: Any, path: str) -> list[tuple[str, Any]]:
    below = getattr(command, "commands", {})
    return [(path, command), *(one for name, sub in below.items() for one in _commands(sub, f"{path} {name}"))]


COMMANDS = dict(_commands(typer.main.get_command(app), "foldglass"))


def test_help_imports_nothing_heavy() -> None:
    code = "import sys, foldglass.app.main; print(*{name.partition('.')[0] for name in sys.modules})"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "typer" in loaded
    assert not HEAVY.intersection(loaded)


def test_no_command_of_a_later_release_is_announced() -> None:
    assert set(COMMANDS) == {
        "foldglass",
        *(f"foldglass {name}" for name in COMMAND_NAMES),
        *(f"foldglass db {name}" for name in ("build", "add", "remove", "info", "export")),
        *(f"foldglass models {name}" for name in ("list", "show", "pull")),
    }


def test_cli_page_holds_the_help_of_today() -> None:
    code = "import make_cli; print(make_cli.page(make_cli.PAGE.read_text()) == make_cli.PAGE.read_text())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=DOCS, check=True)
    assert done.stdout.strip() == "True", "write it anew: make docs"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_is_on_the_cli_page_and_explained(name: str) -> None:
    section = (DOCS / "cli.md").read_text().partition(f"## {name}\n")[2].partition("\n## ")[0]
    assert section
    for parameter in COMMANDS[name].params:
        if parameter.name != "help":
            assert parameter.help, f"{name}: {parameter.name} has no help"
        for spelling in parameter.opts:
            if spelling.startswith("-"):
                assert spelling in section


def test_columns_are_documented_in_their_order_and_begin_as_promised() -> None:
    assert COLUMNS[:7] == ("query", "target", "tm_query", "tm_target", "p_same_fold", "lddt", "rank")
    table = (DOCS / "cli.md").read_text().partition("## Columns of compare and search")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (`.*?`) \|", table, flags=re.MULTILINE)
    assert re.findall(r"`(\w+)`", " ".join(rows)) == [*COLUMNS, EVALUE, *EXACT_COLUMNS, *LIST_COLUMNS]
    assert "`" + " ".join(M8_COLUMNS) + "`" in " ".join((DOCS / "cli.md").read_text().split())


def test_version_help_and_no_command(run: Any) -> None:
    assert run("--version").stdout == f"foldglass {__version__}\n"
    assert "Usage: foldglass compare" in run("compare", "-h").stdout
    assert "Usage: foldglass" in run(code=2).stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["compare", "a", "b", "--color"], "No such option"),
        (["compere"], "No such command"),
        (["compare"], "Missing argument"),
        (["compare", "a", "b", "--format", "csv"], "'csv' is not one of"),
        (["compare", "a", "b", "--device", "tpu"], "'tpu' is not one of"),
        (["compare", "a", "b", "--threads", "0"], "--threads"),
        (["compare", "a"], "compare: 1 input; expected two; or give --all-vs-all"),
        (["compare", "a", "b", "--format", "parquet"], "--format parquet: no output file; name one with -o"),
        (["search", "db", "q", "-k", "0"], "-k"),
        (["search", "db", "q", "--min-tm", "1.5"], "--min-tm"),
        (["compare", "a", "b", "--format", "xml"], "Invalid value for '--format': 'xml' is not one of"),
        (["embed", "a.fasta"], "--out"),
        (["embed", "a.fasta", "-o", "a.csv"], "a.csv: the extension '.csv'; expected .parquet, .npz or .h5ad"),
        (["label", "a", "-o", "a.csv", "--all-vs-all"], "a.csv: the extension '.csv'; expected .parquet"),
        (["label", "a", "-o", "a.parquet"], "label: no pairs; expected either --all-vs-all or --pairs FILE"),
        (["label", "a", "-o", "a.parquet", "--all-vs-all", "--pairs", "p"], "both --all-vs-all and --pairs"),
    ],
)
def test_wrong_usage_is_one_line_and_code_2(arguments: list[str], words: str, run: Any) -> None:
    done = run(*arguments, code=2)
    assert not done.stdout
    assert words in done.stderr
    assert done.stderr.startswith("foldglass: ") and done.stderr.count("\n") == 1
