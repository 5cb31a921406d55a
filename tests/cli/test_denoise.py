import re
from pathlib import Path
from typing import Any

import gemmi
import numpy as np
import pytest

from foldglass.io.structure import read_structures

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.mark.parametrize("name", ["refined.pdb", "refined.cif"])
def test_refined_trace_and_strain(run: Any, tiny_score: Path, tmp_path: Path, name: str) -> None:
    source, out = EXAMPLES / "1hpv.pdb", tmp_path / name
    done = run("denoise", f"{source}:B", "-o", out, "--model", tiny_score, "--sigma", "1")
    assert not done.stdout
    line = re.search(
        rf"^{re.escape(str(out))}: 1hpv_B, 99 residues, moved by (\S+) A \(RMSD\), mean strain (\S+) at 1 A, "
        r"with tiny-score@[0-9a-f]{8}$",
        done.stderr,
        re.MULTILINE,
    )
    assert line, done.stderr
    (given,), (found,) = read_structures(source, chain="B"), read_structures(out)
    assert (found.chain, found.numbering, found.letters) == ("B", given.numbering, given.letters)
    moved = np.sqrt(((found.ca - given.ca) ** 2).sum(axis=1).mean())
    assert moved == pytest.approx(float(line[1]), abs=0.01) and moved > 0.005
    strain = [row.atom.b_iso for row in gemmi.read_structure(str(out))[0].all()]
    assert np.mean(strain) == pytest.approx(float(line[2]), abs=0.01)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_bad_input_is_one_line_and_leaves_nothing(
    run: Any, tiny: Path, tiny_score: Path, globins: Path, tmp_path: Path
) -> None:
    inputs, outputs = tmp_path / "in", tmp_path / "out"
    inputs.mkdir(), outputs.mkdir()
    atom = "ATOM  {n:5d}  CA  GLY A{n:4d}    {x:8.3f}  12.000  13.000  1.00 10.00           C  \n"
    (inputs / "empty.pdb").write_bytes(b"")
    for name, length in (("two", 2), ("three", 3), ("long", 3001)):
        (inputs / f"{name}.pdb").write_text("".join(atom.format(n=n, x=n * 0.5) for n in range(1, length + 1)))
    good = inputs / "three.pdb"
    for source, options, code, words in (
        (f"{globins}:P69905", [], 1, "the sequence 'P69905'; expected a structure: it reads coordinates"),
        (globins, [], 1, "8 proteins (P69905, "),
        (inputs / "empty.pdb", [], 1, "empty.pdb: an empty file"),
        (inputs / "two.pdb", [], 1, "structure 'two': 2 residues; expected at least 3"),
        (inputs / "long.pdb", [], 1, "structure 'long': 3001 residues; expected at most 3000"),
        (good, ["-o", outputs / "a.xyz"], 2, "a.xyz: the extension '.xyz'; expected .pdb or .cif"),
        (good, ["-o", outputs / "no" / "a.pdb"], 1, "the folder"),
        (good, ["--step", "0"], 1, "denoise, step: 0; expected above 0, to 2"),
        (good, ["--model", tiny], 1, "a siamese model; expected a score model"),
    ):
        arguments = ["-o", outputs / "a.pdb", "--model", tiny_score, *options]
        done = run("denoise", source, *arguments, code=code)
        assert words in done.stderr and done.stderr.count("\n") == 1, done.stderr
        assert not done.stdout
    assert not list(outputs.iterdir())
    run("denoise", good, "-o", outputs / "a.pdb", "--model", tiny_score)
    (outputs / "a.pdb").write_text("old")
    run("denoise", inputs / "two.pdb", "-o", outputs / "a.pdb", "--model", tiny_score, code=1)
    assert (outputs / "a.pdb").read_text() == "old"
