"""A tower: from proteins of one kind to vectors in the shared space."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from foldglass.encoders.base import ResidueEncoder
from foldglass.encoders.builtin import SequenceEncoder, tokenize
from foldglass.encoders.composition import N_COMPOSITION, composition
from foldglass.encoders.kmer_sketch import N_SKETCH, kmer_sketch
from foldglass.encoders.structure import (
    N_STRUCTURE_FEATURES,
    StructureEncoder,
    structure_features,
    summary,
    summary_size,
)
from foldglass.errors import InputError, ModelError
from foldglass.models.siamese import SiameseNetwork
from foldglass.protein import Sequence, Structure

if TYPE_CHECKING:
    from foldglass.models.score_model import ScoreModel


@dataclass(frozen=True, eq=False)
class Inputs:
    """What a tower needs of one protein: tensors whose first axis is the residue, and one vector for the whole."""

    residues: tuple[Tensor, ...]
    whole: Tensor

    def __len__(self) -> int:
        return len(self.residues[0])


TOKENS = 8192
"""Default residues per batch, padding included."""


class Front(Protocol):
    """The part of a tower before the Siamese network."""

    kind: Literal["sequence", "structure"]
    whole_dim: int
    sketch_dim: int

    def inputs(self, protein: Sequence) -> Inputs:
        """Tensors of one protein, computed once."""
        ...

    def __call__(self, *padded: Tensor) -> Tensor:
        """Residue vectors (B, L, D) from padded inputs followed by the mask."""
        ...


def whole_sequence(letters: str) -> Float[Tensor, " F"]:
    """What describes a whole sequence: its composition, then the sketch of its 4-mers."""
    return torch.from_numpy(np.concatenate([composition(letters), kmer_sketch(letters)]))


class SequenceFront(nn.Module):
    """Residue letters through the built-in sequence encoder."""

    kind: Literal["sequence", "structure"] = "sequence"
    whole_dim = N_COMPOSITION
    sketch_dim = N_SKETCH

    def __init__(self, encoder: SequenceEncoder) -> None:
        super().__init__()
        self.encoder = encoder

    def inputs(self, protein: Sequence) -> Inputs:
        tokens = torch.from_numpy(tokenize(protein.letters))
        return Inputs((tokens,), whole_sequence(protein.letters))

    def forward(self, tokens: Tensor, mask: Tensor) -> Tensor:
        out: Tensor = self.encoder(tokens, mask)
        return out


def features_per_residue(geometry: bool, score: "ScoreModel | None") -> int:
    """How many numbers a structure front sees of a residue."""
    return geometry * N_STRUCTURE_FEATURES + (score.network.config.channels if score else 0)


class StructureFront(nn.Module):
    """C-alpha geometry, vectors of a frozen score network, or both, through the structure encoder.

    Parameters
    ----------
    encoder
        Takes as many features as `geometry` and `score` give together.
    geometry
        Take the geometric features.
    score
        A score network whose residue vectors are features.

    Raises
    ------
    ModelError
        If the encoder takes another number of features.
    """

    kind: Literal["sequence", "structure"] = "structure"
    sketch_dim = 0

    def __init__(self, encoder: StructureEncoder, *, geometry: bool = True, score: "ScoreModel | None" = None) -> None:
        super().__init__()
        self.encoder, self.geometry, self.score = encoder, geometry, score
        given = features_per_residue(geometry, score)
        if given != encoder.config.features:
            raise ModelError(
                "structure tower", got=f"{given} features", expected=f"the encoder's {encoder.config.features}"
            )
        self.whole_dim = summary_size(given)

    def inputs(self, protein: Sequence) -> Inputs:
        if not isinstance(protein, Structure):
            raise InputError(f"protein {protein.id!r}", got="a sequence", expected="a structure for this tower")
        parts = [structure_features(protein.ca)] if self.geometry else []
        if self.score:
            parts += [embedding.residue for embedding in self.score.embed([protein], pair=False)]
        features = np.concatenate(parts, axis=1)
        return Inputs((torch.from_numpy(features),), torch.from_numpy(summary(features)))

    def forward(self, features: Tensor, mask: Tensor) -> Tensor:
        out: Tensor = self.encoder(features, mask)
        return out


class PretrainedFront(nn.Module):
    """Residue vectors of a frozen protein language model (ProtT5, ESM-2)."""

    kind: Literal["sequence", "structure"] = "sequence"
    whole_dim = N_COMPOSITION
    sketch_dim = N_SKETCH

    def __init__(self, encoder: ResidueEncoder) -> None:
        super().__init__()
        self.encoder = encoder

    def inputs(self, protein: Sequence) -> Inputs:
        return Inputs((self.encoder.encode([protein])[0],), whole_sequence(protein.letters))

    def forward(self, vectors: Tensor, mask: Tensor) -> Tensor:
        return vectors


def buckets(lengths: list[int], tokens: int) -> Iterator[list[int]]:
    """Indices grouped by similar length so that no padded batch holds more than `tokens` residues.

    A protein longer than `tokens` gets a batch of its own; within a batch the shortest is at least 7/8 of the longest,
    or 32 residues shorter at most, which bounds the padding.

    Examples
    --------
    >>> list(buckets([50, 400, 48, 390], tokens=800))
    [[2, 0], [3, 1]]
    """
    group: list[int] = []
    for index in sorted(range(len(lengths)), key=lengths.__getitem__):
        longest = lengths[index]
        full = (len(group) + 1) * longest > tokens
        if group and (full or lengths[group[0]] < min(longest * 7 / 8, longest - 32)):
            yield group
            group = []
        group.append(index)
    if group:
        yield group


class Tower(nn.Module):
    """A front and a Siamese network; embeds any number of proteins of any lengths in one call."""

    def __init__(self, front: SequenceFront | StructureFront | PretrainedFront, network: SiameseNetwork) -> None:
        super().__init__()
        self.front, self.network = front, network

    @property
    def kind(self) -> Literal["sequence", "structure"]:
        """Which proteins it takes."""
        return self.front.kind

    @property
    def device(self) -> torch.device:
        """Where its weights are."""
        return next(self.network.parameters()).device

    def forward(
        self, inputs: list[Inputs], *, tokens: int = TOKENS
    ) -> tuple[list[Float[Tensor, "L D"]], Float[Tensor, "B D"]]:
        """Residue vectors of each protein and one protein vector each, all of unit length, in the order given."""
        lengths = [len(own) for own in inputs]
        residue: list[Tensor] = [torch.empty(0)] * len(inputs)
        protein: list[Tensor] = [torch.empty(0)] * len(inputs)
        device = self.device
        for group in buckets(lengths, tokens):
            padded = [
                nn.utils.rnn.pad_sequence(list(column), batch_first=True).to(device)
                for column in zip(*(inputs[i].residues for i in group), strict=True)
            ]
            own = torch.tensor([lengths[i] for i in group], device=device)
            mask = torch.arange(int(own.max()), device=device) < own[:, None]
            whole = torch.stack([inputs[i].whole for i in group]).to(device)
            vectors, pooled = self.network(self.front(*padded, mask), mask, whole)
            each = vectors[mask].split([lengths[i] for i in group])
            for i, own_residue, own_protein in zip(group, each, pooled.unbind(), strict=True):
                residue[i], protein[i] = own_residue, own_protein
        return residue, torch.stack(protein)
