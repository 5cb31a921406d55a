import json
from pathlib import Path
from typing import Any

import anndata
import pytest

from foldglass.app.columns import COLUMNS, EVALUE, EXACT_COLUMNS, M8_COLUMNS
from foldglass.io.embedding_table import read_embeddings


@pytest.fixture(scope="module")
def database(run: Any, tiny: Path, fingers: Path, globins: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("databases")
    more = folder / "more.tsv"
    more.write_text("id\torganism\tlabel\nP69905\thuman\ta.1.1\n1ard\tyeast\tg.37.1\n")
    path = folder / "both.fg"
    done = run("db", "build", path, globins, fingers, "--metadata", more, "--model", tiny)
    assert f"{path}: 12 proteins added; embedded with tiny@" in done.stderr and "notes.txt" in done.stderr
    assert not done.stdout
    return path


def test_a_build_given_again_adds_nothing(run: Any, tiny: Path, database: Path, globins: Path) -> None:
    done = run("db", "build", database, globins, "--model", tiny)
    assert ": 0 proteins added, 8 there before; embedded with tiny@" in done.stderr


def test_dry_run_makes_nothing(run: Any, tiny: Path, globins: Path, fingers: Path, tmp_path: Path) -> None:
    done = run("db", "build", tmp_path / "a.fg", globins, fingers, "--dry-run", "--model", tiny)
    names, values = (line.split("\t") for line in done.stdout.splitlines())
    assert names == ["proteins", "residues", "seconds", "bytes", "sampled"]
    assert (values[0], values[4]) == ("12", "12")
    assert not list(tmp_path.iterdir())


def test_info(run: Any, database: Path) -> None:
    (row,) = json.loads(run("db", "info", database, "--format", "json").stdout)
    assert (row["proteins"], row["sequences"], row["structures"], row["residue"]) == (12, 8, 4, "no")
    assert row["columns"].endswith("protein digest organism label")
    assert row["bytes"] > 10_000


def test_search_a_database(run: Any, tiny: Path, database: Path, fingers: Path) -> None:
    done = run("search", database, fingers / "1ard.pdb", "-k", "3", "--exact-tm", "--align", "--model", tiny)
    head, *rows = [line.split("\t") for line in done.stdout.splitlines()]
    assert head == [*COLUMNS, EVALUE, *EXACT_COLUMNS]
    assert rows[0][1] == "1ard" and len(rows) == 3
    assert rows[0][head.index("exact_tm_query")] == rows[0][head.index("lddt")] == "1.0000"
    filtered = run("search", database, fingers, "--filter", "organism = 'human'", "--model", tiny).stdout
    assert {line.split("\t")[1] for line in filtered.splitlines()[1:]} == {"P69905"}


def test_m8(run: Any, tiny: Path, database: Path, globins: Path) -> None:
    done = run("search", database, f"{globins}:P69905", "-k", "1", "--format", "m8", "--model", tiny)
    row = dict(zip(M8_COLUMNS, done.stdout.rstrip("\n").split("\t"), strict=True))
    assert (row["query"], row["target"], row["pident"], row["mismatch"]) == ("P69905", "P69905", "100.0000", "0")
    assert (row["length"], row["qstart"], row["send"]) == ("142", "1", "142")


def test_exports_hold_every_protein(run: Any, database: Path, tmp_path: Path) -> None:
    for suffix in ("parquet", "fasta", "h5ad"):
        done = run("db", "export", database, "-o", tmp_path / f"a.{suffix}")
        assert done.stderr == f"foldglass: {tmp_path}/a.{suffix}: 12 proteins of {database}\n".removeprefix(
            "foldglass: "
        )
    table = read_embeddings(tmp_path / "a.parquet")
    assert len(table) == 12 and table.model.startswith("tiny@")
    assert (tmp_path / "a.fasta").read_text().count(">") == 12
    cells = anndata.read_h5ad(tmp_path / "a.h5ad")
    assert cells.shape == (12, 13)
    assert cells.obs_names[0] == "P69905"
    assert cells.obs.loc["P69905", "organism"] == "human"


def test_remove_and_what_is_not_there(run: Any, tiny: Path, globins: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.fg"
    run("db", "build", path, globins, "--model", tiny)
    assert "no entry 'gone'; nothing was removed" in run("db", "remove", path, "P69905", "gone", code=1).stderr
    assert run("db", "remove", path, "P69905").stderr == f"{path}: 1 removed, 7 left\n"
    assert "expected ids, or --filter" in run("db", "remove", path, code=2).stderr
    missing = run("db", "add", tmp_path / "b.fg", globins, "--model", tiny, code=1)
    assert "b.fg: no database there; make one with: foldglass db build" in missing.stderr
    assert "b.fg: no database there" in run("search", tmp_path / "b.fg", globins, "--model", tiny, code=1).stderr
    for command in (["db", "info"], ["cluster"]):
        assert run(*command, globins, code=1).stderr == (
            f"foldglass: {globins}: a file; expected the folder of a database that 'foldglass db build' made\n"
        )
    wrong = run("search", path, globins, "--filter", "age > 3", "--model", tiny, code=1)
    assert wrong.stderr.startswith("foldglass: filter 'age > 3': no column age; expected a condition on id, kind, ")
    assert not wrong.stdout and "_row" not in wrong.stderr
    assert "--filter" in run("search", globins, globins, "--filter", "a = 1", "--model", tiny, code=2).stderr


def test_cluster(run: Any, database: Path, tmp_path: Path) -> None:
    for method in ("greedy", "components"):
        done = run("cluster", database, "--tm", "0.9999", "--method", method, "--map", tmp_path / "map.png")
        head, *rows = [line.split("\t") for line in done.stdout.splitlines()]
        assert head == ["cluster", "representative", "member", "tm", "length", "size"]
        assert len(rows) == 12 and sum(row[1] == row[2] for row in rows) == int(rows[-1][0])
        assert "map.png: drawn by " in done.stderr and (tmp_path / "map.png").stat().st_size > 1000
    assert "expected .png, .svg, .pdf" in run("cluster", database, "--map", "a.doc", code=2).stderr
