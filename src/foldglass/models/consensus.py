"""How far the models of one protein agree with each other, which says much about how right they are.

Source: 3D-Jury (Ginalski et al. 2003, Bioinformatics 19:1015): a model is as good as it is similar to the others.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Float32

from foldglass.metrics.model_quality import model_quality
from foldglass.models.graph_batch import ResidueGraph
from foldglass.protein import Structure
from foldglass.typing import ResidueScores

MOST_OTHERS = 8
"""Models that one is compared with; of more, so many are taken evenly."""

N_CONSENSUS = 6
"""Columns of `consensus_columns`."""


@dataclass(frozen=True, eq=False)
class Consensus:
    """Agreement of a model with other models of its protein.

    Parameters
    ----------
    scores
        Mean GDT_TS, GDT_HA, TM-score and C-alpha lDDT with each of the others in the place of the native.
    residue
        Mean C-alpha lDDT of each residue.
    others
        How many models it was compared with.
    """

    scores: Float[np.ndarray, " G"]
    residue: ResidueScores
    others: int


def consensus(structures: Sequence[Structure]) -> list[Consensus | None]:
    """Compare each structure with the others that have the same letters; None for one that is alone.

    Copies, with the same coordinates, do not count as others, nor do chains of the same file, as of a homodimer.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> chain = np.cumsum(rng.normal(size=(30, 3)), axis=0).astype(np.float32)
    >>> one, moved, other = Structure("a", "A" * 30, ca=chain), Structure("b", "A" * 30, ca=chain + 1), Structure(
    ...     "c", "G" * 30, ca=chain)
    >>> [found and (found.others, found.scores.round(3).tolist()) for found in consensus([one, moved, other])]
    [(1, [1.0, 1.0, 1.0, 1.0]), (1, [1.0, 1.0, 1.0, 1.0]), None]
    """
    models = defaultdict(list)
    for structure in structures:
        models[structure.letters].append(structure)
    return [_agreement(structure, models[structure.letters]) for structure in structures]


def consensus_columns(found: Consensus | None, length: int) -> Float32[np.ndarray, "L 6"]:
    """What a network reads of each residue: whether there are others, the residue's lDDT and the four scores.

    Scores are put on a scale from -2 to 2; all columns are 0 where there is no other model, the second also where lDDT
    is not known.
    """
    columns = np.zeros((length, N_CONSENSUS), np.float32)
    if found is not None:
        columns[:, 0] = 1.0
        columns[:, 1] = np.nan_to_num(4.0 * found.residue - 2.0)
        columns[:, 2:] = 4.0 * found.scores - 2.0
    return columns


def has_consensus(graph: ResidueGraph) -> bool:
    """Whether a graph was made with other models of the protein beside it."""
    return bool(graph.evidence[0, 0])


def without_consensus(graph: ResidueGraph) -> ResidueGraph:
    """The graph as if there were no other model."""
    evidence = graph.evidence.copy()
    evidence[:, :N_CONSENSUS] = 0.0
    return replace(graph, evidence=evidence)


def _agreement(structure: Structure, models: list[Structure]) -> Consensus | None:
    others = [
        other
        for other in models
        if not (other.source and other.source == structure.source) and not np.array_equal(other.ca, structure.ca)
    ]
    if not others:
        return None
    kept = np.unique(np.linspace(0, len(others) - 1, min(MOST_OTHERS, len(others))).round().astype(np.int64))
    found = [model_quality(others[i].ca, structure.ca) for i in kept]
    scores = [[one.gdt_ts, one.gdt_ha, one.tm, one.lddt] for one in found]
    return Consensus(np.mean(scores, axis=0), np.mean([one.residue for one in found], axis=0), len(found))
