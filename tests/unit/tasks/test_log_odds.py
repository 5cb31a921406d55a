"""Log-odds of substitutions from tables of log-probabilities."""

from pathlib import Path

import numpy as np
import pytest

from foldglass.constants import AMINO_ACIDS
from foldglass.errors import InputError
from foldglass.protein import Sequence
from foldglass.tasks.log_odds import log_odds, read_log_probabilities
from foldglass.variant import parse_variants

WILD = Sequence("toy", "MKXA")


def written(path: Path, values: np.ndarray, heading: str = AMINO_ACIDS) -> Path:
    rows = ["\t".join(["residue", *heading]), *("\t".join(["?", *map(str, row)]) for row in values.tolist())]
    path.write_text("\n".join(rows) + "\n")
    return path


def test_the_letters_of_a_place_are_compared() -> None:
    table = np.random.default_rng(0).normal(size=(4, 20))
    m, k, w, g, a = (AMINO_ACIDS.index(letter) for letter in "MKWGA")
    one, two, run, unknown, gone = parse_variants("K2W, K2W+A4G, M1_K2delinsKW, X3A, K2del", WILD)
    assert log_odds(table, WILD, one) == pytest.approx(table[1, w] - table[1, k])
    assert log_odds(table, WILD, two) == pytest.approx(table[1, w] - table[1, k] + table[3, g] - table[3, a])
    assert log_odds(table, WILD, run) == pytest.approx(table[0, k] - table[0, m] + table[1, w] - table[1, k])
    assert np.isnan([log_odds(table, WILD, unknown), log_odds(table, WILD, gone)]).all()
    assert log_odds(table + np.arange(4)[:, None], WILD, two) == pytest.approx(log_odds(table, WILD, two))


def test_columns_are_found_by_name(tmp_path: Path) -> None:
    table = np.random.default_rng(0).normal(size=(4, 20))
    path = written(tmp_path / "a.tsv", table[:, ::-1], AMINO_ACIDS[::-1])
    np.testing.assert_allclose(read_log_probabilities(path, WILD), table)


@pytest.mark.parametrize(
    ("rows", "heading", "bad", "words"),
    [
        (4, AMINO_ACIDS[1:], 0.0, f"no column {AMINO_ACIDS[0]}"),
        (3, AMINO_ACIDS, 0.0, "3 residues; expected the 4 of 'toy'"),
        (4, AMINO_ACIDS, np.nan, "a value that is no finite number in line 2"),
    ],
)
def test_what_does_not_fit_is_named(tmp_path: Path, rows: int, heading: str, bad: float, words: str) -> None:
    table = np.zeros((rows, len(heading)))
    table[0, 3] = bad
    with pytest.raises(InputError, match=words):
        read_log_probabilities(written(tmp_path / "a.tsv", table, heading), WILD)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="unreadable"):
        read_log_probabilities(tmp_path / "no.tsv", WILD)
