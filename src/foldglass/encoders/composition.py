"""What a sequence is made of: one vector of fixed length per protein."""

import numpy as np
from jaxtyping import Float32

from foldglass.encoders.builtin import tokenize

_GAPS = (1, 2, 3, 4)
_THIRDS = 3
N_COMPOSITION = 20 * (1 + _THIRDS) + 400 * len(_GAPS) + 1


def composition(letters: str) -> Float32[np.ndarray, " F"]:
    """Residue frequencies of the whole and of its thirds, of residue pairs 1 to 4 apart, and the length.

    Square roots of the frequencies, so that their dot product is the Bhattacharyya coefficient of two compositions.
    Letters outside the twenty standard ones are left out.

    Examples
    --------
    >>> composition("ACDA").shape == (N_COMPOSITION,)
    True
    """
    index = tokenize(letters)
    thirds = np.array_split(index, _THIRDS)
    parts = [_frequency(part, 20) for part in (index, *thirds)]
    for gap in _GAPS:
        first, second = index[:-gap], index[gap:]
        known = (first < 20) & (second < 20)
        parts.append(_frequency((first * 20 + second)[known], 400))
    parts.append(np.array([np.log(len(letters)) - 5.0]))
    return np.concatenate(parts).astype(np.float32)


def _frequency(index: np.ndarray, size: int) -> np.ndarray:
    counts = np.bincount(index[index < size], minlength=size)
    return np.sqrt(counts / max(1, counts.sum()))
