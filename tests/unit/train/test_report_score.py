"""The report of a score network: complete, self-contained, with the measured figures, and absent rather than half."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from foldglass.errors import InputError
from foldglass.metrics.regression import Interval
from foldglass.train.evaluation_score import ScoreAbout, ScoreEvaluation
from foldglass.train.evaluation_score_levels import LevelResult, VarianceShares
from foldglass.train.evaluation_score_pairs import TITLES, PairResult
from foldglass.train.evaluation_score_residues import ResidueResult
from foldglass.train.evaluation_score_vectors import VectorKind
from foldglass.train.evaluation_score_whole import RetrievalResult, measure_tm
from foldglass.train.evaluation_set import EvaluationSet
from foldglass.train.report_score import render_score, write_score_report

KINDS = ("own", "coarse", "several", "random", "raw", "constant")


@pytest.fixture(scope="module")
def evaluation(make_structure) -> ScoreEvaluation:
    """Every figure another one, so that each can be looked for."""
    proteins = tuple(make_structure(5, seed=i, name=f"p{i}") for i in range(20))
    tm = np.linspace(0.1, 0.95, 19)
    pairs = EvaluationSet(
        "a & b",
        "superfamily",
        proteins,
        np.arange(20),
        np.arange(19),
        np.arange(1, 20),
        tm,
        tm,
        (np.eye(2, dtype=int),) * 19,
    )
    unit = np.eye(20)[:, :3] + 0.5
    told = [
        measure_tm(VectorKind(key, key, k > 2), (unit, pairs), (unit, pairs), draws=5) for k, key in enumerate(KINDS)
    ]

    def interval(value: float) -> Interval:
        return Interval(value, value - 0.01, value + 0.01)

    return ScoreEvaluation(
        about=ScoreAbout(
            model="<net>@01234567",
            sigma=0.5,
            data="a & b",
            split="superfamily",
            n_fit_chains=7,
            n_choose_chains=8,
            n_chains=9,
            n_residues=1011,
            n_clusters=6,
            n_proteins=20,
            n_pairs=19,
            n_calibration_pairs=17,
            draws=5,
            command="foldglass evaluate <net>",
            date="today",
            machine="here",
            foldglass="1",
        ),
        levels=tuple(LevelResult(10.0 / 2**k, 0.25, 0.35, 1.02, 0.03) for k in range(5)),
        variance=VarianceShares(3, (1.0, 2.0), 0.87, 0.04),
        residues=tuple(
            ResidueResult(key, key, k > 2, *(interval((10 * k + n) / 100 + 0.111) for n in range(3)))
            for k, key in enumerate(KINDS)
        ),
        pairs=tuple(
            PairResult(key, title, is_baseline, interval(0.701 + k / 100), interval(0.301 + k / 100))
            for k, (key, (title, is_baseline)) in enumerate(TITLES.items())
        ),
        retrieval=tuple(RetrievalResult(key, key, k > 2, interval(0.805 + k / 100)) for k, key in enumerate(KINDS)),
        folds=tuple(fold for _, fold in told),
        data=pairs,
        fold_predictions=tuple(predictions for predictions, _ in told),
    )


@pytest.fixture(scope="module")
def html(evaluation: ScoreEvaluation) -> str:
    pytest.importorskip("matplotlib")
    return render_score(evaluation)


def test_page_needs_nothing_else_and_names_are_escaped(html: str) -> None:
    sources: list[str] = []
    page = HTMLParser()
    page.handle_starttag = lambda tag, attrs: sources.extend(v or "" for k, v in attrs if k in ("src", "href"))
    page.feed(html)
    assert len(sources) == 2 and all(source.startswith("data:image/svg+xml;base64,") for source in sources)
    assert "<h1>Evaluation of &lt;net&gt;@01234567</h1>" in html and "a &amp; b" in html and "<net>" not in html
    assert "nan" not in re.sub(r"base64,[^']*", "", html)


def test_every_figure_is_on_the_page(html: str, evaluation: ScoreEvaluation) -> None:
    for result in evaluation.residues:
        for value in (result.secondary_structure, result.contact_number, result.half_sphere_exposure):
            assert f"{value.value:.3f}" in html and f"{value.low:.3f} to {value.high:.3f}" in html
    for result in evaluation.pairs:
        assert f"{result.contact_auroc.value:.3f}" in html and f"{result.distance_change.value:.3f}" in html
        assert result.title in html
    for result in evaluation.retrieval:
        assert f"{result.first_hit.value:.3f}" in html
    for fold in evaluation.folds:
        assert f"{fold.tm.mae.value:.3f}" in html


def test_summary_says_what_the_tables_say(html: str, evaluation: ScoreEvaluation) -> None:
    short = html.partition("<h2>In short</h2>")[2].partition("<h2>")[0]
    assert "is 0.25 on parts of chains and 0.35 on whole ones" in short
    for name, n in (
        ("Secondary structure: accuracy", 0),
        ("Contact number: R<sup>2</sup>", 1),
        ("Depth of a residue", 2),
    ):
        own, several, random, raw = ((10 * k + n) / 100 + 0.111 for k in (0, 2, 3, 4))
        assert name in short
        assert f"{own:.2f}; with random weights {random:.2f}, from raw distances {raw:.2f}, from several" in short
        assert f"levels together {several:.2f}." in short
    assert "AUROC of 0.70 from pair vectors, 0.72 from the vectors of both residues and 0.75 from the noisy" in short
    assert "they explain 0.30, 0.32 and 0.35." in short
    assert "of 3 chains at 2 levels 87% is between proteins and 4% between levels" in short


def test_both_files_are_written_complete_or_not_at_all(evaluation: ScoreEvaluation, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"report\.htm: the ending \.htm; expected a name that ends in \.html"):
        write_score_report(evaluation, tmp_path / "report.htm")
    assert not list(tmp_path.iterdir())
    page, numbers = write_score_report(evaluation, tmp_path / "report.html")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["report.html", "report.json"]
    assert page.read_text().startswith("<!doctype html>")
    found = json.loads(numbers.read_text())
    assert found["schema"] == "foldglass-score-evaluation/1"
    assert found["residues"][0]["contact_number"] == {"value": 0.121, "low": 0.111, "high": 0.131}
    assert found["levels"][1] == {"sigma": 5.0, "crops": 0.25, "whole": 0.35, "nothing": 1.02, "rigid": 0.03}
    assert set(found) == {"schema", "about", "levels", "variance", "residues", "pairs", "retrieval", "folds"}
