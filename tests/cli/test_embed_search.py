import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from foldglass.app.columns import COLUMNS, LIST_COLUMNS
from foldglass.io.embedding_table import iter_embeddings, read_embeddings


@pytest.fixture(scope="module")
def table(run: Any, tiny: Path, fingers: Path, globins: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("tables") / "both.parquet"
    done = run("embed", fingers, globins, "-o", out, "--residue", "--model", tiny)
    assert not done.stdout
    assert f"{out}: 12 proteins embedded with tiny@" in done.stderr
    assert "notes.txt" in done.stderr
    return out


def test_embedding_table(table: Path) -> None:
    stored = read_embeddings(table)
    assert stored.ids[:4] == ("1ard", "1paa", "1sp2", "2drp1")
    assert stored.kinds == ("structure",) * 4 + ("sequence",) * 8
    assert all(len(one.residue) == len(one) for one in iter_embeddings(table))


def test_embed_npz_from_an_input_named_twice_is_refused_and_once_is_not(
    run: Any, tiny: Path, globins: Path, tmp_path: Path
) -> None:
    out = tmp_path / "globins.npz"
    twice = run("embed", globins, f"{globins}:P69905", "-o", out, "--model", tiny, code=1)
    assert "id 'P69905' again" in twice.stderr
    assert not list(tmp_path.iterdir())
    run("embed", globins, "-o", out, "--model", tiny, "--device", "cpu")
    assert np.load(out)["protein"].shape == (8, 13)


def test_search_a_table_and_a_folder_agree(run: Any, tiny: Path, table: Path, fingers: Path, globins: Path) -> None:
    query = f"{globins}:P69905"
    stored = run("search", table, query, "-k", "3", "--align", "--format", "jsonl", "--model", tiny).stdout
    rows = [json.loads(line) for line in stored.splitlines()]
    assert [list(row) for row in rows] == [[*COLUMNS, *LIST_COLUMNS]] * 3
    assert [row["rank"] for row in rows] == [1, 2, 3]
    assert (rows[0]["target"], rows[0]["tm"], rows[0]["seq_identity"]) == ("P69905", 1.0, 1.0)
    fresh = run("search", globins, query, "-k", "1", "--align", "--model", tiny).stdout.splitlines()
    assert fresh[0].split("\t") == list(COLUMNS)
    assert fresh[1].split("\t")[:2] == ["P69905", "P69905"]
    assert len(fresh) == 2


def test_search_bounds_what_it_gives(run: Any, tiny: Path, table: Path, fingers: Path) -> None:
    done = run("search", table, fingers / "1ard.pdb", "--min-tm", "0.9999", "--model", tiny)
    rows = [line.split("\t") for line in done.stdout.splitlines()[1:]]
    assert rows[0][1] == "1ard"
    assert all(float(row[COLUMNS.index("tm")]) > 0.9998 for row in rows)
    assert rows[0][COLUMNS.index("lddt")] == ""


def test_pair_vectors_are_not_made_yet(run: Any, globins: Path, tmp_path: Path) -> None:
    done = run("embed", globins, "-o", tmp_path / "a.npz", "--pair", code=1)
    assert done.stderr == ("foldglass: --pair: no model of this version gives vectors of residue pairs; leave it out\n")
