"""How much of the label engine's time is TM-align itself, and what a second worker gives.

    python benchmarks/bench_label.py [--pairs 400] [--workers 2] [--no-history]

Chains are made up (compact random walks of 60 to 300 residues), so it needs no data. The share is a ratio of processor
times measured in turns in the same run: bare tmtools on the pairs, against the same pairs through `label` with one
worker (alignment parsed, two local scores, Parquet written). It stays meaningful on a busy machine; the scaling is in
wall time and does not.
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import tmtools
from machine import append_row

from foldglass.protein import Structure
from foldglass.tasks.label import label


def chain(seed: int, length: int) -> Structure:
    rng = np.random.default_rng(seed)
    points = [np.zeros(3)]
    for _ in range(length - 1):
        step = rng.normal(size=3) - 0.05 * points[-1]
        points.append(points[-1] + 3.8 * step / np.linalg.norm(step))
    return Structure(f"c{seed}", "".join(rng.choice(list("AGLV"), size=length)), ca=np.array(points, np.float32))


def bare(structures: list[Structure], pairs: list[tuple[int, int]]) -> float:
    arrays = [(s.ca.astype(np.float64), s.letters) for s in structures]
    began = time.process_time()
    for i, j in pairs:
        tmtools.tm_align(arrays[i][0], arrays[j][0], arrays[i][1], arrays[j][1])
    return time.process_time() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=400)
    parser.add_argument("--workers", type=int, default=2, help="1 leaves the scaling out")
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--no-history", action="store_true")
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    structures = [chain(seed, int(length)) for seed, length in enumerate(rng.integers(60, 300, size=60))]
    pairs = [(int(i), int(j)) for i, j in rng.integers(60, size=(options.pairs, 2))]
    bare(structures, pairs[:5])
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "labels.parquet"
        label(structures, pairs[:5], out)
        alone, whole = 0.0, 0.0
        chunk = max(1, len(pairs) // options.rounds)
        for first in range(0, len(pairs), chunk):
            some = pairs[first : first + chunk]
            alone += bare(structures, some)
            began = time.process_time()
            label(structures, some, out)
            whole += time.process_time() - began
        wall = {}
        for workers in (1, options.workers) if options.workers > 1 else ():
            began = time.perf_counter()
            label(structures, pairs, out, workers=workers)
            wall[workers] = time.perf_counter() - began
    measured: dict[str, float] = {
        "pairs": len(pairs),
        "mean_length": float(np.mean([len(s) for s in structures])),
        "bare_pairs_per_cpu_s": len(pairs) / alone,
        "label_pairs_per_cpu_s": len(pairs) / whole,
        "share_of_bare": alone / whole,
    }
    if wall:
        measured |= {"workers": options.workers, "wall_speedup": wall[1] / wall[options.workers]}
    for name, value in measured.items():
        print(f"{name:24s} {value:.4g}")
    if not options.no_history:
        print("kept in", append_row("label", measured, packages=["foldglass", "numpy", "pyarrow", "tmtools"]))


if __name__ == "__main__":
    main()
