"""Known states of a protein."""

import numpy as np

from foldglass.train.native_states import NativeStates

LETTERS = "MKTAYIAKQRQISFVKSHFSRQLEERLGLIEVQAPILSRV"


def points(count: int) -> np.ndarray:
    return np.random.default_rng(count).normal(size=(count, 3))


def test_states_are_nearly_identical_and_cover_the_chain() -> None:
    mutant = LETTERS[:20] + "W" + LETTERS[21:]
    shorter, far = LETTERS[2:], LETTERS[:20] + LETTERS[:20][::-1]
    natives = [mutant, LETTERS[:30], shorter, far, LETTERS + "GG", LETTERS + "G" * 20]
    states = NativeStates([(letters, points(len(letters))) for letters in natives])
    found = list(states.of(LETTERS))
    assert [len(ca) for ca, _ in found] == [40, 38, 42]
    for (ca, pairs), native in zip(found, [mutant, shorter, LETTERS + "GG"], strict=True):
        same = [LETTERS[a] == native[b] for a, b in pairs]
        assert len(ca) == len(native) and sum(same) >= len(same) - 1
    np.testing.assert_array_equal(found[1][1], np.stack([np.arange(2, 40), np.arange(38)], axis=1))


def test_many_changes_are_another_protein() -> None:
    changed = "".join("A" if i in (5, 9, 13) else letter for i, letter in enumerate(LETTERS))
    assert sum(a != b for a, b in zip(changed, LETTERS, strict=True)) == 3
    assert not list(NativeStates([(changed, points(40))]).of(LETTERS))
