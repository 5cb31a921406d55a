"""Training data: structures and labelled pairs, read from two Parquet tables.

`structures.parquet` needs the columns id, set, sequence, ca_coords, from_distance_map, seq_family and
superfamily_group; `tm_pairs.parquet` query, target, kind, tm_query, tm_target, aligned_query and aligned_target.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import polars as pl
from jaxtyping import Float32, Int

from foldglass.errors import InputError, NotFoundError
from foldglass.protein import Structure
from foldglass.train.splits import UNPUBLISHABLE_SETS, pair_splits, protein_roles
from foldglass.typing import AlignedPairs


@dataclass(frozen=True, eq=False)
class PairData:
    """Structures, their groups and roles, and labelled pairs of them.

    `query` and `target` index `structures`; `aligned` holds the aligned residues of each pair as raw little-endian
    uint16, as stored.
    """

    structures: list[Structure]
    family: Int[np.ndarray, " N"]
    superfamily: Int[np.ndarray, " N"]
    roles: Int[np.ndarray, " N"]
    query: Int[np.ndarray, " M"]
    target: Int[np.ndarray, " M"]
    kind: list[str]
    tm_query: Float32[np.ndarray, " M"]
    tm_target: Float32[np.ndarray, " M"]
    aligned: list[tuple[bytes, bytes]]

    @cached_property
    def tm(self) -> Float32[np.ndarray, " M"]:
        """Symmetric TM-score of each pair, sqrt(tm_query * tm_target)."""
        return np.asarray(np.sqrt(self.tm_query * self.tm_target))

    @cached_property
    def splits(self) -> dict[str, Int[np.ndarray, " S"]]:
        """Rows of each pair split, by name; see `splits.pair_splits`."""
        return pair_splits(self.query, self.target, self.roles)

    def alignment(self, row: int) -> AlignedPairs:
        """Aligned residues of one pair."""
        query, target = (np.frombuffer(raw, "<u2").astype(np.int64) for raw in self.aligned[row])
        return np.stack([query, target], axis=1)


def load_pair_data(folder: Path, *, unpublishable: bool = False) -> PairData:
    """Read a data folder.

    Parameters
    ----------
    folder
        Holds `structures.parquet` and `tm_pairs.parquet`.
    unpublishable
        Keep the sets whose licence forbids to publish weights trained on them.

    Raises
    ------
    NotFoundError
        If a table is missing.
    InputError
        If a pair names a chain that the structures do not hold.
    """
    tables = [folder / "structures.parquet", folder / "tm_pairs.parquet"]
    for table in tables:
        if not table.is_file():
            raise NotFoundError(str(table), got="no such table", expected="structures.parquet and tm_pairs.parquet")
    chains = pl.read_parquet(tables[0]).filter(~pl.col("from_distance_map"))
    if not unpublishable:
        chains = chains.filter(~pl.col("set").is_in(list(UNPUBLISHABLE_SETS)))
    pairs = pl.read_parquet(tables[1])
    known = set(pl.read_parquet(tables[0], columns=["id"])["id"])
    stray = (set(pairs["query"]) | set(pairs["target"])) - known
    if stray:
        raise InputError(
            str(tables[1]), got=f"{len(stray)} chains such as {min(stray)!r}", expected="only chains of the structures"
        )
    index = {name: i for i, name in enumerate(chains["id"])}
    pairs = pairs.filter(pl.col("query").is_in(list(index)) & pl.col("target").is_in(list(index)))
    family, superfamily = chains["seq_family"].to_numpy(), chains["superfamily_group"].to_numpy()
    return PairData(
        structures=[
            Structure(name, letters, ca=np.frombuffer(raw, "<f4").reshape(-1, 3))
            for name, letters, raw in chains.select("id", "sequence", "ca_coords").iter_rows()
        ],
        family=family,
        superfamily=superfamily,
        roles=protein_roles(superfamily, family),
        query=np.array([index[name] for name in pairs["query"]], dtype=np.int64),
        target=np.array([index[name] for name in pairs["target"]], dtype=np.int64),
        kind=pairs["kind"].to_list(),
        tm_query=pairs["tm_query"].to_numpy(),
        tm_target=pairs["tm_target"].to_numpy(),
        aligned=list(zip(pairs["aligned_query"], pairs["aligned_target"], strict=True)),
    )
