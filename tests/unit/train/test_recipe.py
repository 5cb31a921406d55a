"""Recipes: what is understood, and what is said of the rest."""

from importlib.resources import files
from pathlib import Path

import pytest

from foldglass.errors import InputError, NotFoundError
from foldglass.models.site_inputs import KINDS
from foldglass.train.recipe import read_recipe

RECIPES = sorted(Path(str(files("foldglass"))).joinpath("recipes").glob("*.toml"))

MINIMAL = 'task = "siamese"\n[loop]\nsteps = 7\n'


@pytest.fixture
def recipe(tmp_path):
    def write(text: str) -> Path:
        path = tmp_path / "recipe.toml"
        path.write_text(text)
        return path

    return write


def test_there_are_recipes():
    assert RECIPES


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_packaged_recipe_is_understood(path):
    recipe = read_recipe(path)
    assert recipe.loop.steps > 0
    if recipe.task == "pretrain":
        assert recipe.pretrain is not None
    elif recipe.task == "sites":
        assert recipe.sites is not None and set(recipe.sites.inputs) <= set(KINDS)
    elif recipe.task == "quality":
        assert recipe.quality is not None and 0 <= recipe.quality.made_share < 1
    elif recipe.task == "inverse-folding":
        assert recipe.inverse is not None and recipe.inverse.shortest < recipe.inverse.longest
    elif recipe.task == "score":
        assert recipe.score is not None and recipe.score.network().blocks > 0
        assert recipe.score.crop % recipe.score.segments == 0 and recipe.score.maps >= recipe.score.levels_per_step
    else:
        assert set(recipe.towers) <= {"sequence", "structure"} and recipe.towers


def test_defaults_and_nested_values(recipe):
    text = MINIMAL + 'lr = 1\n[network]\npreset = "paper"\nlayers = 3\n[pretrain]\nsequences = ["a", "b"]\n'
    read = read_recipe(recipe(text))
    assert read.loop.steps == 7 and read.loop.seed == 0
    assert read.loop.lr == 1.0 and type(read.loop.lr) is float
    assert (read.network.preset, read.network.layers, read.network.hidden) == ("paper", 3, None)
    assert read.pretrain is not None and read.pretrain.sequences == ["a", "b"]
    assert read_recipe(recipe(MINIMAL)).pretrain is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (MINIMAL + "learning_rat = 1.0\n", r"toml, loop: unknown key 'learning_rat'; expected one of steps, lr,"),
        (MINIMAL + "warmpu = 3\n", r"did you mean 'warmup'\?$"),
        ("tusk = 1\n" + MINIMAL, r"recipe.toml: unknown key 'tusk'; .*; did you mean 'task'\?$"),
        (MINIMAL + "seed = 1.5\n", r"loop, seed: 1.5; expected int$"),
        (MINIMAL + 'lr = "fast"\n', r"loop, lr: 'fast'; expected float$"),
        (MINIMAL + "lr = true\n", r"loop, lr: True; expected float$"),
        (MINIMAL + 'precision = "16"\n', r"precision: '16'; expected one of '32-true', 'bf16-mixed'$"),
        ('towers = "structure"\n' + MINIMAL, r"towers: 'structure'; expected a list$"),
        ("towers = [1]\n" + MINIMAL, r"towers: 1; expected str$"),
        ("structure = 3\n" + MINIMAL, r"structure: 3; expected a table$"),
        (MINIMAL + "[network]\nlayers = 2.5\n", r"network, layers: 2.5; expected int$"),
        ('task = "siamese"\n', r"recipe.toml: no 'loop'; expected it to be set$"),
        ('task = "siamese"\n[loop]\n', r"recipe.toml, loop: no 'steps'; expected it to be set$"),
        (MINIMAL + "[pretrain]\ncrop = 3\n", r"pretrain: no 'sequences'"),
        ("task = \n", r"recipe.toml: not TOML \(.*\); expected a recipe$"),
        ("\x00", r"not TOML"),
    ],
)
def test_message_names_the_place(recipe, text, message):
    with pytest.raises(InputError, match=message):
        read_recipe(recipe(text))


def test_bytes_that_are_no_text_are_not_toml(tmp_path):
    path = tmp_path / "recipe.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="not TOML"):
        read_recipe(path)


def test_missing_recipe_is_named(tmp_path):
    with pytest.raises(NotFoundError, match=r"none.toml: no such recipe; expected a TOML file$"):
        read_recipe(tmp_path / "none.toml")
