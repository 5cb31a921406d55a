import numpy as np
import pytest

from foldglass.blosum62 import blosum62
from foldglass.constants import EXTENDED_LETTERS


def test_the_table_is_that_of_parasail():
    parasail = pytest.importorskip("parasail")
    known = "ARNDCQEGHILKMFPSTWYVBZX"
    np.testing.assert_array_equal(blosum62(known, known), parasail.blosum62.matrix[:23, :23])


def test_every_letter_of_a_sequence_has_a_score():
    table = blosum62(EXTENDED_LETTERS, EXTENDED_LETTERS)
    np.testing.assert_array_equal(table, table.T)
    unknown = table[EXTENDED_LETTERS.index("X")]
    for letter in "JOU":
        np.testing.assert_array_equal(table[EXTENDED_LETTERS.index(letter)], unknown)
