"""The label engine: right values, the same bytes however it ran, and nothing lost when it is stopped."""

import json
import os
import pickle
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow.parquet as pq
import pytest

from foldglass.errors import InputError, MissingExtraError, NotFoundError, SkippedWarning
from foldglass.metrics.tm import tm_align
from foldglass.protein import Structure
from foldglass.tasks import label as module
from foldglass.tasks.label import label
from foldglass.tasks.label_pairs import read_pairs

# The same chains are made here and in the processes that are stopped.
MAKE_CHAINS = """
import numpy as np
from foldglass.protein import Structure

def chain(seed, length):
    rng = np.random.default_rng(seed)
    points = [np.zeros(3)]
    for _ in range(length - 1):
        step = rng.normal(size=3) - 0.15 * points[-1]
        points.append(points[-1] + 3.8 * step / np.linalg.norm(step))
    letters = "".join(rng.choice(list("ACDEFGHIKLMNPQRSTVWY"), size=length))
    return Structure(f"c{seed}", letters, ca=np.array(points, dtype=np.float32))

def chains(count):
    return [chain(seed, 20 + 3 * (seed % 5)) for seed in range(count)]
"""
_made: dict = {}
exec(MAKE_CHAINS, _made)
chain, chains = _made["chain"], _made["chains"]

STOPPABLE = (
    MAKE_CHAINS
    + """
if __name__ == "__main__":
    import sys, time
    from foldglass.tasks.label import label

    def progress(pairs):
        print(pairs, flush=True)
        time.sleep(0.2)  # enough for the signal to arrive before the end

    label(chains(20), None, sys.argv[1], workers=int(sys.argv[2]), progress=progress)
"""
)


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    """The table of all pairs of twenty chains, made in one go."""
    out = tmp_path_factory.mktemp("whole") / "labels.parquet"
    label(chains(20), None, out)
    return out


def stopped_after_two_parts(folder: Path, out: Path, workers: int, sent: signal.Signals) -> subprocess.Popen:
    script = folder / "run.py"
    script.write_text(STOPPABLE)
    process = subprocess.Popen(
        [sys.executable, script, out, str(workers)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    for _ in range(2):
        assert process.stdout.readline().strip() == "16"
    os.kill(process.pid, sent)
    return process


def test_rows_are_what_tm_align_says(tmp_path):
    structures = [chain(1, 31), chain(2, 43), chain(3, 37)]
    summary = label(structures, [(2, 0), (1, 2)], tmp_path / "out.parquet")
    assert summary == (tmp_path / "out.parquet", 2, 0)
    rows = pq.read_table(summary.out).to_pylist()
    for row, (i, j) in zip(rows, [(2, 0), (1, 2)], strict=True):
        found = tm_align(structures[i], structures[j])
        assert (row["query"], row["target"]) == (structures[i].id, structures[j].id)
        for name in ("tm_query", "tm_target", "rmsd", "seq_identity"):
            assert row[name] == pytest.approx(getattr(found, name), rel=1e-6)
        assert row["n_aligned"] == len(found.alignment) < len(structures[i])
        assert row["aligned_query"] == found.alignment[:, 0].tolist()
        assert row["aligned_target"] == found.alignment[:, 1].tolist()
        np.testing.assert_array_equal(np.array(row["lddt"], dtype=np.float32), found.lddt)
        np.testing.assert_array_equal(np.array(row["lddt_glass"], dtype=np.float32), found.lddt_glass)
        assert np.isnan(row["lddt"]).sum() == len(structures[i]) - len(found.alignment)


def test_all_vs_all_takes_each_pair_once_in_order(whole):
    table = pq.read_table(whole, columns=["query", "target"])
    names = [s.id for s in chains(20)]
    expected = [(a, b) for k, a in enumerate(names) for b in names[k + 1 :]]
    assert list(zip(table["query"].to_pylist(), table["target"].to_pylist(), strict=True)) == expected


def test_the_file_describes_itself(whole):
    described = json.loads(pq.read_schema(whole).metadata[b"foldglass"])
    assert described["lddt_radius"] == 15
    assert described["glass_exponent"] == 3
    assert described["tm_align"].startswith("tmtools ")
    assert list(described["columns"]) == pq.read_schema(whole).names


def test_two_workers_write_the_same_bytes(whole, tmp_path):
    done = []
    label(chains(20), None, tmp_path / "two.parquet", workers=2, progress=done.append)
    assert (tmp_path / "two.parquet").read_bytes() == whole.read_bytes()
    assert sum(done) == 190
    assert os.listdir(tmp_path) == ["two.parquet"]


def test_row_groups_have_a_fixed_size(whole, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_ROW_GROUP", 50)
    label(chains(20), None, tmp_path / "out.parquet")
    file = pq.ParquetFile(tmp_path / "out.parquet")
    assert [file.metadata.row_group(k).num_rows for k in range(file.num_row_groups)] == [50, 50, 50, 40]
    made, expected = pl.read_parquet(tmp_path / "out.parquet"), pl.read_parquet(whole)
    assert made.equals(expected)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_killed_run_goes_on(whole, tmp_path, workers):
    out = tmp_path / "labels.parquet"
    process = stopped_after_two_parts(tmp_path, out, workers, signal.SIGKILL)
    process.communicate(timeout=60)
    assert not out.exists()
    summary = label(chains(20), None, out)
    assert 32 <= summary.resumed < 190
    assert out.read_bytes() == whole.read_bytes()
    assert not (tmp_path / "labels.parquet.parts").exists()


@pytest.mark.parametrize("workers", [1, 2])
def test_an_interrupt_says_how_to_go_on(tmp_path, workers):
    out = tmp_path / "labels.parquet"
    process = stopped_after_two_parts(tmp_path, out, workers, signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode != 0
    assert "of 190 pairs are kept in" in errors
    assert "give the same command again to go on" in errors
    assert label(chains(20), None, out).resumed >= 32


def left_by_a_failure(out: Path) -> Path:
    """The folder of parts of a run that failed after its first part."""

    def fail(pairs: int) -> None:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        label(chains(20), None, out, progress=fail)
    return out.with_name("labels.parquet.parts")


def test_parts_of_another_input_are_not_used(tmp_path):
    out = tmp_path / "labels.parquet"
    assert len(list(left_by_a_failure(out).glob("part-*"))) == 1
    others = chains(20)[::-1]
    assert label(others, None, out).resumed == 0
    assert pq.read_table(out)["query"][0].as_py() == others[0].id


def test_a_broken_part_is_made_again(whole, tmp_path):
    out = tmp_path / "labels.parquet"
    (left_by_a_failure(out) / "part-00000.parquet").write_bytes(b"PAR1")
    assert label(chains(20), None, out).resumed == 0
    assert out.read_bytes() == whole.read_bytes()


def test_agrees_with_the_data_pack(data_pack, tmp_path):
    truth = pl.read_parquet(data_pack / "tm_pairs.parquet").slice(1000, 60)
    ids = pl.concat([truth["query"], truth["target"]]).unique(maintain_order=True).to_list()
    table = pl.scan_parquet(data_pack / "structures.parquet").filter(pl.col("id").is_in(ids)).collect()
    structures = [
        Structure(row["id"], row["sequence"], ca=np.frombuffer(row["ca_coords"], "<f4").reshape(-1, 3))
        for row in table.iter_rows(named=True)
    ]
    index = {structure.id: k for k, structure in enumerate(structures)}
    pairs = [(index[q], index[t]) for q, t in zip(truth["query"], truth["target"], strict=True)]
    label(structures, pairs, tmp_path / "out.parquet")
    made = pl.read_parquet(tmp_path / "out.parquet")
    for name in ("tm_query", "tm_target", "rmsd", "seq_identity"):
        np.testing.assert_allclose(made[name], truth[name], atol=1e-4)
    for name in ("aligned_query", "aligned_target"):
        assert made[name].to_list() == [np.frombuffer(raw, "<u2").tolist() for raw in truth[name]]


def test_short_chains_are_left_out_of_all_vs_all_and_refused_in_a_list(tmp_path):
    structures = [chain(1, 20), chain(2, 2), chain(3, 20)]
    expected = r"structure 'c2': left out, 2 residues; expected 3 to 65535 for TM-align"
    with pytest.warns(SkippedWarning, match=expected):
        assert label(structures, None, tmp_path / "out.parquet").pairs == 1
    skipped = []
    label(structures, None, tmp_path / "out.parquet", on_skip=skipped.append)
    assert len(skipped) == 1
    expected = r"structure 'c2': 2 residues; expected 3 to 65535 for TM-align; remove its pairs"
    with pytest.raises(InputError, match=expected):
        label(structures, [(0, 2), (0, 1)], tmp_path / "out.parquet")


def test_input_that_cannot_work_is_refused_before_any_work(tmp_path):
    one, two = chain(1, 10), chain(2, 10)
    out = tmp_path / "out.parquet"
    with pytest.raises(InputError, match="label: two structures called 'c1'; expected different ids; rename one"):
        label([one, one], None, out)
    with pytest.raises(InputError, match="label: 1 structures to compare; expected at least 2"):
        label([one], None, out)
    with pytest.raises(InputError, match="label: no pair; expected at least one"):
        label([one, two], [], out)
    with pytest.raises(InputError, match="label: a pair index outside 0 to 1"):
        label([one, two], [(0, 2)], out)
    with pytest.raises(NotFoundError, match="does not exist; create it or choose another output"):
        label([one, two], None, tmp_path / "missing" / "out.parquet")
    with pytest.raises(InputError, match="a folder; expected a file to write"):
        label([one, two], None, tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_folder_of_someone_else_is_left_alone(tmp_path):
    mine = tmp_path / "out.parquet.parts" / "thesis.txt"
    mine.parent.mkdir()
    mine.write_text("years of work")
    with pytest.raises(InputError, match="a folder that is not of this table"):
        label([chain(1, 10), chain(2, 10)], None, tmp_path / "out.parquet")
    assert mine.read_text() == "years of work"


def test_errors_come_home_from_a_worker():
    error = InputError("x.parquet", got="no space", remedy="free some")
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.got, type(again)) == (str(error), "no space", InputError)
    missing = MissingExtraError("plots", package="matplotlib", extra="train")
    assert str(pickle.loads(pickle.dumps(missing))) == str(missing)


def test_pair_lists_take_ids_paths_and_file_names(tmp_path):
    structures = [
        Structure("a", "AG", ca=np.zeros((2, 3)), source="in/a.pdb"),
        Structure("b_A", "AG", ca=np.zeros((2, 3)), source="in/b.cif"),
        Structure("b_B", "AG", ca=np.zeros((2, 3)), source="in/b.cif"),
    ]
    listed = tmp_path / "pairs.tsv"
    listed.write_text("query\ttarget\tnote\na\tb_B\n\nb_A\tin/a.pdb\tmine\na.pdb\tb_A\n")
    assert read_pairs(listed, structures) == [(0, 2), (1, 0), (0, 1)]
    for text, words in {
        "a\tb.cif": r"line 1: 'b.cif' holds 2 chains; expected one; give a chain's id",
        "a\tb_A\na\tz": r"line 2: 'z' is not in the input; expected an id or path of a structure",
        "a b_A": r"line 1: 'a b_A'; expected query and target with a tab between them",
    }.items():
        listed.write_text(text)
        with pytest.raises(InputError, match=words):
            read_pairs(listed, structures)
    with pytest.raises(NotFoundError, match="no such file; expected a pair list"):
        read_pairs(tmp_path / "none.tsv", structures)
