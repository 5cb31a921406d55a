"""The measured truth that predictions are judged by: proteins and superposed pairs of them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Int

from foldglass.constants import GLASS_EXPONENT
from foldglass.errors import InputError, NotFoundError
from foldglass.metrics.lddt import lddt
from foldglass.protein import Structure
from foldglass.typing import PathLike, ResidueScores

if TYPE_CHECKING:
    import polars as pl

Alignments = tuple[Int[np.ndarray, "_ 2"], ...]
"""One alignment per pair of proteins, each of its own length."""

_COLUMNS = ("query", "target", "tm_query", "tm_target", "aligned_query", "aligned_target")
_FAR_ALONG_THE_CHAIN = 3


@dataclass(frozen=True, eq=False, repr=False)
class EvaluationSet:
    """Pairs of proteins with their TM-scores and TM-align's alignments; axis `N` proteins, `B` pairs.

    Parameters
    ----------
    name : str
        The data, for the report: "labels.parquet".
    split : str
        Which part of it: "test", "validation", "all".
    proteins : tuple of Structure
        Each protein once.
    cluster : Int[N]
        Group of related proteins. Intervals and tests resample whole clusters, because pairs that
        share a protein or a family are not independent.
    query, target : Int[B]
        Index of each pair's proteins.
    tm_query, tm_target : Float[B]
        TM-score normalised by the query's and by the target's length.
    alignments : tuple of Int[M, 2]
        0-based (query, target) residue pairs of TM-align.
    kinds : tuple of str
        How each pair was drawn ("family", "random", ...); empty if unknown.

    Raises
    ------
    InputError
        If there is no pair, or the parts differ in number.
    """

    name: str
    split: str
    proteins: tuple[Structure, ...]
    cluster: Int[np.ndarray, " N"]
    query: Int[np.ndarray, " B"]
    target: Int[np.ndarray, " B"]
    tm_query: Float[np.ndarray, " B"]
    tm_target: Float[np.ndarray, " B"]
    alignments: Alignments
    kinds: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not len(self):
            raise InputError(f"evaluation set {self.name}", got="no pair", expected="at least one")
        if len(self.alignments) != len(self) or (self.kinds and len(self.kinds) != len(self)):
            raise InputError(
                f"evaluation set {self.name}",
                got=f"{len(self.alignments)} alignments and {len(self.kinds)} kinds for {len(self)} pairs",
                expected="one alignment per pair, and one kind per pair or none",
            )
        if len(self.cluster) != len(self.proteins):
            raise InputError(
                f"evaluation set {self.name}",
                got=f"{len(self.cluster)} clusters for {len(self.proteins)} proteins",
                expected="one each",
            )

    def __len__(self) -> int:
        return len(self.query)

    def __repr__(self) -> str:
        return f"EvaluationSet({self.name!r}, {self.split!r}, {len(self.proteins)} proteins, {len(self)} pairs)"

    @cached_property
    def tm(self) -> Float[np.ndarray, " B"]:
        """The symmetric TM-score, sqrt(tm_query * tm_target)."""
        return np.sqrt(self.tm_query * self.tm_target)

    @cached_property
    def lengths(self) -> Int[np.ndarray, " N"]:
        """Residues of each protein."""
        return np.array([len(protein) for protein in self.proteins])

    @classmethod
    def from_label_table(cls, path: PathLike, structures: Iterable[Structure]) -> "EvaluationSet":
        """Join a label table with the structures that its ids name.

        Every distinct sequence is a cluster of its own. Structures that no row names are left out.

        Parameters
        ----------
        path
            Parquet with at least the columns query, target, tm_query, tm_target, aligned_query and
            aligned_target, as `foldglass label` writes it; a column kind is used if it is there.
        structures
            At least the structures that the table names.

        Raises
        ------
        NotFoundError
            If there is no such file, or the table names a protein that is not among the structures.
        InputError
            If it is not a Parquet file, a column is missing, two structures share an id, or a residue
            index lies outside its protein.
        """
        table = _read_columns(path)
        by_id: dict[str, Structure] = {}
        for structure in structures:
            if structure.id in by_id:
                raise InputError(f"structure {structure.id!r}", got="the id twice", expected="unique ids")
            by_id[structure.id] = structure
        named = list(dict.fromkeys([*table["query"], *table["target"]]))
        absent = [name for name in named if name not in by_id]
        if absent:
            raise NotFoundError(
                str(path),
                got=f"{len(absent)} of {len(named)} proteins have no structure, first {absent[0]!r}",
                expected="a structure for every id",
                remedy="give the structures that the table was made from",
            )
        index = {name: i for i, name in enumerate(named)}
        proteins = tuple(by_id[name] for name in named)
        sequences = {letters: i for i, letters in enumerate(dict.fromkeys(p.letters for p in proteins))}
        return cls(
            name=Path(path).name,
            split="all",
            proteins=proteins,
            cluster=np.array([sequences[protein.letters] for protein in proteins], dtype=np.int64),
            query=np.array([index[name] for name in table["query"]], dtype=np.int64),
            target=np.array([index[name] for name in table["target"]], dtype=np.int64),
            tm_query=table["tm_query"].to_numpy().astype(np.float64),
            tm_target=table["tm_target"].to_numpy().astype(np.float64),
            alignments=tuple(_checked_alignments(str(path), table, by_id)),
            kinds=tuple(table["kind"]) if "kind" in table.columns else (),
        )

    def local_truth(self, pair: int) -> dict[str, ResidueScores]:
        """Local scores of a pair's query residues under TM-align's alignment, NaN where unaligned.

        Only aligned residues are neighbours of each other, as in GLASS. Forms: `glass` (inverse-cubic
        kernel), `plain` (C-alpha lDDT) and `distant` (`glass` without neighbours up to 2 along the chain).
        """
        query, target = self.proteins[self.query[pair]], self.proteins[self.target[pair]]
        rows, columns = self.alignments[pair].T
        reference, model = np.full((2, len(query), 3), np.nan)
        reference[rows], model[rows] = query.ca[rows], target.ca[columns]
        return {
            "glass": lddt(reference, model, exponent=GLASS_EXPONENT),
            "plain": lddt(reference, model),
            "distant": lddt(reference, model, exponent=GLASS_EXPONENT, min_separation=_FAR_ALONG_THE_CHAIN),
        }


def _read_columns(path: PathLike) -> "pl.DataFrame":
    import polars as pl

    if not Path(path).is_file():
        raise NotFoundError(str(path), got="no such file", expected="a label table (Parquet)")
    try:
        table = pl.read_parquet(Path(path))
    except pl.exceptions.ComputeError as error:
        raise InputError(str(path), got=f"not readable as Parquet ({error})", expected="a label table") from error
    missing = [column for column in _COLUMNS if column not in table.columns]
    if missing:
        raise InputError(
            str(path),
            got=f"no column {', '.join(missing)}",
            expected="a label table",
            remedy="make one with: foldglass label",
        )
    return table


def _checked_alignments(
    subject: str, table: "pl.DataFrame", by_id: dict[str, Structure]
) -> Iterator[Int[np.ndarray, "M 2"]]:
    for query, target, rows, columns in table.select("query", "target", "aligned_query", "aligned_target").iter_rows():
        if len(rows) != len(columns):
            raise InputError(
                f"{subject}, {query} and {target}",
                got=f"{len(rows)} query and {len(columns)} target residues aligned",
                expected="as many of each",
            )
        pairs = np.array([rows, columns], dtype=np.int64).reshape(2, -1).T
        for name, column in ((query, pairs[:, 0]), (target, pairs[:, 1])):
            if len(column) and not 0 <= column.min() <= column.max() < len(by_id[name]):
                raise InputError(
                    f"{subject}, {query} and {target}",
                    got=f"residue index {column.max()} in {name}, which has {len(by_id[name])} residues",
                    expected="0-based indices of the given structures",
                )
        yield pairs
