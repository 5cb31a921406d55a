import json
import shutil
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest


@pytest.fixture(scope="module")
def labels(run: Any, fingers: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("labels") / "labels.parquet"
    done = run("label", fingers, "-o", out, "--all-vs-all", "--workers", "2")
    assert f"{out}: 6 pairs labelled\n" in done.stderr
    assert not done.stdout
    assert [path.name for path in out.parent.iterdir()] == ["labels.parquet"]
    return out


def test_label_table(labels: Path) -> None:
    table = pq.read_table(labels)
    assert table.num_rows == 6
    assert min(table["tm_query"].to_pylist()) > 0.4  # one fold


def test_label_a_list_of_pairs(run: Any, fingers: Path, tmp_path: Path) -> None:
    pairs, out = tmp_path / "pairs.tsv", tmp_path / "labels.parquet"
    pairs.write_text("query\ttarget\n2drp1\t1ard\n")
    run("label", fingers, "-o", out, "--pairs", pairs)
    assert pq.read_table(out)["query"].to_pylist() == ["2drp1"]
    pairs.write_text("2drp1\tnobody\n")
    done = run("label", fingers, "-o", tmp_path / "none.parquet", "--pairs", pairs, code=1)
    assert "'nobody' is not in the input" in done.stderr
    assert not (tmp_path / "none.parquet").exists()


def test_label_refuses_sequences(run: Any, globins: Path, tmp_path: Path) -> None:
    done = run("label", globins, "-o", tmp_path / "a.parquet", "--all-vs-all", code=1)
    assert "'P69905': a sequence; expected a structure to superpose" in done.stderr


def test_evaluate(run: Any, tiny: Path, labels: Path, fingers: Path, tmp_path: Path) -> None:
    pytest.importorskip("parasail")
    page = tmp_path / "report.html"
    done = run("evaluate", tiny, labels, "--structures", fingers, "-o", page)
    lines = [line.split("\t") for line in done.stdout.splitlines()]
    assert lines[0][:4] == ["predictor", "baseline", "pairs", "tm_error"]
    assert {line[2] for line in lines[1:]} == {"6"}
    assert "true" in {line[1] for line in lines[1:]}
    assert json.loads(page.with_suffix(".json").read_text())["about"]["model"].startswith("tiny@")
    assert "<html" in page.read_text()
    done = run("evaluate", tiny, labels, "-o", page, code=2)
    assert "a label table alone; give its structures with --structures" in done.stderr


def test_a_wrong_recipe_is_one_line(run: Any, tmp_path: Path) -> None:
    recipe = tmp_path / "run.toml"
    recipe.write_text('task = "siamese"\n[loop]\nsteps = 1\nlearning = 2\n')
    done = run("train", recipe, "-o", tmp_path / "run", code=1)
    assert "unknown key 'learning'" in done.stderr and done.stderr.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_a_missing_recipe_names_those_of_the_package(run: Any) -> None:
    done = run("train", "structur", code=1)
    assert "structur: no such recipe; expected a TOML file or one of" in done.stderr
    assert " structure" in done.stderr


@pytest.mark.slow
def test_train_a_step(run: Any, data_pack: Path, tmp_path: Path) -> None:
    recipe = tmp_path / "small.toml"
    recipe.write_text(RECIPE)
    done = run("train", recipe, "--data", data_pack, "-o", tmp_path / "run", "--name", "small")
    assert done.stdout.strip() == str(tmp_path / "run" / "model")
    assert "step 2/2" in done.stderr
    moved = tmp_path / "elsewhere"
    shutil.move(tmp_path / "run" / "model", moved)
    assert "small@" in run("models", "show", moved, "--format", "table").stdout


RECIPE = """
task = "siamese"
towers = ["structure"]

[loop]
steps = 2
warmup = 1
log_every = 1
validate_every = 2

[structure]
dim = 16
layers = 1
heads = 2
feedforward = 16

[network]
hidden = 16
heads = 2
feedforward = 16

[pairs]
proteins = 4
partners = 1
validation = 8
limit = 200
"""
