"""What do predictions of mutations tell, next to what is simple? Experimental pairs, measured stabilities, baselines.

    python tools/mutation_evidence.py rows DATA -o rows.parquet [--model builtin]
    python tools/mutation_evidence.py report rows.parquet -o docs/results/mutation.json

`rows` predicts and measures every mutant of `mutants.parquet` and every pair of crystals of one sequence in
`structures.parquet`; it takes a few minutes. `report` makes the figures from that table. Intervals are 95 %, from
bootstrap draws of protein families (wild types that share at least 15 % of their 5-mers).
"""

import argparse
import json
import re
from collections.abc import Callable, Iterable, Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from scipy.stats import rankdata

from foldglass.alignment import align
from foldglass.constants import GLASS_EXPONENT, LDDT_RADIUS
from foldglass.models.model import Model
from foldglass.models.registry import load
from foldglass.protein import Sequence, Structure
from foldglass.tasks.log_odds import log_odds, structure_log_probabilities
from foldglass.tasks.mutation import Effect, distance_difference, measure, variant_effects
from foldglass.train.splits import fraction
from foldglass.typing import AlignedPairs
from foldglass.variant import Change, named

LONGEST = 400
RIDGE = 30.0
DRAWS = 500
PAIR_SETS = ("ssym_crystal", "auto_single_mismatch")
STABILITY_SETS = {"ssym_crystal": -1.0, "korpm_id25": -1.0, "s461": -1.0, "megascale": 1.0}
"""Sets with ddG, and what makes positive = destabilising of their sign."""
MODELLED = re.compile(r"acdcnn/\w+_[A-Z]-?\d+[A-Z]_")
"""Mutants of S2648 and the like that were modelled on the wild type's backbone: no second experiment."""
RELIABLE_SETS = re.compile(r"egfr|binder|gtalign_afsp|phold|rosetta|pyrosetta|rfdiffusion|genie2|casp|megascale|acdcnn")

HYDROPATHY = dict(
    zip(
        "ARNDCQEGHILKMFPSTWYV",
        (
            1.8,
            -4.5,
            -3.5,
            -3.5,
            2.5,
            -3.5,
            -3.5,
            -0.4,
            -3.2,
            4.5,
            3.8,
            -3.9,
            1.9,
            2.8,
            -1.6,
            -0.8,
            -0.7,
            -0.9,
            -1.3,
            4.2,
        ),
        strict=True,
    )
)
"""Kyte and Doolittle (1982)."""
VOLUME = dict(
    zip(
        "ARNDCQEGHILKMFPSTWYV",
        (
            88.6,
            173.4,
            114.1,
            111.1,
            108.5,
            143.8,
            138.4,
            60.1,
            153.2,
            166.7,
            166.7,
            168.6,
            162.9,
            189.9,
            112.7,
            89.0,
            116.1,
            227.8,
            193.6,
            140.0,
        ),
        strict=True,
    )
)
"""Cubic angstrom (Zamyatnin 1972)."""


def blosum62() -> dict[tuple[str, str], int]:
    """BLOSUM62 scores from parasail's matrix."""
    import parasail

    letters = "ARNDCQEGHILKMFPSTWYV"
    matrix = parasail.blosum62.matrix
    return {(a, b): int(matrix[i, j]) for i, a in enumerate(letters) for j, b in enumerate(letters)}


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


def write_rows(model: Model, data: Path, out: Path) -> None:
    """Both kinds of rows with their families, as Parquet."""
    rows = [*crystal_rows(model, data), *mutant_rows(model, data)]
    letters = sorted({row["letters"] for row in rows})
    group = dict(zip(letters, families(letters), strict=True))
    pl.DataFrame([{**row, "family": group[row["letters"]]} for row in rows], infer_schema_length=None).with_columns(
        pl.lit(model.id).alias("model")
    ).write_parquet(out)


SCORES: dict[str, Callable[[dict[str, Any]], float]] = {
    "sequence: shift": lambda row: row["sequence_shift"],
    "sequence: change at the site": lambda row: row["sequence_change"][row["site"]],
    "sequence: 1 - cosine of the protein vectors": lambda row: 1 - row["sequence_cosine"],
    "structure: - log-odds": lambda row: -row["log_odds"],
    "baseline: - BLOSUM62": lambda row: -BLOSUM[row["letters"][row["site"]], row["new"]],
    "baseline: contacts of the site": lambda row: row["contacts"][row["site"]],
    "baseline: change of hydropathy": lambda row: abs(HYDROPATHY[row["new"]] - HYDROPATHY[row["letters"][row["site"]]]),
    "baseline: change of volume": lambda row: abs(VOLUME[row["new"]] - VOLUME[row["letters"][row["site"]]]),
    "baseline: random": lambda row: fraction(row["letters"], row["site"], row["new"]),
}
"""A number for each mutation that should be larger, the more it changes. None of them sees the mutant's structure."""
SEEING = {
    "structure: shift": lambda row: row["structure_shift"],
    "structure: 1 - predicted TM": lambda row: 1 - row["structure_tm"],
}
"""The same from both structures."""
RESIDUES: dict[str, Callable[[dict[str, Any]], np.ndarray]] = {
    "sequence: change": lambda row: np.array(row["sequence_change"]),
    "structure: change (sees the mutant)": lambda row: _floats(row["structure_change"]),
    "structure: 1 - predicted local score (sees the mutant)": lambda row: 1 - _floats(row["structure_lddt"]),
    "baseline: nearness along the chain": lambda row: -np.array(row["sequence_distance"], float),
    "baseline: nearness in space": lambda row: -np.array(row["space_distance"]),
    "baseline: few contacts": lambda row: -np.array(row["contacts"], float),
    "baseline: nearness of a chain end": lambda row: -_from_ends(len(row["letters"])),
}
"""A number for each residue that should be larger, the more its surroundings change."""
BLOSUM = blosum62()


def figures(table: pl.DataFrame) -> dict[str, Any]:
    """All figures from the rows."""
    rows = table.to_dicts()
    sets = {name: [row for row in rows if row["set"] == name] for name in table["set"].unique().sort().to_list()}
    crystals = sets["recrystallised"]
    pairs = {name: [row for row in sets[name] if row["tm"] is not None] for name in PAIR_SETS}
    typical_tm = float(np.median([row["tm"] for row in crystals]))
    typical_local = float(np.median(np.concatenate([_known(row["lddt_glass"]) for row in crystals])))
    stable = {
        name: [row for row in sets[name] if row["ddg"] is not None and row["contacts"]] for name in STABILITY_SETS
    }
    return {
        "model": table["model"][0],
        "draws": DRAWS,
        "recrystallised": {"median TM": typical_tm, "median local score": typical_local},
        "truth": {name: truth(own) for name, own in {"recrystallised": crystals, **pairs}.items()},
        "errors": {name: errors(own, typical_tm, typical_local) for name, own in pairs.items()},
        "residues": {name: residues(own) for name, own in pairs.items()},
        "large change": {name: large(own) for name, own in pairs.items()},
        "stability": {name: stability(own) for name, own in stable.items()},
        "combined": combined(stable),
    }


def truth(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """How much the structures of pairs differ."""
    at_site = [_floats(row["lddt_glass"])[row["site"]] for row in rows if row.get("site") is not None]
    return {
        "pairs": len(rows),
        "wild types": len({row["letters"] for row in rows}),
        "families": len({row["family"] for row in rows}),
        "mean 1 - TM": float(np.mean([1 - row["tm"] for row in rows])),
        "median 1 - TM": float(np.median([1 - row["tm"] for row in rows])),
        "mean 1 - local": float(np.mean([np.mean(1 - _known(row["lddt_glass"])) for row in rows])),
        "median 1 - local": float(np.median([np.mean(1 - _known(row["lddt_glass"])) for row in rows])),
        "mean 1 - local at the site": float(np.nanmean(1 - np.array(at_site))) if at_site else None,
        "residues with a local score of 1": float(
            np.mean([np.mean(_known(row["lddt_glass"]) > 0.9999) for row in rows])
        ),
        "median displacement": float(np.median([np.mean(_known(row["displacement"])) for row in rows])),
        "median RMSD": float(np.median([row["rmsd"] for row in rows])),
    }


def errors(rows: list[dict[str, Any]], typical_tm: float, typical_local: float) -> dict[str, Any]:
    """Mean absolute errors of TM-score and local score (mean over pairs of the mean over residues)."""
    tm = {
        "constant 1": lambda row: 1.0,
        "median of recrystallised pairs": lambda row: typical_tm,
        "sequence": lambda row: row["sequence_tm"],
        "structure (sees the mutant)": lambda row: row["structure_tm"],
    }
    local = {
        "constant 1": lambda row: np.ones(len(row["letters"])),
        "median of recrystallised pairs": lambda row: np.full(len(row["letters"]), typical_local),
        "sequence": lambda row: _floats(row["sequence_lddt"]),
        "structure (sees the mutant)": lambda row: _floats(row["structure_lddt"]),
    }
    return {
        "TM": {
            name: interval(rows, np.mean, of=lambda row, of=of: abs(of(row) - row["tm"])) for name, of in tm.items()
        },
        "local": {
            name: interval(
                rows,
                np.mean,
                of=lambda row, of=of: float(np.nanmean(np.abs(of(row) - _floats(row["lddt_glass"])))),
            )
            for name, of in local.items()
        },
    }


def residues(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Mean over pairs of the rank correlation along the chain with the measured change, coarse and fine."""
    truths: dict[str, Callable[[dict[str, Any]], np.ndarray]] = {
        "1 - local score": lambda row: 1 - _floats(row["lddt_glass"]),
        "displacement": lambda row: _floats(row["displacement"]),
    }
    return {
        title: {
            name: interval(rows, np.mean, of=lambda row, of=of, true=true: spearman(of(row), true(row)))
            for name, of in RESIDUES.items()
        }
        for title, true in truths.items()
    }


def large(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Which mutants are in the upper quarter of mean displacement of their set."""
    change = np.array([np.mean(_known(row["displacement"])) for row in rows])
    top = change >= np.quantile(change, 0.75)
    labelled = [{**row, "change": c, "top": t} for row, c, t in zip(rows, change, top, strict=True)]
    scored = {name: [(of(row), row) for row in labelled] for name, of in {**SCORES, **SEEING}.items()}
    return {
        name: {
            "AUROC": interval(pairs, lambda own: auroc([s for s, _ in own], [row["top"] for _, row in own])),
            "Spearman with the change": interval(
                pairs, lambda own: spearman(np.array([s for s, _ in own]), np.array([row["change"] for _, row in own]))
            ),
        }
        for name, pairs in scored.items()
    }


def stability(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Rank correlation with ddG, positive where destabilising, and with |ddG| over the mutations of a set."""
    scored = {name: [(of(row), row) for row in rows] for name, of in SCORES.items()}

    def rank(own: list[tuple[float, dict[str, Any]]]) -> float:
        return spearman(np.array([s for s, _ in own]), np.array([row["ddg"] for _, row in own]))

    return {
        "mutations": len(rows),
        "wild types": len({row["letters"] for row in rows}),
        "families": len({row["family"] for row in rows}),
        "Spearman with ddG": {name: interval(pairs, rank) for name, pairs in scored.items()},
        "Spearman with |ddG|": {
            name: interval(
                pairs,
                lambda own: spearman(np.array([s for s, _ in own]), np.array([abs(row["ddg"]) for _, row in own])),
            )
            for name, pairs in scored.items()
        },
    }


def combined(sets: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """A ridge regression of ddG on simple properties, with and without the scores of models.

    Trained on megascale: by ten folds of its families, and on all of it for the other sets, whose mutations of its
    families are left out. Spearman with |ddG| of the predicted ddG, and AUROC of ddG above 1 kcal/mol.
    """
    own = sets["megascale"]
    fold = [int(fraction("fold", row["family"]) * 10) for row in own]
    known = {row["family"] for row in own}
    results: dict[str, Any] = {}
    describing = {
        "simple properties": _simple,
        "and the embedding's scores": _with_scores,
        "and the log-odds": lambda row: [*_simple(row), row["log_odds"]],
    }
    for title, describe in describing.items():
        inner: list[tuple[float, dict[str, Any]]] = []
        for k in range(10):
            train = [row for row, f in zip(own, fold, strict=True) if f != k]
            test = [row for row, f in zip(own, fold, strict=True) if f == k]
            inner += zip(_ridge(train, test, describe), test, strict=True)
        results[title] = {"megascale, other families": _judged(inner)}
        for name in ("s461", "korpm_id25"):
            test = [row for row in sets[name] if row["family"] not in known]
            results[title][name] = _judged(list(zip(_ridge(own, test, describe), test, strict=True)))
    return results


def _judged(pairs: list[tuple[float, dict[str, Any]]]) -> dict[str, Any]:
    def rank(own: list[tuple[float, dict[str, Any]]]) -> float:
        return spearman(np.array([s for s, _ in own]), np.array([abs(row["ddg"]) for _, row in own]))

    def area(own: list[tuple[float, dict[str, Any]]]) -> float:
        return auroc([s for s, _ in own], [row["ddg"] > 1 for _, row in own])

    return {
        "mutations": len(pairs),
        "Spearman with |ddG|": interval(pairs, rank),
        "AUROC of ddG > 1": interval(pairs, area),
    }


def _ridge(
    train: list[dict[str, Any]], test: list[dict[str, Any]], describe: Callable[[dict[str, Any]], list[float]]
) -> list[float]:
    if not test:
        return []
    x, y = (np.array([describe(row) for row in rows], float) for rows in (train, test))
    mean, spread = x.mean(axis=0), x.std(axis=0) + 1e-6
    x, y = (np.clip((own - mean) / spread, -5, 5) for own in (x, y))
    ddg = np.array([row["ddg"] for row in train])
    weights = np.linalg.solve(x.T @ x + RIDGE * np.eye(x.shape[1]), x.T @ (ddg - ddg.mean()))
    return (y @ weights + ddg.mean()).tolist()


def _simple(row: dict[str, Any]) -> list[float]:
    old, new = row["letters"][row["site"]], row["new"]
    hydropathy, volume = HYDROPATHY[new] - HYDROPATHY[old], VOLUME[new] - VOLUME[old]
    contacts = row["contacts"][row["site"]]
    changes = [BLOSUM[old, new], hydropathy, abs(hydropathy), volume, abs(volume)]
    return [*changes, contacts, contacts * volume, contacts * hydropathy, *(s == "P" for s in (old, new))]


def _with_scores(row: dict[str, Any]) -> list[float]:
    return [*_simple(row), row["sequence_shift"], row["sequence_change"][row["site"]], 1 - row["sequence_cosine"]]


def interval(
    rows: list[Any], measure: Callable[[list[Any]], Any], *, of: Callable[[Any], float] | None = None
) -> dict[str, float]:
    """A measure of all rows (or of one number `of` each), with its interval over draws of whole families."""
    family = np.array([(row[1] if isinstance(row, tuple) else row)["family"] for row in rows])
    values = rows if of is None else [of(row) for row in rows]
    members = [np.flatnonzero(family == name) for name in np.unique(family)]
    rng = np.random.default_rng(0)
    drawn = []
    for _ in range(DRAWS):
        chosen = np.concatenate([members[k] for k in rng.integers(len(members), size=len(members))])
        drawn.append(float(measure([values[i] for i in chosen])))
    low, high = np.nanquantile(drawn, [0.025, 0.975])
    return {"value": float(measure(list(values))), "low": float(low), "high": float(high)}


def spearman(a: np.ndarray, b: np.ndarray) -> float:
    """Rank correlation over the entries that both have."""
    known = ~(np.isnan(a) | np.isnan(b))
    x, y = rankdata(a[known]), rankdata(b[known])
    if len(x) < 3 or x.std() == 0 or y.std() == 0:
        return 0.0
    return float(np.corrcoef(x, y)[0, 1])


def auroc(score: list[float], positive: list[bool]) -> float:
    """Probability that a positive scores above a negative."""
    y = np.array(positive)
    if y.all() or not y.any():
        return float("nan")
    ranks = rankdata(score)
    return float((ranks[y].sum() - y.sum() * (y.sum() + 1) / 2) / (y.sum() * (~y).sum()))


def _floats(values: Iterable[float | None]) -> np.ndarray:
    return np.array([np.nan if value is None else value for value in values], float)


def _known(values: Iterable[float | None]) -> np.ndarray:
    found = _floats(values)
    return found[~np.isnan(found)]


def _from_ends(length: int) -> np.ndarray:
    place = np.arange(length)
    return np.minimum(place, length - 1 - place).astype(float)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    rows = commands.add_parser("rows")
    rows.add_argument("data", type=Path)
    rows.add_argument("--model", default="builtin")
    report = commands.add_parser("report")
    report.add_argument("rows", type=Path)
    for command in (rows, report):
        command.add_argument("-o", "--out", type=Path, required=True)
    arguments = parser.parse_args()
    if arguments.command == "rows":
        write_rows(load(arguments.model), arguments.data, arguments.out)
    else:
        arguments.out.write_text(json.dumps(figures(pl.read_parquet(arguments.rows)), indent=1) + "\n")


if __name__ == "__main__":
    main()
