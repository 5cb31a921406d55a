"""BLOSUM62, the usual scores of exchanged residues."""

import numpy as np
from jaxtyping import Float32

_LETTERS = "ARNDCQEGHILKMFPSTWYVBZX"
_LOWER_HALF = """
    4
    -1 5
    -2 0 6
    -2 -2 1 6
    0 -3 -3 -3 9
    -1 1 0 0 -3 5
    -1 0 0 2 -4 2 5
    0 -2 0 -1 -3 -2 -2 6
    -2 0 1 -1 -3 0 0 -2 8
    -1 -3 -3 -3 -1 -3 -3 -4 -3 4
    -1 -2 -3 -4 -1 -2 -3 -4 -3 2 4
    -1 2 0 -1 -3 1 1 -2 -1 -3 -2 5
    -1 -1 -2 -3 -1 0 -2 -3 -2 1 2 -1 5
    -2 -3 -3 -3 -2 -3 -3 -3 -1 0 0 -3 0 6
    -1 -2 -2 -1 -3 -1 -1 -2 -2 -3 -3 -1 -2 -4 7
    1 -1 1 0 -1 0 0 0 -1 -2 -2 0 -1 -2 -1 4
    0 -1 0 -1 -1 -1 -1 -2 -2 -1 -1 -1 -1 -2 -1 1 5
    -3 -3 -4 -4 -2 -2 -3 -2 -2 -3 -2 -3 -1 1 -4 -3 -2 11
    -2 -2 -2 -3 -2 -1 -2 -3 2 -1 -1 -2 -1 3 -3 -2 -2 2 7
    0 -3 -3 -3 -1 -2 -2 -3 -3 3 1 -2 1 -1 -2 -2 0 -3 -1 4
    -2 -1 3 4 -3 0 1 -1 0 -3 -4 0 -3 -3 -2 0 -1 -4 -3 -3 4
    -1 0 0 1 -3 3 4 -2 0 -3 -3 1 -1 -3 -1 0 -1 -3 -2 -2 1 4
    0 -1 -1 -1 -2 -1 -1 -1 -1 -1 -1 -1 -1 -1 -2 0 0 -2 -1 -1 -1 -1 -1
"""


def blosum62(query: str, target: str) -> Float32[np.ndarray, "Lq Lt"]:
    """Score of every residue of one sequence with every residue of another, in half bits.

    Letters outside the table (J, O, U) count as X.

    References
    ----------
    Henikoff and Henikoff (1992) Proc. Natl. Acad. Sci. USA 89:10915.

    Examples
    --------
    >>> blosum62("WA", "WCU").tolist()
    [[11.0, -2.0, -2.0], [-3.0, 0.0, 0.0]]
    """
    return _TABLE[_numbers(query)][:, _numbers(target)]


def _numbers(letters: str) -> np.ndarray:
    return _NUMBER[np.frombuffer(letters.encode("ascii"), np.uint8)]


def _full() -> Float32[np.ndarray, "23 23"]:
    table = np.zeros((len(_LETTERS), len(_LETTERS)), np.float32)
    for i, row in enumerate(_LOWER_HALF.split("\n")[1:-1]):
        table[i, : i + 1] = table[: i + 1, i] = [float(score) for score in row.split()]
    return table


_TABLE = _full()
_NUMBER = np.full(128, _LETTERS.index("X"))
_NUMBER[[ord(letter) for letter in _LETTERS]] = np.arange(len(_LETTERS))
