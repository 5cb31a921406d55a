"""A tower: from proteins of one kind to vectors in the shared space."""

from collections.abc import Iterator
from typing import Literal, Protocol

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from foldglass.encoders.base import ResidueEncoder
from foldglass.encoders.builtin import SequenceEncoder, tokenize
from foldglass.encoders.structure import StructureEncoder
from foldglass.errors import InputError
from foldglass.geometry.trace import local_frames, residue_features
from foldglass.models.siamese import SiameseNetwork
from foldglass.protein import Sequence, Structure

Inputs = tuple[Tensor, ...]
"""What a tower needs of one protein; the first axis of every tensor is the residue."""

TOKENS = 8192
"""Default residues per batch, padding included."""


class Front(Protocol):
    """The part of a tower before the Siamese network."""

    kind: Literal["sequence", "structure"]

    def inputs(self, protein: Sequence) -> Inputs:
        """Tensors of one protein, computed once."""
        ...

    def __call__(self, *padded: Tensor) -> Tensor:
        """Residue vectors (B, L, D) from padded inputs followed by the mask."""
        ...


class SequenceFront(nn.Module):
    """Residue letters through the built-in sequence encoder."""

    kind: Literal["sequence", "structure"] = "sequence"

    def __init__(self, encoder: SequenceEncoder) -> None:
        super().__init__()
        self.encoder = encoder

    def inputs(self, protein: Sequence) -> Inputs:
        return (torch.from_numpy(tokenize(protein.letters)),)

    def forward(self, tokens: Tensor, mask: Tensor) -> Tensor:
        out: Tensor = self.encoder(tokens, mask)
        return out


class StructureFront(nn.Module):
    """C-alpha geometry through the structure encoder."""

    kind: Literal["sequence", "structure"] = "structure"

    def __init__(self, encoder: StructureEncoder) -> None:
        super().__init__()
        self.encoder = encoder

    def inputs(self, protein: Sequence) -> Inputs:
        if not isinstance(protein, Structure):
            raise InputError(f"protein {protein.id!r}", got="a sequence", expected="a structure for this tower")
        ca = protein.ca - protein.ca.mean(axis=0)
        arrays = residue_features(ca), ca.astype(np.float32), local_frames(ca)
        return tuple(torch.from_numpy(array) for array in arrays)

    def forward(self, features: Tensor, ca: Tensor, frames: Tensor, mask: Tensor) -> Tensor:
        out: Tensor = self.encoder(features, ca, frames, mask)
        return out


class PretrainedFront(nn.Module):
    """Residue vectors of a frozen protein language model (ProtT5, ESM-2)."""

    kind: Literal["sequence", "structure"] = "sequence"

    def __init__(self, encoder: ResidueEncoder) -> None:
        super().__init__()
        self.encoder = encoder

    def inputs(self, protein: Sequence) -> Inputs:
        return (self.encoder.encode([protein])[0],)

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
        lengths = [len(first[0]) for first in inputs]
        residue: list[Tensor] = [torch.empty(0)] * len(inputs)
        protein: list[Tensor] = [torch.empty(0)] * len(inputs)
        device = next(self.network.parameters()).device
        for group in buckets(lengths, tokens):
            padded = [
                nn.utils.rnn.pad_sequence(list(column), batch_first=True).to(device)
                for column in zip(*(inputs[i] for i in group), strict=True)
            ]
            own = torch.tensor([lengths[i] for i in group], device=device)
            mask = torch.arange(int(own.max()), device=device) < own[:, None]
            vectors, pooled = self.network(self.front(*padded, mask), mask)
            each = vectors[mask].split([lengths[i] for i in group])
            for i, own_residue, own_protein in zip(group, each, pooled.unbind(), strict=True):
                residue[i], protein[i] = own_residue, own_protein
        return residue, torch.stack(protein)
