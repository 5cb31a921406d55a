"""Words of five letters, by which related sequences are found."""

from collections import Counter, defaultdict
from collections.abc import Iterable

KMER = 5


def kmers(letters: str) -> set[str]:
    """All words of five letters.

    Examples
    --------
    >>> sorted(kmers("ACDEFG"))
    ['ACDEF', 'CDEFG']
    """
    return {letters[k : k + KMER] for k in range(len(letters) - KMER + 1)}


class KmerIndex:
    """Which sequences have which words."""

    def __init__(self, sequences: Iterable[str]) -> None:
        self._holders: dict[str, list[int]] = defaultdict(list)
        for i, letters in enumerate(sequences):
            for word in kmers(letters):
                self._holders[word].append(i)

    def shared(self, letters: str) -> Counter[int]:
        """How many words each sequence has in common with this one; those with none are absent.

        Examples
        --------
        >>> sorted(KmerIndex(["ACDEFG", "WWWWWW", "CDEFGH"]).shared("ACDEFGH").items())
        [(0, 2), (2, 2)]
        """
        return Counter(i for word in kmers(letters) for i in self._holders.get(word, ()))
