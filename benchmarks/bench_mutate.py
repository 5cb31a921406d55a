"""Time a mutation scan: all at once with shared computation, against one mutant after another.

    OMP_NUM_THREADS=1 python benchmarks/bench_mutate.py [--length 300] [--sample 76] [--rounds 2] [--whole]

`compare` is what a plain loop does: `Model.compare` of the wild type with each mutant, which embeds both and aligns
them. `embed` spares the wild type and the alignment and embeds one mutant at a time. `batched` embeds many at once.
`scan` is `variant_effects`, the whole effect included. All see the same random sample of the 19 L substitutions of a
random sequence, in turns, and the best of the rounds counts; `whole_s` extrapolates to all of them. `--whole` runs all
of them too, and measures how much memory that takes beyond the sample's. `floor_s` is what the multiplications of the
network alone need at the speed of one large matrix product. With one thread the processor's time is compared, with
more, wall time.
"""

import argparse
import os
import resource
import time
from collections.abc import Callable

import numpy as np
import torch
from machine import append_row

from foldglass.constants import AMINO_ACIDS
from foldglass.models.model import Model
from foldglass.models.registry import load
from foldglass.protein import Sequence
from foldglass.tasks.mutation import background, variant_effects
from foldglass.variant import Variant, substitutions


def operations(model: Model, length: int) -> float:
    """Multiplications and additions of the linear maps and the attention for one mutant."""
    tower = model.towers["sequence"]
    layers = [*tower.front.encoder.blocks, *tower.network.blocks]  # type: ignore[union-attr]
    maps = [*layers, tower.network.project, tower.network.output]
    per_residue = 2 * sum(p.numel() for module in maps for p in module.parameters() if p.ndim > 1)
    per_pair = sum(4 * layer.attention.out.in_features for layer in layers)
    return float(per_residue * length + per_pair * length**2)


def product_speed(clock: Callable[[], float]) -> float:
    """Operations per second of a large matrix product."""
    left, right = torch.randn(2048, 2048), torch.randn(2048, 512)
    best = float("inf")
    for _ in range(5):
        start = clock()
        left @ right
        best = min(best, clock() - start)
    return 2 * 2048 * 2048 * 512 / best


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--length", type=int, default=300)
    parser.add_argument("--sample", type=int, default=76)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--whole", action="store_true")
    parser.add_argument("--no-history", action="store_true")
    options = parser.parse_args()
    threads = int(os.environ.get("OMP_NUM_THREADS", os.cpu_count() or 1))
    torch.set_num_threads(threads)
    clock = time.process_time if threads == 1 else time.perf_counter

    letters = "".join(np.random.default_rng(0).choice(list(AMINO_ACIDS), options.length))
    wild, model = Sequence("wild", letters), load(device="cpu")
    sample = background(wild, options.sample)
    mutants = [variant.apply(wild) for variant in sample]

    def scan(variants: list[Variant]) -> None:
        for effect in variant_effects(model, wild, variants):
            assert effect.shift > 0

    programs: dict[str, Callable[[], object]] = {
        "compare": lambda: [model.compare(wild, mutant) for mutant in mutants[: len(mutants) // 4]],
        "embed": lambda: [model.embed([mutant]) for mutant in mutants[: len(mutants) // 4]],
        "batched": lambda: model.embed(mutants),
        "scan": lambda: scan(sample),
    }
    count = {"compare": len(mutants) // 4, "embed": len(mutants) // 4}
    milliseconds = {name: float("inf") for name in programs}
    scan(sample[:8])
    for _ in range(options.rounds):
        for name, program in programs.items():
            start = clock()
            program()
            milliseconds[name] = min(milliseconds[name], (clock() - start) * 1000 / count.get(name, len(sample)))
    speed = product_speed(clock)
    every = 19 * options.length
    measured: dict[str, object] = {
        "length": options.length,
        "threads": threads,
        **{f"{name}_ms": value for name, value in milliseconds.items()},
        "whole_s": milliseconds["scan"] * every / 1000,
        "floor_s": operations(model, options.length) * every / speed,
        "peak_gflops": speed / 1e9,
        "scan_over_compare": milliseconds["compare"] / milliseconds["scan"],
        "scan_over_embed": milliseconds["embed"] / milliseconds["scan"],
    }
    if options.whole:
        before, start, wall = peak_mb(), clock(), time.perf_counter()
        scan(list(substitutions(wild, range(options.length))))
        measured |= {
            "run_s": clock() - start,
            "run_wall_s": time.perf_counter() - wall,
            "run_more_mb": peak_mb() - before,
        }
    for name, value in measured.items():
        print(f"{name:20} {value:.4g}" if isinstance(value, float) else f"{name:20} {value}")
    if not options.no_history:
        print("kept in", append_row("mutate", measured, packages=["torch", "numpy"]))


if __name__ == "__main__":
    main()
