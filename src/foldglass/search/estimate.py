"""What building a database will take, before it is begun: proteins counted, time and size from a sample."""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from foldglass.errors import InputError
from foldglass.io.read import is_fasta, iter_read
from foldglass.models.model import Model
from foldglass.protein import Sequence
from foldglass.search.database_format import rows_of

_SAMPLED_FILES = 24
_SAMPLED_PROTEINS = 48


@dataclass(frozen=True)
class Estimate:
    """`proteins` and `residues` of the input, counted in FASTA and extrapolated from a sample of structure files;
    `seconds` to embed them and `bytes` of the database, both extrapolated from `sampled` proteins."""

    proteins: int
    residues: int
    seconds: float
    bytes: int
    sampled: int


@dataclass(frozen=True)
class Count:
    """Number of proteins and residues, and some of the proteins from all over the input."""

    proteins: int
    residues: int
    sample: list[Sequence]


def count(sources: Iterable[str], on_skip: Callable[[str], None]) -> Count:
    """Read all FASTA, and some of the structure files of folders.

    Raises
    ------
    InputError
        As `foldglass.read`.
    """
    structures: list[str] = []
    proteins = residues = 0
    sample: list[Sequence] = []
    for place in _files(sources):
        if not is_fasta(place):
            structures.append(place)
            continue
        for protein in iter_read(place, on_skip=on_skip):
            proteins += 1
            residues += len(protein)
            if len(sample) < _SAMPLED_PROTEINS:
                sample.append(protein)
            elif (slot := int(np.random.default_rng(proteins).integers(proteins))) < _SAMPLED_PROTEINS:
                sample[slot] = protein  # every protein has the same chance (Vitter's algorithm R)
    chosen = structures[:: max(1, -(-len(structures) // _SAMPLED_FILES))]
    found: list[Sequence] = []
    for place in chosen:
        try:
            found += iter_read(place, on_skip=on_skip)
        except InputError:  # the build itself says which file it leaves out, and why
            continue
    if found:
        scale = len(structures) / len(chosen)
        proteins += round(len(found) * scale)
        residues += round(sum(map(len, found)) * scale)
    share = len(found) * len(structures) / max(len(chosen), 1) / max(proteins, 1)
    kept = round(_SAMPLED_PROTEINS * share)
    return Count(proteins, residues, [*sample[: _SAMPLED_PROTEINS - kept], *islice(found, kept)])


def estimate(counted: Count, model: Model, *, residue: bool = False) -> Estimate:
    """Embed the sample and extrapolate by residues.

    Examples
    --------
    >>> from foldglass import load
    >>> proteins = [Sequence("a", "MKVLAAGIVGLLAAPE")]
    >>> estimate(Count(1000, 16_000, proteins), load()).sampled
    1
    """
    model.embed(counted.sample[:1])  # what is made at the first call only
    begun = time.perf_counter()
    embeddings = model.embed(counted.sample)
    seconds = time.perf_counter() - begun
    rows = rows_of(embeddings, residue=residue)
    scale = counted.residues / max(1, sum(map(len, counted.sample)))
    fixed = rows["protein"].nbytes / len(rows)
    varying = (rows.nbytes - rows["protein"].nbytes) * scale
    return Estimate(
        counted.proteins,
        counted.residues,
        seconds * scale,
        round(fixed * counted.proteins + varying),
        len(counted.sample),
    )


def _files(sources: Iterable[str]) -> Iterator[str]:
    for source in sources:
        folder = Path(source)
        if folder.is_dir():
            yield from (str(item) for item in sorted(folder.iterdir()) if item.is_file() and item.name[0] != ".")
        else:
            yield source
