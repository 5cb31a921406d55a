"""The tiny recipe from data to a model: folds put together from ideal helices and strands, labelled by TM-align."""

from importlib.resources import files
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from foldglass.metrics.tm import tm_align
from foldglass.models.registry import load
from foldglass.protein import Structure
from foldglass.train.data import load_pair_data
from foldglass.train.loop import BEST, load_weights
from foldglass.train.runs import run_recipe

FOLDS, MEMBERS = 40, 5
RECIPE = Path(str(files("foldglass"))) / "recipes" / "tiny.toml"


def element(kind: str, length: int) -> np.ndarray:
    """C-alphas of an ideal helix or strand along z, centred."""
    i = np.arange(length)
    if kind == "H":
        angle = np.deg2rad(100.0) * i
        points = np.stack([2.3 * np.cos(angle), 2.3 * np.sin(angle), 1.5 * i], axis=1)
    else:
        points = np.stack([0.9 * (-1.0) ** i, 0 * i, 3.35 * i], axis=1)
    return points - points.mean(axis=0)


def member(rng: np.random.Generator, kinds: str, sites: np.ndarray) -> np.ndarray:
    """Elements up and down at neighbouring sites, with loops between; lengths and coordinates vary."""
    parts: list[np.ndarray] = []
    for place, (kind, site) in enumerate(zip(kinds, sites, strict=True)):
        own = element(kind, int(rng.integers(11, 15) if kind == "H" else rng.integers(6, 8)))
        own = own * [1.0, (-1.0) ** place, (-1.0) ** place] + [*(9.5 * site), 0.0]
        if parts:
            start, stop = parts[-1][-1], own[0]
            between = np.linspace(0, 1, max(3, int(np.linalg.norm(stop - start) / 3.4) + 1))[1:-1, None]
            out = np.sin(np.pi * between) * [0.0, 0.0, 3.0 * (-1.0) ** (place + 1)]
            parts.append(start + between * (stop - start) + out)
        parts.append(own)
    points = np.concatenate(parts)
    return (points + rng.normal(scale=0.3, size=points.shape)).astype(np.float32)


def write_data(folder: Path) -> None:
    """Structures of all folds, and labels of all pairs within a fold and of as many across folds."""
    rng = np.random.default_rng(7)
    chains: list[Structure] = []
    for fold in range(FOLDS):
        kinds = "".join(rng.choice(["H", "E"], int(rng.integers(3, 6))))
        grid = [np.array([x, y]) for x in range(3) for y in range(2)]
        sites = np.array([grid[i] for i in rng.permutation(len(grid))[: len(kinds)]])
        for number in range(MEMBERS):
            ca = member(rng, kinds, sites)
            letters = "".join(rng.choice(list("ACDEFGHIKLMNPQRSTVWY"), len(ca)))
            chains.append(Structure(f"fold{fold}-{number}", letters, ca=ca))
    group = np.repeat(np.arange(FOLDS), MEMBERS)
    within = [(i, j) for i in range(len(chains)) for j in range(i) if group[i] == group[j]]
    across = rng.integers(len(chains), size=(3 * len(within), 2))
    pairs = within + [(int(i), int(j)) for i, j in np.unique(np.sort(across), axis=0) if group[i] != group[j]]
    labels = [tm_align(chains[i], chains[j]) for i, j in pairs]
    pl.DataFrame(
        {
            "id": [chain.id for chain in chains],
            "set": ["made-up"] * len(chains),
            "sequence": [chain.letters for chain in chains],
            "ca_coords": [chain.ca.astype("<f4").tobytes() for chain in chains],
            "from_distance_map": [False] * len(chains),
            "seq_family": group.astype(np.int32),
            "superfamily_group": group.astype(np.int32),
        }
    ).write_parquet(folder / "structures.parquet")
    pl.DataFrame(
        {
            "query": [chains[i].id for i, _ in pairs],
            "target": [chains[j].id for _, j in pairs],
            "kind": ["family" if group[i] == group[j] else "random" for i, j in pairs],
            "tm_query": np.array([label.tm_query for label in labels], np.float32),
            "tm_target": np.array([label.tm_target for label in labels], np.float32),
            "aligned_query": [label.alignment[:, 0].astype("<u2").tobytes() for label in labels],
            "aligned_target": [label.alignment[:, 1].astype("<u2").tobytes() for label in labels],
        }
    ).write_parquet(folder / "tm_pairs.parquet")


@pytest.mark.slow
def test_tiny_recipe_learns_the_made_up_folds(tmp_path: Path) -> None:
    write_data(tmp_path)
    lines: list[str] = []
    folder = run_recipe(RECIPE, tmp_path / "run", data=tmp_path, progress=lines.append)
    data = load_pair_data(tmp_path)
    tm = data.tm[data.splits["validation"]]
    guess = np.abs(tm - np.median(tm)).mean()
    facts = load_weights(tmp_path / "run" / BEST)[1]
    print(f"guess {guess:.3f}", facts, *lines, sep="\n")
    assert facts["tm_mae"] < 0.13 < guess
    assert facts["structure_tm_r"] > 0.75

    model = load(str(folder), device="cpu")
    assert model.name == "tiny"
    same, other = data.structures[0], data.structures[-1]
    assert model.compare(same, data.structures[1]).tm > model.compare(same, other).tm
    assert (folder / "card.md").read_text().startswith("#")
