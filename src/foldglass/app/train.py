"""`foldglass train`."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from foldglass.app.extras import needing
from foldglass.app.loading import use_threads
from foldglass.app.options import Threads
from foldglass.errors import NotFoundError


def train(
    recipe: Annotated[
        str, typer.Argument(metavar="RECIPE", help="A TOML file, or the name of a recipe of the package.")
    ],
    out: Annotated[
        Path | None,
        typer.Option("-o", "--out", metavar="FOLDER", help="The run's folder.", show_default="runs/RECIPE"),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option("--data", metavar="FOLDER", help="Training data.", show_default="as the recipe says"),
    ] = None,
    name: Annotated[
        str, typer.Option("--name", metavar="NAME", help="The model's name.", show_default="the recipe's")
    ] = "",
    threads: Threads = None,
) -> None:
    """Train a model from a recipe; the result is a model's folder.

    A run that was stopped goes on from its last checkpoint when the same command is given again.
    """
    path = _recipe(recipe)
    folder = out or Path("runs") / path.stem
    use_threads(threads)
    from foldglass.train.recipe import read_recipe

    read_recipe(path)
    with needing("train", "train"):
        from foldglass.train.runs import run_recipe

    try:
        print(run_recipe(path, folder, data=data, name=name, progress=lambda line: print(line, file=sys.stderr)))
    except KeyboardInterrupt:
        raise KeyboardInterrupt(
            f"stopped; give the same command again to go on from the last checkpoint in {folder}"
        ) from None


def _recipe(recipe: str) -> Path:
    from importlib.resources import files

    if Path(recipe).is_file():
        return Path(recipe)
    packaged = {path.stem: path for path in sorted(Path(str(files("foldglass") / "recipes")).glob("*.toml"))}
    if recipe not in packaged:
        raise NotFoundError(recipe, got="no such recipe", expected=f"a TOML file or one of {', '.join(packaged)}")
    return packaged[recipe]
