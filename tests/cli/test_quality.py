"""`foldglass quality` and its evaluation, as a person runs them."""

import json
from pathlib import Path
from typing import Any

import gemmi
import numpy as np
import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
SCORES = ("gdt_ts", "gdt_ha", "tm", "lddt")
COLUMNS = ["rank", "model", *SCORES, *(f"{score}_{end}" for score in SCORES for end in ("low", "high")), "residues"]
COLUMNS.append("others")


def test_a_folder_is_ranked_and_every_residue_is_judged(
    run: Any, tiny_quality: Path, fingers: Path, tmp_path: Path
) -> None:
    out = tmp_path / "judged"
    done = run("quality", fingers, "-o", out, "--model", tiny_quality)
    head, *lines = (line.split("\t") for line in done.stdout.splitlines())
    assert head == COLUMNS
    rows = [dict(zip(head, line, strict=True)) for line in lines]
    assert [row["rank"] for row in rows] == ["1", "2", "3", "4"]
    scores = [float(row["gdt_ts"]) for row in rows]
    assert scores == sorted(scores, reverse=True) and len(set(scores)) == 4
    for row in rows:
        for score in SCORES:
            assert 0 <= float(row[f"{score}_low"]) <= float(row[score]) <= float(row[f"{score}_high"]) <= 1
    assert "notes.txt: an unknown format; expected" in done.stderr and "the file left out" in done.stderr
    assert f"{out}: 4 models, predicted lDDT in the B-factor column" in done.stderr
    assert sorted(path.name for path in out.iterdir()) == sorted(f"{row['model']}.pdb" for row in rows)
    for row in rows:
        atoms = [found.atom for found in gemmi.read_structure(str(out / f"{row['model']}.pdb"))[0].all()]
        assert len(atoms) == int(row["residues"])
        values = [atom.b_iso for atom in atoms]
        assert 0 < min(values) < max(values) < 1


def test_formats_hold_the_residues(run: Any, tiny_quality: Path, tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow.parquet")
    source = f"{EXAMPLES / '1hpv.pdb'}:B"
    (row,) = json.loads(run("quality", source, "--format", "json", "--model", tiny_quality).stdout)
    assert row["model"] == "1hpv_B" and row["residues"] == len(row["residue_lddt"]) == 99
    assert row["residue_number"][:2] == ["1", "2"]
    run("quality", source, "--scores", tmp_path / "s.parquet", "--model", tiny_quality)
    table = pyarrow.read_table(tmp_path / "s.parquet")
    assert table.column_names == [*COLUMNS, "residue_number", "residue_lddt"]
    np.testing.assert_allclose(table["residue_lddt"][0].as_py(), row["residue_lddt"], atol=1e-4)
    assert table.schema.metadata[b"foldglass.model"].startswith(b"tiny-quality@")
    shown = run("quality", source, "--format", "table", "--model", tiny_quality, "-o", tmp_path / "cif", "--cif").stdout
    assert shown.split("\n")[0].split() == [*COLUMNS[:8], "residues", "others"]
    assert [path.name for path in (tmp_path / "cif").iterdir()] == ["1hpv_B.cif"]


def test_chains_are_judged_one_by_one_only_if_asked(run: Any, tiny_quality: Path) -> None:
    source = EXAMPLES / "1hpv.pdb"
    done = run("quality", source, "--model", tiny_quality, code=1)
    assert "1hpv.pdb: 2 protein chains (A, B); expected a model of one chain; name one, as file.pdb:A" in done.stderr
    lines = run("quality", source, "--all-chains", "--model", tiny_quality).stdout.splitlines()
    assert {tuple(line.split("\t")[k] for k in (1, -1)) for line in lines[1:]} == {("1hpv_A", "0"), ("1hpv_B", "0")}


def test_models_of_one_protein_are_judged_together_unless_told_otherwise(
    run: Any, tiny_quality: Path, tmp_path: Path
) -> None:
    for chain in "AB":
        run("denoise", f"{EXAMPLES / '1hpv.pdb'}:{chain}", "-o", tmp_path / f"{chain}.pdb", "--step", "0.001")
    scores = {}
    for options in ([], ["--alone"]):
        done = run("quality", tmp_path, "--model", tiny_quality, "--format", "json", *options)
        rows = {row["model"]: row for row in json.loads(done.stdout)}
        assert [row["others"] for row in rows.values()] == [0 if options else 1] * 2
        scores[bool(options)] = rows["A"]["gdt_ts"]
    (single,) = json.loads(run("quality", tmp_path / "A.pdb", "--model", tiny_quality, "--format", "json").stdout)
    assert scores[True] == single["gdt_ts"] != scores[False]


def test_bad_input_is_one_line_and_leaves_nothing(
    run: Any, tiny: Path, tiny_quality: Path, globins: Path, tmp_path: Path
) -> None:
    atom = "ATOM  {n:5d}  CA  GLY A{n:4d}    {x:8.3f}  12.000  13.000  1.00 10.00           C  \n"
    inputs, out = tmp_path / "in", tmp_path / "out"
    inputs.mkdir()
    for name, length in (("nine", 9), ("good", 23)):
        (inputs / f"{name}.pdb").write_text("".join(atom.format(n=n, x=n * 3.8) for n in range(1, length + 1)))
    (inputs / "dna.pdb").write_text(
        "ATOM      1  C1'  DA A   1      11.000  12.000  13.000  1.00 10.00           C  \n"
    )
    good = inputs / "good.pdb"
    for source, options, code, words in (
        (inputs / "nine.pdb", [], 1, "structure 'nine': 9 residues; expected at least 10 to judge"),
        (inputs / "dna.pdb", [], 1, "dna.pdb: no C-alpha atom (chain A is nucleic acid); expected a protein chain"),
        (globins, [], 1, "record 'P69905': a sequence; expected a structure model to judge"),
        (good, ["--model", tiny], 1, "a siamese model; expected a quality model"),
        (good, ["-o", good], 1, "good.pdb: a file; expected a folder for the models"),
        (good, ["--format", "parquet"], 2, "--format parquet: no output file; name one with --scores"),
        (good, ["-o", tmp_path / "no" / "out"], 1, "the folder"),
    ):
        arguments = ["-o", out, "--model", tiny_quality, *options]
        done = run("quality", source, *arguments, code=code)
        assert words in done.stderr and done.stderr.count("\n") == 1, done.stderr
        assert not done.stdout and not out.exists()


def test_evaluating_a_quality_model_needs_its_tables(run: Any, tiny_quality: Path, tmp_path: Path) -> None:
    done = run("evaluate", tiny_quality, tmp_path, "-o", tmp_path / "r.html", code=1)
    assert "decoys.parquet: no such table" in done.stderr
    done = run("evaluate", tiny_quality, tmp_path, "-o", tmp_path / "r.html", "--split", "pair", code=2)
    assert "expected no split: it has one" in done.stderr


def test_evaluating_inverse_folding_needs_its_tables_and_has_one_split(run: Any, tmp_path: Path) -> None:
    done = run("evaluate", "inverse", tmp_path, "-o", tmp_path / "r.html", code=1)
    assert "decoys.parquet: no such table" in done.stderr
    done = run("evaluate", "inverse", tmp_path, "-o", tmp_path / "r.html", "--split", "pair", code=2)
    assert "--split pair: the inverse-folding model inverse; expected no split: it has one" in done.stderr
    assert not list(tmp_path.iterdir())
