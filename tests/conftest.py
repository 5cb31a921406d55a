"""Fixtures shared by all tests."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from foldglass.constants import AMINO_ACIDS
from foldglass.protein import Structure

if TYPE_CHECKING:
    from foldglass.models.model import Model
    from foldglass.models.score_model import ScoreModel

_ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def data_pack() -> Path:
    """The folder of real structures and labels, which is not part of the repository."""
    folder = Path(os.environ.get("FOLDGLASS_DATA", _ROOT / "../shared/data")).resolve()
    if not (folder / "structures.parquet").is_file():
        pytest.skip(f"no data pack in {folder}; set FOLDGLASS_DATA to its folder")
    return folder


@pytest.fixture(scope="session")
def make_structure() -> Callable[..., Structure]:
    """Writes a random chain: steps of 3.8 angstrom that stay together, and random letters."""

    def make(length: int, seed: int = 0, name: str = "") -> Structure:
        rng = np.random.default_rng((seed, length))
        points = [np.zeros(3)]
        for _ in range(length - 1):
            step = rng.normal(size=3) - 0.05 * points[-1]
            points.append(points[-1] + 3.8 * step / np.linalg.norm(step))
        letters = "".join(rng.choice(list(AMINO_ACIDS), length))
        return Structure(name or f"s{seed}-{length}", letters, ca=np.array(points, dtype=np.float32))

    return make


@pytest.fixture(scope="session")
def make_model() -> Callable[..., "Model"]:
    """Builds a tiny model with random weights and both towers, or those asked for."""

    def make(seed: int = 0, kinds: tuple[str, ...] = ("sequence", "structure"), name: str = "tiny") -> "Model":
        import torch

        from foldglass.encoders.builtin import SequenceEncoder, SequenceEncoderConfig
        from foldglass.encoders.structure import StructureEncoder, StructureEncoderConfig
        from foldglass.models.model import Model
        from foldglass.models.siamese import SiameseConfig, SiameseNetwork
        from foldglass.models.tower import SequenceFront, StructureFront, Tower

        def network(dim: int) -> SiameseNetwork:
            sizes = {"hidden": 20, "heads": 2, "feedforward": 23, "output": 13}
            return SiameseNetwork(replace(SiameseConfig.preset("foldglass", input_dim=dim), **sizes))

        torch.manual_seed(seed)
        towers = {}
        if "sequence" in kinds:
            encoder = SequenceEncoder(SequenceEncoderConfig(dim=24, layers=2, heads=3, feedforward=29))
            towers["sequence"] = Tower(SequenceFront(encoder), network(24))
        if "structure" in kinds:
            geometric = StructureEncoder(StructureEncoderConfig(dim=28, layers=2, heads=2, feedforward=31))
            towers["structure"] = Tower(StructureFront(geometric), network(28))
        return Model(towers, name=name, digest="0123456789abcdef", description="a tiny random model")

    return make


@pytest.fixture(scope="session")
def make_score_model() -> Callable[..., "ScoreModel"]:
    """Builds a tiny score network with random weights."""

    def make(seed: int = 0, name: str = "tiny-score") -> "ScoreModel":
        import torch

        from foldglass.models.score import ScoreConfig, ScoreNetwork
        from foldglass.models.score_model import ScoreModel, ScoreVectors

        torch.manual_seed(seed)
        sizes = {"channels": 7, "bottleneck": 5, "blocks": 4, "levels": 6, "highest": 8.0, "lowest": 0.25}
        network = ScoreNetwork(replace(ScoreConfig.preset("foldglass"), **sizes))
        for weight in network.parameters():
            if not weight.any():  # the last layers begin at 0, which would give no gradient
                torch.nn.init.normal_(weight, 0.0, 0.1)
        statistics = ScoreVectors(torch.rand(6, 7), 1 + torch.rand(6, 7))
        return ScoreModel(network, sigma=1.0, statistics=statistics, name=name, digest="0123456789abcdef")

    return make
