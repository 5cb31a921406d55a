"""What every residue encoder promises."""

from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float

from foldglass.protein import Sequence


@runtime_checkable
class ResidueEncoder(Protocol):
    """One vector per residue from the letters of a protein alone.

    `id` and `revision` together fix the values up to rounding: two encoders that share both may share a cache.
    """

    @property
    def id(self) -> str:
        """Short name; everything that changes the values and is not in the weights is part of it."""

    @property
    def revision(self) -> str:
        """Version of the weights, a hash where they are files."""

    @property
    def dim(self) -> int:
        """Channels per residue, `D`."""

    def encode(self, proteins: list[Sequence]) -> list[Float[torch.Tensor, "L D"]]:
        """Residue vectors of each protein, in the order given.

        Returns
        -------
        list of Float32[L, D]
            On the CPU, without gradient, exactly one row per residue. A protein's vectors do not depend on the
            other proteins of the call.
        """
