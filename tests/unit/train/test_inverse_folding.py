"""Training and measuring of inverse folding."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

from foldglass.errors import NotFoundError
from foldglass.models.registry import load_inverse
from foldglass.train.evaluation_inverse import evaluate_inverse, write_inverse_report
from foldglass.train.inverse_folding import InverseFoldingTask, inverse_figures, native_graphs
from foldglass.train.natives import judged_families, natives_by_role, read_tables
from foldglass.train.quality_split import chain_splits
from foldglass.train.recipe import InverseFoldingConfig, LoopConfig, Recipe
from foldglass.train.runs import run_recipe

SMALL = InverseFoldingConfig(node=16, edge=8, blocks=1, batch=4, shortest=20)
LOOP = LoopConfig(steps=4, lr=0.01, warmup=1, log_every=1, validate_every=2, accelerator="cpu")


def test_relatives_of_held_out_targets_are_held_out(decoy_folder: Path) -> None:
    decoys, chains = read_tables(decoy_folder)
    roles = dict(natives_by_role(decoys, chains, set()).select("superfamily_group", "role").iter_rows())
    splits = dict(zip(chains["superfamily_group"], chain_splits(chains).tolist(), strict=True))
    targets = range(30)  # of sixty groups
    assert roles == {g: "validation" if split == "train" and g in targets else split for g, split in splits.items()}
    assert set(roles.values()) == {"train", "validation", "test"}
    trained, tested = (next(group for group, role in roles.items() if role == wanted) for wanted in ("train", "test"))
    letters = dict(zip(chains["superfamily_group"], chains["sequence"], strict=True))
    moved = chains.with_columns(
        superfamily_group=pl.when(pl.col("superfamily_group") == tested)
        .then(trained)
        .otherwise(pl.col("superfamily_group"))
    )
    assert letters[tested] in moved["sequence"]
    mixed = decoys.with_columns(
        sequence=pl.when(pl.col("target_id") == decoys["target_id"][0])
        .then(pl.lit(letters[tested]))
        .otherwise(pl.col("sequence"))
    )
    again = dict(natives_by_role(mixed, chains, set()).select("superfamily_group", "role").iter_rows())
    assert again[tested] == "test"


def test_families_that_other_tasks_test_are_out(decoy_folder: Path) -> None:
    _, chains = read_tables(decoy_folder)
    letters, families = chains["sequence"].to_list(), chains["seq_family"].to_list()
    assert judged_families(decoy_folder, chains) == set()
    pl.DataFrame({"subset": ["Train_335", "Test_60"], "sequence": letters[:2]}).write_parquet(
        decoy_folder / "ppi_sites.parquet"
    )
    pl.DataFrame({"wt_sequence": [letters[2][:-1], None]}).write_parquet(decoy_folder / "mutants.parquet")
    assert judged_families(decoy_folder, chains) == {families[1], families[2]}
    sizes = [sum(len(native_graphs(decoy_folder, SMALL, role)) for role in ("train", "validation", "test"))]
    assert sizes == [58]


def test_chains_are_limited_by_family_length_and_role(decoy_folder: Path) -> None:
    table = decoy_folder / "structures.parquet"
    chains = pl.read_parquet(table)
    copies = chains.with_columns(id=pl.concat_str(pl.col("id"), pl.lit("-again")))
    pl.concat([chains, copies]).write_parquet(table)
    found = {n: native_graphs(decoy_folder, replace(SMALL, per_family=n), "train") for n in (1, 2)}
    assert len(found[2]) == 2 * len(found[1]) == 2 * len(set(found[1].groups))
    shorter = native_graphs(decoy_folder, replace(SMALL, longest=30), "train")
    assert 0 < len(shorter) < len(found[2]) and {len(graph) for graph in shorter.graphs} == {30}
    assert len(native_graphs(decoy_folder, replace(SMALL, validation=2), "validation")) == 2
    groups = [set(native_graphs(decoy_folder, SMALL, role).groups) for role in ("train", "validation", "test")]
    assert not groups[0] & groups[1] and not groups[0] & groups[2] and not groups[1] & groups[2]
    with pytest.raises(NotFoundError, match=r"expected decoys.parquet and structures.parquet"):
        native_graphs(decoy_folder / "none", SMALL, "train")


def test_it_learns_what_letters_follow_from_the_shape(decoy_folder: Path) -> None:
    data = {role: native_graphs(decoy_folder, SMALL, role) for role in ("train", "validation")}
    task = InverseFoldingTask(Recipe("inverse-folding", LOOP, inverse=SMALL), data)
    optimizer = torch.optim.Adam(task.module.parameters(), lr=0.01)
    before = inverse_figures(task.module.eval(), data["train"].graphs)
    task.module.train()
    for step in range(150):
        loss, _ = task.loss(task.module, step)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    after = inverse_figures(task.module.eval(), data["train"].graphs)
    assert abs(before["loss"] - np.log(20)) < 0.3
    assert after["loss"] < before["loss"] - 0.5 and after["recovery"] > before["recovery"] + 0.2
    assert task.validate(task.module).keys() == {"loss", "recovery"}


RECIPE = """
task = "inverse-folding"
[loop]
steps = 4
warmup = 1
log_every = 2
validate_every = 2
accelerator = "cpu"
[pairs]
folder = "{folder}"
[inverse]
node = 16
edge = 8
blocks = 1
shortest = 20
"""


def test_a_recipe_ends_in_a_model_that_is_measured(
    decoy_folder: Path, tmp_path: Path, make_structure: Callable
) -> None:
    recipe = tmp_path / "toy.toml"
    recipe.write_text(RECIPE.format(folder=decoy_folder))
    folder = run_recipe(recipe, tmp_path / "run")
    model = load_inverse(str(folder))
    assert model.name == "toy" and "native chains of" in (folder / "card.md").read_text()
    evaluation = evaluate_inverse(model, decoy_folder)
    page, numbers = write_inverse_report(evaluation, tmp_path / "report.html")
    report = json.loads(numbers.read_text())
    assert [row["key"] for row in report["results"]] == ["model", "surroundings", "composition"]
    assert all(0 < row["nats"]["value"] < 5 for row in report["results"])
    assert "Inverse folding by toy@" in page.read_text()
