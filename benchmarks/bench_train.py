"""Labelled pairs per second in training: every protein embedded once per batch, against two padded passes per pair.

    OMP_NUM_THREADS=1 python benchmarks/bench_train.py [--data DATA_FOLDER] [--rounds 2]

Both train the published network (1024-d random residue vectors, its loss, AdamW: forward, backward and step) in single
precision. The reference takes 16 pairs, pads both proteins of each to 300 residues and embeds all 32. Ours takes 64
proteins, embeds each once in batches of similar length, and uses every labelled pair among them: all 2016 if every
pair is labelled (`dense`), or as many as the sampler finds in a data folder (`sampled`), and these once more with the
matrix products in bfloat16 (`half`, as `precision = "bf16-mixed"` in a recipe). TM-scores and local scores are random:
they change the weights, not the time. With one thread the processor's time is compared, else wall time.
"""

import argparse
import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from machine import append_row
from torch import Tensor

from foldglass.models.siamese import SiameseConfig, SiameseNetwork
from foldglass.models.tower import buckets
from foldglass.train.losses import glass_loss
from foldglass.train.sampling import PairSampler

LONGEST, PAIRS, PROTEINS, PARTNERS, DIM = 300, 16, 64, 15, 1024
TOKENS = 2048

Vectors = tuple[list[Tensor], Tensor]
Pairs = list[tuple[int, int]]


def padded_pass(network: SiameseNetwork, vectors: list[Tensor]) -> Vectors:
    batch = torch.zeros(len(vectors), LONGEST, DIM)
    for row, own in zip(batch, vectors, strict=True):
        row[: len(own)] = own
    residue, protein = network(batch, torch.ones(batch.shape[:2], dtype=torch.bool), torch.zeros(len(batch), 0))
    return list(residue), protein


def sorted_pass(network: SiameseNetwork, vectors: list[Tensor]) -> Vectors:
    residue, protein = ([torch.empty(0)] * len(vectors) for _ in range(2))
    lengths = [len(own) for own in vectors]
    for group in buckets(lengths, TOKENS):
        batch = torch.nn.utils.rnn.pad_sequence([vectors[i] for i in group], batch_first=True)
        mask = torch.arange(batch.shape[1]) < torch.tensor([lengths[i] for i in group])[:, None]
        own_residue, own_protein = network(batch, mask, torch.zeros(len(group), 0))
        for i, one, whole in zip(group, own_residue, own_protein, strict=True):
            residue[i], protein[i] = one, whole
    return residue, torch.stack(protein)


def step(network: SiameseNetwork, optimizer: torch.optim.Optimizer, embedded: Vectors, pairs: Pairs) -> None:
    """Loss of pairs of places among the embedded proteins, backward, and one step of the optimiser."""
    residue, protein = embedded
    query, target = torch.tensor(pairs).T
    tm = torch.rand(len(pairs), generator=torch.Generator().manual_seed(0))
    local: list[tuple[Tensor, Tensor] | None] = []
    for (i, j), similar in zip(pairs, (tm >= 0.7).tolist(), strict=True):
        length = min(len(residue[i]), len(residue[j]))
        cosine = (residue[i][:length] * residue[j][:length]).sum(-1) if similar else None
        local.append(None if cosine is None else (cosine, torch.ones(length)))
    loss = glass_loss((protein[query] * protein[target]).sum(-1), tm, local)
    loss.backward()
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)


def half_pass(network: SiameseNetwork, vectors: list[Tensor]) -> Vectors:
    with torch.autocast("cpu", torch.bfloat16):
        return sorted_pass(network, vectors)


def sampled_batch(folder: Path) -> tuple[list[int], Pairs, float]:
    """Lengths and pairs of one batch of the real graph, and the mean number of pairs of a batch."""
    from foldglass.train.data import load_pair_data

    data = load_pair_data(folder)
    lengths = np.array([len(structure) for structure in data.structures])
    rows = data.splits["train"]
    rows = rows[np.maximum(lengths[data.query[rows]], lengths[data.target[rows]]) <= LONGEST]
    sampler = PairSampler(data.query, data.target, rows, proteins=PROTEINS, partners=PARTNERS)
    batches = [sampler.batch(number) for number in range(50)]
    mean = float(np.mean([len(batch.rows) for batch in batches]))
    batch = min(batches, key=lambda batch: abs(len(batch.rows) - mean))
    return lengths[batch.proteins].tolist(), list(zip(batch.query.tolist(), batch.target.tolist(), strict=True)), mean


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--no-history", action="store_true")
    options = parser.parse_args()
    threads = int(os.environ.get("OMP_NUM_THREADS", os.cpu_count() or 1))
    torch.set_num_threads(threads)
    clock = time.process_time if threads == 1 else time.perf_counter

    network = SiameseNetwork(SiameseConfig.preset("paper", input_dim=DIM)).train()
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-4)
    rng, generator = np.random.default_rng(0), torch.Generator().manual_seed(0)
    lengths = np.clip(rng.gamma(4.0, 35.0, PROTEINS), 20, LONGEST).astype(int).tolist()
    pairs, mean_pairs = [], float("nan")
    if options.data:
        lengths, pairs, mean_pairs = sampled_batch(options.data)
    vectors = [torch.randn(length, DIM, generator=generator) for length in lengths]
    dense = [(i, j) for i in range(PROTEINS) for j in range(i)]
    two_each = [(2 * i, 2 * i + 1) for i in range(PAIRS)]

    programs: dict[str, tuple[int, Callable[[], None]]] = {
        "reference": (
            PAIRS,
            lambda: step(network, optimizer, padded_pass(network, vectors[: 2 * PAIRS]), two_each),
        ),
        "dense": (len(dense), lambda: step(network, optimizer, sorted_pass(network, vectors), dense)),
    }
    if pairs:
        programs["sampled"] = len(pairs), lambda: step(network, optimizer, sorted_pass(network, vectors), pairs)
        programs["half"] = len(pairs), lambda: step(network, optimizer, half_pass(network, vectors), pairs)
    seconds = {name: float("inf") for name in programs}
    for _ in range(options.rounds):
        for name, (_, program) in programs.items():
            start = clock()
            program()
            seconds[name] = min(seconds[name], clock() - start)

    rates = {name: count / seconds[name] for name, (count, _) in programs.items()}
    measured = {
        "threads": threads,
        "mean_length": float(np.mean(lengths)),
        "sampled_pairs_per_batch": mean_pairs,
        **{f"{name}_pairs_per_s": rate for name, rate in rates.items()},
        **{f"{name}_over_reference": rate / rates["reference"] for name, rate in rates.items() if name != "reference"},
    }
    for name, value in measured.items():
        print(f"{name:28} {value:.4g}" if isinstance(value, float) else f"{name:28} {value}")
    if not options.no_history:
        print("kept in", append_row("train", measured, packages=["torch", "numpy"]))


if __name__ == "__main__":
    main()
