import csv
import io
import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from foldglass.app.columns import COLUMNS, EXACT_COLUMNS, LIST_COLUMNS


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text), delimiter="\t"))


def test_every_query_with_every_target_best_first(run: Any, tiny: Path, fingers: Path, globins: Path) -> None:
    done = run("compare", fingers, globins, "--model", tiny)
    assert done.stdout.splitlines()[0].split("\t") == list(COLUMNS)
    rows = rows_of(done.stdout)
    assert len(rows) == 4 * 8
    assert [int(row["rank"]) for row in rows] == list(range(1, 33))
    tms = [float(row["tm"]) for row in rows]
    assert tms == sorted(tms, reverse=True)
    assert {row["query"] for row in rows} == {"1ard", "1paa", "1sp2", "2drp1"}
    assert all(float(row["lddt"]) > 0 and int(row["aligned"]) > 0 for row in rows)
    assert done.stderr == f"foldglass: {fingers}/notes.txt: an unknown format; expected FASTA, PDB, mmCIF or BinaryCIF, each also .gz; the file left out\n"  # fmt: skip  # noqa: E501


def test_all_vs_all_gives_each_pair_once(run: Any, tiny: Path, fingers: Path, globins: Path, tmp_path: Path) -> None:
    out = tmp_path / "pairs.parquet"
    done = run(
        "compare", "--all-vs-all", fingers / "1ard.pdb", fingers / "1paa.pdb", f"{globins}:P69905", "-o", out,
        "--model", tiny, "--no-align", "--threads", "1",
    )  # fmt: skip
    assert not done.stdout
    table = pq.read_table(out)
    assert table.column_names == [*COLUMNS, *LIST_COLUMNS]
    pairs = set(zip(table["query"].to_pylist(), table["target"].to_pylist(), strict=True))
    assert pairs == {("1ard", "1paa"), ("1ard", "P69905"), ("1paa", "P69905")}
    assert table["lddt"].null_count == table["aligned"].null_count == 3
    assert table.schema.metadata[b"foldglass.model"].startswith(b"tiny@")


def test_aligned_and_unaligned_scores_are_the_same_and_exact_values_stand_beside(
    run: Any, tiny: Path, fingers: Path
) -> None:
    query, target = fingers / "1ard.pdb", fingers / "2drp1.pdb"
    aligned = run("compare", query, target, "--exact", "--format", "json", "--model", tiny)
    bare = run("compare", query, target, "--exact", "--no-align", "--format", "json", "--model", tiny)
    (one,), (other,) = json.loads(aligned.stdout), json.loads(bare.stdout)
    assert list(one) == [*COLUMNS, *EXACT_COLUMNS, *LIST_COLUMNS]
    assert {k for k in one if one[k] != other[k]} == {"lddt", "aligned", "seq_identity", *LIST_COLUMNS}
    assert 0.5 < one["exact_tm_query"] < 0.8  # TM-align of two zinc fingers
    assert len(one["aligned_query"]) == len(one["aligned_lddt"]) == one["aligned"]
    assert one["lddt"] == pytest.approx(sum(one["aligned_lddt"]) / one["aligned"], abs=1e-3)


def test_one_pair_as_a_table_is_the_alignment(run: Any, tiny: Path, globins: Path) -> None:
    shown = run("compare", f"{globins}:P69905", f"{globins}:P68871", "--format", "table", "--model", tiny).stdout
    assert "query   P69905  (142 residues)" in shown
    assert "MVhLTPEEKSAV" in shown or "MVLSPADKTNV" in shown
    assert "\x1b" not in shown


def test_exact_with_a_sequence_is_refused(run: Any, tiny: Path, fingers: Path, globins: Path) -> None:
    done = run("compare", fingers / "1ard.pdb", f"{globins}:P69905", "--exact", "--model", tiny, code=1)
    assert done.stderr == (
        "foldglass: exact comparison with 'P69905': a sequence; expected structures; leave out --exact\n"
    )
    assert not done.stdout
