"""Chains with interaction-site labels, from `ppi_sites.parquet`, and their folds.

The table needs the columns id, subset, sequence, labels (a string of 0 and 1) and ca_coords; `structures.parquet`
beside it, where it has the chain, gives the sequence family.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from jaxtyping import Bool, Int

from foldglass.errors import InputError, NotFoundError
from foldglass.protein import Sequence, Structure
from foldglass.train.score_data import SITES
from foldglass.train.splits import fraction

TRAINING = "Train_335"
TESTS = ("Test_60", "Test_315", "UBtest_31")
FOLDS = 5


@dataclass(frozen=True, eq=False)
class SiteChains:
    """Chains and their labels.

    Parameters
    ----------
    chains
        Structures, or sequences where the table has no coordinates.
    labels
        Of each chain, which residues touch a partner.
    family
        Name of each chain's sequence family; chains of unknown family have one each.
    subset
        Of the table, to which each chain belongs.
    """

    chains: list[Sequence]
    labels: list[Bool[np.ndarray, " L"]]
    family: list[str]
    subset: list[str]

    def __len__(self) -> int:
        return len(self.chains)

    def take(self, rows: Int[np.ndarray, " R"]) -> "SiteChains":
        """Some of the chains, in the order given."""
        parts = (self.chains, self.labels, self.family, self.subset)
        return SiteChains(*([part[i] for i in rows.tolist()] for part in parts))

    def folds(self, *, seed: int = 0) -> Int[np.ndarray, " N"]:
        """Number of the fold of each chain, 0 to 4; a family lies in one fold."""
        return np.array([int(FOLDS * fraction("site fold", name, seed=seed)) for name in self.family], np.int64)


def load_site_chains(folder: Path, *subsets: str, coordinates: bool = True) -> SiteChains:
    """Chains of subsets.

    Parameters
    ----------
    coordinates
        Leave out chains without coordinates; False gives all chains, and sequences alone.

    Raises
    ------
    NotFoundError
        If the folder has no such table.
    InputError
        If the subsets hold no chain, or labels do not fit a sequence.
    """
    path = folder / SITES
    if not path.is_file():
        raise NotFoundError(str(path), got="no such table", expected="chains with interaction-site labels")
    rows = pl.read_parquet(path).filter(pl.col("subset").is_in(subsets))
    if coordinates:
        rows = rows.filter(pl.col("ca_coords").is_not_null())
    if not len(rows):
        raise InputError(str(path), got=f"no chain of {', '.join(subsets)}", expected="at least one")
    families = _families(folder)
    found = SiteChains([], [], [], [])
    columns = ("id", "sequence", "labels", "ca_coords", "subset")
    for name, letters, labels, raw, subset in rows.select(columns).iter_rows():
        if len(labels) != len(letters) or set(labels) - {"0", "1"}:
            raise InputError(
                f"{path}, chain {name!r}", got="labels that do not fit", expected="0 or 1 for each of its residues"
            )
        chain = Sequence(name, letters)
        if coordinates:
            chain = Structure(name, letters, ca=np.frombuffer(raw, "<f4").reshape(-1, 3))
        found.chains.append(chain)
        found.labels.append(np.frombuffer(labels.encode(), np.uint8) == ord("1"))
        found.family.append(str(families.get(letters, letters)))
        found.subset.append(subset)
    return found


def _families(folder: Path) -> dict[str, int]:
    path = folder / "structures.parquet"
    if not path.is_file():
        return {}
    rows = pl.read_parquet(path, columns=["sequence", "seq_family"])
    return dict(zip(rows["sequence"], rows["seq_family"], strict=True))
