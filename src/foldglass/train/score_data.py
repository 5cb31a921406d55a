"""Chains to train and validate the score network on, and crops of them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import torch

from foldglass.encoders.builtin import tokenize
from foldglass.errors import InputError
from foldglass.models.pair_input import ResidueWindow
from foldglass.protein import Structure
from foldglass.train.data import PairData
from foldglass.train.recipe import FEWEST
from foldglass.train.splits import TRAIN, VALIDATION

SITES = "ppi_sites.parquet"
"""Table of interaction sites with the columns `subset` and `sequence`."""


@dataclass(frozen=True, eq=False)
class Crop:
    """Parts of some chains, padded to one size: which residues, and where they are in angstrom."""

    residues: ResidueWindow
    ca: torch.Tensor


class ChainPool:
    """Chains of one role, drawn cluster by cluster (`by_cluster`, a BC-30-like set) or chain by chain."""

    def __init__(self, structures: list[Structure], cluster: np.ndarray, *, by_cluster: bool) -> None:
        if not structures:
            raise InputError("score data", got="no chain of this role", expected="at least one")
        self.structures = structures
        self._tokens = [tokenize(structure.letters) for structure in structures]
        labels = cluster if by_cluster else np.arange(len(structures))
        self._members = [np.flatnonzero(labels == label) for label in np.unique(labels)]

    def draw(self, rng: np.random.Generator, maps: int, *, size: int, segments: int) -> Crop:
        """Crops of `size` residues, each from one random chain of a random cluster; a shorter chain is taken whole."""
        members = [self._members[i] for i in rng.integers(len(self._members), size=maps)]
        return self.crops([(int(rng.choice(m)), rng) for m in members], size=size, segments=segments)

    def crops(self, wanted: list[tuple[int, np.random.Generator]], *, size: int, segments: int) -> Crop:
        """Crops of the chains with these indices, cut at random."""
        kept = [cut(len(self.structures[i]), size, segments, rng) for i, rng in wanted]
        longest = max(map(len, kept))
        ca = np.zeros((len(kept), longest, 3), np.float32)
        letters, position = np.zeros((2, len(kept), longest), np.int64)
        mask = np.zeros((len(kept), longest), bool)
        for row, ((i, _), own) in enumerate(zip(wanted, kept, strict=True)):
            place = slice(0, len(own))
            points = self.structures[i].ca[own]
            ca[row, place] = points - points.mean(axis=0)
            letters[row, place], position[row, place], mask[row, place] = self._tokens[i][own], own, True
        window = ResidueWindow(*(torch.from_numpy(a) for a in (letters, position, mask)))
        return Crop(window, torch.from_numpy(ca))


def cut(length: int, size: int, segments: int, rng: np.random.Generator) -> np.ndarray:
    """Indices of `segments` pieces of equal length that do not overlap, `size` residues in all, in chain order.

    With every pair of the kept residues in the map, several pieces show distant parts of the chain to each other.

    Examples
    --------
    >>> cut(100, 4, 1, np.random.default_rng(0)).tolist()
    [82, 83, 84, 85]
    >>> len(cut(10, 64, 2, np.random.default_rng(0)))
    10
    """
    if length <= size:
        return np.arange(length)
    piece = size // segments
    gaps = np.sort(rng.integers(length - piece * segments + 1, size=segments))
    return np.concatenate([np.arange(piece) + gap + k * piece for k, gap in enumerate(gaps)])


def score_pools(data: PairData, folder: Path, *, by_cluster: bool) -> dict[str, ChainPool]:
    """Training and validation chains of three residues or more.

    Held-out superfamilies and relatives of interaction-site test chains are out.
    """
    long_enough = np.array([len(structure) >= FEWEST for structure in data.structures])
    allowed = long_enough & ~np.isin(data.family, list(site_test_families(data, folder)))
    pools = {}
    for name, role in {"train": TRAIN, "validation": VALIDATION}.items():
        rows = np.flatnonzero((data.roles == role) & allowed)
        pools[name] = ChainPool([data.structures[i] for i in rows], data.family[rows], by_cluster=by_cluster)
    return pools


def site_test_sequences(folder: Path) -> set[str]:
    """Letters of the chains of the interaction-site test sets; none if the folder has no such table."""
    if not (folder / SITES).is_file():
        return set()
    sites = pl.read_parquet(folder / SITES, columns=["subset", "sequence"])
    return set(sites.filter(pl.col("subset").str.to_lowercase().str.contains("test"))["sequence"])


def site_test_families(data: PairData, folder: Path) -> set[int]:
    """Sequence families with a chain of an interaction-site test set; none if the folder has no such table."""
    tests = site_test_sequences(folder)
    if not tests:
        return set()
    chains = pl.read_parquet(folder / "structures.parquet", columns=["sequence", "seq_family"])
    return set(chains.filter(pl.col("sequence").is_in(list(tests)))["seq_family"])
