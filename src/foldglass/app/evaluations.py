"""What `foldglass evaluate` measures of each kind of model: a table, a report and a file of its numbers."""

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from foldglass.app.extras import needing
from foldglass.app.progress import Bar
from foldglass.errors import UsageError

if TYPE_CHECKING:
    from foldglass.models.inverse_folding import InverseFoldingModel
    from foldglass.models.model import Model
    from foldglass.models.quality_model import QualityModel
    from foldglass.models.score_model import ScoreModel
    from foldglass.models.sites_model import SitesModel

COLUMNS = ("predictor", "baseline", "pairs", "tm_error", "tm_query_error", "tm_pearson", "same_fold_auroc", "brier")
SCORE_COLUMNS = (
    "vectors",
    "baseline",
    "chains",
    "secondary_structure",
    "contact_number",
    "half_sphere_exposure",
    "superfamily_hit",
    "tm_error",
    "tm_pearson",
)

SITES_COLUMNS = (
    "set",
    "predictor",
    "baseline",
    "chains",
    "prevalence",
    "auprc",
    "auroc",
    "f1",
    "mcc",
    "accuracy",
    "precision",
    "recall",
    "best_f1",
    "best_mcc",
)

QUALITY_COLUMNS = (
    "predictor",
    "baseline",
    "models",
    "gdt_ts_rmse",
    "gdt_ts_pearson",
    "gdt_ts_per_target",
    "first_rank_loss",
    "local_spearman",
    "local_per_model",
)

INVERSE_COLUMNS = ("predictor", "baseline", "chains", "residues", "nats", "recovery")

Measured = tuple[tuple[str, ...], list[dict[str, Any]], Path, Path]
"""Columns, rows, the page and the file of its numbers."""


def measure_towers(model: "Model", data: Path, structures: Path | None, split: str, out: Path, bar: Bar) -> Measured:
    """A model of towers, on superposed pairs."""
    with needing("train", "evaluate"):
        from foldglass.train.evaluation import evaluate as measure
        from foldglass.train.report import write_report
        from foldglass.train.runs import evaluation_sets
    bar.phase("reading the pairs")
    judged, fitted = evaluation_sets(data, structures, split)
    bar.phase(f"measuring {len(judged)} pairs")
    evaluation = measure(model, judged, fitted, command=_command())
    page, numbers = write_report(evaluation, out)
    rows = [
        {
            "predictor": fold.title,
            "baseline": fold.is_baseline,
            "pairs": fold.tm.n,
            "tm_error": fold.tm.mae.value,
            "tm_query_error": fold.tm_query.mae.value,
            "tm_pearson": fold.tm.pearson.value,
            "same_fold_auroc": fold.auroc.value,
            "brier": fold.brier.value,
        }
        for fold in evaluation.folds
    ]
    return COLUMNS, rows, page, numbers


def measure_score(model: "ScoreModel", data: Path, split: str, chains: int | None, out: Path, bar: Bar) -> Measured:
    """A score network, by what its vectors tell of held-out structures."""
    with needing("train", "evaluate"):
        from foldglass.train.data import load_pair_data
        from foldglass.train.evaluation_score import evaluate_score
        from foldglass.train.evaluation_score_set import CHAINS, score_evaluation_set
        from foldglass.train.report_score import write_score_report
    if not data.is_dir():
        raise UsageError(
            str(data), got="no folder", expected="a folder of training data, on whose chains the probes are fitted"
        )
    bar.phase("reading the chains")
    judged = score_evaluation_set(load_pair_data(data), split, name=data.name, chains=chains or CHAINS)
    bar.phase("measuring")
    evaluation = evaluate_score(model, judged, command=_command(), progress=bar.reach)
    page, numbers = write_score_report(evaluation, out)
    hits = {result.key: result.first_hit.value for result in evaluation.retrieval}
    folds = {fold.key: fold.tm for fold in evaluation.folds}
    rows = [
        {
            "vectors": result.title,
            "baseline": result.is_baseline,
            "chains": evaluation.about.n_chains,
            "secondary_structure": result.secondary_structure.value,
            "contact_number": result.contact_number.value,
            "half_sphere_exposure": result.half_sphere_exposure.value,
            "superfamily_hit": hits.get(result.key),
            "tm_error": folds[result.key].mae.value,
            "tm_pearson": folds[result.key].pearson.value,
        }
        for result in evaluation.residues
    ]
    return SCORE_COLUMNS, rows, page, numbers


def measure_sites(model: "SitesModel", data: Path, split: str | None, out: Path, bar: Bar) -> Measured:
    """An interaction-site model, on one published test set or on all."""
    with needing("train", "evaluate"):
        from foldglass.train.evaluation_sites import evaluate_sites, write_sites_report
        from foldglass.train.site_data import TESTS
    if not data.is_dir():
        raise UsageError(
            str(data), got="no folder", expected="a folder of training data, on which baselines are fitted"
        )
    if split is not None and split not in TESTS:
        raise UsageError(f"--split {split}", got="an interaction-site model", expected=f"one of {', '.join(TESTS)}")
    bar.phase("measuring")
    evaluation = evaluate_sites(model, data, (split,) if split else TESTS, command=_command(), progress=bar.reach)
    page, numbers = write_sites_report(evaluation, out)
    rows = [
        {
            "set": result.subset,
            "predictor": result.title,
            "baseline": result.is_baseline,
            "chains": result.figures.chains,
            "prevalence": result.figures.prevalence,
            "auprc": result.figures.auprc,
            "auroc": result.figures.auroc,
            **{name: getattr(result.figures.decided, name) for name in SITES_COLUMNS[7:12]},
            "best_f1": result.figures.optimistic.f1,
            "best_mcc": result.figures.optimistic.mcc,
        }
        for result in evaluation.results
    ]
    return SITES_COLUMNS, rows, page, numbers


def measure_quality(model: "QualityModel", data: Path, out: Path, bar: Bar) -> Measured:
    """A quality model, on models of held-out targets."""
    with needing("train", "evaluate"):
        from foldglass.train.quality_report import write_quality_report
        from foldglass.train.quality_runs import evaluate_quality
    found = evaluate_quality(model, data, bar.phase)
    page, numbers = write_quality_report(found, out, command=_command())
    rows = [
        {
            "predictor": row.title,
            "baseline": row.is_baseline,
            "models": len(found.decoys),
            "gdt_ts_rmse": row.rmse["gdt_ts"].value,
            "gdt_ts_pearson": row.pearson["gdt_ts"].value,
            "gdt_ts_per_target": row.per_target.value,
            "first_rank_loss": row.first.value,
            "local_spearman": row.local_spearman.value,
            "local_per_model": row.local_per_model.value,
        }
        for row in found.rows
    ]
    return QUALITY_COLUMNS, rows, page, numbers


def measure_inverse(model: "InverseFoldingModel", data: Path, out: Path, bar: Bar) -> Measured:
    """An inverse-folding model, on natives of held-out superfamilies."""
    with needing("train", "evaluate"):
        from foldglass.train.evaluation_inverse import evaluate_inverse, write_inverse_report
    evaluation = evaluate_inverse(model, data, command=_command(), progress=bar.phase)
    page, numbers = write_inverse_report(evaluation, out)
    rows = [
        {
            "predictor": result.title,
            "baseline": result.is_baseline,
            "chains": evaluation.chains,
            "residues": evaluation.residues,
            "nats": result.nats.value,
            "recovery": result.recovery.value,
        }
        for result in evaluation.results
    ]
    return INVERSE_COLUMNS, rows, page, numbers


def _command() -> str:
    return shlex.join(["foldglass", *sys.argv[1:]])
