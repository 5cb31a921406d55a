"""Which of many short keys were met before, in few bytes."""

import numpy as np

_RECENT = 50_000


class Known:
    """A set of byte strings of one length: sorted in one array, the latest in a set of their own.

    Parameters
    ----------
    keys
        Those known from the beginning.
    width
        Bytes of a key.

    Examples
    --------
    >>> known = Known([b"ab"], width=2)
    >>> known.add(b"cd")
    >>> b"ab" in known, b"cd" in known, b"ef" in known
    (True, True, False)
    """

    def __init__(self, keys: "list[bytes] | np.ndarray", *, width: int) -> None:
        self._sorted = np.sort(np.array(keys, f"S{width}"))
        self._recent: set[bytes] = set()

    def __contains__(self, key: bytes) -> bool:
        if key in self._recent:
            return True
        wanted = np.array([key], self._sorted.dtype)
        place = int(np.searchsorted(self._sorted, wanted)[0])
        return place < len(self._sorted) and bool(self._sorted[place] == wanted[0])

    def add(self, key: bytes) -> None:
        """Take one more."""
        self._recent.add(key)
        if len(self._recent) >= _RECENT:
            self._sorted = np.sort(np.concatenate([self._sorted, np.array(list(self._recent), self._sorted.dtype)]))
            self._recent.clear()
