"""The graphs of many decoys; what the score network says of each is kept on disk, as it costs most."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np

from foldglass.io.atomic import replacing
from foldglass.models.consensus import Consensus, consensus
from foldglass.models.graph_batch import ResidueGraph
from foldglass.models.quality_input import GraphMaker, ScoreInput
from foldglass.protein import Structure
from foldglass.train.quality_data import Decoy


def decoy_graphs(
    maker: GraphMaker, decoys: list[Decoy], folder: Path, *, progress: Callable[[int], None] | None = None
) -> list[ResidueGraph]:
    """The graph of each decoy, with the consensus of published models; `folder` keeps the score network's readings."""
    agreements = published_consensus(decoys)
    graphs = []
    for done, (decoy, agreement) in enumerate(zip(decoys, agreements, strict=True), start=1):
        reading = kept_reading(maker, decoy.structure, folder) if maker.config.score else None
        graphs.append(maker(decoy.structure, agreement, reading))
        if progress:
            progress(done)
    return graphs


def published_consensus(decoys: list[Decoy]) -> list[Consensus | None]:
    """How far the published models of each protein agree; decoys made from natives have no others.

    What several makers did to one native agrees in what they left alone, as models by one program do not.
    """
    published = [i for i, decoy in enumerate(decoys) if not decoy.made]
    found: list[Consensus | None] = [None] * len(decoys)
    for i, agreement in zip(published, consensus([decoys[i].structure for i in published]), strict=True):
        found[i] = agreement
    return found


def kept_reading(maker: GraphMaker, structure: Structure, folder: Path) -> ScoreInput:
    """What the score network says of a structure, from a file that is written the first time."""
    assert maker.score is not None
    config = maker.config
    identity = f"{maker.score.digest}|{config.sigma:g}|{config.radius:g}|{structure.letters}|".encode()
    path = folder / f"{hashlib.sha256(identity + structure.ca.astype('<f4').tobytes()).hexdigest()[:24]}.npz"
    if not path.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        reading = maker.read(structure)
        with replacing(path) as part, part.open("wb") as file:
            np.savez(file, residue=reading.residue, pair=reading.pair, strain=reading.strain)
        return reading
    with np.load(path, allow_pickle=False) as stored:
        return ScoreInput(stored["residue"], stored["pair"], stored["strain"])
