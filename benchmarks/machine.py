"""Keep what a benchmark measured beside what it ran on: one CSV per benchmark in `history/`.

    from machine import append_row
    append_row("label", {"pairs_per_second": 41.2}, packages=["numpy", "tmtools"])

A measured column is only ever added, so rows of all ages stay in one file; a value that a row does not have is empty.
"""

import csv
import io
import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

HISTORY = Path(__file__).parent / "history"


def append_row(name: str, measured: Mapping[str, object], *, packages: Sequence[str] = ()) -> Path:
    """Append one row to `history/NAME.csv`: time, commit, machine, versions, then the measured values."""
    row = {**_circumstances(packages), **{key: _rounded(value) for key, value in measured.items()}}
    path = HISTORY / f"{name}.csv"
    HISTORY.mkdir(exist_ok=True)
    before: list[dict[str, str]] = []
    columns: list[str] = []
    if path.exists():
        with path.open(newline="") as file:
            reader = csv.DictReader(file)
            before, columns = list(reader), list(reader.fieldnames or [])
    columns += [key for key in row if key not in columns]
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows([*before, row])
    scratch = path.with_suffix(".tmp")
    scratch.write_text(text.getvalue())
    os.replace(scratch, path)
    return path


def _circumstances(packages: Sequence[str]) -> dict[str, object]:
    return {
        "time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%MZ"),
        "commit": _commit(),
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "load": _rounded(os.getloadavg()[0]),
        "versions": " ".join([f"python={platform.python_version()}", *(f"{p}={version(p)}" for p in packages)]),
    }


def _commit() -> str:
    """Short commit, with a plus sign if tracked files differ from it."""
    here = Path(__file__).parent
    commit = subprocess.run(
        ["git", "describe", "--always", "--exclude=*", "--dirty=+"],
        cwd=here,
        capture_output=True,
        text=True,
        check=False,
    )
    return commit.stdout.strip() or "unknown"


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _rounded(value: object) -> object:
    return f"{value:.4g}" if isinstance(value, float) else value
