"""The pre-trained score network as people use it: structures in, embeddings and gradients out."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from foldglass.encoders.builtin import tokenize
from foldglass.errors import InputError, ModelError
from foldglass.geometry.pairs import PairSelection
from foldglass.models.checkpoint import fill, read_weights, write_folder
from foldglass.models.config import read_config
from foldglass.models.gradient import coordinate_gradient
from foldglass.models.pair_input import ResidueWindow
from foldglass.models.score import ScoreConfig, ScoreNetwork
from foldglass.models.score_fast import fast_copy
from foldglass.models.score_maps import feature_map, pair_map, symmetrised_
from foldglass.protein import Embedding, Sequence, Structure
from foldglass.typing import AlignedPairs, Coordinates

LONGEST = 3000
"""Most residues of a chain: its maps take 3.5 GB."""


@dataclass(frozen=True)
class ScoreVectors:
    """Which channels of a map mean what: mean and spread of each channel at each level, over training chains."""

    mean: Float[Tensor, "K D"]
    spread: Float[Tensor, "K D"]


class ScoreReading(NamedTuple):
    """What one pass over a structure tells: residue vectors, vectors of the pairs asked for, gradient in 1/angstrom."""

    residue: Float[np.ndarray, "L D"]
    pair: Float[np.ndarray, "M D"]
    gradient: Coordinates


class ScoreModel:
    """A score network, the level at which it embeds, and the channel statistics that put levels on one scale.

    Pair vectors are the last feature map of the undisturbed structure, averaged with its transpose and standardised by
    channel; residue vectors are their mean over the partners, the protein vector their mean over all pairs (Guo et al.
    2022). They are not of unit length, and a mirror image has the same ones.

    Parameters
    ----------
    network
        Of the `foldglass` preset's kind.
    sigma
        Noise level of the embeddings in angstrom; the nearest one that the network has is taken.
    fast
        Embed with a faster copy of the network, equal to a thousandth; see `models.score_fast`. Gradients are never
        taken with it.
    """

    def __init__(
        self,
        network: ScoreNetwork,
        *,
        sigma: float,
        statistics: ScoreVectors,
        name: str = "unnamed",
        digest: str = "",
        description: str = "",
        fast: bool = True,
    ) -> None:
        self.network = network.eval().requires_grad_(False)
        self._embedder = fast_copy(self.network) if fast else self.network
        self.noise = network.config.noise
        self.sigma, self.statistics = sigma, statistics
        self.name, self.digest, self.description = name, digest, description

    @property
    def id(self) -> str:
        """Name and short hash of the weights: vectors are comparable if this and the level are equal."""
        return f"{self.name}@{self.digest[:8]}"

    def __repr__(self) -> str:
        return f"ScoreModel({self.id}, {self.network.config.blocks} blocks, sigma {self.sigma:g} A)"

    def embed(
        self,
        structures: Iterable[Sequence],
        *,
        sigma: float | None = None,
        pair: bool | PairSelection = True,
        progress: Callable[[int], None] | None = None,
    ) -> list[Embedding]:
        """Embed structures; see `embed_stream`."""
        return list(self.embed_stream(structures, sigma=sigma, pair=pair, progress=progress))

    def embed_stream(
        self,
        structures: Iterable[Sequence],
        *,
        sigma: float | None = None,
        pair: bool | PairSelection = False,
        progress: Callable[[int], None] | None = None,
    ) -> Iterator[Embedding]:
        """Embed structures one by one, in the order given.

        Parameters
        ----------
        structures
            C-alpha traces.
        sigma
            Noise level in angstrom, if not the model's own.
        pair
            Keep the pair vectors, all (256 bytes per residue pair) or those of a selection; never of more than one
            structure at a time.
        progress
            Called with the number of structures done.

        Raises
        ------
        ModelError
            If a protein is a sequence.
        InputError
            If a chain is too long, or the network has no such level.
        """
        level = self.level(self.sigma if sigma is None else sigma)
        for done, structure in enumerate(structures, start=1):
            yield self._embedding(self._structure(structure), level, pair)
            if progress:
                progress(done)

    def level(self, sigma: float) -> int:
        """Index of the noise level nearest to `sigma`, in angstrom.

        Raises
        ------
        InputError
            If it lies outside the levels of the network.
        """
        highest, lowest = self.noise.highest, self.noise.lowest
        if not lowest * 0.999 <= sigma <= highest * 1.001:
            raise InputError(
                f"sigma {sigma:g} angstrom",
                got=f"no such noise level of model {self.id}",
                expected=f"{lowest:g} to {highest:g} angstrom",
            )
        return self.noise.nearest(sigma)

    def read(self, structure: Sequence, *, sigma: float, pairs: AlignedPairs) -> ScoreReading:
        """Residue vectors, the vectors of some residue pairs and the gradient, all from one pass at one level.

        Parameters
        ----------
        structure
            A C-alpha trace.
        sigma
            Noise level in angstrom; the nearest one that the network has is taken.
        pairs
            0-based residue pairs (i, j); the vector of (j, i) is that of (i, j).

        Raises
        ------
        ModelError
            If the protein is a sequence.
        InputError
            If the chain is too long, or the network has no such level.
        """
        own, level = self._structure(structure), self.level(sigma)
        residues, x = _inputs(own, own.ca)
        pair, vectors = pair_map(self.network, residues, x, torch.tensor([level]))
        gradient = self._gradient(pair, x, level)
        self._standardise_(vectors, level)
        kept = vectors[tuple(torch.from_numpy(pairs).T)].numpy()
        return ScoreReading(vectors.mean(dim=1).numpy(), kept, gradient)

    def gradient(self, structure: Sequence, *, sigma: float, ca: Coordinates | None = None) -> Coordinates:
        """Score (gradient of log p) of each C-alpha in 1/angstrom, where log p is smoothed by noise of `sigma`.

        Parameters
        ----------
        structure
            A C-alpha trace.
        sigma
            Noise level in angstrom; the nearest one that the network has is taken.
        ca
            Coordinates in angstrom in place of the structure's own.

        Raises
        ------
        ModelError
            If the protein is a sequence.
        InputError
            If the chain is too long, or the network has no such level.
        """
        own = self._structure(structure)
        level = self.level(sigma)
        points = own.ca if ca is None else ca
        residues, x = _inputs(own, points)
        pair, _ = pair_map(self.network, residues, x, torch.tensor([level]))
        return self._gradient(pair, x, level)

    def _gradient(self, pair: Float[Tensor, "L L G"], x: Float[Tensor, "1 L 3"], level: int) -> Coordinates:
        scale = torch.from_numpy(self.noise.sigma[level : level + 1])
        mask = torch.ones(x.shape[:2], dtype=torch.bool)
        out: np.ndarray = coordinate_gradient(pair[None], x, mask, scale, self.network.config.gradient)[0].numpy()
        return out

    def _standardise_(self, vectors: Float[Tensor, "L L D"], level: int) -> None:
        """Average a map with its transpose and bring its channels to one scale, in place."""
        symmetrised_(vectors)
        vectors.sub_(self.statistics.mean[level]).div_(self.statistics.spread[level])

    def _embedding(self, structure: Structure, level: int, pair: bool | PairSelection) -> Embedding:
        residues, x = _inputs(structure, structure.ca)
        vectors = feature_map(self._embedder, residues, x, torch.tensor([level]))
        self._standardise_(vectors, level)
        residue = vectors.mean(dim=1)
        index, kept = None, vectors.numpy() if pair else None
        if isinstance(pair, PairSelection):
            index = pair.of(structure.ca)
            kept = vectors[tuple(torch.from_numpy(index).T)].numpy()
        protein = residue.mean(dim=0).numpy()
        return Embedding(structure, protein, residue.numpy(), kept, self.id, pair_index=index)

    def _structure(self, protein: Sequence) -> Structure:
        if not isinstance(protein, Structure):
            raise ModelError(
                f"model {self.id}", got=f"the sequence {protein.id!r}", expected="a structure: it reads coordinates"
            )
        if len(protein) > LONGEST:
            raise InputError(
                f"structure {protein.id!r}",
                got=f"{len(protein)} residues",
                expected=f"at most {LONGEST}: memory grows with the square of the length",
                remedy="cut it into domains",
            )
        return protein


def _inputs(structure: Structure, ca: Coordinates) -> tuple[ResidueWindow, Float[Tensor, "1 L 3"]]:
    """Residues and centred coordinates of a chain."""
    residues = ResidueWindow(
        torch.from_numpy(tokenize(structure.letters))[None],
        torch.arange(len(structure))[None],
        torch.ones(1, len(structure), dtype=torch.bool),
    )
    return residues, torch.from_numpy((ca - ca.mean(axis=0, dtype=np.float64)).astype(np.float32))[None]


def save_score_model(model: ScoreModel, folder: Path, *, card: str) -> str:
    """Write a model directory; returns the SHA-256 of its weights."""
    tensors = {f"network.{name}": value for name, value in model.network.state_dict().items()}
    tensors |= {"statistics.mean": model.statistics.mean, "statistics.spread": model.statistics.spread}
    config = {
        "kind": "score",
        "name": model.name,
        "description": model.description,
        "network": vars(model.network.config),
        "sigma": model.sigma,
    }
    return write_folder(folder, tensors, config, card=card)


def load_score_model(folder: Path, *, fast: bool = True) -> ScoreModel:
    """Read a model directory and check it; `fast` as in `ScoreModel`.

    Raises
    ------
    ModelError
        As `checkpoint.load_model`, or if it holds no score network.
    """
    config = read_config(folder, kind="score")
    tensors = read_weights(folder, config)
    sizes: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in config["network"].items()
    }
    try:
        network = nn.ModuleDict({"network": ScoreNetwork(ScoreConfig(**sizes))})
        statistics = ScoreVectors(tensors.pop("statistics.mean"), tensors.pop("statistics.spread"))
    except (TypeError, KeyError) as error:
        raise ModelError(
            str(folder), got=f"sizes that do not fit ({error})", expected="those of this version"
        ) from None
    fill(network, tensors, folder / "model.safetensors")
    own = network["network"]
    assert isinstance(own, ScoreNetwork)
    return ScoreModel(
        own,
        sigma=config["sigma"],
        statistics=statistics,
        name=config["name"],
        digest=config["weights_sha256"],
        description=config["description"],
        fast=fast,
    )
