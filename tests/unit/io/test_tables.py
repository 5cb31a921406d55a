import errno
import io
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from foldglass.errors import InputError, NotFoundError, UsageError
from foldglass.io.tables import FORMATS, format_of, write_rows

NAN = float("nan")
COLUMNS = ["query", "tm", "rank", "note", "lddt", "same"]
ROWS = [
    {"rank": 1, "query": "a", "tm": 0.123456, "note": "tab\there\nand \\", "lddt": np.array([0.5, NAN]), "same": True},
    {"query": "b [bold]", "tm": np.float32(NAN), "rank": np.int64(2), "note": None, "lddt": [], "same": False, "x": 1},
    {"query": "c", "tm": 4.2e-7, "rank": 3},
]


def written(format: str, path: Path, rows: list[dict[str, object]] = ROWS) -> str:
    assert write_rows(COLUMNS, rows, format, path) == len(rows)
    return path.read_text()


def test_tsv(tmp_path: Path) -> None:
    assert written("tsv", tmp_path / "a.tsv") == (
        "query\ttm\trank\tnote\tlddt\tsame\n"
        "a\t0.1235\t1\ttab\\there\\nand \\\\\t[0.5,null]\ttrue\n"
        "b [bold]\t\t2\t\t[]\tfalse\n"
        "c\t4.2e-07\t3\t\t\t\n"
    )


@pytest.mark.parametrize("format", ["json", "jsonl"])
def test_json_holds_null_for_what_is_not_there(tmp_path: Path, format: str) -> None:
    text = written(format, tmp_path / "a")
    rows = json.loads(text) if format == "json" else [json.loads(line) for line in text.splitlines()]
    assert "NaN" not in text
    assert [list(row) for row in rows] == [COLUMNS] * 3
    assert rows[0] == {
        "query": "a",
        "tm": 0.1235,
        "rank": 1,
        "note": "tab\there\nand \\",
        "lddt": [0.5, None],
        "same": True,
    }
    assert rows[1]["tm"] is None
    assert rows[2]["tm"] == 4.2e-7


def test_parquet_keeps_all_digits_and_the_parameters(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    write_rows(COLUMNS, ROWS, "parquet", path, metadata={"k": "10"})
    table = pq.read_table(path)
    assert table.column_names == COLUMNS
    assert table["tm"].to_pylist() == [0.123456, None, 4.2e-7]
    assert table.schema.metadata == {b"k": b"10"}


def test_table_for_people(tmp_path: Path) -> None:
    lines = written("table", tmp_path / "a").splitlines()
    assert lines[0].split() == COLUMNS
    assert "b [bold]" in lines[-2]
    assert "\x1b" not in "".join(lines)


@pytest.mark.parametrize("format", FORMATS)
def test_no_rows(tmp_path: Path, format: str) -> None:
    path = tmp_path / "a"
    assert write_rows(["query", "tm"], [], format, path) == 0
    if format == "json":
        assert json.loads(path.read_text()) == []
    elif format == "parquet":
        assert pq.read_table(path).column_names == ["query", "tm"]
    else:
        assert path.read_text().split() == ([] if format in ("jsonl", "m8") else ["query", "tm"])


@pytest.mark.parametrize("format", ["tsv", "json", "jsonl"])
def test_rows_stream(monkeypatch: pytest.MonkeyPatch, format: str) -> None:
    sink = io.StringIO()
    monkeypatch.setattr(sys, "stdout", sink)

    def rows() -> Iterator[dict[str, str]]:
        yield {"query": "first"}
        assert "first" in sink.getvalue()
        yield {"query": "second"}

    assert write_rows(["query"], rows(), format) == 2


@pytest.mark.parametrize("format", FORMATS)
def test_failure_leaves_no_part(tmp_path: Path, format: str) -> None:
    def rows() -> Iterator[dict[str, str]]:
        yield {"query": "first"}
        raise ValueError("in the middle")

    with pytest.raises(ValueError, match="in the middle"):
        write_rows(["query"], rows(), format, tmp_path / "a")
    assert list(tmp_path.iterdir()) == []


def test_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full(io.StringIO):
        def write(self, text: str) -> int:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "open", lambda *args, **options: Full())
    with pytest.raises(InputError, match=r"a\.tsv: cannot be written \(No space left on device\); free some space"):
        write_rows(["query"], [{"query": "a"}], "tsv", tmp_path / "a.tsv")


def test_wrong_usage(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--format: 'xml'; expected one of table, tsv, m8, json, jsonl, parquet"):
        write_rows(["query"], [], "xml")
    with pytest.raises(UsageError, match="--format parquet: no output file; name one with -o"):
        write_rows(["query"], [], "parquet")
    with pytest.raises(NotFoundError, match=r"the folder .* does not exist; create it"):
        write_rows(["query"], [], "tsv", tmp_path / "no" / "a.tsv")


def test_format_without_terminal_is_tsv() -> None:
    assert format_of(None, None) == "tsv"
    assert format_of(Path("a.JSONL"), None) == "jsonl"
    assert format_of(Path("a.tsv"), "json") == "json"
