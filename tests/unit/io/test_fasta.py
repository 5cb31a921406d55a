import gzip
from pathlib import Path

import pytest

from foldglass.errors import InputError, NotFoundError
from foldglass.io.fasta import iter_fasta


def test_records_in_order_with_folded_lines(tmp_path: Path) -> None:
    path = tmp_path / "a.fasta"
    path.write_bytes(b"\xef\xbb\xbf\r\n>sp|P1|X_Y some words\r\nMKV LA\r\nGG\r\n\r\n>b\r\nW*\r\n")
    records = list(iter_fasta(path))
    assert [(r.id, r.letters, r.source) for r in records] == [
        ("sp|P1|X_Y", "MKVLAGG", str(path)),
        ("b", "W", str(path)),
    ]


def test_lower_case_is_the_same_residue_and_unusual_letters_stay(tmp_path: Path) -> None:
    path = tmp_path / "a.fasta"
    path.write_text(">a\nmkvBJOUZX\n")
    assert next(iter_fasta(path)).letters == "MKVBJOUZX"


def test_gzip_streams(tmp_path: Path) -> None:
    path = tmp_path / "a.fasta.gz"
    path.write_bytes(gzip.compress(b">a\nMKV\n"))
    assert [r.letters for r in iter_fasta(path)] == ["MKV"]


def test_records_before_a_damaged_one_are_given(tmp_path: Path) -> None:
    path = tmp_path / "a.fasta"
    path.write_text(">a\nMKV\n>b\nM1V\n")
    records = iter_fasta(path)
    assert next(records).id == "a"
    with pytest.raises(InputError, match="line 4, record 'b'"):
        next(records)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (">a\nMK\nM*V\n", r"a\.fasta, line 3, record 'a': a stop '\*' at position 4; .*end the sequence there"),
        (">a\nM-KV\n", r"line 2, record 'a': a gap '-' at position 2; .*remove the gaps"),
        (">a\nM\n.KV\n", r"line 3, record 'a': a gap '\.' at position 2; .*remove the gaps"),
        (">a\nMK\n\nVV1\n", r"line 4, record 'a': '1' at position 5; .*write X for a residue that is not known"),
        (">a\nMKÄ\n", r"line 2, record 'a': 'Ä' at position 3"),
        (">a\nM**\n", r"line 2, record 'a': a stop '\*' at position 2"),
        (">a\nM\n>b\nV\n>a\nG\n", r"line 5: id 'a' again, first at line 1; expected every id once; rename or remove"),
        (">a\n>b\nM\n", r"line 1, record 'a': no residue; expected a sequence below the header; remove the record"),
        (">a\n*\n", r"line 1, record 'a': no residue"),
        (">\nM\n", r"line 1: a header without id; expected '>id'"),
        ("MKV\n>a\nM\n", r"line 1: 'MKV' before the first header"),
        ("", r"a\.fasta: an empty file; expected a FASTA record"),
        ("\n \n", r"a\.fasta: an empty file"),
        (">a\nM\0V\n", r"a\.fasta: a binary file \(NUL byte at line 2\); expected FASTA text"),
    ],
)
def test_what_is_wrong_and_where(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "a.fasta"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=message):
        list(iter_fasta(path))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b">a\n\xff\xfe\n", r"a\.fasta: bytes that are not UTF-8 text; expected a text file"),
        (
            gzip.compress(b">a\n" + b"MKV\n" * 99)[:-9],
            r"a\.fasta: a gzip file that ends early; copy or download it again",
        ),
        (b"\x1f\x8b\x08\x00" + b"x" * 50, r"a\.fasta: a damaged gzip file"),
    ],
)
def test_bytes_that_are_no_text(tmp_path: Path, data: bytes, message: str) -> None:
    path = tmp_path / "a.fasta"
    path.write_bytes(data)
    with pytest.raises(InputError, match=message):
        list(iter_fasta(path))


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"a\.fasta: no such file or folder; check the spelling"):
        list(iter_fasta(tmp_path / "a.fasta"))


def test_nucleotides_are_said(tmp_path: Path) -> None:
    path = tmp_path / "a.fasta"
    path.write_text(f">dna\n{'ACGT' * 13}\n>short\nGATTACA\n>protein\n{'ACGT' * 13}W\n")
    said: list[str] = []
    assert len(list(iter_fasta(path, on_skip=said.append))) == 3
    assert said == [
        f"{path}, line 1, record 'dna': only A, C, G, T, U or N, read as protein; "
        "translate it first if these are nucleotides"
    ]
