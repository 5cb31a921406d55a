"""The report: complete, self-contained, escaped, and absent rather than half written."""

import json
import re
import sys
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from foldglass.errors import InputError, MissingExtraError
from foldglass.protein import Structure
from foldglass.train import report
from foldglass.train.evaluation import Evaluation, EvaluationSet, evaluate
from foldglass.train.report import render, write_report
from foldglass.train.report_figures import best_baseline


class ConstantModel:
    """Says the same of every pair: enough to draw a report."""

    id = "<constant>@00000000"
    towers = ("structure",)

    class calibration:
        tm = staticmethod(lambda cosine, *, kinds: np.full(len(cosine), 0.55))
        p_same_fold = staticmethod(lambda cosine, *, kinds: np.full(len(cosine), 0.5))
        sides = staticmethod(lambda tm, length_query, length_target: (tm, tm))
        local = staticmethod(lambda query, target, *, kinds: np.full(len(query), 0.8))

    def embed_stream(self, proteins):
        from foldglass.protein import Embedding

        for protein in proteins:
            yield Embedding(protein, np.ones(2, np.float32), np.ones((len(protein), 2), np.float32))

    def score(self, query, target, *, align=True):
        from foldglass.protein import Comparison

        nothing = np.zeros((0, 2), np.int64)
        return Comparison(query.entity, target.entity, 1.0, 0.55, 0.55, 0.55, 0.5, nothing, np.full(len(query), np.nan))


def make_evaluation(tm: np.ndarray, *, kinds: tuple[str, ...] = (), command: str = "") -> Evaluation:
    rng = np.random.default_rng(0)
    n = len(tm)
    proteins = tuple(
        Structure(f"p{i}", "".join(rng.choice(list("ACDEFGHIKL"), 23)), ca=rng.normal(0, 9, (23, 3)).astype(np.float32))
        for i in range(n + 1)
    )
    data = EvaluationSet(
        name="labels & co.parquet",
        split="test",
        proteins=proteins,
        cluster=np.arange(n + 1),
        query=np.arange(n),
        target=np.arange(1, n + 1),
        tm_query=tm,
        tm_target=tm,
        alignments=tuple(np.stack([np.arange(23)] * 2, axis=1) for _ in range(n)),
        kinds=kinds,
    )
    return evaluate(ConstantModel(), data, command=command, draws=5)


@pytest.fixture(scope="module")
def evaluation() -> Evaluation:
    tm = np.linspace(0.1, 1.0, 19)
    return make_evaluation(tm, kinds=("family",) * 10 + ("random",) * 9, command="foldglass evaluate a<b -o r.html")


@pytest.fixture(scope="module")
def html(evaluation: Evaluation) -> str:
    return render(evaluation)


class Balance(HTMLParser):
    """Checks that every element that is opened is closed, in order."""

    VOID = frozenset({"meta", "img", "br"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.sources: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.sources += [value or "" for name, value in attrs if name in ("src", "href")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_page_is_well_formed_and_needs_nothing_else(html: str) -> None:
    page = Balance()
    page.feed(html)
    assert page.open == []
    assert len(page.sources) == 5
    assert all(source.startswith("data:image/svg+xml;base64,") for source in page.sources)


def test_names_are_escaped(html: str) -> None:
    assert "<h1>Evaluation of &lt;constant&gt;@00000000</h1>" in html
    assert "labels &amp; co.parquet" in html and "evaluate a&lt;b" in html
    assert "<constant>" not in html


def test_page_shows_the_measured_numbers(html: str, evaluation: Evaluation) -> None:
    fold = evaluation.folds[0]
    assert f"{fold.tm.mae.low:.3f} to {fold.tm.mae.high:.3f}" in html
    best = best_baseline(evaluation)
    assert f"best baseline ({best.title}, {best.tm.mae.value:.3f})" in html
    for heading in ("In short", "Same fold or not", "Local score", "What to keep in mind", "Run it again"):
        assert f"<h2>{heading}</h2>" in html
    assert "nan" not in re.sub(r"base64,[^']*", "", html)


def test_baselines_stand_in_every_table_of_errors(html: str) -> None:
    for caption in ("all pairs", "by true TM-score", "by kind of pair", "by the target's length"):
        table = html[html.index(caption.replace("'", "&#x27;")) :].partition("</table>")[0]
        assert "best constant" in table and "BLOSUM62 score" in table


def test_page_without_similar_pairs_or_kinds_says_so() -> None:
    html = render(make_evaluation(np.linspace(0.1, 0.5, 13)))
    assert "No pair has a TM-score of 0.7 or more" in html
    assert "by kind of pair" not in html and "Run it again" not in html


def test_both_files_are_written(evaluation: Evaluation, tmp_path: Path) -> None:
    page, numbers = write_report(evaluation, tmp_path / "report.html")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["report.html", "report.json"]
    assert json.loads(numbers.read_text())["about"]["n_pairs"] == 19
    assert page.read_text().startswith("<!doctype html>")


def test_another_ending_is_refused(evaluation: Evaluation, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"report\.pdf: the ending \.pdf; expected a name that ends in \.html"):
        write_report(evaluation, tmp_path / "report.pdf")


def test_a_failure_leaves_no_file(evaluation: Evaluation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "render", lambda evaluation: "<p>page</p>")
    monkeypatch.setattr(json, "dumps", lambda *args, **kwargs: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write_report(evaluation, tmp_path / "report.html")
    assert list(tmp_path.iterdir()) == []


def test_missing_matplotlib_names_the_extra(evaluation: Evaluation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingExtraError, match=r"matplotlib is not installed; .*'foldglass\[train\]'"):
        render(evaluation)
