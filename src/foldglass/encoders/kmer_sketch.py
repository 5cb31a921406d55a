"""A sketch of a sequence's 4-mers that nothing has to learn: relatives of unknown families stay near each other.

Leslie et al. 2002 compare proteins by the spectrum of their k-mers; a random projection keeps its dot products.
"""

from functools import cache
from hashlib import blake2b

import numpy as np
from jaxtyping import Float32

from foldglass.constants import AMINO_ACIDS

_GROUPS = ("LVIMC", "AG", "ST", "P", "FYW", "EDNQ", "KR", "H")
"""Residues that replace each other (Murphy et al. 2000, ten groups, with C joined to LVIM and A to G)."""
_K = 4
N_SKETCH = 512
_GROUP_OF = np.full(128, -1)
for _index, _group in enumerate(_GROUPS):
    _GROUP_OF[np.frombuffer(_group.encode(), np.uint8)] = _index
assert sorted("".join(_GROUPS)) == sorted(AMINO_ACIDS)


def kmer_sketch(letters: str) -> Float32[np.ndarray, " S"]:
    """Square roots of the frequencies of reduced-alphabet 4-mers, projected by random signs to 512 numbers.

    4-mers with a letter outside the twenty standard ones are left out; a sequence without any gives zeros.

    Examples
    --------
    >>> kmer_sketch("ACDEFG").shape
    (512,)
    """
    group = _GROUP_OF[np.frombuffer(letters.encode("ascii"), np.uint8)]
    count = max(0, len(group) - _K + 1)
    windows = np.stack([group[i : i + count] for i in range(_K)])
    known = windows[:, (windows >= 0).all(axis=0)]
    code = (known * len(_GROUPS) ** np.arange(_K)[:, None]).sum(axis=0)
    kmers, counts = np.unique(code, return_counts=True)
    weight = np.sqrt(counts / max(1, counts.sum())).astype(np.float32)
    sketch: Float32[np.ndarray, " S"] = weight @ _signs()[kmers] / np.float32(np.sqrt(N_SKETCH))
    return sketch


@cache
def _signs() -> Float32[np.ndarray, "K S"]:
    """Random signs of each 4-mer, from a hash, so that they are the same everywhere and for ever."""
    digests = [blake2b(f"4-mer {i}".encode(), digest_size=N_SKETCH // 8).digest() for i in range(len(_GROUPS) ** _K)]
    bits = np.unpackbits(np.frombuffer(b"".join(digests), np.uint8)).reshape(-1, N_SKETCH)
    return 2 * bits.astype(np.float32) - 1
