import gzip
import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

ATOM = "ATOM      1  {name:<3} GLY A   1    {x:>8}  12.000  13.000  1.00 10.00           {element}  \n"
BAD = {
    "empty.fasta": (b"", "an empty file"),
    "binary.dat": (bytes(range(256)) * 8, "a binary file; expected FASTA, PDB, mmCIF or BinaryCIF"),
    "cut.fasta.gz": (gzip.compress(b">a\n" + os.urandom(4096).hex().encode())[:300], "a gzip file that ends early"),
    "twice.fasta": (b">a\nMKV\n>a\nMKV\n", "line 3: id 'a' again, first at line 1"),
    "letters.fasta": (b">a\nMK1V\n", "line 2, record 'a': '1' at position 3"),
    "gap.fasta": (b">a\nMK-V\n", "a gap '-' at position 3"),
    "nothing.fasta": (b">a\n>b\nMKV\n", "record 'a': no residue"),
    "no_ca.pdb": (ATOM.format(name="N", x="11.000", element="N").encode(), "no_ca.pdb"),
    "nan.pdb": (ATOM.format(name="CA", x="nan", element="C").encode(), "nan.pdb"),
}


@pytest.mark.parametrize("name", BAD)
def test_an_unusable_file_is_one_line_that_names_it(run: Any, globins: Path, tmp_path: Path, name: str) -> None:
    content, words = BAD[name]
    (tmp_path / name).write_bytes(content)
    done = run("compare", globins, tmp_path / name, "-o", tmp_path / "out.tsv", code=1)
    errors = [line for line in done.stderr.splitlines() if words in line]
    assert len(errors) == 1, done.stderr
    assert errors[0].startswith(f"foldglass: {tmp_path / name}")
    assert errors[0] == done.stderr.splitlines()[-1]
    assert not (tmp_path / "out.tsv").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["compare", "globin.fasta", "b.pdb"], "globin.fasta: no such file or folder, and no accession"),
        (["search", "gone.parquet", "{globins}"], "gone.parquet: no such file or folder"),
        (["compare", "{globins}:P00000", "b.pdb"], "globins.fasta: no record 'P00000'"),
        (["embed", "{globins}", "-o", "nowhere/a.npz"], "nowhere/a.npz: the folder nowhere does not exist; create it"),
        (["compare", "{globins}", "{globins}", "-o", "{folder}"], "a folder; expected a file to write"),
        (["compare", "{globins}", "{globins}", "-o", "/dev/null"], "/dev/null: a device or pipe; expected a file"),
    ],
)
def test_what_is_not_there_is_one_line(
    run: Any, globins: Path, tmp_path: Path, arguments: list[str], words: str
) -> None:
    done = run(*(one.format(globins=globins, folder=tmp_path) for one in arguments), code=1)
    assert words in done.stderr and done.stderr.count("\n") == 1
    assert not done.stdout


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written(run: Any, globins: Path, tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    done = run("embed", globins, "-o", tmp_path / "a.npz", code=1)
    assert "choose a folder where you may write" in done.stderr


def test_models_that_cannot_be_used(run: Any, tiny: Path, globins: Path, tmp_path: Path) -> None:
    def refused(model: object) -> str:
        done = run("search", globins, globins, "--model", model, code=1)
        assert done.stderr.count("\n") == 1 and not done.stdout
        return str(done.stderr)

    assert "did you mean 'esm2-650m'?" in refused("esm2-650")

    altered = shutil.copytree(tiny, tmp_path / "altered")
    weights = bytearray((altered / "model.safetensors").read_bytes())
    weights[-1] ^= 1
    (altered / "model.safetensors").write_bytes(weights)
    assert "the file was altered or cut short: get the model again" in refused(altered)

    newer = shutil.copytree(tiny, tmp_path / "newer")
    config = json.loads((newer / "config.json").read_text())
    (newer / "config.json").write_text(json.dumps({**config, "format": 99}))
    assert "format 99; expected format 1; install a newer foldglass" in refused(newer)


def test_a_table_of_another_model_is_refused(run: Any, tiny: Path, globins: Path, tmp_path: Path) -> None:
    table = tmp_path / "globins.parquet"
    run("embed", globins, "-o", table, "--model", tiny)
    other = shutil.copytree(tiny, tmp_path / "other")
    config = json.loads((other / "config.json").read_text())
    (other / "config.json").write_text(json.dumps({**config, "name": "other"}))
    done = run("search", table, globins, "--model", other, code=1)
    assert "embed queries and entries with the same model" in done.stderr
    done = run("search", table, globins, "--align", "--model", tiny, code=1)
    assert "without residue vectors; embed again with --residue" in done.stderr


def test_a_missing_extra_says_what_to_install(environment: dict[str, str], tmp_path: Path) -> None:
    import subprocess
    import sys

    code = (
        "import sys; sys.modules['polars'] = None\n"
        "from foldglass.app.main import main\n"
        "sys.exit(main(['evaluate', 'builtin', 'labels.parquet', '-o', 'report.html']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr == (
        "foldglass: evaluate: the package polars is not installed; install it with: pip install 'foldglass[train]'\n"
    )
