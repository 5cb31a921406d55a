"""Fixtures shared by all tests."""

import os
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from foldglass.constants import AMINO_ACIDS
from foldglass.protein import Structure

if TYPE_CHECKING:
    from foldglass.models.model import Model
    from foldglass.models.quality_model import QualityModel
    from foldglass.models.score_model import ScoreModel
    from foldglass.models.sites_model import SitesModel

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
        return ScoreModel(network, sigma=1.0, statistics=statistics, name=name, digest="0123456789abcdef", fast=False)

    return make


@pytest.fixture
def data_folder(tmp_path: Path, make_structure: Callable[..., Structure]) -> Callable[..., Path]:
    """Writes `structures.parquet` of made-up chains and `tm_pairs.parquet` of pairs of them; gives the folder.

    A pair is (query, target, TM-score), the proteins by their index; its first residues are aligned.
    """

    def write(
        lengths: list[int],
        families: Iterable[int],
        superfamilies: Iterable[int],
        pairs: Iterable[tuple[int, int, float]] = (),
    ) -> Path:
        import polars as pl

        chains = [make_structure(length, seed=i, name=f"c{i}") for i, length in enumerate(lengths)]
        pl.DataFrame(
            {
                "id": [chain.id for chain in chains],
                "set": "good",
                "sequence": [chain.letters for chain in chains],
                "ca_coords": [chain.ca.astype("<f4").tobytes() for chain in chains],
                "from_distance_map": False,
                "seq_family": pl.Series(list(families), dtype=pl.Int32),
                "superfamily_group": pl.Series(list(superfamilies), dtype=pl.Int32),
            }
        ).write_parquet(tmp_path / "structures.parquet")
        strings = dict.fromkeys(("query", "target", "kind"), pl.String)
        numbers = dict.fromkeys(("tm_query", "tm_target"), pl.Float32)
        raw = dict.fromkeys(("aligned_query", "aligned_target"), pl.Binary)
        aligned = np.arange(5, dtype="<u2").tobytes()
        rows = [(f"c{i}", f"c{j}", "random", tm, tm, aligned, aligned) for i, j, tm in pairs]
        pl.DataFrame(rows, schema=strings | numbers | raw, orient="row").write_parquet(tmp_path / "tm_pairs.parquet")
        return tmp_path

    return write


@pytest.fixture(scope="session")
def make_sites_model() -> Callable[..., "SitesModel"]:
    """Builds two tiny interaction-site networks with random weights."""

    def make(threshold: float = 0.5) -> "SitesModel":
        import torch

        from foldglass.encoders.structure import N_STRUCTURE_FEATURES
        from foldglass.models.site_inputs import SiteInputs
        from foldglass.models.sites import SitesConfig, SitesNetwork
        from foldglass.models.sites_model import SitesModel

        torch.manual_seed(0)
        channels = {"letters": 21, "geometry": N_STRUCTURE_FEATURES}
        config = SitesConfig(channels, neighbours=8, dim=12, heads=2, layers=1)
        members = [SitesNetwork(config) for _ in range(2)]
        return SitesModel(members, inputs=SiteInputs(channels), threshold=threshold, name="tiny")

    return make


@pytest.fixture(scope="session")
def make_quality_model() -> Callable[..., "QualityModel"]:
    """Builds a tiny quality model with random weights that reads no other network."""

    def make(seed: int = 0, name: str = "tiny-quality") -> "QualityModel":
        import torch

        from foldglass.models.graph_network import GraphConfig
        from foldglass.models.quality_input import GraphMaker, QualityInputConfig
        from foldglass.models.quality_model import ErrorBands, QualityModel
        from foldglass.models.quality_network import QualityNetwork

        torch.manual_seed(seed)
        inputs = QualityInputConfig(nodes="trace", radius=8.0)
        sizes = GraphConfig(inputs.node_size, inputs.edge_size, 0, 0, inputs.evidence_size, 17, 11, 13, blocks=2)
        ends = np.tile([0.25, 0.75], (4, 1))
        bands = ErrorBands(ends, ends * 0 - 0.1, ends * 0 + 0.2)
        members = [QualityNetwork(sizes), QualityNetwork(sizes)]
        return QualityModel(members, GraphMaker(inputs), bands, bands, name=name, description="tiny")

    return make
