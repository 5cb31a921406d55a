"""The stages of a Siamese recipe: what the first one leaves alone and what the next one may change."""

import numpy as np
import pytest
import torch

from foldglass.models.siamese import WholeBranch
from foldglass.train.data import load_pair_data
from foldglass.train.loop import BEST, load_weights
from foldglass.train.recipe import read_recipe
from foldglass.train.runs import run_recipe
from foldglass.train.siamese import predicted_tm
from foldglass.train.splits import VALIDATION
from foldglass.train.whole import WholeTask

RECIPE = """task = "siamese"
towers = ["structure"]
[loop]
steps = 3
lr = 1e-2
warmup = 1
accelerator = "cpu"
validate_every = 3
[structure]
dim = 8
layers = 1
heads = 2
feedforward = 16
[network]
hidden = 8
heads = 2
feedforward = 16
whole_hidden = 6
[pairs]
proteins = 12
[whole]
steps = 2
pairs = 16
"""


@pytest.fixture
def folder(data_folder):
    """Chains of as many superfamilies, near ones in the list labelled."""
    count = 120
    pairs = [(i, i + step, 0.2 + 0.005 * i) for step in range(1, 20) for i in range(count - step)]
    return data_folder([12 + i % 5 for i in range(count)], range(count), range(count), pairs)


@pytest.mark.parametrize("frozen", [True, False])
def test_frozen_branch_is_what_its_own_stage_made(folder, tmp_path, frozen):
    recipe = tmp_path / "small.toml"
    recipe.write_text(f"{RECIPE}frozen = {str(frozen).lower()}\n")
    run_recipe(recipe, tmp_path / "run", data=folder)
    first, _ = load_weights(tmp_path / "run" / "whole-structure" / BEST)
    last, _ = load_weights(tmp_path / "run" / BEST)
    name = "layers.0.weight"
    assert torch.equal(first[name], last[f"structure.network.whole.{name}"]) == frozen


def test_error_of_new_proteins_is_that_of_pairs_without_a_training_protein(folder, tmp_path):
    recipe_file = tmp_path / "small.toml"
    recipe_file.write_text(RECIPE)
    recipe, data = read_recipe(recipe_file), load_pair_data(folder)
    branch = WholeBranch(4, 6, 5, 0.0)
    describe = {i: torch.randn(4) for i in range(len(data.structures))}
    task = WholeTask(recipe, data, branch, describe.__getitem__)
    with torch.no_grad():
        found = task.validate(branch.eval())
        vectors = {i: torch.nn.functional.normalize(branch(own[None]), dim=-1)[0] for i, own in describe.items()}
    errors = []
    for row in data.splits["validation"].tolist():
        query, target = int(data.query[row]), int(data.target[row])
        if data.roles[query] == data.roles[target] == VALIDATION:
            cosine = np.array([(vectors[query] @ vectors[target]).item()])
            errors.append(abs(predicted_tm(cosine, recipe)[0] - data.tm[row]))
    assert 0 < len(errors) < len(data.splits["validation"])
    assert found["tm_mae_new"] == pytest.approx(np.mean(errors), rel=1e-4)
    assert found["tm_mae_new"] != pytest.approx(found["tm_mae"], rel=1e-3)
