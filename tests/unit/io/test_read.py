import gzip
import os
from pathlib import Path

import pytest

from foldglass.errors import InputError, NotFoundError, SkippedWarning
from foldglass.io.read import iter_read, read
from foldglass.protein import Structure

PDB = (
    "ATOM      1  CA  GLY A   1      11.000  12.000  13.000  1.00 10.00           C  \n"
    "ATOM      2  CA  ALA B   1      14.000  12.000  13.000  1.00 10.00           C  \n"
)


@pytest.mark.parametrize("name", ["x.pdb", "x.ent", "x", "x.txt"])
def test_format_is_known_by_content(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(PDB)
    assert [s.id for s in read(tmp_path / name)] == ["x_A", "x_B"]


def test_fasta_with_a_structures_extension(tmp_path: Path) -> None:
    (tmp_path / "x.pdb").write_text(">a\nMKV\n")
    assert not isinstance(read(tmp_path / "x.pdb")[0], Structure)


def test_extension_decides_where_content_does_not(tmp_path: Path) -> None:
    (tmp_path / "x.fasta").write_text("MKV\n")
    with pytest.raises(InputError, match=r"line 1: 'MKV' before the first header"):
        read(tmp_path / "x.fasta")
    (tmp_path / "x.pdb.gz").write_bytes(gzip.compress(b"REMARK nothing\n"))
    with pytest.raises(InputError, match=r"no C-alpha atom; expected a protein chain"):
        read(tmp_path / "x.pdb.gz")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "an empty file; expected FASTA, PDB, mmCIF or BinaryCIF"),
        (b" \n", "an empty file"),
        (b"hello\n", "an unknown format; expected FASTA, PDB, mmCIF or BinaryCIF, each also .gz"),
        (b"\x89PNG\0\0", "a binary file; expected"),
        (gzip.compress(b"ATOM" * 1000)[:-12], "a gzip file that ends early"),
    ],
)
def test_unusable_files(tmp_path: Path, data: bytes, message: str) -> None:
    (tmp_path / "x.dat").write_bytes(data)
    with pytest.raises(InputError, match=rf"x\.dat: {message}"):
        read(tmp_path / "x.dat")


def test_chain_and_record_selection(tmp_path: Path) -> None:
    (tmp_path / "x.pdb").write_text(PDB)
    (tmp_path / "s.fasta").write_text(">a\nMKV\n>b\nGG\n")
    assert [s.id for s in read(f"{tmp_path}/x.pdb:B")] == ["x_B"]
    assert [s.id for s in read(f"{tmp_path}/s.fasta:b")] == ["b"]
    with pytest.raises(NotFoundError, match=r"x\.pdb: no chain 'C'; expected one of its protein chains A, B"):
        read(f"{tmp_path}/x.pdb:C")
    with pytest.raises(NotFoundError, match=r"s\.fasta: no record 'c'"):
        read(f"{tmp_path}/s.fasta:c")
    with pytest.raises(InputError, match="a folder with a chain; expected file:chain"):
        read(f"{tmp_path}:A")


def test_file_named_with_a_colon_goes_first(tmp_path: Path) -> None:
    (tmp_path / "x.pdb").write_text(PDB)
    (tmp_path / "x.pdb:A").write_text(">a\nMKV\n")
    assert read(tmp_path / "x.pdb:A")[0].letters == "MKV"


def test_folder_mixes_formats_and_says_what_it_left_out(tmp_path: Path) -> None:
    (tmp_path / "b.pdb").write_text(PDB)
    (tmp_path / "a.fasta").write_text(">a\nMKV\n>bad\n1\n")
    (tmp_path / "c.txt").write_text("notes\n")
    (tmp_path / ".hidden").write_text("x")
    (tmp_path / "deeper").mkdir()
    said: list[str] = []
    assert [s.id for s in read(tmp_path, on_skip=said.append)] == ["a", "b_A", "b_B"]
    assert [line.removeprefix(str(tmp_path)) for line in said] == [
        ": 1 subfolder left out",
        "/a.fasta, line 4, record 'bad': '1' at position 1; expected one of ACDEFGHIKLMNPQRSTVWYBJOUZX; "
        "write X for a residue that is not known; the rest of the file left out",
        "/c.txt: an unknown format; expected FASTA, PDB, mmCIF or BinaryCIF, each also .gz; the file left out",
    ]


def test_what_is_left_out_is_a_warning_by_default(tmp_path: Path) -> None:
    (tmp_path / "a.fasta").write_text(">a\nMKV\n")
    (tmp_path / "c.txt").write_text("notes\n")
    with pytest.warns(SkippedWarning, match="the file left out"):
        read(tmp_path)


def test_folders_without_protein(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="a folder without files; expected FASTA or structure files"):
        read(tmp_path)
    (tmp_path / "c.txt").write_text("notes\n")
    with pytest.raises(InputError, match=r"no readable file among 1; the first: .*c\.txt: an unknown format"):
        read(tmp_path, on_skip=lambda text: None)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_folder_without_permission(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0)
    with pytest.raises(InputError, match="closed: no permission to read it"):
        read(closed)
    with pytest.raises(InputError, match="no permission to read it"):
        read(closed / "a.pdb")


@pytest.mark.parametrize("error", [PermissionError(13, "Permission denied"), OSError(5, "Input/output error")])
def test_files_that_cannot_be_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: OSError) -> None:
    (tmp_path / "a.fasta").write_text(">a\nMKV\n")

    def refuse(*args: object, **options: object) -> None:
        raise error

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(InputError, match=r"a\.fasta: (no permission to read it|cannot be read \(Input/output error\))"):
        read(tmp_path / "a.fasta")


@pytest.mark.parametrize("text", ["missing.pdb", "missing.pdb:A", "no/such/folder/x.cif", "x" * 5000, ""])
def test_missing_source(text: str) -> None:
    with pytest.raises(NotFoundError, match="no such file or folder, and no accession; expected a path"):
        read(text)


def test_misspelt_file_is_suggested(tmp_path: Path) -> None:
    (tmp_path / "query.fasta").write_text(">a\nMKV\n")
    with pytest.raises(NotFoundError, match=r"did you mean .*query\.fasta\?"):
        read(tmp_path / "qurey.fasta")


def test_streaming_reads_no_further_than_asked(tmp_path: Path) -> None:
    (tmp_path / "a.fasta").write_text(">a\nMKV\n")
    (tmp_path / "b.fasta").write_text("damaged")
    assert next(iter_read(tmp_path)).id == "a"
