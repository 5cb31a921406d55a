"""Native chains to learn from without learning of any test target: experimental structures, each with its role."""

from pathlib import Path

import polars as pl

from foldglass.errors import NotFoundError
from foldglass.train.quality_split import Relatives, chain_splits, target_splits
from foldglass.train.score_data import site_test_sequences
from foldglass.train.splits import UNPUBLISHABLE_SETS

DECOYS, STRUCTURES, MUTANTS = "decoys.parquet", "structures.parquet", "mutants.parquet"

_MODELLED = ("egfr_designs_af2", "binder_designs", "gtalign_afsp", "phold_af", "rfdiffusion_inputs", "genie2_motif")
"""Sets whose chains are models or designs, not natives."""


def read_tables(folder: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Decoys and chains of a data folder.

    Raises
    ------
    NotFoundError
        If the folder lacks a table.
    """
    for name in (DECOYS, STRUCTURES):
        if not (folder / name).is_file():
            raise NotFoundError(str(folder / name), got="no such table", expected=f"{DECOYS} and {STRUCTURES}")
    return pl.read_parquet(folder / DECOYS), pl.read_parquet(folder / STRUCTURES)


def experimental(chains: pl.DataFrame) -> pl.DataFrame:
    """Chains that are natives, of any split."""
    return chains.filter(~pl.col("from_distance_map") & ~pl.col("set").is_in(_MODELLED))


def judged_families(folder: Path, chains: pl.DataFrame) -> set[int]:
    """Sequence families of the interaction-site test chains and of the mutants' wild types, as far as there are any."""
    sequences = site_test_sequences(folder)
    if (folder / MUTANTS).is_file():
        sequences |= set(pl.read_parquet(folder / MUTANTS, columns=["wt_sequence"])["wt_sequence"].drop_nulls())
    relatives, families = Relatives(chains), chains["seq_family"].to_list()
    nearest = {relatives.nearest(letters) for letters in sequences}
    return {families[row] for row in nearest if row is not None}


def natives_by_role(decoys: pl.DataFrame, chains: pl.DataFrame, tested: set[int]) -> pl.DataFrame:
    """Experimental chains with a column `role`: train, validation or test.

    A chain has the role of its superfamily group, but validates if a decoy target of the group trains the quality
    model, and tests if one tests it. A network that learns from the chains that train has then met no target, and what
    it says of models is worth as much where quality is learned as where it is judged. Sets that published weights must
    not learn from are left out, and so are families on whose chains other tasks are tested without their labels being
    seen (`judged_families`).
    """
    natives = decoys.filter(pl.col("is_native")).select("target_id", "sequence").iter_rows()
    held_out: dict[str, set[str]] = {"validation": set(), "test": set()}
    for split, group in target_splits(natives, chains).values():
        held_out["test" if split == "test" else "validation"].add(group)
    name = pl.concat_str(pl.lit("group "), pl.col("superfamily_group"))
    roles = [
        pl.when((pl.col("split") == role) | name.is_in(list(held_out[role]))).then(pl.lit(role))
        for role in ("test", "validation")
    ]
    chains = chains.with_columns(split=pl.Series(chain_splits(chains)))
    chains = chains.with_columns(role=pl.coalesce(*roles, pl.lit("train")))
    return experimental(chains).filter(
        ~pl.col("set").is_in(UNPUBLISHABLE_SETS) & ~pl.col("seq_family").is_in(list(tested))
    )
