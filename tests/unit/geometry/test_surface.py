"""Features of the surface: motions, blocks, side chains where they are, and patches by hand."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from foldglass.geometry import surface
from foldglass.geometry.surface import n_patch, patch_features, side_chain_directions, surface_features
from foldglass.protein import Structure

EXAMPLE = Path(__file__).parents[3] / "examples" / "1hpv.pdb"


def kinds_of(length: int) -> np.ndarray:
    return np.eye(3, dtype=np.float32)[np.arange(length) % 3]


def test_motions_change_nothing_and_mirrors_do(make_structure: Callable[..., Structure]) -> None:
    rng = np.random.default_rng(0)
    ca = make_structure(60, 1).ca
    ca = ca + rng.normal(scale=0.1, size=ca.shape).astype(np.float32)
    turn, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    turn *= np.linalg.det(turn)
    moved = (ca @ turn.T + 20.0).astype(np.float32)
    mirrored = ca * np.float32([1, 1, -1])
    for features in (surface_features, lambda x: patch_features(x, kinds_of(60))):
        np.testing.assert_allclose(features(moved), features(ca), atol=1e-3)
        assert np.abs(features(mirrored) - features(ca)).max() > 0.05


def test_blocks_do_not_show(monkeypatch: pytest.MonkeyPatch, make_structure: Callable[..., Structure]) -> None:
    ca = make_structure(50, 2).ca
    whole = surface_features(ca), patch_features(ca, kinds_of(50))
    monkeypatch.setattr(surface, "_ROWS", 7)
    np.testing.assert_allclose(surface_features(ca), whole[0], atol=1e-6)
    np.testing.assert_allclose(patch_features(ca, kinds_of(50)), whole[1], atol=1e-6)


def test_side_chains_lie_where_they_are_said_to() -> None:
    atoms: dict[tuple[str, int], dict[str, np.ndarray]] = {}
    for line in EXAMPLE.read_text().splitlines():
        if line.startswith("ATOM") and line[12:16].strip() in ("CA", "CB"):
            place = np.array([float(line[start : start + 8]) for start in (30, 38, 46)])
            atoms.setdefault((line[21], int(line[22:26])), {})[line[12:16].strip()] = place
    chain = [found for (name, _), found in atoms.items() if name == "A"]
    directions = side_chain_directions(np.array([found["CA"] for found in chain]))
    cosines = [
        direction @ (found["CB"] - found["CA"]) / np.linalg.norm(found["CB"] - found["CA"])
        for direction, found in zip(directions[1:-1], chain[1:-1], strict=True)
        if "CB" in found
    ]
    assert np.mean(cosines) > 0.95


def test_patches_hold_what_is_exposed_beside() -> None:
    flat = np.float32([[3.8 * k, 1.5 * (k % 2), 0] for k in range(9)])
    kinds = np.zeros((9, 2), np.float32)
    kinds[:, 0] = 1.0
    kinds[4] = [0.0, 1.0]
    found = patch_features(flat, kinds)
    assert found.shape == (9, n_patch(2))
    assert (found[:, 0] > 0.9).all()  # all are exposed
    small = found[:, 6:8]  # kinds in the smallest patch
    assert small[4, 1] == 0.0  # a residue is no part of its own patch
    assert small[2, 1] > small[0, 1] and small[6, 1] > small[8, 1]
    np.testing.assert_allclose(found[:, -1], 1 / 9, atol=0.01)


def test_counts_by_hand() -> None:
    line = np.float32([[3.0 * k, 0, 0] for k in range(4)])
    found = surface_features(line)
    within = (2 * found[:, :2]) ** 2
    np.testing.assert_allclose(within.sum(axis=1), [2, 3, 3, 2], atol=1e-5)  # within 8 angstrom, on either side
    np.testing.assert_allclose(found[:, -6], np.array([1.5, 0.5, 0.5, 1.5]) / np.sqrt(1.25) - 1, atol=1e-5)
