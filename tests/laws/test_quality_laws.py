"""What holds for the networks of model quality whatever the weights: batches, orders, motions, gradients."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from foldglass.models.consensus import Consensus, without_consensus
from foldglass.models.graph_batch import GraphBatch, ResidueGraph
from foldglass.models.graph_network import GraphConfig
from foldglass.models.graphqa import GraphQAConfig, GraphQANetwork
from foldglass.models.quality_input import GraphMaker, QualityInputConfig
from foldglass.models.quality_network import QualityNetwork
from foldglass.protein import Structure

PRESETS = ("paper", "released", "foldglass")
Make = Callable[..., Structure]


@pytest.fixture(scope="module")
def maker(make_score_model: Callable) -> GraphMaker:
    """Reads everything but the sequence encoder, of a small random score network."""
    return GraphMaker(QualityInputConfig(nodes="trace", radius=9.0, score=True, sigma=1.0), score=make_score_model())


def network_of(name: str, maker: GraphMaker) -> nn.Module:
    """A network with random weights and running statistics of ordinary size."""
    torch.manual_seed(11)
    config = maker.config
    sizes = (config.node_size, config.edge_size, maker.extra_size, maker.pair_size, config.evidence_size)
    if name == "foldglass":
        return QualityNetwork(GraphConfig(*sizes, node=19, edge=13, whole=17)).eval()
    small = {"edges": (23, 17, 11), "nodes": (29, 19, 13), "globals_": (31, 7, 5)}
    inputs = {"node_inputs": sizes[0] + sizes[2], "edge_inputs": sizes[1] + sizes[3]}
    own = replace(GraphQAConfig.preset(name), **small, **inputs)
    network = GraphQANetwork(own)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm1d):
            module.running_mean.normal_(0.0, 0.2)
            module.running_var.uniform_(0.5, 2.0)
    return network.eval()


@torch.no_grad()
def run(network: nn.Module, graphs: list[ResidueGraph]) -> tuple[list[np.ndarray], np.ndarray]:
    """Local and global outputs of each graph."""
    local, whole = network(GraphBatch.of(graphs))
    return [part.numpy() for part in local.split([len(graph) for graph in graphs])], whole.numpy()


@pytest.mark.parametrize("name", PRESETS)
def test_a_graph_in_a_batch_is_as_alone_in_any_order(name: str, maker: GraphMaker, make_structure: Make) -> None:
    network = network_of(name, maker)
    graphs = [maker(make_structure(length, seed=length)) for length in (13, 31, 11)]
    local, whole = run(network, graphs)
    assert np.abs(whole[0] - whole[1]).max() > 1e-4
    order = [2, 0, 1]
    shuffled_local, shuffled_whole = run(network, [graphs[i] for i in order])
    for place, i in enumerate(order):
        alone_local, alone_whole = run(network, [graphs[i]])
        np.testing.assert_allclose(shuffled_local[place], alone_local[0], atol=1e-5)
        np.testing.assert_allclose(local[i], alone_local[0], atol=1e-5)
        np.testing.assert_allclose(shuffled_whole[place], alone_whole[0], atol=1e-5)


@pytest.mark.parametrize("name", PRESETS)
def test_order_of_the_edges_does_not_matter(name: str, maker: GraphMaker, make_structure: Make) -> None:
    network, graph = network_of(name, maker), maker(make_structure(29))
    order = np.random.default_rng(0).permutation(len(graph.edges))
    mixed = replace(graph, edges=graph.edges[order], edge=graph.edge[order], pair=graph.pair[order])
    for one, other in zip(run(network, [graph]), run(network, [mixed]), strict=True):
        np.testing.assert_allclose(other[0], one[0], atol=1e-5)
    wrong = replace(graph, edge=graph.edge[order])
    assert np.abs(run(network, [wrong])[1] - run(network, [graph])[1]).max() > 1e-5


@pytest.mark.parametrize("name", PRESETS)
def test_rigid_motions_do_not_matter_and_a_mirror_image_does(
    name: str, maker: GraphMaker, make_structure: Make
) -> None:
    network, structure = network_of(name, maker), make_structure(29)
    rng = np.random.default_rng(0)
    turn, upper = np.linalg.qr(rng.normal(size=(3, 3)))
    turn *= np.sign(np.diag(upper))
    turn *= np.linalg.det(turn)
    local, whole = run(network, [maker(structure)])
    moved = replace(structure, ca=(structure.ca @ turn.T + [20, -30, 10]).astype(np.float32))
    moved_local, moved_whole = run(network, [maker(moved)])
    scale = np.std(local[0])
    np.testing.assert_allclose(moved_local[0], local[0], atol=5e-3 * scale)
    np.testing.assert_allclose(moved_whole, whole, atol=5e-3 * np.abs(whole).max())
    mirrored, _ = run(network, [maker(replace(structure, ca=structure.ca * np.float32([1, 1, -1])))])
    assert np.abs(mirrored[0] - local[0]).max() > 20 * np.abs(moved_local[0] - local[0]).max()


@pytest.mark.parametrize("name", PRESETS)
def test_gradients_reach_every_weight(name: str, maker: GraphMaker, make_structure: Make) -> None:
    network = network_of(name, maker).train()
    agreed = [Consensus(np.full(4, 0.8), np.linspace(0, 1, length), 1) for length in (23, 37, 29, 31)]
    graphs = [maker(make_structure(len(one.residue)), one) for one in agreed]
    local, whole = network(GraphBatch.of(graphs))
    (local.square().mean() + whole.square().mean()).backward()
    assert not [key for key, weight in network.named_parameters() if weight.grad is None or not weight.grad.any()]


@pytest.mark.parametrize("name", PRESETS)
def test_what_the_pretrained_network_says_matters(name: str, maker: GraphMaker, make_structure: Make) -> None:
    network, graph = network_of(name, maker), maker(make_structure(29))
    _, whole = run(network, [graph])
    for changed in (replace(graph, extra=graph.extra + 1), replace(graph, pair=graph.pair + np.float16(1))):
        assert np.abs(run(network, [changed])[1] - whole).max() > 1e-5


def test_without_consensus_is_as_if_there_were_no_others(maker: GraphMaker, make_structure: Make) -> None:
    network, structure = network_of("foldglass", maker), make_structure(29)
    alone, seen = maker(structure), maker(structure, Consensus(np.full(4, 0.8), np.full(29, 0.7), 1))
    assert np.abs(run(network, [seen])[1] - run(network, [alone])[1]).max() > 1e-3
    for one, other in zip(run(network, [without_consensus(seen)]), run(network, [alone]), strict=True):
        np.testing.assert_array_equal(other[0], one[0])


def test_half_of_the_graphs_train_without_consensus(maker: GraphMaker, make_structure: Make) -> None:
    network = network_of("foldglass", maker)
    graph = maker(make_structure(17), Consensus(np.full(4, 0.8), np.full(17, 0.7), 1))
    torch.manual_seed(0)
    for module in network.modules():
        module.training = module is network  # without dropout
    _, whole = network(GraphBatch.of([graph] * 200))
    network.eval()
    outcomes = [run(network, [one])[1][0] for one in (graph, without_consensus(graph))]
    nearest = np.array([[np.abs(row - outcome).max() for outcome in outcomes] for row in whole.detach().numpy()])
    assert nearest.min(axis=1).max() < 1e-4
    assert 0.35 < nearest.argmin(axis=1).mean() < 0.65
