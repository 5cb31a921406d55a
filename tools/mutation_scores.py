"""What may tell of a mutation or of a residue how much changes: predictions, and what is simple."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from foldglass.blosum62 import blosum62
from foldglass.train.splits import fraction

Row = dict[str, Any]
"""One of `mutation_rows`."""

_LETTERS = "ARNDCQEGHILKMFPSTWYV"
_HYDROPATHY = """
    1.8 -4.5 -3.5 -3.5 2.5 -3.5 -3.5 -0.4 -3.2 4.5
    3.8 -3.9 1.9 2.8 -1.6 -0.8 -0.7 -0.9 -1.3 4.2
"""
"""Kyte and Doolittle (1982)."""
_VOLUME = """
    88.6 173.4 114.1 111.1 108.5 143.8 138.4 60.1 153.2 166.7
    166.7 168.6 162.9 189.9 112.7 89.0 116.1 227.8 193.6 140.0
"""
"""Cubic angstrom (Zamyatnin 1972)."""
HYDROPATHY, VOLUME = (dict(zip(_LETTERS, map(float, table.split()), strict=True)) for table in (_HYDROPATHY, _VOLUME))


def exchange(row: Row) -> float:
    """BLOSUM62 score of the new residue in the place of the old."""
    return float(blosum62(row["letters"][row["site"]], row["new"])[0, 0])


def change_of(table: dict[str, float], row: Row) -> float:
    """By how much a property of the residue grows."""
    return table[row["new"]] - table[row["letters"][row["site"]]]


def floats(values: Iterable[float | None]) -> np.ndarray:
    """Numbers, NaN where there is none."""
    return np.array([np.nan if value is None else value for value in values], float)


def known(values: Iterable[float | None]) -> np.ndarray:
    """The numbers that there are."""
    found = floats(values)
    return found[~np.isnan(found)]


def _from_ends(length: int) -> np.ndarray:
    place = np.arange(length)
    return np.minimum(place, length - 1 - place).astype(float)


SCORES: dict[str, Callable[[Row], float]] = {
    "sequence: shift": lambda row: row["sequence_shift"],
    "sequence: change at the site": lambda row: row["sequence_change"][row["site"]],
    "sequence: 1 - cosine of the protein vectors": lambda row: 1 - row["sequence_cosine"],
    "structure: - log-odds": lambda row: -row["log_odds"],
    "baseline: - BLOSUM62": lambda row: -exchange(row),
    "baseline: contacts of the site": lambda row: row["contacts"][row["site"]],
    "baseline: change of hydropathy": lambda row: abs(change_of(HYDROPATHY, row)),
    "baseline: change of volume": lambda row: abs(change_of(VOLUME, row)),
    "baseline: random": lambda row: fraction(row["letters"], row["site"], row["new"]),
}
"""A number for each mutation that should be larger, the more it changes. None of them sees the mutant's structure."""
SEEING: dict[str, Callable[[Row], float]] = {
    "structure: shift": lambda row: row["structure_shift"],
    "structure: 1 - predicted TM": lambda row: 1 - row["structure_tm"],
}
"""The same from both structures."""
RESIDUES: dict[str, Callable[[Row], np.ndarray]] = {
    "sequence: change": lambda row: np.array(row["sequence_change"]),
    "structure: change (sees the mutant)": lambda row: floats(row["structure_change"]),
    "structure: 1 - predicted local score (sees the mutant)": lambda row: 1 - floats(row["structure_lddt"]),
    "baseline: nearness along the chain": lambda row: -np.array(row["sequence_distance"], float),
    "baseline: nearness in space": lambda row: -np.array(row["space_distance"]),
    "baseline: few contacts": lambda row: -np.array(row["contacts"], float),
    "baseline: nearness of a chain end": lambda row: -_from_ends(len(row["letters"])),
}
"""A number for each residue that should be larger, the more its surroundings change."""


def simple(row: Row) -> list[float]:
    """What is known of an exchange without a model."""
    hydropathy, volume = change_of(HYDROPATHY, row), change_of(VOLUME, row)
    contacts = row["contacts"][row["site"]]
    changes = [exchange(row), hydropathy, abs(hydropathy), volume, abs(volume)]
    prolines = (letter == "P" for letter in (row["letters"][row["site"]], row["new"]))
    return [*changes, contacts, contacts * volume, contacts * hydropathy, *prolines]


DESCRIPTIONS: dict[str, Callable[[Row], list[float]]] = {
    "simple properties": simple,
    "and the embedding's scores": lambda row: [
        *simple(row),
        row["sequence_shift"],
        row["sequence_change"][row["site"]],
        1 - row["sequence_cosine"],
    ],
    "and the log-odds": lambda row: [*simple(row), row["log_odds"]],
}
"""What a regression of ddG is given of each mutation."""
