"""`foldglass sites` as people run it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gemmi
import pytest

from foldglass.io.structure import read_structures
from foldglass.models.sites_model import SitesModel, save_sites_model

EXAMPLES = Path(__file__).parents[2] / "examples"
DIMER = EXAMPLES / "1hpv.pdb"


@pytest.fixture(scope="module")
def tiny_sites(tmp_path_factory: pytest.TempPathFactory, make_sites_model: Callable[..., SitesModel]) -> Path:
    folder = tmp_path_factory.mktemp("models") / "tiny-sites"
    save_sites_model(make_sites_model(), folder, card="# tiny-sites\n\nRandom weights, for tests.\n")
    return folder


def test_complex_with_its_true_interface(run: Any, tiny_sites: Path, tmp_path: Path) -> None:
    out, picture = tmp_path / "sites.pdb", tmp_path / "sites.html"
    options = ["--model", tiny_sites, "--rows", "residues", "--format", "json"]
    done = run("sites", DIMER, *options, "-o", out, "--picture", picture)
    rows = json.loads(done.stdout)
    assert len(rows) == 198 and {row["protein"] for row in rows} == {"1hpv_A", "1hpv_B"}
    true = [row for row in rows if row["interface"]]
    assert 40 < len(true) < 90  # HIV protease is an intertwined dimer
    assert all((row["area_lost"] > 1) == row["interface"] for row in rows)
    assert {"50", "97", "99"} <= {row["residue"] for row in true}  # flap tips and the C-terminal sheet
    written = gemmi.read_structure(str(out))[0]
    assert [len(chain) for chain in written] == [99, 99]
    assert [len(next(iter(chain.first_conformer()))) for chain in written] == [7, 7]  # all atoms of a proline
    factors = [residue[0].b_iso for chain in written for residue in chain]
    assert factors == pytest.approx([row["probability"] for row in rows], abs=0.006)
    assert [found.letters for found in read_structures(out)] == [found.letters for found in read_structures(DIMER)]
    page = picture.read_text()
    assert page.count("<circle") == 198 and page.count('class="t"') == len(true)
    assert done.stderr.count("truly touch a partner: precision") == 2


def test_rows_of_sites_and_chains(run: Any, tiny_sites: Path, tmp_path: Path) -> None:
    options = ["--model", tiny_sites, "--threshold", "0.3"]
    sites = [line.split("\t") for line in run("sites", f"{DIMER}:B", *options).stdout.splitlines()]
    assert sites[0] == ["protein", "site", "residues", "probability", "interface", "members"]
    assert all(len(line[5].split()) == int(line[2]) and line[4] == "" for line in sites[1:])  # no partner is given
    out = tmp_path / "chains.tsv"
    run("sites", DIMER, *options, "--rows", "chains", "-o", out)
    head, *chains = (line.split("\t") for line in out.read_text().splitlines())
    assert head[:6] == ["protein", "residues", "called", "sites", "mean_probability", "interface"]
    assert head[6:] == ["precision", "recall", "f1", "mcc", "auprc"]
    assert [chain[0] for chain in chains] == ["1hpv_A", "1hpv_B"] and all(float(chain[10]) > 0.1 for chain in chains)
    assert int(chains[1][2]) == sum(int(line[2]) for line in sites[1:])


def test_what_cannot_be_done_is_one_line(run: Any, tiny_sites: Path, globins: Path, tmp_path: Path) -> None:
    atom = "ATOM  {n:5d}  CA  GLY {c}{n:4d}    {x:8.3f}  {y:6.3f}  13.000  1.00 10.00           C  \n"
    nucleic = "ATOM  {n:5d}  P    DA A{n:4d}    {x:8.3f}  12.000  13.000  1.00 10.00           P  \n"

    def chain(name: str, length: int, y: float = 12.0) -> str:
        return "".join(atom.format(n=n, c=name, x=n * 3.0, y=y) for n in range(1, length + 1))

    inputs = tmp_path / "in"
    inputs.mkdir()
    (inputs / "short.pdb").write_text(chain("A", 12))
    (inputs / "bare.pdb").write_text(chain("A", 30) + chain("B", 30, 18.0))
    (inputs / "peptide.pdb").write_text(chain("A", 30) + chain("B", 8, 18.0))
    (inputs / "dna.pdb").write_text("".join(nucleic.format(n=n, x=n * 6.0) for n in range(1, 30)))
    out = tmp_path / "a.pdb"
    for source, options, code, words in (
        (f"{globins}:P69905", [], 1, "protein 'P69905': a sequence; expected a structure"),
        (inputs / "dna.pdb", [], 1, "no C-alpha atom (chain A is nucleic acid); expected a protein chain"),
        (inputs / "bare.pdb", ["--interface"], 1, "'bare_A': C-alphas alone; expected side chains"),
        (f"{DIMER}:A", ["--interface"], 1, "'1hpv_A': one protein chain; expected a partner"),
        (DIMER, ["--picture", tmp_path / "a.png"], 2, "the extension '.png'; expected .html"),
        (DIMER, ["-o", tmp_path / "no" / "a.pdb"], 1, "the folder"),
        (f"{DIMER}:A", ["--model", "score"], 1, "a score model; expected a sites model"),
    ):
        done = run("sites", source, "--model", tiny_sites, "-o", out, *options, code=code)
        assert words in done.stderr and done.stderr.count("\n") == 1, done.stderr
        assert not done.stdout and not out.exists()
    done = run("sites", inputs / "short.pdb", "--model", tiny_sites, code=1)
    assert "no chain that is long enough" in done.stderr and "12 residues; expected at least 20" in done.stderr
    done = run("sites", inputs / "bare.pdb", inputs / "peptide.pdb", "--model", tiny_sites, "-o", out, code=2)
    assert "chains of 2 files; expected one structure file" in done.stderr


def test_what_is_left_out_is_said(run: Any, tiny_sites: Path, tmp_path: Path) -> None:
    atom = "ATOM  {n:5d}  CA  GLY {c}{n:4d}    {x:8.3f}  {y:6.3f}  13.000  1.00 10.00           C  \n"
    text = "".join(atom.format(n=n, c="A", x=n * 3.0, y=12.0) for n in range(1, 31))
    text += "".join(atom.format(n=n, c="B", x=n * 3.0, y=18.0) for n in range(1, 9))
    source = tmp_path / "peptide.pdb"
    source.write_text(text)
    done = run("sites", source, "--model", tiny_sites, "--rows", "chains")
    assert [line.split("\t")[0] for line in done.stdout.splitlines()] == ["protein", "peptide_A"]
    assert "'peptide_A': C-alphas alone" in done.stderr and "the true interface left out" in done.stderr
    assert "'peptide_B': 8 residues" in done.stderr and "the chain left out" in done.stderr
