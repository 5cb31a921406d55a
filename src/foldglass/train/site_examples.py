"""Chains with labels in the forms that the interaction-site networks read."""

from collections.abc import Callable
from collections.abc import Sequence as List
from pathlib import Path

import numpy as np
import polars as pl
import torch
from jaxtyping import Bool, Float32
from safetensors.numpy import load_file, save_file
from torch import Tensor

from foldglass.blosum62 import blosum62
from foldglass.constants import AMINO_ACIDS
from foldglass.encoders.builtin import tokenize
from foldglass.errors import InputError, NotFoundError
from foldglass.io.atomic import replacing
from foldglass.models.deepppisp import LONGEST, ProteinBatch, ProteinFeatures, protein_batch
from foldglass.models.graphppis import adjacency
from foldglass.models.site_graph import SiteGraph, side_by_side, site_graph
from foldglass.models.site_inputs import SiteInputs
from foldglass.protein import Structure
from foldglass.train.site_data import SiteChains

PUBLISHED = "ppi_features.parquet"
"""Table with the published inputs: the columns id, subset, pssm, hmm, dssp, dssp_width, raw little-endian float16."""


class GraphExamples:
    """For our network: residue inputs on graphs of nearest residues."""

    def __init__(self, data: SiteChains, inputs: List[dict[str, np.ndarray]], *, count: int) -> None:
        self._labels = data.labels
        self._graphs = [site_graph(_structure(data, i).ca, own, count=count) for i, own in enumerate(inputs)]

    def __len__(self) -> int:
        return len(self._graphs)

    def batch(self, chains: List[int]) -> SiteGraph:
        """The chains side by side."""
        return side_by_side([self._graphs[i] for i in chains])

    def labels(self, chain: int) -> Bool[np.ndarray, " L"]:
        """Labels of a chain."""
        return self._labels[chain]


def residue_inputs(
    data: SiteChains, inputs: SiteInputs, store: Path, *, progress: Callable[[str], None]
) -> list[dict[str, np.ndarray]]:
    """Inputs of every chain, kept in `store` in half precision, so that a run that goes on need not make them again."""
    kept = load_file(store) if store.is_file() else {}
    found = []
    for number, chain in enumerate(data.chains):
        wanted = {name: f"{number}.{name}" for name in inputs.names}
        if not kept.keys() >= set(wanted.values()):
            made = inputs.of(_structure(data, number))
            kept |= {key: made[name].astype(np.float16) for name, key in wanted.items()}
            if (number + 1) % 50 == 0:
                progress(f"inputs: {number + 1} of {len(data)} chains")
        own = {name: kept[key].astype(np.float32) for name, key in wanted.items()}
        if any(len(values) != len(chain) for values in own.values()):
            raise InputError(str(store), got="inputs of other chains", expected="those of this run", remedy="remove it")
        found.append(own)
    with replacing(store) as part:
        save_file(kept, part)
    return found


class AdjacencyExamples:
    """For GraphPPIS: published features and a normalised adjacency, one chain at a time."""

    def __init__(self, data: SiteChains, folder: Path, *, features: str) -> None:
        self._data = data
        table = _published(folder)
        self._features = [
            torch.from_numpy(_graphppis_features(chain.letters, table[subset, chain.id], features))
            for chain, subset in zip(data.chains, data.subset, strict=True)
        ]

    def __len__(self) -> int:
        return len(self._features)

    def batch(self, chains: List[int]) -> tuple[Tensor, Tensor]:
        """Features and adjacency of one chain.

        Raises
        ------
        InputError
            If more than one is asked for.
        """
        if len(chains) != 1:
            raise InputError("GraphPPIS", got=f"{len(chains)} chains in a step", expected="one: residues = 1")
        return self._features[chains[0]], torch.from_numpy(adjacency(_structure(self._data, chains[0]).ca))

    @property
    def channels(self) -> int:
        """Features per residue."""
        return self._features[0].shape[1]

    def labels(self, chain: int) -> Bool[np.ndarray, " L"]:
        """Labels of a chain."""
        return self._data.labels[chain]


class WindowExamples:
    """For DeepPPISP: published features, and embeddings of residues and proteins where given; 500 residues at most."""

    def __init__(self, data: SiteChains, folder: Path, *, dense: bool, embeddings: List[np.ndarray] | None) -> None:
        self._dense = dense
        self._labels = [labels[:LONGEST] for labels in data.labels]
        table = _published(folder)
        self._proteins = []
        for number, (chain, subset) in enumerate(zip(data.chains, data.subset, strict=True)):
            row, length = table[subset, chain.id], min(len(chain), LONGEST)
            residue = np.zeros((length, 0), np.float32) if embeddings is None else embeddings[number][:length]
            whole = np.zeros(0, np.float32) if embeddings is None else embeddings[number].mean(axis=0)
            self._proteins.append(
                ProteinFeatures(
                    np.eye(21, dtype=np.float32)[tokenize(chain.letters[:length])][:, :20],
                    _rows(row["dssp"], row["dssp_width"], length),
                    _rows(row["pssm"], 20, length),
                    residue,
                    whole,
                )
            )

    def __len__(self) -> int:
        return len(self._proteins)

    @property
    def channels(self) -> int:
        """Channels of the embeddings, 0 for none."""
        return self._proteins[0].residue.shape[1]

    def batch(self, chains: List[int]) -> ProteinBatch:
        """The proteins and all their windows."""
        return protein_batch([self._proteins[i] for i in chains], dense=self._dense)

    def labels(self, chain: int) -> Bool[np.ndarray, " L"]:
        """Labels of a chain."""
        return self._labels[chain]


def _structure(data: SiteChains, number: int) -> Structure:
    chain = data.chains[number]
    assert isinstance(chain, Structure)
    return chain


def _published(folder: Path) -> dict[tuple[str, str], dict[str, object]]:
    path = folder / PUBLISHED
    if not path.is_file():
        raise NotFoundError(str(path), got="no such table", expected="the published input features")
    return {(row["subset"], row["id"]): row for row in pl.read_parquet(path).iter_rows(named=True)}


def _rows(raw: object, width: object, length: int) -> Float32[np.ndarray, "L W"]:
    """The first rows of a stored array; rows that it lacks are zero, as in the published code."""
    assert isinstance(raw, bytes) and isinstance(width, int)
    given = np.frombuffer(raw, "<f2").reshape(-1, width)[:length].astype(np.float32)
    return np.pad(given, ((0, length - len(given)), (0, 0)))


def _graphppis_features(letters: str, row: dict[str, object], features: str) -> Float32[np.ndarray, "L F"]:
    dssp = _rows(row["dssp"], row["dssp_width"], len(letters))
    if features == "profiles":
        return np.concatenate([_rows(row["pssm"], 20, len(letters)), _rows(row["hmm"], 20, len(letters)), dssp], axis=1)
    usual = blosum62(AMINO_ACIDS, AMINO_ACIDS)
    low, high = usual.min(), usual.max()
    return np.concatenate([(blosum62(letters, AMINO_ACIDS) - low) / (high - low), dssp], axis=1).astype(np.float32)
