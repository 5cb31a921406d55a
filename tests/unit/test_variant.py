import numpy as np
import pytest

from foldglass.errors import InputError
from foldglass.protein import Sequence, Structure
from foldglass.variant import Change, between, named, parse_region, parse_variants, substitutions

TOY = Sequence("toy", "MKVLAPGSLW")


def numbered(*labels: str) -> Structure:
    letters = "MKVLAPGSLW"[: len(labels)]
    return Structure("s", letters, ca=np.zeros((len(labels), 3), np.float32), numbering=labels, chain="B")


@pytest.mark.parametrize(
    ("text", "name", "letters"),
    [
        ("K2G", "K2G", "MGVLAPGSLW"),
        ("p.K2G", "K2G", "MGVLAPGSLW"),
        ("p.Lys2Gly", "K2G", "MGVLAPGSLW"),
        ("p.(Lys2Gly)", "K2G", "MGVLAPGSLW"),
        ("LYS2GLY", "K2G", "MGVLAPGSLW"),
        ("K2del", "K2del", "MVLAPGSLW"),
        ("Lys2_Leu4del", "K2_L4del", "MAPGSLW"),
        ("M1_K2insGG", "M1_K2insGG", "MGGKVLAPGSLW"),
        ("Met1_Lys2delinsAlaCysAspGluPheGlyHisIleAsn", "M1_K2delinsACDEFGHIN", "ACDEFGHINVLAPGSLW"),
        ("Met1delinsLeuAsnProGlnArgSerThrValTrpTyr", "M1delinsLNPQRSTVWY", "LNPQRSTVWYKVLAPGSLW"),
        ("Met1_Lys2insGlyTrp", "M1_K2insGW", "MGWKVLAPGSLW"),
        ("K2delinsWW", "K2delinsWW", "MWWVLAPGSLW"),
        ("K2_V3delinsW", "K2_V3delinsW", "MWLAPGSLW"),
        ("P6_S8insAA", "G7delinsAA", "MKVLAPAASLW"),
        ("W10A+K2del", "K2del+W10A", "MVLAPGSLA"),
        ("p.Lys2Gly:Trp10Ala", "K2G+W10A", "MGVLAPGSLA"),
        ("K2A+M1_K2insG", "M1_K2insG+K2A", "MGAVLAPGSLW"),
        ("L9_W10delinsLWG", "L9_W10delinsLWG", "MKVLAPGSLWG"),
    ],
)
def test_notation(text: str, name: str, letters: str) -> None:
    (variant,) = parse_variants(text, TOY)
    mutant = variant.apply(TOY)
    assert (variant.name, mutant.letters, mutant.id) == (name, letters, f"toy:{name}")


def test_lists_and_remarks() -> None:
    text = "# from the assay\nK2G, V3A   # both\nS8del\n"
    assert [v.name for v in parse_variants(text, TOY)] == ["K2G", "V3A", "S8del"]


def test_numbers_are_the_authors() -> None:
    wild = numbered("-1", "0", "52", "52A", "52B", "60")
    names = [v.name for v in parse_variants("M-1A K0G L52AG A52B_P60insG V52_L52Adel", wild)]
    assert names == ["M-1A", "K0G", "L52AG", "A52B_P60insG", "V52_L52Adel"]
    assert parse_variants("L52AG", wild)[0].changes == (Change(3, 4, "G"),)
    assert parse_variants("Leu52AGly", wild)[0].changes == (Change(3, 4, "G"),)
    assert parse_region("-1-52,60", wild).tolist() == [0, 1, 2, 5]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("K3A", r"mutation 'K3A' of 'toy': residue 3 is V \(M1 K2 \[V3\] L4 A5 P6\); expected K"),
        ("M10_W11insG", r"residue 10 is W \(G7 S8 L9 \[W10\]\); expected M"),
        ("K99A", r"no residue 99; expected 1 to 10; the nearest: G7 S8 L9 \[W10\]"),
        ("K2K", "no change; expected other residues"),
        ("K2_V3delinsKV", "no change"),
        ("K2insG", "an insertion at one residue; .* name the residues on both sides"),
        ("M1_K2ins", "nothing to insert"),
        ("K2delinsX", "a new residue X"),
        ("K2Foo", "not understood"),
        ("Lys2Foo", "the residue 'Foo'; expected a one-letter or three-letter code"),
        ("K2_V3G", "no single new residue; .* for several write delins"),
        ("K2delG", "residues after del"),
        ("V3_K2del", "its end before its begin"),
        ("K2_K2del", "its end before its begin"),
        ("K2*", "not understood; expected such as A123G"),
        ("K2fs", "not understood"),
        ("K2G+K2del", "two changes at one place; write them as one delins"),
        ("M1_K2insG+M1_K2insA", "two changes at one place"),
        ("K2_L4del+V3G", "two changes at one place"),
        ("M1_W10del", "no residue left; expected at least one"),
        ("  # nothing", "mutations: none; expected such as"),
    ],
)
def test_refused(text: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        parse_variants(text, TOY)


def test_a_number_that_two_residues_have_is_refused() -> None:
    with pytest.raises(InputError, match="2 residues numbered 7; expected one"):
        parse_variants("M7A", numbered("7", "7", "8"))


@pytest.mark.parametrize(
    ("text", "words"), [("a-b", "not understood"), ("5-2", "its end before its begin"), ("5-11", "no residue 11")]
)
def test_regions_refused(text: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        parse_region(text, TOY)


def test_sites() -> None:
    def sites(text: str) -> list[int]:
        return np.flatnonzero(parse_variants(text, TOY)[0].sites(10)).tolist()

    assert sites("K2G+S8del") == [1, 7]
    assert sites("K2_L4del") == [1, 2, 3]
    assert sites("M1_K2insG") == [0, 1]


def test_scan_has_all_others_and_never_the_own() -> None:
    scan = [v.name for v in substitutions(Sequence("s", "AX"), [0, 1])]
    assert len(scan) == 19 + 20 and len(set(scan)) == 39 and "A1A" not in scan
    assert scan[:2] == ["A1C", "A1D"]


def test_changes_from_an_alignment() -> None:
    def name(mutant: str, *pairs: tuple[int, int]) -> str:
        return between(TOY, Sequence("m", mutant), np.array(pairs)).name

    same = [(i, i) for i in range(10)]
    assert name("MGALAPGSLW", *same) == "K2G+V3A"
    assert name("GMKVLAPGSLW", *((i, i + 1) for i in range(10))) == "M1delinsGM"
    assert name("MKVLAPGSLWG", *same) == "W10delinsWG"
    assert name("MKVAPGSLW", (0, 0), (1, 1), (2, 2), *((i, i - 1) for i in range(4, 10))) == "L4del"
    with pytest.raises(InputError, match="'m': the sequence of 'toy'; expected a variant of it"):
        name(TOY.letters, *same)


def test_the_ends_of_a_chain_have_no_gap_to_name() -> None:
    assert named(TOY, [Change(0, 0, "G")]).changes == (Change(0, 1, "GM"),)
    assert named(TOY, [Change(10, 10, "G")]).changes == (Change(9, 10, "WG"),)
