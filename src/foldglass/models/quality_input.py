"""From a structure to the residue graph that a quality network reads.

Everything comes from C-alphas and letters: C-beta directions are those that three C-alphas imply, and other atoms are
not looked at, because the models to train on have none.
"""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from jaxtyping import Float, Float32, Int

from foldglass.encoders.base import ResidueEncoder
from foldglass.encoders.builtin import tokenize
from foldglass.encoders.structure import N_STRUCTURE_FEATURES, structure_features
from foldglass.errors import InputError
from foldglass.geometry.residue_graph import N_EDGE, N_ORIENTED, edge_features, oriented_features, residue_edges
from foldglass.geometry.secondary import secondary_classes
from foldglass.geometry.trace import N_FEATURES, residue_features
from foldglass.models.consensus import N_CONSENSUS, Consensus, consensus_columns
from foldglass.models.graph_batch import ResidueGraph
from foldglass.models.inverse_folding import N_FIT, RADIUS, InverseFoldingModel, fit_columns
from foldglass.models.score_model import ScoreModel
from foldglass.protein import Structure

_LEAST_STRAIN = 0.05
"""Added before the logarithm."""

FEWEST = 10
"""Residues of the shortest chain that is judged."""


@dataclass(frozen=True)
class QualityInputConfig:
    """What a graph holds.

    Parameters
    ----------
    radius
        Largest C-alpha distance of an edge in angstrom, besides neighbours along the chain.
    nodes
        `trace`: bend, dihedrals, contact numbers and the like, in place of the published accessibility and dihedrals.
        `structure`: all of `encoders.structure.structure_features`.
    oriented
        Add to the four published numbers of an edge how it lies in the local frames.
    sequence
        Residue vectors of the built-in sequence encoder.
    score
        Residue and pair vectors of the score network, and the logarithm of sigma x length of its gradient.
    sigma
        Noise level in angstrom at which the score network reads.
    inverse
        How well the letters fit the structure, by the inverse-folding network.
    """

    radius: float = 10.0
    nodes: Literal["trace", "structure"] = "structure"
    oriented: bool = True
    sequence: bool = False
    score: bool = False
    sigma: float = 2.0
    inverse: bool = False

    @property
    def node_size(self) -> int:
        """Numbers per residue."""
        return N_STRUCTURE_FEATURES if self.nodes == "structure" else N_FEATURES

    @property
    def evidence_size(self) -> int:
        """Numbers per residue that speak of quality itself."""
        return N_CONSENSUS + (N_FIT if self.inverse else 0)

    @property
    def edge_size(self) -> int:
        """Numbers per edge."""
        return N_EDGE + (N_ORIENTED if self.oriented else 0)


@dataclass(frozen=True)
class ScoreInput:
    """What is kept of the score network for one graph: residue vectors, pair vectors (half precision) and strain."""

    residue: Float[np.ndarray, "L D"]
    pair: Float[np.ndarray, "M D"]
    strain: Float[np.ndarray, " L"]


class GraphMaker:
    """Makes the graphs of a configuration.

    Parameters
    ----------
    score, encoder, inverse
        The pre-trained networks; needed if the configuration reads them.
    """

    def __init__(
        self,
        config: QualityInputConfig,
        *,
        score: ScoreModel | None = None,
        encoder: ResidueEncoder | None = None,
        inverse: InverseFoldingModel | None = None,
    ) -> None:
        assert score is not None or not config.score
        assert encoder is not None or not config.sequence
        assert inverse is not None or not config.inverse
        self.config, self.score, self.encoder, self.inverse = config, score, encoder, inverse

    @property
    def extra_size(self) -> int:
        """Width of the residue vectors."""
        sequence = self.encoder.dim if self.config.sequence and self.encoder else 0
        return sequence + (self.pair_size + 1 if self.config.score else 0)

    @property
    def pair_size(self) -> int:
        """Width of the edge vectors."""
        return self.score.network.config.channels if self.config.score and self.score else 0

    def __call__(
        self, structure: Structure, agreement: Consensus | None = None, reading: ScoreInput | None = None
    ) -> ResidueGraph:
        """The graph of a structure.

        Parameters
        ----------
        agreement
            How far other models of the protein agree with it, if there are any.
        reading
            Spares the score network's pass, if `read` gave it before.

        Raises
        ------
        InputError
            If the chain is too short, or too long for the score network.
        """
        check_length(structure)
        config, ca = self.config, structure.ca
        edges = residue_edges(ca, radius=config.radius)
        edge = edge_features(ca, edges)
        if config.oriented:
            edge = np.concatenate([edge, oriented_features(ca, edges)], axis=1)
        extra, pair = [np.zeros((len(ca), 0), np.float32)], np.zeros((len(edges), 0), np.float16)
        if config.sequence:
            assert self.encoder is not None
            extra.append(self.encoder.encode([structure])[0].numpy())
        if config.score:
            reading = reading or self.read(structure)
            strain = np.log(reading.strain[:, None] + _LEAST_STRAIN)
            extra += [strain.astype(np.float32), reading.residue.astype(np.float32)]
            pair = reading.pair[_unordered(edges, len(ca))[1]]
        graph = ResidueGraph(
            letters=tokenize(structure.letters),
            classes=secondary_classes(ca),
            node=self._node(structure),
            extra=np.concatenate(extra, axis=1),
            edges=edges,
            edge=edge,
            pair=pair,
            evidence=consensus_columns(agreement, len(structure)),
        )
        if not config.inverse:
            return graph
        assert self.inverse is not None
        fit = fit_columns(self.inverse.log_probabilities(self._seen_by_inverse(graph, structure)), graph.letters, edges)
        return replace(graph, evidence=np.concatenate([graph.evidence, fit], axis=1))

    def _seen_by_inverse(self, graph: ResidueGraph, structure: Structure) -> ResidueGraph:
        """The graph that the inverse-folding network was trained on, which is this one unless it holds less."""
        wanted = QualityInputConfig(radius=RADIUS)
        same = ("nodes", "oriented", "radius")
        if all(getattr(self.config, name) == getattr(wanted, name) for name in same):
            return graph
        return GraphMaker(wanted)(structure)

    def read(self, structure: Structure) -> ScoreInput:
        """What the score network says of a structure: slow, so worth keeping."""
        assert self.score is not None
        pairs, _ = _unordered(residue_edges(structure.ca, radius=self.config.radius), len(structure))
        found = self.score.read(structure, sigma=self.config.sigma, pairs=pairs)
        strain = self.config.sigma * np.linalg.norm(found.gradient, axis=1)
        return ScoreInput(found.residue.astype(np.float16), found.pair.astype(np.float16), strain.astype(np.float32))

    def _node(self, structure: Structure) -> Float32[np.ndarray, "L F"]:
        describe = structure_features if self.config.nodes == "structure" else residue_features
        return np.clip(describe(structure.ca), -8.0, 8.0)


def narrowed(graph: ResidueGraph, config: QualityInputConfig, *, sequence: int) -> ResidueGraph:
    """The graph of a configuration that reads less, from one that reads all there is at the same radius and level.

    `sequence` is the width of the sequence encoder's vectors.
    """
    parts = ([graph.extra[:, :sequence]] if config.sequence else []) + (
        [graph.extra[:, sequence:]] if config.score else []
    )
    empty = graph.extra[:, :0]
    return replace(
        graph,
        node=graph.node[:, : config.node_size],
        extra=np.concatenate(parts, axis=1) if parts else empty,
        edge=graph.edge[:, : config.edge_size],
        pair=graph.pair if config.score else graph.pair[:, :0],
        evidence=graph.evidence[:, : config.evidence_size],
    )


def check_length(structure: Structure) -> None:
    """Refuse a chain of fewer than `FEWEST` residues."""
    if len(structure) < FEWEST:
        raise InputError(
            f"structure {structure.id!r}", got=f"{len(structure)} residues", expected=f"at least {FEWEST} to judge"
        )


def _unordered(edges: Int[np.ndarray, "E 2"], length: int) -> tuple[Int[np.ndarray, "M 2"], Int[np.ndarray, " E"]]:
    """Each pair of residues that share an edge once, and which of them each edge is."""
    low, high = np.sort(edges, axis=1).T
    keys, which = np.unique(low * length + high, return_inverse=True)
    return np.stack(np.divmod(keys, length), axis=1), which
