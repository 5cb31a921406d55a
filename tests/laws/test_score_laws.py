"""What holds for the score network and its gradient whatever the weights: motions, batches, padding and crops."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from foldglass.models.gradient import FAR, NEAR, coordinate_gradient, remove_rigid
from foldglass.models.pair_input import ResidueWindow, distances
from foldglass.models.score import ScoreConfig, ScoreNetwork

PRESETS = ("paper", "reference-code", "foldglass")
SEEDS = pytest.mark.parametrize("seed", range(3))


def network_of(name: str, *, blocks: int = 4) -> ScoreNetwork:
    """A small network with weights of ordinary size, as every branch of a new one is near 0."""
    torch.manual_seed(7)
    config = replace(ScoreConfig.preset(name), channels=16, bottleneck=6, blocks=blocks, levels=5)
    network = ScoreNetwork(config)
    for key, parameter in network.named_parameters():
        if parameter.ndim > 1:
            nn.init.normal_(parameter, "scale" in key, 0.5 / parameter[0].numel() ** 0.5)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(0.0, 0.2)
            module.running_var.uniform_(0.5, 2.0)
    return network.eval()


def chain(rng: np.random.Generator, *lengths: int) -> tuple[ResidueWindow, torch.Tensor]:
    """Random chains, padded with other letters, positions and coordinates that must not matter."""
    shape = len(lengths), max(lengths)
    mask = torch.arange(shape[1]) < torch.tensor(lengths)[:, None]
    letters = torch.from_numpy(rng.integers(21, size=shape))
    position = torch.from_numpy(rng.integers(0, 900, size=(shape[0], 1)) + np.arange(shape[1]))
    x = np.cumsum(rng.normal(size=(*shape, 3)) * 2.2, axis=1).astype(np.float32)
    x -= x.mean(axis=1, keepdims=True)
    return ResidueWindow(letters, position, mask), torch.from_numpy(x)


def rotation(rng: np.random.Generator) -> np.ndarray:
    q, r = np.linalg.qr(rng.normal(size=(3, 3)))
    q *= np.sign(np.diag(r))
    return q * np.linalg.det(q)


def moved(x: torch.Tensor, rng: np.random.Generator, away: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Rotated and shifted in double precision, then rounded; and the rotation."""
    turn = rotation(rng)
    shift = away * np.array([1.0, -0.7, 0.4])
    return torch.from_numpy((x.double().numpy() @ turn.T + shift).astype(np.float32)), torch.from_numpy(turn).float()


@torch.no_grad()
def run(network: ScoreNetwork, residues: ResidueWindow, x: torch.Tensor, level: int | list[int] = 2):
    """Pair gradients, embeddings and coordinate gradients of whole chains."""
    levels = torch.tensor([level] * len(x) if isinstance(level, int) else level)
    pair, embedding = network(residues, residues, distances(x, x), levels)
    sigma = torch.from_numpy(network.config.noise.sigma)[levels].expand(len(x))
    return pair, embedding, coordinate_gradient(pair, x, residues.mask, sigma, network.config.gradient)


def size(x: torch.Tensor) -> float:
    return x.square().mean().sqrt().item()


@pytest.mark.parametrize("away", [0.0, 300.0])
@pytest.mark.parametrize("name", PRESETS)
@SEEDS
def test_embeddings_stay_and_gradients_turn_with_the_chain(name, away, seed):
    """At 300 angstrom from the origin a float32 coordinate is good to 1.5e-5 angstrom, and that is all that is lost."""
    rng = np.random.default_rng(seed)
    network = network_of(name)
    residues, x = chain(rng, 37)
    y, turn = moved(x, rng, away)
    pair, embedding, gradient = run(network, residues, x)
    other_pair, other_embedding, other_gradient = run(network, residues, y)
    within = 1e-4 if away == 0 else 2e-3
    assert size(other_embedding - embedding) < within * size(embedding - embedding.mean((1, 2)))
    assert size(other_pair - pair) < within * size(pair)
    assert size(other_gradient - gradient @ turn.T) < within * size(gradient)


@pytest.mark.parametrize("kind", PRESETS)
def test_gradient_is_as_exact_far_from_the_origin(kind):
    """With the same pair gradients only the rounding of the coordinates is left, also with a large diagonal."""
    rng = np.random.default_rng(0)
    _, x = chain(rng, 41)
    pair = torch.from_numpy(rng.normal(size=(1, 41, 41, 2))).float() + 10 * torch.eye(41)[..., None]
    mask, sigma = torch.ones(1, 41, dtype=torch.bool), torch.ones(1)
    near = coordinate_gradient(pair, x, mask, sigma, kind)
    far = coordinate_gradient(pair, x + 300, mask, sigma, kind)
    assert size(near - far) < 3e-5 * size(near)


@pytest.mark.parametrize("name", PRESETS)
def test_mirror_image_has_the_same_embedding(name):
    """Distances do not see handedness."""
    residues, x = chain(np.random.default_rng(0), 23)
    network = network_of(name)
    flip = torch.tensor([-1.0, 1.0, 1.0])
    pair, embedding, gradient = run(network, residues, x)
    other_pair, other_embedding, other_gradient = run(network, residues, x * flip)
    assert torch.equal(other_pair, pair) and torch.equal(other_embedding, embedding)
    torch.testing.assert_close(other_gradient, gradient * flip)


def energy(d2: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    """An arbitrary smooth function of all L^2 ordered squared distances, of which no two play the same part."""
    a, b = (torch.from_numpy(rng.normal(size=d2.shape)) for _ in range(2))
    return (a * torch.sin(d2 / 50 + b)).sum() + (a * d2 / 100).sum().tanh() * (b * torch.log1p(d2)).sum()


@SEEDS
def test_paper_gradient_is_the_chain_rule(seed):
    """Eq. 4: its factor 2 (h_ij + h_ji) is that of all L^2 ordered entries as independent variables."""
    x = torch.from_numpy(np.random.default_rng(seed).normal(size=(13, 3)) * 6).requires_grad_()
    d2 = (x[:, None] - x[None]).square().sum(-1)
    matrix = d2.detach().requires_grad_()
    (h,) = torch.autograd.grad(energy(matrix, np.random.default_rng(100 + seed)), matrix)
    assert (h - h.T).abs().max() > 0.1
    (wanted,) = torch.autograd.grad(energy(d2, np.random.default_rng(100 + seed)), x)
    mask, sigma = torch.ones(1, 13, dtype=torch.bool), torch.tensor([3.0])
    paper = coordinate_gradient(h[None, ..., None], x.detach()[None], mask, sigma, "paper")[0]
    torch.testing.assert_close(paper, wanted, rtol=1e-10, atol=1e-10)
    code = coordinate_gradient(h[None, ..., None], x.detach()[None], mask, sigma, "reference-code")[0]
    torch.testing.assert_close(code, wanted / 2 / 3.0, rtol=1e-6, atol=1e-8)


@SEEDS
def test_foldglass_gradient_is_the_chain_rule_with_a_kernel(seed):
    """Its pair gradients, weighted by distance and length, are an h of Eq. 4."""
    rng = np.random.default_rng(seed)
    x = torch.from_numpy(rng.normal(size=(2, 11, 3)) * 6)
    pair, sigma = torch.from_numpy(rng.normal(size=(2, 11, 11, 2))), torch.tensor([0.5, 4.0], dtype=torch.float64)
    mask = torch.arange(11) < torch.tensor([[11], [7]])
    d = torch.cdist(x, x) + torch.eye(11)
    h = pair[..., 0] * torch.exp(-d / NEAR) / d + pair[..., 1] / (FAR * torch.tensor([11, 7])[:, None, None])
    h = h / (2 * sigma[:, None, None])
    torch.testing.assert_close(
        coordinate_gradient(pair, x, mask, sigma, "foldglass"),
        coordinate_gradient(h[..., None], x, mask, sigma, "paper"),
        rtol=1e-9,
        atol=1e-9,
    )


@pytest.mark.parametrize("kind", PRESETS)
@SEEDS
def test_gradient_neither_pushes_nor_turns_the_chain(kind, seed):
    rng = np.random.default_rng(seed)
    residues, x = chain(rng, 17, 11)
    x = x.double()
    pair = torch.from_numpy(rng.normal(size=(2, 17, 17, 2)))
    g = coordinate_gradient(pair, x, residues.mask, torch.tensor([0.3, 2.0]), kind)
    torque = torch.linalg.cross(x, g).sum(1)
    assert size(g) > 0.01
    assert g.sum(1).abs().max() < 1e-9 * size(g) * 17
    assert torque.abs().max() < 1e-7 * size(g) * 17
    torch.testing.assert_close(remove_rigid(g, x, residues.mask), g, rtol=1e-6, atol=1e-6 * size(g))


@pytest.mark.parametrize(
    ("shape", "lost"), [("chain", 6), ("plane", 6), ("line", 5), ("point", 3)], ids=["chain", "plane", "line", "point"]
)
@pytest.mark.parametrize("away", [0.0, 300.0])
def test_remove_rigid_is_the_projection_along_rigid_motions(shape, lost, away):
    """Symmetric, idempotent, and of a rank that is short by the number of rigid motions."""
    rng = np.random.default_rng(0)
    points = rng.normal(size=(7, 3)) * 9
    points = {
        "chain": points,
        "plane": points * [1, 1, 0] @ rotation(rng).T,
        "line": points[:, :1] * rotation(rng)[0],
        "point": points[:1].repeat(7, 0),
    }[shape]
    x = torch.from_numpy((points + away).astype(np.float32)).double()
    basis = torch.eye(21, dtype=torch.float64).reshape(21, 7, 3)
    mask = torch.ones(21, 7, dtype=torch.bool)
    projection = remove_rigid(basis, x.expand(21, 7, 3), mask).reshape(21, 21)
    torch.testing.assert_close(projection, projection.T, rtol=0, atol=1e-5)
    torch.testing.assert_close(projection @ projection, projection, rtol=0, atol=1e-5)
    assert projection.trace().item() == pytest.approx(21 - lost, abs=1e-5)
    assert projection.reshape(21, 7, 3).sum(1).abs().max() < 1e-6
    if shape != "point":
        r = x - x.mean(0)
        torque = torch.linalg.cross(r.expand(21, 7, 3), projection.reshape(21, 7, 3)).sum(1)
        assert torque.abs().max() < 1e-3


def test_remove_rigid_sees_only_real_residues():
    rng = np.random.default_rng(0)
    residues, x = chain(rng, 13, 7)
    v = torch.from_numpy(rng.normal(size=(2, 13, 3)).astype(np.float32))
    both = remove_rigid(v, x, residues.mask)
    alone = remove_rigid(v[1:, :7], x[1:, :7], residues.mask[1:, :7])
    torch.testing.assert_close(both[1:, :7], alone)
    assert (both[1, 7:] == 0).all()


@pytest.mark.parametrize("name", PRESETS)
def test_order_of_the_maps_does_not_matter(name):
    residues, x = chain(np.random.default_rng(0), 19, 13, 17)
    network, order = network_of(name), [2, 0, 1]
    shuffled = ResidueWindow(residues.letters[order], residues.position[order], residues.mask[order])
    straight, mixed = run(network, residues, x, [0, 2, 4]), run(network, shuffled, x[order], [4, 0, 2])
    for one, other in zip(straight, mixed, strict=True):
        torch.testing.assert_close(one[order], other)


@pytest.mark.parametrize("name", PRESETS)
def test_one_level_for_all_maps_is_that_level_for_each(name):
    residues, x = chain(np.random.default_rng(0), 19, 13, 17)
    network = network_of(name)
    for one, other in zip(run(network, residues, x, [3]), run(network, residues, x, [3, 3, 3]), strict=True):
        torch.testing.assert_close(one, other)


def test_padded_chain_is_as_alone():
    """Padding is kept out of every convolution, as the outside of the map is; only `foldglass` promises it."""
    residues, x = chain(np.random.default_rng(0), 11, 29, 17)
    network = network_of("foldglass")
    pair, embedding, gradient = run(network, residues, x, [0, 2, 4])
    for row, length in enumerate((11, 29, 17)):
        part = (slice(row, row + 1), slice(0, length))
        one_pair, one_embedding, one_gradient = run(network, residues[part], x[part], [0, 2, 4][row])
        square = (*part, slice(0, length))
        torch.testing.assert_close(pair[square], one_pair, rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(embedding[square], one_embedding, rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(gradient[part], one_gradient, rtol=1e-4, atol=1e-5)


def test_crop_agrees_with_the_chain_where_its_edge_is_out_of_reach():
    """With channel norm nothing else of the chain enters; four blocks reach 1 + 3 + 5 + 9 residues."""
    residues, x = chain(np.random.default_rng(0), 71)
    network = network_of("foldglass")
    _, whole, _ = run(network, residues, x)
    part = (slice(None), slice(8, 63))
    _, crop, _ = run(network, residues[part], x[part])
    inside = crop[:, 18:-18, 18:-18]
    torch.testing.assert_close(inside, whole[:, 26:45, 26:45], rtol=1e-4, atol=1e-5)
    assert (crop[:, 3, 27] - whole[:, 11, 35]).abs().max() > 1e-3


def test_crop_at_the_end_of_the_chain_agrees_up_to_that_end():
    residues, x = chain(np.random.default_rng(0), 53)
    network = network_of("foldglass")
    part = (slice(None), slice(0, 31))
    torch.testing.assert_close(
        run(network, residues[part], x[part])[1][:, :13, :13],
        run(network, residues, x)[1][:, :13, :13],
        rtol=1e-4,
        atol=1e-5,
    )
