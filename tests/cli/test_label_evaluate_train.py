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
    done = run("label", fingers, "-o", tmp_path / "none.parquet", "--pairs", tmp_path, code=1)
    assert f"{tmp_path}: cannot be read (Is a directory); expected tab-separated text" in done.stderr


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


def test_evaluate_a_score_network(run: Any, tiny_score: Path, data_folder: Any, tmp_path: Path) -> None:
    pytest.importorskip("parasail")
    chains = range(240)
    near = [(i, i + k, 0.2 + (i * k % 7) / 10) for i in chains for k in range(1, 40) if i + k < 240]
    folder = data_folder([40 + i % 20 for i in chains], [i // 3 for i in chains], [i // 3 for i in chains], near)
    page = tmp_path / "score.html"
    done = run("evaluate", tiny_score, folder, "-o", page, "--chains", "3")
    lines = [line.split("\t") for line in done.stdout.splitlines()]
    assert lines[0][:6] == [
        "vectors",
        "baseline",
        "chains",
        "secondary_structure",
        "contact_number",
        "half_sphere_exposure",
    ]
    assert lines[0][6:] == ["superfamily_hit", "tm_error", "tm_pearson"]
    assert [line[1] for line in lines[1:]] == ["false"] * 3 + ["true"] * 3
    assert {line[2] for line in lines[1:]} == {"3"}
    found = json.loads(page.with_suffix(".json").read_text())
    assert found["about"]["n_pairs"] == 4 and found["about"]["command"].endswith("--chains 3")
    assert f"{found['residues'][4]['contact_number']['value']:.4f}" == lines[5][4]
    assert f"{found['folds'][1]['tm']['mae']['value']:.4f}" == lines[2][7]
    assert "<html" in page.read_text()


def test_evaluate_refuses_what_does_not_fit_the_model(run: Any, tiny: Path, tiny_score: Path, tmp_path: Path) -> None:
    (tmp_path / "labels.parquet").write_bytes(b"")
    for model, data, options, code, words in (
        (tiny_score, "labels.parquet", [], 2, "no folder; expected a folder of training data, on whose chains"),
        (tiny, "labels.parquet", ["--chains", "3"], 2, "; expected a score network"),
        (tiny_score, "", ["-o", tmp_path / "a.pdf"], 1, "a.pdf: the ending .pdf; expected a name that ends in .html"),
        (tiny_score, "", ["--device", "cuda"], 2, "--device cuda: a model of the kind score; expected --device cpu"),
        (tiny_score, "none", [], 2, "no folder; expected a folder"),
    ):
        done = run("evaluate", model, tmp_path / data, "-o", tmp_path / "a.html", *options, code=code)
        assert words in done.stderr and done.stderr.count("\n") == 1, done.stderr
    assert not list(tmp_path.glob("a.*"))


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
