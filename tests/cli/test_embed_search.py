import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from foldglass.app.columns import COLUMNS, EVALUE, LIST_COLUMNS
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
    assert [list(row) for row in rows] == [[*COLUMNS, EVALUE, *LIST_COLUMNS]] * 3
    assert [row["rank"] for row in rows] == [1, 2, 3]
    assert (rows[0]["target"], rows[0]["tm"], rows[0]["seq_identity"]) == ("P69905", 1.0, 1.0)
    fresh = run("search", globins, query, "-k", "1", "--align", "--model", tiny).stdout.splitlines()
    assert fresh[0].split("\t") == [*COLUMNS, EVALUE]
    assert fresh[1].split("\t")[:2] == ["P69905", "P69905"]
    assert len(fresh) == 2


def test_search_bounds_what_it_gives(run: Any, tiny: Path, table: Path, fingers: Path) -> None:
    done = run("search", table, fingers / "1ard.pdb", "--min-tm", "0.9999", "--model", tiny)
    rows = [line.split("\t") for line in done.stdout.splitlines()[1:]]
    assert rows[0][1] == "1ard"
    assert all(float(row[COLUMNS.index("tm")]) > 0.9998 for row in rows)
    assert rows[0][COLUMNS.index("lddt")] == ""


def test_towers_give_no_pair_vectors_and_know_no_level(run: Any, tiny: Path, globins: Path, tmp_path: Path) -> None:
    for option, words in (
        (["--pair"], "--pair: model tiny@X has no vectors of residue pairs"),
        (["--pairs-nearest", "3"], "--pair: model tiny@X has no vectors of residue pairs"),
        (["--sigma", "1"], "--sigma: model tiny@X has no level of noise"),
    ):
        done = run("embed", globins, "-o", tmp_path / "a.npz", *option, "--model", tiny, code=1)
        said = re.sub("tiny@[0-9a-f]{8}", "tiny@X", done.stderr)
        assert said == f"foldglass: {words}; expected a score network, such as --model score\n"
    assert not list(tmp_path.iterdir())


def test_embed_in_half_precision_is_near_and_not_equal(run: Any, tiny: Path, globins: Path, tmp_path: Path) -> None:
    vectors = []
    for name, options in (("exact", []), ("half", ["--half"])):
        run("embed", globins, "-o", tmp_path / f"{name}.parquet", *options, "--model", tiny)
        vectors.append(read_embeddings(tmp_path / f"{name}.parquet").protein)
    assert 0 < np.abs(vectors[0] - vectors[1]).max() < 0.02


def test_embed_with_a_score_network(run: Any, tiny_score: Path, fingers: Path, tmp_path: Path) -> None:
    out = tmp_path / "all.parquet"
    done = run("embed", fingers, "-o", out, "--residue", "--pair", "--model", tiny_score)
    assert "4 proteins embedded with tiny-score@" in done.stderr
    whole = list(iter_embeddings(out))
    metadata = read_embeddings(out).metadata
    assert (metadata["foldglass.sigma"], metadata["foldglass.pairs"]) == ("1", "all")
    assert [e.pair.shape for e in whole if e.pair is not None] == [(len(e), len(e), 7) for e in whole]
    near = tmp_path / "near.parquet"
    options = ("--pairs-within", "9", "--pairs-nearest", "5", "--sigma", "1")
    run("embed", fingers, "-o", near, "--residue", *options, "--model", tiny_score)
    assert read_embeddings(near).metadata["foldglass.pairs"] == "within 9 A, nearest 5"
    for kept, full in zip(iter_embeddings(near), whole, strict=True):
        assert kept.pair_index is not None and full.pair is not None
        assert 0 < len(kept.pair_index) < len(full) * 5
        np.testing.assert_array_equal(kept.pair, full.pair[tuple(kept.pair_index.T)])
        np.testing.assert_array_equal(kept.residue, full.residue)


def test_a_score_network_says_what_it_cannot_embed(
    run: Any, tiny_score: Path, globins: Path, fingers: Path, tmp_path: Path
) -> None:
    for arguments, code, words in (
        ([globins], 1, "the sequence 'P69905'; expected a structure: it reads coordinates"),
        ([fingers / "1ard.pdb", "--sigma", "9"], 1, "sigma 9 angstrom: no such noise level of model tiny-score@"),
        ([fingers / "1ard.pdb", "--pairs-within", "0"], 2, "--pairs-within"),
        (
            [fingers / "1ard.pdb", "--device", "cuda"],
            2,
            "--device cuda: a model of the kind score; expected --device cpu",
        ),
        ([fingers / "1ard.pdb", "--half"], 2, "--half: the score network tiny-score@"),
    ):
        done = run("embed", *arguments, "-o", tmp_path / "a.parquet", "--model", tiny_score, code=code)
        assert words in done.stderr and done.stderr.count("\n") == 1, done.stderr
    assert not list(tmp_path.iterdir())
    done = run("search", fingers, fingers / "1ard.pdb", "--model", tiny_score, code=1)
    assert "a score model; expected a siamese model" in done.stderr
    assert "tiny-score@" in run("models", "show", tiny_score).stdout
