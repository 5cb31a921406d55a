"""Which residue pairs are kept, next to a plain search over all of them."""

import numpy as np
import pytest

from foldglass.errors import InputError
from foldglass.geometry import pairs
from foldglass.geometry.pairs import PairSelection


def plain(ca: np.ndarray, within: float | None, nearest: int | None) -> list[list[int]]:
    distance = np.linalg.norm(ca[:, None] - ca[None], axis=-1)
    order = [[j for j in np.argsort(row, kind="stable") if j != i] for i, row in enumerate(distance)]
    kept = []
    for i in range(len(ca)):
        for j in range(i + 1, len(ca)):
            near = nearest is None or j in order[i][:nearest] or i in order[j][:nearest]
            if near and (within is None or distance[i, j] <= within):
                kept.append([i, j])
    return kept


@pytest.mark.parametrize(
    ("within", "nearest"), [(6.0, None), (1e-3, None), (1e3, None), (None, 1), (None, 5), (None, 99), (7.0, 3)]
)
def test_as_a_plain_search_and_across_blocks(
    monkeypatch: pytest.MonkeyPatch, within: float | None, nearest: int | None
) -> None:
    monkeypatch.setattr(pairs, "_ROWS", 7)
    ca = np.random.default_rng(3).normal(0, 5, (23, 3)).astype(np.float32)
    assert PairSelection(within, nearest).of(ca).tolist() == plain(ca, within, nearest)


@pytest.mark.parametrize("length", [1, 2])
def test_short_chains(length: int) -> None:
    ca = np.zeros((length, 3), np.float32)
    assert len(PairSelection(within=5.0, nearest=1).of(ca)) == length - 1
    assert PairSelection(nearest=3).of(ca).shape == (length - 1, 2)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "pair selection: no limit; expected a distance or a number of residues"),
        ({"within": 0.0}, "pair selection: within 0.0 angstrom; expected more than 0"),
        ({"within": float("nan")}, "within nan angstrom"),
        ({"nearest": 0}, "pair selection: 0 nearest residues; expected at least 1"),
    ],
)
def test_limits_that_no_pair_keeps(options: dict[str, float], words: str) -> None:
    with pytest.raises(InputError, match=words):
        PairSelection(**options)  # type: ignore[arg-type]


def test_text_for_metadata() -> None:
    assert [str(PairSelection(*limits)) for limits in ((8.5, None), (None, 16), (8.0, 16))] == [
        "within 8.5 A",
        "nearest 16",
        "within 8 A, nearest 16",
    ]
