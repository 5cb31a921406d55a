"""The score network: a training step and an embedding, against the published network as one would write it first.

    OMP_NUM_THREADS=2 python benchmarks/bench_score.py [--rounds 3]

The reference runs the published network (Guo et al. 2022, K = 32) in plain eager PyTorch: channels first, 1 x 1 and
3 x 3 convolutions, batch norm, single precision. `paper` is our code with the same weights (the largest difference of
the outputs is printed), `foldglass` our own network, `foldglass_mixed` the same with the matrix products of a step in
bfloat16 (`precision = "bf16-mixed"` in a recipe), `foldglass_fast` the copy that embeds (the difference of the
packaged model's pooled vectors is printed). A step is 32 maps of 32 x 32 with loss, backward and AdamW; an embedding is
one chain of 300 residues with pooled vectors. Wall time; run it on a quiet machine.
"""

import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from machine import append_row
from torch import Tensor

from foldglass.models.gradient import coordinate_gradient
from foldglass.models.pair_input import ResidueWindow, distance_encoding, distances
from foldglass.models.registry import load_score
from foldglass.models.score import ConvolutionLift, LevelNorm, ScoreBlock, ScoreConfig, ScoreNetwork
from foldglass.models.score_fast import fast_copy
from foldglass.models.score_maps import feature_map, symmetrised_

Forward = Callable[[ScoreNetwork, ResidueWindow, Tensor, Tensor], tuple[Tensor, Tensor]]


def plain(network: ScoreNetwork, residues: ResidueWindow, distance: Tensor, level: Tensor) -> tuple[Tensor, Tensor]:
    """The published network with its channels first."""
    shape = (*distance.shape, 44)
    own = residues.encoding()
    parts = [own[:, None].expand(shape), own[:, :, None].expand(shape), distance_encoding(distance)]
    lift = network.lift
    assert isinstance(lift, ConvolutionLift)
    x = lift.convolution.layer(torch.cat(parts, dim=-1).permute(0, 3, 1, 2).contiguous())
    for block in network.blocks:
        assert isinstance(block, ScoreBlock)
        y = F.elu(_norm(block.norm1, x, level))
        y = F.conv2d(y, block.down.weight[..., None, None], block.down.bias)
        y = block.mix.layer(F.elu(_norm(block.norm2, y, level)))
        y = F.elu(_norm(block.norm3, y, level))
        x = x + F.conv2d(y, block.up.weight[..., None, None], block.up.bias)
    embedding = F.elu(_norm(network.norm, x, level))
    return network.output.layer(embedding).permute(0, 2, 3, 1), embedding.permute(0, 2, 3, 1)


def _norm(norm: LevelNorm, x: Tensor, level: Tensor) -> Tensor:
    assert norm.batch is not None
    scale, shift = norm.scale(level), norm.shift(level)
    return norm.batch(x) * scale[:, :, None, None] + shift[:, :, None, None]


def ours(network: ScoreNetwork, residues: ResidueWindow, distance: Tensor, level: Tensor) -> tuple[Tensor, Tensor]:
    """The network of the package."""
    out: tuple[Tensor, Tensor] = network(residues, residues, distance, level)
    return out


def mixed(network: ScoreNetwork, residues: ResidueWindow, distance: Tensor, level: Tensor) -> tuple[Tensor, Tensor]:
    """The network of the package with its matrix products in bfloat16."""
    with torch.autocast("cpu", dtype=torch.bfloat16):
        pair, embedding = ours(network, residues, distance, level)
    return pair.float(), embedding


def chain(length: int, maps: int) -> tuple[ResidueWindow, Tensor]:
    """Random walks of 3.8 A steps."""
    generator = torch.Generator().manual_seed(0)
    steps = F.normalize(torch.randn(maps, length, 3, generator=generator), dim=-1)
    letters = torch.randint(20, (maps, length), generator=generator)
    mask = torch.ones(maps, length, dtype=torch.bool)
    return ResidueWindow(letters, torch.arange(length).expand(maps, length), mask), 3.8 * steps.cumsum(1)


def training_step(network: ScoreNetwork, forward: Forward, level: Tensor) -> Callable[[], None]:
    residues, x = chain(32, 32)
    optimizer = torch.optim.AdamW(network.parameters())

    def step() -> None:
        pair, _ = forward(network, residues, distances(x, x), level)
        gradient = coordinate_gradient(pair, x, residues.mask, torch.ones(len(x)), network.config.gradient)
        gradient.square().mean().backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    network.train()
    return step


def seconds(work: Callable[[], object], rounds: int) -> float:
    """Median of some rounds after one to warm up."""
    work()
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


@torch.no_grad()
def embedding(network: ScoreNetwork, forward: Forward) -> Callable[[], Tensor]:
    residues, x = chain(300, 1)
    network.eval()
    return lambda: forward(network, residues, distances(x, x), torch.tensor([20]))[1].mean(dim=(1, 2))


def strips(network: ScoreNetwork) -> Callable[[], Tensor]:
    residues, x = chain(300, 1)
    network.eval()
    return lambda: symmetrised_(feature_map(network, residues, x, torch.tensor([20]))).mean(dim=(0, 1))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    torch.manual_seed(0)
    published, own = (ScoreNetwork(ScoreConfig.preset(name)) for name in ("paper", "foldglass"))
    residues, x = chain(32, 32)
    levels = torch.from_numpy(np.arange(32))
    with torch.no_grad():
        published.eval()
        pairs = zip(*(f(published, residues, distances(x, x), levels) for f in (plain, ours)), strict=True)
        difference = max(float((a - b).abs().max()) for a, b in pairs)
    measured: dict[str, object] = {"threads": torch.get_num_threads(), "largest_difference": difference}
    steps = {
        "plain": training_step(published, plain, levels),
        "paper": training_step(published, ours, levels),
        "foldglass": training_step(own, ours, torch.tensor([20])),
        "foldglass_mixed": training_step(own, mixed, torch.tensor([20])),
    }
    for name, work in steps.items():
        measured[f"step_{name}_s"] = seconds(work, rounds)
    with torch.no_grad():
        packaged = load_score(fast=False).network
        embeddings = {
            "plain": embedding(published, plain),
            "paper": embedding(published, ours),
            "foldglass": strips(packaged),
            "foldglass_fast": strips(fast_copy(packaged)),
        }
        exact = embeddings["foldglass"]()
        measured["fast_difference"] = float((embeddings["foldglass_fast"]() - exact).abs().mean() / exact.abs().mean())
        for name, embed in embeddings.items():
            measured[f"embed_{name}_s"] = seconds(embed, rounds)
    for kind, programs in {"step": steps, "embed": embeddings}.items():
        for name in [name for name in programs if name != "plain"]:
            ratio = float(measured[f"{kind}_plain_s"]) / float(measured[f"{kind}_{name}_s"])  # type: ignore[arg-type]
            measured[f"{kind}_{name}_ratio"] = ratio
    for key, value in measured.items():
        print(f"{key:>24} {value:.4g}")
    append_row("score", measured, packages=["torch"])


if __name__ == "__main__":
    main()
