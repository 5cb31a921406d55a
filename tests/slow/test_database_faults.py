import re
import subprocess
import sys
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[2] / "tools/database_faults.py"


@pytest.mark.slow
def test_killed_writers_lose_and_double_no_row() -> None:
    options = ["--kills", "10", "--proteins", "400", "--queries", "1000"]
    done = subprocess.run([sys.executable, TOOL, *options], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    kills, writers, disk, damage, queries = done.stdout.splitlines()
    hit = {name: int(count) for name, count in re.findall(r"'(\w+)': (\d+)", kills)}
    assert hit["build"] + hit["add"] + hit["remove"] + hit["index"] >= 10
    assert "'one refused'" in writers
    assert "the disk is full" in disk or "no small disk can be mounted" in disk
    assert "cut.fg: cannot be read or written" in damage and "expected database/1" in damage
    assert "'queries': 1000" in queries
