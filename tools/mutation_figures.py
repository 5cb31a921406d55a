"""The figures of `mutation_evidence.py`: every score against every truth, with intervals."""

from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
from mutation_rows import PAIR_SETS, STABILITY_SETS
from mutation_scores import DESCRIPTIONS, RESIDUES, SCORES, SEEING, Row, floats, known
from scipy.stats import rankdata

from foldglass.metrics.classification import auroc
from foldglass.train.splits import fraction

RIDGE = 30.0
DRAWS = 500

Scored = tuple[float, Row]
"""A mutation, and what some score says of it."""


def figures(table: pl.DataFrame) -> dict[str, Any]:
    """All figures from the rows."""
    rows = table.to_dicts()
    sets = {name: [row for row in rows if row["set"] == name] for name in table["set"].unique().sort().to_list()}
    crystals = sets["recrystallised"]
    pairs = {name: [row for row in sets[name] if row["tm"] is not None] for name in PAIR_SETS}
    typical_tm = float(np.median([row["tm"] for row in crystals]))
    typical_local = float(np.median(np.concatenate([known(row["lddt_glass"]) for row in crystals])))
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


def truth(rows: list[Row]) -> dict[str, Any]:
    """How much the structures of pairs differ."""
    at_site = [floats(row["lddt_glass"])[row["site"]] for row in rows if row.get("site") is not None]
    return {
        "pairs": len(rows),
        "wild types": len({row["letters"] for row in rows}),
        "families": len({row["family"] for row in rows}),
        "mean 1 - TM": float(np.mean([1 - row["tm"] for row in rows])),
        "median 1 - TM": float(np.median([1 - row["tm"] for row in rows])),
        "mean 1 - local": float(np.mean([np.mean(1 - known(row["lddt_glass"])) for row in rows])),
        "median 1 - local": float(np.median([np.mean(1 - known(row["lddt_glass"])) for row in rows])),
        "mean 1 - local at the site": float(np.nanmean(1 - np.array(at_site))) if at_site else None,
        "residues with a local score of 1": float(
            np.mean([np.mean(known(row["lddt_glass"]) > 0.9999) for row in rows])
        ),
        "median displacement": float(np.median([np.mean(known(row["displacement"])) for row in rows])),
        "median RMSD": float(np.median([row["rmsd"] for row in rows])),
    }


def errors(rows: list[Row], typical_tm: float, typical_local: float) -> dict[str, Any]:
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
        "sequence": lambda row: floats(row["sequence_lddt"]),
        "structure (sees the mutant)": lambda row: floats(row["structure_lddt"]),
    }
    return {
        "TM": {
            name: interval(rows, np.mean, of=lambda row, of=of: abs(of(row) - row["tm"])) for name, of in tm.items()
        },
        "local": {
            name: interval(
                rows,
                np.mean,
                of=lambda row, of=of: float(np.nanmean(np.abs(of(row) - floats(row["lddt_glass"])))),
            )
            for name, of in local.items()
        },
    }


def residues(rows: list[Row]) -> dict[str, Any]:
    """Mean over pairs of the rank correlation along the chain with the measured change, coarse and fine."""
    truths: dict[str, Callable[[Row], np.ndarray]] = {
        "1 - local score": lambda row: 1 - floats(row["lddt_glass"]),
        "displacement": lambda row: floats(row["displacement"]),
    }
    return {
        title: {
            name: interval(rows, np.mean, of=lambda row, of=of, true=true: spearman(of(row), true(row)))
            for name, of in RESIDUES.items()
        }
        for title, true in truths.items()
    }


def large(rows: list[Row]) -> dict[str, Any]:
    """Which mutants are in the upper quarter of mean displacement of their set."""
    change = np.array([np.mean(known(row["displacement"])) for row in rows])
    top = change >= np.quantile(change, 0.75)
    labelled = [{**row, "change": c, "top": t} for row, c, t in zip(rows, change, top, strict=True)]
    scored = {name: [(of(row), row) for row in labelled] for name, of in {**SCORES, **SEEING}.items()}
    return {
        name: {
            "AUROC": interval(pairs, _area(lambda row: row["top"])),
            "Spearman with the change": interval(pairs, _rank(lambda row: row["change"])),
        }
        for name, pairs in scored.items()
    }


def stability(rows: list[Row]) -> dict[str, Any]:
    """Rank correlation with ddG, positive where destabilising, and with |ddG| over the mutations of a set."""
    scored = {name: [(of(row), row) for row in rows] for name, of in SCORES.items()}
    truths = {"Spearman with ddG": _rank(lambda row: row["ddg"]), "Spearman with |ddG|": _rank(_size)}
    return {
        "mutations": len(rows),
        "wild types": len({row["letters"] for row in rows}),
        "families": len({row["family"] for row in rows}),
        **{title: {name: interval(pairs, rank) for name, pairs in scored.items()} for title, rank in truths.items()},
    }


def combined(sets: dict[str, list[Row]]) -> dict[str, Any]:
    """A ridge regression of ddG on simple properties, with and without the scores of models.

    Trained on megascale: by ten folds of its families, and on all of it for the other sets, whose mutations of its
    families are left out. Spearman with |ddG| of the predicted ddG, and AUROC of ddG above 1 kcal/mol.
    """
    own = sets["megascale"]
    fold = [int(fraction("fold", row["family"]) * 10) for row in own]
    trained = {row["family"] for row in own}
    results: dict[str, Any] = {}
    for title, describe in DESCRIPTIONS.items():
        inner: list[Scored] = []
        for k in range(10):
            train = [row for row, f in zip(own, fold, strict=True) if f != k]
            test = [row for row, f in zip(own, fold, strict=True) if f == k]
            inner += zip(_ridge(train, test, describe), test, strict=True)
        results[title] = {"megascale, other families": _judged(inner)}
        for name in ("s461", "korpm_id25"):
            test = [row for row in sets[name] if row["family"] not in trained]
            results[title][name] = _judged(list(zip(_ridge(own, test, describe), test, strict=True)))
    return results


def _judged(pairs: list[Scored]) -> dict[str, Any]:
    return {
        "mutations": len(pairs),
        "Spearman with |ddG|": interval(pairs, _rank(_size)),
        "AUROC of ddG > 1": interval(pairs, _area(lambda row: row["ddg"] > 1)),
    }


def _size(row: Row) -> float:
    return abs(row["ddg"])


def _rank(truth: Callable[[Row], float]) -> Callable[[list[Scored]], float]:
    return lambda own: spearman(np.array([s for s, _ in own]), np.array([truth(row) for _, row in own]))


def _area(truth: Callable[[Row], bool]) -> Callable[[list[Scored]], float]:
    return lambda own: auroc(np.array([s for s, _ in own], float), np.array([truth(row) for _, row in own], bool))


def _ridge(train: list[Row], test: list[Row], describe: Callable[[Row], list[float]]) -> list[float]:
    if not test:
        return []
    x, y = (np.array([describe(row) for row in rows], float) for rows in (train, test))
    mean, spread = x.mean(axis=0), x.std(axis=0) + 1e-6
    x, y = (np.clip((own - mean) / spread, -5, 5) for own in (x, y))
    ddg = np.array([row["ddg"] for row in train])
    weights = np.linalg.solve(x.T @ x + RIDGE * np.eye(x.shape[1]), x.T @ (ddg - ddg.mean()))
    return (y @ weights + ddg.mean()).tolist()


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
    both = ~(np.isnan(a) | np.isnan(b))
    x, y = rankdata(a[both]), rankdata(b[both])
    if len(x) < 3 or x.std() == 0 or y.std() == 0:
        return 0.0
    return float(np.corrcoef(x, y)[0, 1])
