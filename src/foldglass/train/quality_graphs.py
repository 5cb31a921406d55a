"""The graphs of many decoys; what the score network says of each is kept on disk, as it costs most."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np

from foldglass.io.atomic import replacing
from foldglass.models.graph_batch import ResidueGraph
from foldglass.models.quality_input import GraphMaker, ScoreInput
from foldglass.protein import Structure
from foldglass.train.quality_data import Decoy


def decoy_graphs(
    maker: GraphMaker, decoys: list[Decoy], folder: Path, *, progress: Callable[[int], None] | None = None
) -> list[ResidueGraph]:
    """The graph of each decoy; `folder` keeps the score network's readings."""
    graphs = []
    for done, decoy in enumerate(decoys, start=1):
        reading = kept_reading(maker, decoy.structure, folder) if maker.config.score else None
        graphs.append(maker(decoy.structure, reading))
        if progress:
            progress(done)
    return graphs


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
