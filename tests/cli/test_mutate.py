import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import gemmi
import numpy as np
import pyarrow.parquet as pq
import pytest

from foldglass.app.mutation_columns import COLUMNS, EXACT_COLUMNS, LIST_COLUMNS
from foldglass.io.read import read
from foldglass.io.structure import read_structures
from foldglass.io.trace import write_trace

EXAMPLES = Path(__file__).parents[2] / "examples"
PROTEASE = f"{EXAMPLES / '1hpv.pdb'}:B"


def rows(text: str) -> list[dict[str, str]]:
    head, *lines = text.splitlines()
    return [dict(zip(head.split("\t"), line.split("\t"), strict=True)) for line in lines]


def test_notation_on_a_structure(run: Any, tiny: Path) -> None:
    done = run("mutate", PROTEASE, "I50V,p.Val82Ala+I84V", "Q2del", "--model", tiny, "--background", "20")
    found = rows(done.stdout)
    assert list(found[0]) == list(COLUMNS)
    assert [row["mutation"] for row in found] == ["I50V", "V82A+I84V", "Q2del"]
    assert {row["wild"] for row in found} == {"1hpv_B"} and found[0]["mutant"] == "1hpv_B:I50V"
    for row in found:
        assert row["kind"] == "sequence" and float(row["space_reach"]) > 0
        steps = float(row["p_value"]) * 21
        assert steps == pytest.approx(round(steps), abs=2e-3) and 1 <= round(steps) <= 21


def test_lists_in_files_and_fasta_of_variants(run: Any, tiny: Path, globins: Path, tmp_path: Path) -> None:
    wild = f"{globins}:P69905"
    listed = tmp_path / "mutations.txt"
    listed.write_text("# two\nV2A\nL3G+S4A\n")
    letters = read(wild)[0].letters
    variants = tmp_path / "variants.fasta"
    variants.write_text(f">same\n{letters}\n>one\n{letters[:1]}A{letters[2:]}\n>short\n{letters[:60]}{letters[61:]}\n")
    done = run("mutate", wild, listed, variants, "--model", tiny, "--background", "0", "--format", "jsonl")
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["mutation"] for row in found[:3]] == ["V2A", "L3G+S4A", "V2A"]
    assert [row["mutant"] for row in found] == ["P69905:V2A", "P69905:L3G+S4A", "one", "short"]
    assert found[0]["shift"] == found[2]["shift"] and found[0]["p_value"] is None
    assert list(found[0]) == [*COLUMNS, *LIST_COLUMNS]
    assert found[0]["residue"][:2] == ["M1", "V2"] and found[0]["residue_sequence_distance"][:3] == [1, 0, 1]
    assert len(found[0]["residue_lddt"]) == 142 and found[0]["residue_space_distance"][0] is None
    assert "same: the sequence of the wild type; left out" in done.stderr


def test_two_structures_are_measured(run: Any, tiny: Path, tmp_path: Path) -> None:
    (protease,) = read_structures(EXAMPLES / "1hpv.pdb", chain="B")
    moved = protease.ca + np.where(np.arange(99)[:, None] < 60, 0, [1.0, 0.5, 0.0]).astype(np.float32)
    letters = protease.letters[:49] + "V" + protease.letters[50:]
    write_trace(tmp_path / "mutant.pdb", replace(protease, letters=letters, ca=moved), np.zeros(99), title="moved")
    figure = tmp_path / "figure.png"
    done = run("mutate", PROTEASE, tmp_path / "mutant.pdb", "--model", tiny, "-o", figure, "--format", "tsv")
    (row,) = rows(done.stdout)
    assert list(row) == [*COLUMNS, *EXACT_COLUMNS]
    assert (row["mutation"], row["kind"], row["p_value"]) == ("I50V", "structure", "")
    assert 0.2 < float(row["exact_rmsd"]) < 1.2 and 0.8 < float(row["exact_lddt_glass"]) < 1
    assert figure.read_bytes().startswith(b"\x89PNG")


def test_scan_of_a_region_to_every_kind_of_file(run: Any, tiny: Path, tmp_path: Path) -> None:
    table, figure, trace = tmp_path / "a.parquet", tmp_path / "a.svg", tmp_path / "a.pdb"
    outputs = [value for path in (table, figure, trace) for value in ("-o", path)]
    done = run("mutate", PROTEASE, "--region", "49-51", "--model", tiny, "--background", "10", *outputs)
    assert not done.stdout
    stored = pq.read_table(table)
    assert stored.column_names == list(COLUMNS) and stored.num_rows == 3 * 19
    names = stored["mutation"].to_pylist()
    assert names[0] == "G49A" and names[-1] == "G51Y"
    assert b"foldglass.model" in stored.schema.metadata
    assert "log-odds (dots: wild type)" in figure.read_text()
    odds = stored["log_odds"].to_pylist()
    assert len(set(odds)) == 3 * 19 and max(map(abs, odds)) < 20
    values = [row.atom.b_iso for row in gemmi.read_structure(str(trace))[0].all()]
    assert len(values) == 99 and 48 <= max(range(99), key=values.__getitem__) <= 50


def test_log_odds_of_another_model(run: Any, tiny: Path, tmp_path: Path) -> None:
    (tmp_path / "a.fasta").write_text(">a\nMKV\n")
    table, figure = tmp_path / "odds.tsv", tmp_path / "a.svg"
    letters = "ACDEFGHIKLMNPQRSTVWY"
    lines = ["\t".join(letters), *("\t".join(str(-0.5 * (i + k)) for k in range(20)) for i in range(3))]
    table.write_text("\n".join(lines) + "\n")
    given = ("--log-probabilities", table, "--model", tiny, "--format", "tsv", "--background", "0")
    found = rows(run("mutate", tmp_path / "a.fasta", "K2A", "K2del", *given).stdout)
    assert [row["log_odds"] for row in found] == ["4.0000", ""]
    scan = run("mutate", tmp_path / "a.fasta", "--region", "2", *given, "-o", figure).stdout
    assert {row["mutation"]: row["log_odds"] for row in rows(scan)}["K2W"] == "-5.0000"
    assert "log-odds (dots: wild type)" in figure.read_text()
    table.write_text("\n".join(lines[:3]))
    done = run("mutate", tmp_path / "a.fasta", "K2A", *given, code=1)
    assert "odds.tsv: 2 residues; expected the 3 of 'a'" in done.stderr and done.stderr.count("\n") == 1


def test_a_whole_scan_compares_with_itself(run: Any, tiny: Path, tmp_path: Path) -> None:
    (tmp_path / "a.fasta").write_text(">a\nMKV\n")
    found = rows(run("mutate", tmp_path / "a.fasta", "--scan", "--model", tiny, "--format", "tsv").stdout)
    assert len(found) == 57
    largest = max(found, key=lambda row: float(row["shift"]))
    assert float(largest["p_value"]) == pytest.approx(2 / 58, abs=1e-4)


def test_bad_input_is_one_line_and_leaves_nothing(run: Any, tiny: Path, globins: Path, tmp_path: Path) -> None:
    inputs, outputs = tmp_path / "in", tmp_path / "out"
    inputs.mkdir(), outputs.mkdir()
    (inputs / "wrong.txt").write_text("V2A\nK3A\n")
    (inputs / "typo.txt").write_text("V2\n")
    atom = "ATOM  {n:5d}  CA  GLY {c}{n:4d}    {x:8.3f}  12.000  13.000  1.00 10.00           C  \n"
    (inputs / "two.pdb").write_text("".join(atom.format(n=n, c=c, x=3.8 * n) for c in "AB" for n in range(1, 4)))
    wild = f"{globins}:P69905"
    for arguments, code, words in (
        ([wild], 2, "mutate: no mutation; expected mutations, files, --scan or --region"),
        ([wild, "V2A", "--scan"], 2, "mutations with --scan or --region; expected one of them"),
        ([wild, "V3A"], 1, "mutation 'V3A' of 'P69905': residue 3 is L (M1 V2 [L3] S4 P5 A6); expected V"),
        ([wild, inputs / "wrong.txt"], 1, "mutation 'K3A' of 'P69905': residue 3 is L"),
        ([wild, "V2A", "--physics"], 2, "mutate --physics: a sequence as the wild type; expected a structure"),
        ([wild, "--scan", "--physics"], 2, "mutate --physics: a scan; expected mutations"),
        ([wild, inputs / "typo.txt"], 1, "mutation 'V2' of 'P69905': not understood; expected such as A123G"),
        ([wild, "V2fs"], 1, "mutation 'V2fs' of 'P69905': not understood; expected such as A123G"),
        ([wild, "v2a"], 1, "mutation 'v2a' of 'P69905': not understood; expected such as A123G"),
        ([wild, "V2A", "-o", outputs / "a.gif"], 2, "a.gif: the extension '.gif'; expected .tsv, .txt, .json"),
        ([globins, "V2A"], 1, "8 proteins (P69905, "),
        ([PROTEASE, inputs / "two.pdb"], 1, "2 proteins (two_A, two_B); expected one chain; name one, as file.pdb:A"),
        ([wild, "no-such-file.pdb"], 1, "no such file or folder"),
        ([wild, "--region", "140-150"], 1, "region '140-150' of 'P69905': no residue 150; expected 1 to 142"),
        ([wild, "V2A", "-o", outputs / "a.pdb"], 2, "a.pdb: a sequence as the wild type; expected a structure"),
        ([wild, "V2A", "-o", outputs / "a.tsv", "-o", outputs / "b.tsv"], 2, "2 files for the results; expected one"),
        ([wild, "V2A", "-o", outputs / "no" / "a.svg"], 1, "the folder"),
        ([wild, ",".join(f"V2{a}" for a in "ACDEFGHIK"), "-o", outputs / "a.svg"], 2, "9 mutations in one figure"),
    ):
        done = run("mutate", *arguments, "--model", tiny, "--background", "0", code=code)
        assert words in done.stderr and done.stderr.count("\n") == 1, done.stderr
        assert not done.stdout
    assert not list(outputs.iterdir())


def test_the_columns_are_documented_in_their_order() -> None:
    page = (EXAMPLES.parent / "docs" / "mutation.md").read_text()
    table = page.split("| column | meaning |")[1].split("\n\n")[0]
    cells = [line.split(" | ") for line in table.splitlines()[2:]]
    named = re.findall(r"`(\w+)`", " ".join(first for first, _ in cells))
    of_residues = re.findall(r"`(residue_\w+)`", cells[-1][1])
    assert [*named, *of_residues] == [*COLUMNS, *EXACT_COLUMNS, *LIST_COLUMNS]
