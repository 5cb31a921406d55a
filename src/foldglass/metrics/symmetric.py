"""The symmetric TM-score and the two normalisations it stands for."""

import math


def both_normalisations(tm: float, query_length: int, target_length: int) -> tuple[float, float]:
    """Give tm_query and tm_target from the symmetric TM-score and the two lengths in residues.

    TM-score times length is nearly the same seen from both proteins, so sqrt(tm_query * tm_target) times
    sqrt(target_length / query_length) is tm_query, and the other way round. A value above 1 becomes 1.

    Examples
    --------
    >>> [round(side, 3) for side in both_normalisations(0.6, 100, 144)]
    [0.72, 0.5]
    """
    ratio = math.sqrt(target_length / query_length)
    return min(tm * ratio, 1.0), min(tm / ratio, 1.0)
