"""What is predicted and what was measured of mutants and of crystals of one sequence: a row each.

The rows of `mutation_evidence.py`, which says where they come from.
"""

import re
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from foldglass.alignment import align
from foldglass.constants import GLASS_EXPONENT, LDDT_RADIUS
from foldglass.models.model import Model
from foldglass.protein import Sequence, Structure
from foldglass.tasks.log_odds import log_odds, structure_log_probabilities
from foldglass.tasks.mutation import Effect, distance_difference, measure, variant_effects
from foldglass.typing import AlignedPairs
from foldglass.variant import Change, named

LONGEST = 400
PAIR_SETS = ("ssym_crystal", "auto_single_mismatch")
STABILITY_SETS = {"ssym_crystal": -1.0, "korpm_id25": -1.0, "s461": -1.0, "megascale": 1.0}
"""Sets with ddG, and what makes positive = destabilising of their sign."""
MODELLED = re.compile(r"acdcnn/\w+_[A-Z]-?\d+[A-Z]_")
"""Mutants of S2648 and the like that were modelled on the wild type's backbone: no second experiment."""
RELIABLE_SETS = re.compile(r"egfr|binder|gtalign_afsp|phold|rosetta|pyrosetta|rfdiffusion|genie2|casp|megascale|acdcnn")


def write_rows(model: Model, data: Path, out: Path) -> None:
    """Both kinds of rows with their families, as Parquet."""
    rows = [*crystal_rows(model, data), *mutant_rows(model, data)]
    letters = sorted({row["letters"] for row in rows})
    group = dict(zip(letters, families(letters), strict=True))
    pl.DataFrame([{**row, "family": group[row["letters"]]} for row in rows], infer_schema_length=None).with_columns(
        pl.lit(model.id).alias("model")
    ).write_parquet(out)


def mutant_rows(model: Model, data: Path) -> Iterator[dict[str, Any]]:
    """One row per mutant: predictions from sequence and from structures, and what was measured."""
    table = pl.read_parquet(data / "mutants.parquet").filter(
        pl.col("set").is_in([*PAIR_SETS, *STABILITY_SETS]) & pl.col("mutation_confirmed")
    )
    for row in table.iter_rows(named=True):
        wild = structure_of(row["wt_id"], row["wt_sequence"], row["wt_ca_coords"])
        site, letter = row["wt_index"], row["mutation"][-1]
        if len(wild) > LONGEST or wild.letters[site] == letter or MODELLED.search(f"{row['wt_id']} {row['mut_id']}"):
            continue
        variant = named(wild, [Change(site, site + 1, letter)])
        effect = next(variant_effects(model, wild, [variant]))
        out = {
            "set": row["set"],
            "wild": row["wt_id"],
            "letters": wild.letters,
            "site": site,
            "new": letter,
            "ddg": None if row["ddg"] is None else row["ddg"] * STABILITY_SETS[row["set"]],
            **predicted(effect, "sequence"),
            "sequence_distance": effect.sequence_distance.tolist(),
        }
        if isinstance(wild, Structure):
            apart = np.linalg.norm(wild.ca[:, None] - wild.ca[None], axis=-1)
            out |= {"space_distance": apart[site].tolist(), "contacts": (apart < 10.0).sum(axis=1).tolist()}
            out["log_odds"] = log_odds(structure_log_probabilities(wild), wild, variant)
        if row["mut_ca_coords"] is not None and isinstance(wild, Structure):
            mutant = structure_of(row["mut_id"] or "mutant", row["mut_sequence"], row["mut_ca_coords"])
            assert isinstance(mutant, Structure)
            out |= measured(model, wild, mutant)
        yield out


def crystal_rows(model: Model, data: Path) -> Iterator[dict[str, Any]]:
    """One row per pair of crystals of one sequence: other entries, at most one pair per sequence."""
    table = pl.read_parquet(data / "structures.parquet").filter(
        ~pl.col("from_distance_map")
        & pl.col("pdb_chain").is_not_null()
        & pl.col("n_residues").is_between(40, LONGEST)
        & ~pl.col("set").str.contains(RELIABLE_SETS.pattern)
    )
    for (letters,), group in table.sort("id").group_by("sequence", maintain_order=True):
        by_entry = {row["pdb_chain"][:4].lower(): row for row in group.iter_rows(named=True)}
        if len(by_entry) < 2:
            continue
        one, other = list(by_entry.values())[:2]
        wild, again = (structure_of(row["id"], str(letters), row["ca_coords"]) for row in (one, other))
        assert isinstance(wild, Structure) and isinstance(again, Structure)
        yield {"set": "recrystallised", "wild": wild.id, "letters": wild.letters, **measured(model, wild, again)}


def measured(model: Model, wild: Structure, mutant: Structure) -> dict[str, Any]:
    """The truth of two structures, and what the structure tower says of them."""
    pairs = correspondence(wild.letters, mutant.letters)
    truth = measure(wild, mutant, pairs)
    one, other = model.embed([wild, mutant])
    comparison = model.score(one, other, alignment=pairs)
    change = np.full(len(wild), np.nan)
    change[pairs[:, 0]] = 1 - np.einsum("md,md->m", one.residue[pairs[:, 0]], other.residue[pairs[:, 1]])
    return {
        "tm": truth.tm_wild,
        "rmsd": truth.rmsd,
        "lddt": truth.lddt.tolist(),
        "lddt_glass": truth.lddt_glass.tolist(),
        "displacement": displacement(wild, mutant, pairs).tolist(),
        "structure_tm": comparison.tm_query,
        "structure_cosine": comparison.cosine,
        "structure_shift": float(np.sqrt(2 * np.nanmean(change))),
        "structure_lddt": comparison.lddt.tolist(),
        "structure_change": change.tolist(),
    }


def displacement(wild: Structure, mutant: Structure, pairs: AlignedPairs) -> np.ndarray:
    """Mean absolute difference of each residue's distances up to 15 A, in angstrom, weighted with their inverse cube.

    As the local score, but without its thresholds: below 0.5 A that score is 1 whatever happens.
    """
    difference = np.abs(distance_difference(wild, mutant, pairs))
    distance = np.linalg.norm(wild.ca[:, None].astype(float) - wild.ca[None], axis=-1)
    counted = (distance > 0) & (distance <= LDDT_RADIUS) & ~np.isnan(difference)
    weight = np.where(counted, np.maximum(distance, 1.0) ** -GLASS_EXPONENT, 0.0)
    total = weight.sum(axis=1)
    return np.where(total > 0, (weight * np.nan_to_num(difference)).sum(axis=1) / np.maximum(total, 1e-9), np.nan)


def structure_of(id: str, letters: str, coords: bytes | None) -> Sequence:
    """A structure, or a sequence where there are no coordinates."""
    if coords is None:
        return Sequence(id, letters)
    return Structure(id, letters, ca=np.frombuffer(coords, "<f4").reshape(-1, 3).copy())


def correspondence(wild: str, mutant: str) -> AlignedPairs:
    """Residues of two nearly identical sequences that stand for each other."""
    if len(wild) == len(mutant) and sum(a != b for a, b in zip(wild, mutant, strict=True)) <= 3:
        return np.repeat(np.arange(len(wild))[:, None], 2, axis=1)
    same = np.array(list(wild))[:, None] == np.array(list(mutant))[None]
    return align(np.where(same, 2.0, -2.0), mode="glocal", gap_open=4.0, gap_extend=0.2)


def families(letters: list[str]) -> list[int]:
    """Group sequences that share at least 15 % of the 5-mers of the shorter."""
    words = [{s[i : i + 5] for i in range(len(s) - 4)} for s in letters]
    group = list(range(len(letters)))
    for i, j in combinations(range(len(letters)), 2):
        if group[i] != group[j] and len(words[i] & words[j]) >= 0.15 * min(len(words[i]), len(words[j])):
            group = [group[i] if g == group[j] else g for g in group]
    return group


def predicted(effect: Effect, name: str) -> dict[str, Any]:
    """What an effect predicts, as columns of that name."""
    return {
        f"{name}_tm": effect.comparison.tm_query,
        f"{name}_cosine": effect.comparison.cosine,
        f"{name}_shift": effect.shift,
        f"{name}_lddt": effect.comparison.lddt.tolist(),
        f"{name}_change": effect.change.tolist(),
    }
