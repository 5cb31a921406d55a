import os
import re
import subprocess
import sys
from pathlib import Path

import lance
import numpy as np
import pyarrow as pa
import pytest

from foldglass.errors import InputError, ModelError, NotFoundError
from foldglass.protein import Sequence
from foldglass.search import database as module
from foldglass.search import database_writer, vector_index
from foldglass.search.database import Database
from foldglass.search.database_writer import DatabaseWriter
from foldglass.search.exact import search
from foldglass.search.metadata import Metadata


@pytest.fixture(scope="module")
def model(make_model):
    return make_model()


@pytest.fixture(scope="module")
def proteins(make_structure):
    rng = np.random.default_rng(0)
    sequences = [Sequence(f"p{i}", "".join(rng.choice(list("ACDEFGHIKL"), 20 + i))) for i in range(40)]
    return [*sequences, *(make_structure(30 + i, i) for i in range(10))]


@pytest.fixture
def database(tmp_path, model, proteins):
    return Database.build(tmp_path / "a.fg", proteins, model=model)


def contents(database):
    return {row["id"]: row for row in database.to_arrow(["id", "kind", "letters", "digest", "protein"]).to_pylist()}


def test_a_database_holds_what_was_embedded(database, model, proteins):
    rows = contents(database)
    assert list(rows) == [one.id for one in proteins]
    for embedding in model.embed(proteins):
        row = rows[embedding.id]
        assert (row["kind"], row["letters"]) == (embedding.kind, embedding.entity.letters)
        np.testing.assert_array_equal(row["protein"], embedding.protein.astype(np.float16))
    assert not database.residue and len(database) == 50
    again = database.embeddings([0, 45], model)
    assert [one.id for one in again.values()] == ["p0", proteins[45].id]
    np.testing.assert_array_equal(again[45].entity.ca, proteins[45].ca)
    np.testing.assert_allclose(again[45].residue, model.embed([proteins[45]])[0].residue, atol=1e-5)


@pytest.mark.parametrize("block_rows", [7, 2**18])
@pytest.mark.parametrize("kept_bytes", [0, 2**31])
def test_search_finds_what_a_search_of_the_embeddings_finds(
    database, model, proteins, monkeypatch, block_rows, kept_bytes
):
    monkeypatch.setattr(module, "_BLOCK_ROWS", block_rows)
    monkeypatch.setattr(module, "_KEPT_BYTES", kept_bytes)
    embeddings = model.embed(proteins)
    expected = search(embeddings[38:43], embeddings, model=model, k=6)
    for _ in range(2):  # from the disk, then from memory
        hits = database.search(embeddings[38:43], k=6)
        assert [(hit.query, hit.target, hit.rank) for hit in hits] == [(h.query, h.target, h.rank) for h in expected]
        np.testing.assert_allclose([hit.cosine for hit in hits], [hit.cosine for hit in expected], atol=2e-3)
    assert database.search(embeddings[:1]).to_arrow().column_names[:2] == ["query", "target"]
    assert database.search(embeddings[:1]).to_polars().shape == (10, 12)


def test_a_search_looks_only_at_entries_that_meet_the_filter(database, model, proteins):
    query = model.embed(proteins[:1])
    hits = database.search(query, k=50, filter="kind = 'sequence' AND length < 25")
    assert sorted(hit.target for hit in hits) == ["p0", "p1", "p2", "p3", "p4"]


@pytest.mark.parametrize(
    ("condition", "got"),
    [
        ("colour = 'red'", "no column colour"),
        ("length <", "no SQL (Expected: an expression, found: EOF)"),
        ("'a", "no SQL (Unterminated string literal at Line: 1, Column: 23)"),
        ("id", "a value"),
        ("length > 'a'", '"a" compared with a column of another type'),
        ("nofn(length) > 2", "no function 'nofn'"),
        ("sum(length) > 3", "SQL that is not supported"),
    ],
)
def test_a_condition_that_cannot_be_used_is_named_with_the_columns_there_are(database, model, condition, got):
    words = f"filter {condition!r}: {got}; expected a condition on id, kind, length, letters, source, chain, digest"
    query = model.embed([Sequence("q", "MKV")])
    for act in (
        lambda: database.search(query, filter=condition),
        lambda: database.search(query, filter=condition, approximate=True),
        lambda: database.remove(filter=condition),
        lambda: database.count(condition),
        lambda: database.entries(condition),
        lambda: database.to_arrow(filter=condition),
        lambda: list(database.to_batches(filter=condition)),
    ):
        with pytest.raises(InputError, match=f"^{re.escape(words)}$"):
            act()
    assert len(database) == 50


def test_proteins_that_are_there_are_left_alone(database, model, proteins):
    said = []
    twin = Sequence("twin", proteins[3].letters, "a.fasta")
    done = database.add([*proteins, twin, Sequence("new", "MKVLLA")], model=model, on_skip=said.append)
    assert (done.added, done.present, done.duplicates) == (1, 50, 1)
    assert said == ["a.fasta: 'twin' has the content of another entry; left out"]
    assert len(database) == 51


def test_an_id_with_other_content_is_refused_and_what_came_before_is_kept(database, model):
    with pytest.raises(InputError, match=r"id 'p3' again, with another content .* remove .* p3$"):
        database.add([Sequence("first", "MKV"), Sequence("p3", "MKV" * 9)], model=model)
    assert len(Database.open(database.path)) == 50  # the group of the wrong protein was not embedded yet


def test_another_model_is_refused(database, make_model, proteins):
    other = make_model(seed=1, name="other")
    with pytest.raises(ModelError, match="a database of model tiny@01234567; expected other@01234567"):
        database.add([Sequence("new", "MKV")], model=other)
    with pytest.raises(ModelError, match="models other@01234567 and tiny@01234567"):
        database.search(other.embed(proteins[:1]))


def test_metadata_are_joined_by_id_and_later_columns_are_null_before(tmp_path, database, model):
    table = tmp_path / "more.tsv"
    table.write_text("id\torganism\tyear\nnew\tyeast\t1996\nabsent\tfly\t2000\n")
    database.add([Sequence("new", "MKVLLA")], model=model, metadata=Metadata(table))
    database.add([Sequence("newer", "MKVLLAA")], model=model)
    rows = {row["id"]: row for row in database.to_arrow(["id", "organism", "year"]).to_pylist()}
    assert rows["new"] == {"id": "new", "organism": "yeast", "year": 1996}
    assert rows["p0"]["organism"] is rows["newer"]["year"] is None
    assert [hit.target for hit in database.search(model.embed([Sequence("q", "MKV")]), filter="year > 1990")] == ["new"]
    table.write_text("id\tyear\nlast\tunknown\n")
    with pytest.raises(InputError, match="metadata column 'year': values of type string; expected int64"):
        database.add([Sequence("last", "MMMMM")], model=model, metadata=Metadata(table))
    assert len(Database.open(database.path)) == 52


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name\ta\n", "the columns name, a; expected a column 'id'"),
        ("id\tletters\n", "the column 'letters', which the database has itself"),
        ("id\ta\nx\t1\nx\t2\n", "an id twice"),
        ("id\ta\nx\n", "no table"),
    ],
)
def test_metadata_that_cannot_be_joined(tmp_path, text, words):
    table = tmp_path / "more.tsv"
    table.write_text(text)
    with pytest.raises(InputError, match=words):
        Metadata(table)


def test_removed_entries_are_gone_and_may_come_back(database, model, proteins):
    assert database.remove(["p1", "p2", "it's not there"]) == 2
    assert database.remove(filter="length > 58 AND kind = 'sequence'") == 1
    assert set(contents(database)) == {one.id for one in proteins} - {"p1", "p2", "p39"}
    assert database.missing(["p1", "p0", "p39"]) == ["p1", "p39"]
    assert database.add(proteins, model=model).added == 3
    assert len(database) == 50


def test_small_parts_are_joined_and_nothing_changes(tmp_path, model, proteins, monkeypatch):
    monkeypatch.setattr(database_writer, "_CONVERTED", 2)
    monkeypatch.setattr(database_writer, "_PART_ROWS", 2)
    monkeypatch.setattr(database_writer, "_SMALL_FRAGMENTS", 1000)
    many = Database.build(tmp_path / "many.fg", proteins, model=model)
    assert len(lance.dataset(many.path).get_fragments()) == 25
    before = contents(many)
    monkeypatch.setattr(database_writer, "_SMALL_FRAGMENTS", 8)
    many.remove(["p0"])
    assert len(lance.dataset(many.path).get_fragments()) == 1
    assert contents(many) == {name: row for name, row in before.items() if name != "p0"}


def test_vectors_of_residues_are_kept_where_asked_for(tmp_path, model, proteins):
    kept = Database.build(tmp_path / "r.fg", proteins[38:42], model=model, residue=True)
    found = kept.embeddings([1, 3])
    for place, embedding in found.items():
        np.testing.assert_allclose(embedding.residue, model.embed([proteins[38 + place]])[0].residue, atol=2e-3)
    with pytest.raises(InputError, match="a database that holds vectors of residues; expected the same choice"):
        Database.build(kept.path, proteins, model=model, residue=False)


def test_vectors_of_residues_that_are_not_kept_need_the_model(database):
    with pytest.raises(InputError, match="no vectors of residues; give the model"):
        database.embeddings([0])


def test_a_second_writer_is_refused(database, model):
    with DatabaseWriter(database.path, model), pytest.raises(InputError, match="another process is writing to it"):
        database.remove(["p0"])
    assert database.remove(["p0"]) == 1


def test_a_later_version_another_kind_and_nothing_are_refused(tmp_path, database, model):
    path = tmp_path / "later.fg"
    table = database.to_arrow()
    metadata = {**table.schema.metadata, b"foldglass.schema": b"database/2", b"foldglass.version": b"9.0"}
    lance.write_dataset(table.replace_schema_metadata(metadata), path)
    for attempt in (Database.open, lambda path: Database.build(path, [Sequence("x", "MKV")], model=model)):
        with pytest.raises(InputError, match=r"version database/2, written by foldglass 9\.0; expected database/1"):
            attempt(path)
    lance.write_dataset(pa.table({"x": [1]}), tmp_path / "other")
    with pytest.raises(InputError, match="a Lance dataset of another kind"):
        Database.open(tmp_path / "other")
    with pytest.raises(NotFoundError, match="no database there; make one with: foldglass db build"):
        Database.open(tmp_path / "nothing.fg")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("mine")
    with pytest.raises(InputError, match="a folder with other files"):
        Database.build(tmp_path / "full", [Sequence("x", "MKV")], model=model)


def test_a_truncated_file_is_one_clear_error(database, model, proteins):
    (data,) = (Path(database.path) / "data").iterdir()
    os.truncate(data, data.stat().st_size // 2)
    with pytest.raises(InputError, match=r"a\.fg: cannot be read or written"):
        Database.open(database.path).search(model.embed(proteins[:1]))


_FULL = """
import resource, signal, sys
import pyarrow as pa
from foldglass.search.database_format import explained_lance
import lance
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
table = pa.table({"x": range(100_000)})
try:
    with explained_lance("full.fg"):
        lance.write_dataset(table, sys.argv[1])
except Exception as error:
    print(type(error).__name__, error)
"""


def test_a_full_disk_is_one_clear_error(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", _FULL, str(tmp_path / "full.fg")], capture_output=True, text=True, check=True
    )
    assert done.stdout == (
        "InputError full.fg: the disk is full; free some space and give the same command again; what was there before "
        "is unharmed\n"
    )


def test_a_first_build_that_fails_before_a_commit_leaves_nothing(tmp_path, model, proteins):
    def broken():
        raise InputError("b.pdb", got="no C-alpha atom")
        yield

    with pytest.raises(InputError, match=r"b\.pdb"):
        Database.build(tmp_path / "a.fg", broken(), model=model)
    assert not list(tmp_path.iterdir())
    (tmp_path / "b.fg").mkdir()
    (tmp_path / "b.fg/notes.txt").write_text("mine")
    with pytest.raises(InputError, match="a folder with other files"):
        Database.build(tmp_path / "b.fg", proteins, model=model)
    assert (tmp_path / "b.fg/notes.txt").is_file()


def test_the_index_follows_additions_and_removals(tmp_path, database, model, monkeypatch):
    monkeypatch.setattr(vector_index, "_LEAST_ROWS", 40)
    queries = model.embed([Sequence("q1", "MKVLLA"), Sequence("q2", "ACDEFGHIKLACDEFGHIKL")])
    with pytest.raises(InputError, match=r"no approximate index; make one with: foldglass db add .* --index"):
        database.search(queries, approximate=True)
    database.index()
    assert database.indexed == 50
    exact = database.search(queries, k=5)
    near = database.search(queries, k=5, approximate=True)
    assert [hit.target for hit in near] == [hit.target for hit in exact]  # 64 probes are all 7 parts
    assert [(hit.cosine, hit.index) for hit in near] == [(hit.cosine, hit.index) for hit in exact]
    database.add([Sequence("new", "MKVLLA")], model=model)
    assert database.indexed == 51
    assert database.search(queries[:1], approximate=True)[0].target == "new"
    database.remove(["new"])
    assert "new" not in {hit.target for hit in database.search(queries, k=99, approximate=True)}
    limited = database.search(queries, k=99, filter="length < 25", approximate=True)
    assert {hit.target for hit in limited} == {"p0", "p1", "p2", "p3", "p4"}


def test_few_entries_need_no_index(database):
    with pytest.raises(InputError, match="50 entries; expected at least 5,000 for an index"):
        database.index()


def test_rows_that_came_after_the_index_are_found_before_it_is_updated(database, model, monkeypatch):
    monkeypatch.setattr(vector_index, "_LEAST_ROWS", 40)
    database.index()
    monkeypatch.setattr(database_writer, "tidy", lambda dataset, older_than: None)
    database.add([Sequence("new", "MKVLLA")], model=model)
    assert database.indexed == 50
    assert database.search(model.embed([Sequence("q", "MKVLLA")]), approximate=True)[0].target == "new"


def test_who_has_a_database_open_sees_the_version_that_was_opened(database, model, proteins, monkeypatch):
    monkeypatch.setattr(database_writer, "_SMALL_FRAGMENTS", 0)  # every change rewrites the files
    reader = Database.open(database.path)
    database.add([Sequence("new", "MKVLLA")], model=model)
    database.remove(["p0"])
    assert sorted(contents(reader)) == sorted(one.id for one in proteins)
    assert reader.search(model.embed(proteins[:1]), k=1)[0].target == "p0"
    assert database.search(model.embed(proteins[:1]), k=1)[0].target != "p0"
