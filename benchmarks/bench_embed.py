"""Time the Siamese network on ready residue vectors: the reference layout against batches of similar lengths.

    OMP_NUM_THREADS=1 python benchmarks/bench_embed.py [--lengths structures.parquet] [--proteins 256] [--rounds 3]

The reference layout pads every protein to 300 residues, takes 16 at a time and masks nothing. Ours is what a `Tower`
does: proteins sorted by length, batches of a fixed number of residues, no mask where all lengths are equal. Both run
the same network in single precision on the same vectors (1024-d, random), in turns; the best of the rounds counts.
`half` is ours with the matrix products in bfloat16, as `embed --half`; the mean change of a cosine is printed.
Lengths are drawn from a table with a column `n_residues`, or, without one, from a gamma law close to it. With one
thread the processor's time is compared, which other programs on the machine do not change much; with more, wall time.
`share_of_peak` is what the best batches reach of the speed of one large matrix product: the same network cannot get
faster than 1 / share_of_peak times that without fewer bits or another machine.
"""

import argparse
import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from machine import append_row

from foldglass.models.siamese import SiameseConfig, SiameseNetwork
from foldglass.models.tower import buckets

LONGEST, BATCH, DIM = 300, 16, 1024
TOKENS = (512, 1024, 2048, 8192)
HALF_TOKENS = 1024


def draw_lengths(table: Path | None, proteins: int) -> list[int]:
    rng = np.random.default_rng(0)
    if table is None:
        return np.clip(rng.gamma(4.0, 35.0, proteins), 20, LONGEST).astype(int).tolist()
    import polars as pl

    lengths = pl.read_parquet(table, columns=["n_residues"])["n_residues"].to_numpy()
    return rng.choice(lengths[lengths <= LONGEST], proteins).tolist()


def reference(network: SiameseNetwork, vectors: list[torch.Tensor]) -> int:
    mask = torch.ones(BATCH, LONGEST, dtype=torch.bool)
    for start in range(0, len(vectors), BATCH):
        part = vectors[start : start + BATCH]
        batch = torch.zeros(len(part), LONGEST, DIM)
        for row, own in zip(batch, part, strict=True):
            row[: len(own)] = own
        network(batch, mask[: len(part)], torch.zeros(len(part), 0))
    return len(vectors)


def sorted_batches(network: SiameseNetwork, vectors: list[torch.Tensor], tokens: int) -> int:
    lengths = [len(own) for own in vectors]
    for group in buckets(lengths, tokens):
        batch = torch.nn.utils.rnn.pad_sequence([vectors[i] for i in group], batch_first=True)
        mask = torch.arange(batch.shape[1]) < torch.tensor([lengths[i] for i in group])[:, None]
        network(batch, mask, torch.zeros(len(group), 0))
    return len(vectors)


def half(network: SiameseNetwork, vectors: list[torch.Tensor]) -> int:
    with torch.autocast("cpu", torch.bfloat16):
        return sorted_batches(network, vectors, HALF_TOKENS)


def cosine_change(network: SiameseNetwork, vectors: list[torch.Tensor]) -> float:
    """Mean absolute change of the proteins' cosines from single precision to bfloat16."""

    def cosines() -> torch.Tensor:
        own = [network(x[None], torch.ones(1, len(x), dtype=torch.bool), torch.zeros(1, 0))[1] for x in vectors]
        return torch.cat(own) @ torch.cat(own).T

    exact = cosines()
    with torch.autocast("cpu", torch.bfloat16):
        return float((cosines().float() - exact).abs().mean())


def operations(network: SiameseNetwork, lengths: list[int]) -> float:
    """Multiplications and additions of the linear maps and the attention for these proteins, without padding."""
    per_residue = 2 * sum(p.numel() for p in network.parameters() if p.ndim > 1)
    per_pair = 4 * network.config.hidden * network.config.layers
    return float(sum(per_residue * length + per_pair * length**2 for length in lengths))


def product_speed(clock: Callable[[], float]) -> float:
    """Operations per second of the network's largest matrix product."""
    left, right = torch.randn(2048, 2048), torch.randn(2048, 512)
    best = float("inf")
    for _ in range(5):
        start = clock()
        left @ right
        best = min(best, clock() - start)
    return 2 * 2048 * 2048 * 512 / best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lengths", type=Path)
    parser.add_argument("--proteins", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--no-history", action="store_true")
    options = parser.parse_args()
    threads = int(os.environ.get("OMP_NUM_THREADS", os.cpu_count() or 1))
    torch.set_num_threads(threads)
    clock = time.process_time if threads == 1 else time.perf_counter

    lengths = draw_lengths(options.lengths, options.proteins)
    generator = torch.Generator().manual_seed(0)
    vectors = [torch.randn(length, DIM, generator=generator) for length in lengths]
    paper, ours = (SiameseNetwork(SiameseConfig.preset(name, input_dim=DIM)).eval() for name in ("paper", "foldglass"))

    programs: dict[str, Callable[[], int]] = {"reference": lambda: reference(paper, vectors)}
    for tokens in TOKENS:
        programs[f"paper_{tokens}"] = lambda tokens=tokens: sorted_batches(paper, vectors, tokens)
    programs["paper_half"] = lambda: half(paper, vectors)
    programs["reference_ours"] = lambda: reference(ours, vectors)
    programs["ours_2048"] = lambda: sorted_batches(ours, vectors, 2048)
    seconds = {name: float("inf") for name in programs}
    with torch.inference_mode():
        sorted_batches(paper, vectors[:8], 2048)
        for _ in range(options.rounds):
            for name, program in programs.items():
                start = clock()
                program()
                seconds[name] = min(seconds[name], clock() - start)

        peak = product_speed(clock)
        change = cosine_change(paper, vectors[:32])

    best = min(TOKENS, key=lambda tokens: seconds[f"paper_{tokens}"])
    measured = {
        "proteins": options.proteins,
        "mean_length": float(np.mean(lengths)),
        "threads": threads,
        **{f"{name}_per_s": options.proteins / value for name, value in seconds.items()},
        "padding_ratio": LONGEST / float(np.mean(lengths)),
        "best_tokens": best,
        "peak_gflops": peak / 1e9,
        "share_of_peak": operations(paper, lengths) / seconds[f"paper_{best}"] / peak,
        "speedup_same_network": seconds["reference"] / seconds[f"paper_{best}"],
        "speedup_half": seconds["reference"] / seconds["paper_half"],
        "half_cosine_change": change,
        "speedup_ours_over_reference": seconds["reference"] / seconds["ours_2048"],
    }
    for name, value in measured.items():
        print(f"{name:28} {value:.4g}" if isinstance(value, float) else f"{name:28} {value}")
    if not options.no_history:
        print("kept in", append_row("embed", measured, packages=["torch", "numpy"]))


if __name__ == "__main__":
    main()
