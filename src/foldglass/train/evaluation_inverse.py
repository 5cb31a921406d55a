"""Measure an inverse-folding model on native chains of held-out superfamilies, next to baselines; write the report."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from foldglass.constants import AMINO_ACIDS
from foldglass.metrics.regression import Interval, bootstrap_interval
from foldglass.models.graph_batch import ResidueGraph
from foldglass.models.inverse_folding import InverseFoldingModel, amino_acid_columns
from foldglass.train.html_table import Column, table
from foldglass.train.inverse_folding import NativeGraphs, native_graphs
from foldglass.train.recipe import InverseFoldingConfig
from foldglass.train.report_json import plain, provenance
from foldglass.train.report_page import bullets, check_report_path, facts, render_page, write_page
from foldglass.typing import PathLike

Predict = Callable[[ResidueGraph], Float[np.ndarray, "L 20"]]

_CROWDING = 9
"""Bins of the number of neighbours."""


@dataclass(frozen=True)
class InverseResult:
    """Figures of one predictor; intervals resample superfamily groups.

    `nats` is the mean cross entropy per residue, `recovery` the share of residues whose letter is the likeliest.
    """

    key: str
    title: str
    is_baseline: bool
    nats: Interval
    recovery: Interval


@dataclass(frozen=True)
class InverseEvaluation:
    """All figures, and where they come from."""

    model: str
    data: str
    command: str
    chains: int
    residues: int
    groups: int
    results: list[InverseResult]
    about: dict[str, str]

    def to_json(self) -> dict[str, Any]:
        """Everything as plain values."""
        return {"schema": "foldglass-inverse-folding/1", **plain(self)}


def evaluate_inverse(
    model: InverseFoldingModel, folder: Path, *, command: str = "", progress: Callable[[str], None] | None = None
) -> InverseEvaluation:
    """Measure a model on up to 250 native chains that no packaged model has a relative of.

    Raises
    ------
    NotFoundError
        If the folder lacks a table.
    """
    known = native_graphs(folder, InverseFoldingConfig(per_family=1), "train", progress=progress)
    judged = native_graphs(folder, InverseFoldingConfig(per_family=1), "test", progress=progress)
    predictors: list[tuple[str, str, bool, Predict]] = [
        ("model", model.id, False, model.log_probabilities),
        ("surroundings", "class and neighbours", True, _Counted(known.graphs, _surroundings)),
        ("composition", "composition", True, _Counted(known.graphs, lambda graph: np.zeros(len(graph), np.int64))),
    ]
    return InverseEvaluation(
        model.id,
        folder.name,
        command,
        len(judged),
        sum(len(graph) for graph in judged.graphs),
        len(set(judged.groups)),
        [_measure(*predictor, judged) for predictor in predictors],
        provenance(),
    )


class _Counted:
    """How often each letter was seen in each kind of place."""

    def __init__(self, graphs: list[ResidueGraph], place: Callable[[ResidueGraph], Int[np.ndarray, " L"]]) -> None:
        self._place = place
        kinds = np.concatenate([place(graph) for graph in graphs])
        column = amino_acid_columns(np.concatenate([graph.letters for graph in graphs]))
        counts = np.ones((kinds.max() + 1, len(AMINO_ACIDS)))
        np.add.at(counts, (kinds[column >= 0], column[column >= 0]), 1.0)
        self._log = np.log(counts / counts.sum(axis=1, keepdims=True))

    def __call__(self, graph: ResidueGraph) -> Float[np.ndarray, "L 20"]:
        found: Float[np.ndarray, "L 20"] = self._log[np.minimum(self._place(graph), len(self._log) - 1)]
        return found


def _surroundings(graph: ResidueGraph) -> Int[np.ndarray, " L"]:
    """Secondary structure class and how many residues share an edge, four to a bin."""
    crowd = np.minimum(np.bincount(graph.edges[:, 1], minlength=len(graph)) // 4, _CROWDING - 1)
    return graph.classes * _CROWDING + crowd


def _measure(key: str, title: str, is_baseline: bool, predict: Predict, judged: NativeGraphs) -> InverseResult:
    rows = []
    for graph in judged.graphs:
        column, found = amino_acid_columns(graph.letters), predict(graph)
        known = column >= 0
        own = found[known, column[known]]
        rows.append([-own.sum(), (found[known].argmax(axis=1) == column[known]).sum(), known.sum()])
    groups = np.array(judged.groups)
    values = np.array(rows, np.float64)
    nats = bootstrap_interval(values[:, [0, 2]], groups, _per_residue)
    recovery = bootstrap_interval(values[:, [1, 2]], groups, _per_residue)
    return InverseResult(key, title, is_baseline, nats, recovery)


def _per_residue(rows: np.ndarray) -> float:
    total, residues = rows.sum(axis=0)
    return float(total / residues)


def write_inverse_report(evaluation: InverseEvaluation, path: PathLike) -> tuple[Path, Path]:
    """Write `path` (.html) and the same figures as .json beside it; both are complete or absent.

    Raises
    ------
    InputError
        If the name does not end in .html or the folder cannot be written.
    """
    page = check_report_path(path)
    title = f"Inverse folding by {evaluation.model}"
    return write_page(page, render_page(title, _sections(evaluation, title)), evaluation.to_json())


def _sections(evaluation: InverseEvaluation, title: str) -> Iterator[str]:
    yield f"<h1>{escape(title)}</h1>"
    yield "<p class='lead'>Which amino acid is where, from C-alphas alone, on superfamilies not trained on.</p>"
    yield facts(
        [("model", evaluation.model, ""), ("data", evaluation.data, ""), ("date", evaluation.about["date"], "")]
    )
    yield table(
        "Letters of native chains",
        f"{evaluation.residues:,} residues of {evaluation.chains} chains in {evaluation.groups} superfamily groups.",
        _COLUMNS,
        evaluation.results,
    )
    yield bullets(
        [
            "Coordinates carry noise of up to 0.3 angstrom, as in training.",
            "&ldquo;Class and neighbours&rdquo; counts letters by secondary structure and by neighbours within "
            "10 angstrom.",
            "Intervals are 95 %, from resampling superfamily groups.",
        ]
    )
    if evaluation.command:
        yield f"<h2>Run it again</h2><p><code>{escape(evaluation.command)}</code></p>"
    yield f"<footer>foldglass {escape(evaluation.about['foldglass'])} · {escape(evaluation.about['machine'])}</footer>"


_COLUMNS: list[Column[InverseResult]] = [
    Column("nats per residue", lambda result: result.nats, "low"),
    Column("recovery", lambda result: result.recovery, "high"),
]
