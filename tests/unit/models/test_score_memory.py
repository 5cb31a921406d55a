"""Memory of a score network does not grow with the number of chains, whatever their lengths."""

import subprocess
import sys
from pathlib import Path

import pytest

STREAM = """
import numpy as np
from foldglass.models.registry import load_score
from foldglass.protein import Structure

def chains(lengths):
    for length in lengths:
        walk = np.cumsum(np.random.default_rng(length).normal(0, 2, (length, 3)), axis=0)
        yield Structure("walk", "A" * length, ca=walk.astype(np.float32))

def resident():
    return int(open("/proc/self/statm").read().split()[1]) * 4096 / 2**20

model = load_score()
model.embed(chains([90] * 3), pair=False)
before = resident()
for _ in model.embed_stream(chains(range(60, 90))):
    pass
print(resident() - before)
"""


@pytest.mark.skipif(not Path("/proc/self/statm").is_file(), reason="reads /proc")
def test_stream_of_thirty_lengths_needs_no_more_than_one() -> None:
    """Ten times the largest map of them (5 MB) is far below what thirty kept shapes would take (140 MB)."""
    done = subprocess.run([sys.executable, "-c", STREAM], capture_output=True, text=True, check=True, timeout=200)
    assert float(done.stdout) < 50
