"""What holds for the interaction-site networks whatever the weights: motions, batches and the order of residues."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from foldglass.geometry.neighbours import nearest, neighbour_features
from foldglass.models.deepppisp import LONGEST, DeepPPISP, DeepPPISPConfig, ProteinFeatures, protein_batch
from foldglass.models.graphppis import GraphPPIS, GraphPPISConfig, adjacency
from foldglass.models.site_graph import SiteGraph, side_by_side, site_graph
from foldglass.models.sites import SitesConfig, SitesNetwork
from foldglass.protein import Structure

COUNT = 6


@pytest.fixture(scope="module")
def network() -> SitesNetwork:
    torch.manual_seed(3)
    network = SitesNetwork(SitesConfig({"given": 5}, neighbours=COUNT, dim=12, heads=2, layers=2))
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm1d):
            module.running_mean.normal_(0.0, 0.2)
            module.running_var.uniform_(0.5, 2.0)
    return network.eval()


def graph_of(ca: np.ndarray, seed: int = 0) -> SiteGraph:
    """With inputs that do not depend on the coordinates; those that do have laws of their own."""
    given = np.random.default_rng((seed, len(ca))).normal(size=(len(ca), 5)).astype(np.float32)
    return site_graph(ca, {"given": given}, count=COUNT)


def turned(ca: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    q, r = np.linalg.qr(rng.normal(size=(3, 3)))
    q *= np.sign(np.diag(r))
    return (ca.astype(np.float64) @ (q * np.linalg.det(q)).T + rng.normal(size=3) * 30).astype(np.float32)


@torch.no_grad()
def test_rigid_motions_change_nothing_and_mirrors_do(
    network: SitesNetwork, make_structure: Callable[..., Structure]
) -> None:
    rng = np.random.default_rng(1)
    for seed in range(3):
        ca = make_structure(40, seed).ca
        ca = ca + rng.normal(scale=0.1, size=ca.shape).astype(np.float32)  # equal bonds would tie for the last place
        here = network(graph_of(ca))
        torch.testing.assert_close(network(graph_of(turned(ca, rng))), here, atol=2e-3, rtol=2e-3)
        assert (network(graph_of(ca * np.float32([1, 1, -1]))) - here).abs().max() > 0.01


@torch.no_grad()
def test_chains_side_by_side_do_not_see_each_other(
    network: SitesNetwork, make_structure: Callable[..., Structure]
) -> None:
    graphs = [graph_of(make_structure(length, length).ca, length) for length in (30, 4, 21)]
    alone = torch.cat([network(graph) for graph in graphs])
    torch.testing.assert_close(network(side_by_side(graphs)), alone, atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_order_of_residues_is_no_information(network: SitesNetwork, make_structure: Callable[..., Structure]) -> None:
    graph = graph_of(make_structure(25, 2).ca)
    order = torch.from_numpy(np.random.default_rng(0).permutation(25))
    place = torch.argsort(order)
    mixed = SiteGraph(
        {name: values[order] for name, values in graph.inputs.items()},
        place[graph.neighbours[order]],
        graph.edges[order],
        graph.mask[order],
        graph.chain,
    )
    torch.testing.assert_close(network(mixed), network(graph)[order], atol=1e-5, rtol=1e-5)


def test_neighbours_seen_from_both_sides_agree(make_structure: Callable[..., Structure]) -> None:
    ca = make_structure(12, 5).ca
    index = nearest(ca, 11)
    features = neighbour_features(ca, index)
    towards, back = features[..., -15:-12], features[..., -12:-9]
    for i in range(12):
        for n, j in enumerate(index[i]):
            there = int(np.flatnonzero(index[j] == i)[0])
            np.testing.assert_allclose(back[i, n], towards[j, there], atol=1e-5)


@torch.no_grad()
def test_graphppis_follows_the_order_of_residues(make_structure: Callable[..., Structure]) -> None:
    torch.manual_seed(0)
    network = GraphPPIS(GraphPPISConfig(7, dim=8, layers=3)).eval()
    ca, order = make_structure(30, 1).ca, np.random.default_rng(0).permutation(30)
    features, edges = torch.randn(30, 7), torch.from_numpy(adjacency(ca))
    mixed = network((features[order], torch.from_numpy(adjacency(ca[order]))))
    torch.testing.assert_close(mixed, network((features, edges))[order], atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_deepppisp_does_not_depend_on_the_batch_nor_on_padding() -> None:
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    network = DeepPPISP(DeepPPISPConfig(whole=3, residue=3)).eval()

    def protein(length: int) -> ProteinFeatures:
        parts = (rng.normal(size=(length, width)).astype(np.float32) for width in (20, 9, 20, 3))
        return ProteinFeatures(*parts, whole=rng.normal(size=3).astype(np.float32))

    proteins = [protein(length) for length in (30, 3, 70)]
    together = network(protein_batch(proteins, dense=False))
    alone = torch.cat([network(protein_batch([one], dense=False)) for one in proteins])
    torch.testing.assert_close(together, alone, atol=1e-4, rtol=1e-4)
    published = protein_batch(proteins, dense=True)
    assert published.positions.shape[1] == LONGEST
    torch.testing.assert_close(network(published), together, atol=1e-4, rtol=1e-4)
