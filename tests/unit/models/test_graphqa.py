"""GraphQA's networks have the published sizes and order of operations."""

import math

import numpy as np
import pytest
import torch

from foldglass.errors import ModelError
from foldglass.models.graph_batch import GraphBatch, ResidueGraph, mean_of
from foldglass.models.graphqa import GraphQABlock, GraphQAConfig, GraphQANetwork, separation_code


def interpolated(first: int, last: int, blocks: int) -> list[int]:
    """Sizes between two, equally spaced in log2 and rounded to powers of two, as the public code makes them."""
    logs = [math.log2(first) + (math.log2(last) - math.log2(first)) * k / blocks for k in range(1, blocks)]
    return [2 ** round(log) for log in logs] + [last]


@pytest.mark.parametrize(("name", "blocks"), [("paper", 6), ("released", 3)])
def test_sizes_lie_between_the_first_and_the_last(name: str, blocks: int) -> None:
    config = GraphQAConfig.preset(name)
    node = 2 * config.embedding + config.node_encoder
    assert list(config.nodes)[1:] == interpolated(node, 64, blocks)[1:]
    assert (config.edges[-1], config.nodes[-1], config.globals_[-1]) == (16, 64, 32)
    assert len(config.edges) == len(config.nodes) == len(config.globals_) == blocks


@pytest.mark.parametrize(
    ("name", "node", "edge", "norm", "concat"), [("paper", 256, 144, 0, 256), ("released", 192, 224, 1, 0)]
)
def test_number_of_parameters(name: str, node: int, edge: int, norm: int, concat: int) -> None:
    """Counted from the sizes of the layers alone."""
    config = GraphQAConfig.preset(name)

    def linear(inner: int, outer: int) -> int:
        return inner * outer + outer

    encoders = sum(
        linear(inner, outer // 2) + linear(outer // 2, outer)
        for inner, outer in ((24, config.node_encoder), (4, config.edge_encoder))
    )
    count, u = 64 * (21 + 9 + 8) + encoders, 0
    for e, n, g in zip(config.edges, config.nodes, config.globals_, strict=True):
        count += linear(node + edge + u, e) + linear(node + e + u, n) + linear(e + n + u, g) + norm * 2 * (e + n + g)
        node, edge, u = n, e, g
    count += linear(node + concat, 2) + linear(u, 5)
    assert sum(p.numel() for p in GraphQANetwork(config).parameters()) == count


def test_the_receiver_is_no_input_of_its_edges() -> None:
    """Two residues, one edge 0 -> 1: the edge's new state depends on residue 0 alone."""
    torch.manual_seed(0)
    block = GraphQABlock((3, 5, 2), (4, 6, 2), dropout=0.0, norm=False).eval()
    nothing = np.zeros((2, 0), np.float32)
    graph = ResidueGraph(
        np.zeros(2, int),
        np.zeros(2, int),
        nothing,
        nothing,
        np.array([[0, 1]]),
        np.ones((1, 1), np.float32),
        nothing[:1],
        nothing,
    )
    batch = GraphBatch.of([graph])
    edge, node, whole = torch.randn(1, 3), torch.randn(2, 5), torch.randn(1, 2)
    first, _, _ = block(edge, node, whole, batch)
    changed = node.clone()
    changed[1] += 1
    assert torch.equal(block(edge, changed, whole, batch)[0], first)
    changed[0] += 1
    assert not torch.equal(block(edge, changed, whole, batch)[0], first)


def test_unknown_preset() -> None:
    with pytest.raises(ModelError, match="GraphQA preset 'papers': no such preset; expected one of paper, released"):
        GraphQAConfig.preset("papers")


def test_separations_fall_into_eight_ranges() -> None:
    codes = separation_code(torch.tensor([1, 2, 3, 4, 5, 6, 10, 11, 15, 16, 400]))
    assert codes.tolist() == [0, 1, 2, 3, 4, 5, 5, 6, 6, 7, 7]


def test_mean_of_nothing_is_zero_and_gradients_reach_the_rows() -> None:
    values = torch.randn(3, 2, requires_grad=True)
    mean = mean_of(values, torch.tensor([2, 0, 2]), 4)
    torch.testing.assert_close(
        mean, torch.stack([values[1], 0 * values[0], (values[0] + values[2]) / 2, 0 * values[0]])
    )
    mean.sum().backward()
    assert values.grad is not None and values.grad.abs().sum(dim=1).min() > 0
