"""A tower: from proteins of one kind to vectors in the shared space."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from foldglass.encoders.base import ResidueEncoder
from foldglass.encoders.builtin import SequenceEncoder, tokenize
from foldglass.encoders.composition import N_COMPOSITION, composition
from foldglass.encoders.kmer_sketch import N_SKETCH, kmer_sketch
from foldglass.encoders.structure import N_SUMMARY, StructureEncoder, structure_features, summary
from foldglass.errors import InputError
from foldglass.models.siamese import SiameseNetwork
from foldglass.protein import Sequence, Structure


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


class StructureFront(nn.Module):
    """C-alpha geometry through the structure encoder."""

    kind: Literal["sequence", "structure"] = "structure"
    whole_dim = N_SUMMARY
    sketch_dim = 0

    def __init__(self, encoder: StructureEncoder) -> None:
        super().__init__()
        self.encoder = encoder

    def inputs(self, protein: Sequence) -> Inputs:
        if not isinstance(protein, Structure):
            raise InputError(f"protein {protein.id!r}", got="a sequence", expected="a structure for this tower")
        features = structure_features(protein.ca)
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

    def forward(
        self, inputs: list[Inputs], *, tokens: int = TOKENS
    ) -> tuple[list[Float[Tensor, "L D"]], Float[Tensor, "B D"]]:
        """Residue vectors of each protein and one protein vector each, all of unit length, in the order given."""
        lengths = [len(own) for own in inputs]
        residue: list[Tensor] = [torch.empty(0)] * len(inputs)
        protein: list[Tensor] = [torch.empty(0)] * len(inputs)
        device = next(self.network.parameters()).device
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
