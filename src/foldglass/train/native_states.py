"""The experimental structures of a protein: a model of any of its known states is a right one."""

from collections.abc import Iterable, Iterator

import numpy as np
from jaxtyping import Float

from foldglass.train.baselines import align_sequences
from foldglass.train.kmers import KmerIndex, kmers
from foldglass.typing import AlignedPairs

Native = tuple[str, Float[np.ndarray, "_ 3"]]

_SHARED = 0.8
"""Least share of the model's 5-mers that a state has."""
_IDENTICAL = 0.95
_COVERED = 0.9
"""Least share of both chains that the alignment covers."""


class NativeStates:
    """Finds the native chains of a sequence among many.

    Parameters
    ----------
    natives
        Letters and C-alpha coordinates of each.
    """

    def __init__(self, natives: Iterable[Native]) -> None:
        self._natives = list(natives)
        self._index = KmerIndex(letters for letters, _ in self._natives)

    def of(self, letters: str) -> Iterator[tuple[Float[np.ndarray, "N 3"], AlignedPairs]]:
        """Coordinates of each state, and its (model, native) residue pairs.

        Examples
        --------
        >>> rng = np.random.default_rng(0)
        >>> states = NativeStates([("ACDEFGHIKL", rng.normal(size=(10, 3))), ("LKIHGFEDCA", rng.normal(size=(10, 3)))])
        >>> [pairs.shape for _, pairs in states.of("ACDEFGHIKL")]
        [(10, 2)]
        """
        least = _SHARED * len(kmers(letters))
        for i in sorted(i for i, count in self._index.shared(letters).items() if count >= least):
            native, ca = self._natives[i]
            pairs = align_sequences(letters, native)
            identical = np.mean([letters[a] == native[b] for a, b in pairs])
            if identical >= _IDENTICAL and len(pairs) >= _COVERED * max(len(letters), len(native)):
                yield ca, pairs
