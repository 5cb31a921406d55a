"""Which decoy targets train and test, so that no test target has a relative anywhere in training; and folds of those
that train."""

from collections.abc import Iterable

import numpy as np
import polars as pl

from foldglass.train.kmers import KmerIndex, kmers
from foldglass.train.splits import TRAIN, VALIDATION, fraction, protein_roles

SPLITS = ("train", "test")
FOLDS = 5
LINKED = 0.15
"""Share of 5-mers of the shorter chain that two relatives have in common at least: what `seq_family` means too."""
EXTRA_VALIDATION = 0.10
"""Share of the training groups that validate besides; the score network has met them, inverse folding has not."""


class Relatives:
    """Finds the nearest relative of a sequence among the chains of `structures.parquet`."""

    def __init__(self, chains: pl.DataFrame) -> None:
        self._sequences = chains["sequence"].to_list()
        self._index = KmerIndex(self._sequences)

    def nearest(self, letters: str) -> int | None:
        """Row of the chain with the largest share of 5-mers in common, None if no chain has `LINKED` of them."""
        words = kmers(letters)
        best: float = 0.0
        found: int | None = None
        for i, count in self._index.shared(letters).items():
            share = count / max(1, min(len(words), len(kmers(self._sequences[i]))))
            if count >= 3 and share > best:
                best, found = share, i
        return found if best >= LINKED else None


def chain_splits(chains: pl.DataFrame) -> np.ndarray:
    """Split of each row of `structures.parquet`, by the roles that the other models' training gave it.

    Held-out superfamilies and families test; what validates the other models validates here, and so do 10 % of the
    other superfamily groups.
    """
    groups = chains["superfamily_group"].to_numpy()
    roles = protein_roles(groups, chains["seq_family"].to_numpy())
    extra = {group for group in np.unique(groups).tolist() if fraction("quality", group) < EXTRA_VALIDATION}
    known = np.where(np.isin(groups, list(extra)), "validation", "train")
    return np.where(roles == TRAIN, known, np.where(roles == VALIDATION, "validation", "test"))


def target_splits(targets: Iterable[tuple[str, str]], chains: pl.DataFrame) -> dict[str, tuple[str, str]]:
    """Split and group of each decoy target.

    Parameters
    ----------
    targets
        Name and sequence of each target, once per native.
    chains
        Rows of `structures.parquet`.

    Returns
    -------
    By target its split and the name of its superfamily group. A target tests if its nearest relative does. One without
    relatives is a group of its own and its split is drawn by its name. Of a target with several natives the first
    counts.
    """
    relatives, splits = Relatives(chains), chain_splits(chains)
    groups = chains["superfamily_group"].to_list()
    found: dict[str, tuple[str, str]] = {}
    for name, letters in targets:
        if name in found:
            continue
        row = relatives.nearest(letters)
        if row is not None:
            found[name] = "test" if splits[row] == "test" else "train", f"group {groups[row]}"
        else:
            found[name] = "test" if fraction("quality", name) < 0.2 else "train", name
    return found


def fold_of(group: str) -> int:
    """Number of the fold of a superfamily group, 0 to `FOLDS` - 1.

    Examples
    --------
    >>> [fold_of(f"group {number}") for number in range(6)]
    [2, 2, 0, 2, 2, 1]
    """
    return int(FOLDS * fraction("quality fold", group))
