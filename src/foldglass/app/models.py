"""`foldglass models`: list, show and pull."""

from typing import Annotated

import typer

from foldglass.app.options import Format, Out
from foldglass.app.output import Output
from foldglass.app.progress import Bar

models = typer.Typer(
    name="models", help="The models that are here, what they are, and how to get others.", rich_markup_mode=None
)

LIST_COLUMNS = ("name", "available", "licence", "path", "description")
SHOW_COLUMNS = ("name", "id", "description", "path", "towers", "made_with", "weights_sha256", "card")


@models.command("list")
def list_(format: Format = None, out: Out = None) -> None:
    """List the models by name, also those that must be trained or pulled first."""
    output = Output(out, format)
    from foldglass.models.registry import list_models

    rows = [
        {
            "name": info.name,
            "available": "yes" if info.available else "no",
            "licence": info.licence,
            "path": None if info.path is None else str(info.path),
            "description": info.description,
        }
        for info in list_models()
    ]
    columns = [column for column in LIST_COLUMNS if output.format != "table" or column != "path"]
    output.write(columns, rows)


@models.command()
def show(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="A name of 'foldglass models list', or a model's folder.")
    ],
    format: Format = None,
    out: Out = None,
) -> None:
    """Show what a model is: its card, towers, versions and the checksum of its weights."""
    output = Output(out, format)
    row = _described(name)
    if output.format == "table" and output.out is None:
        facts = {key: value for key, value in row.items() if key != "card"}
        width = max(map(len, facts))
        print("\n".join(f"{key:{width}}  {value}" for key, value in facts.items()))
        print(f"\n{row['card']}")
        return
    output.write(SHOW_COLUMNS, [row])


@models.command()
def pull(
    url: Annotated[str, typer.Argument(metavar="URL", help="Address of a model's folder.")],
    name: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="Call it so.", show_default="its own name")
    ] = None,
) -> None:
    """Get a model from the web: every file or none, the weights checked by their SHA-256."""
    from foldglass.models.pull import pull as pull_model

    with Bar() as bar:
        bar.phase("pulling")
        path = pull_model(url, name=name, progress=bar.reach)
    print(path)


def _described(name: str) -> dict[str, str]:
    import json

    from foldglass.models.config import read_config
    from foldglass.models.registry import find

    folder = find(name)
    config = read_config(folder)
    card, versions = folder / "card.md", folder / "versions.json"
    made_with = json.loads(versions.read_text()) if versions.is_file() else {}
    return {
        "name": config["name"],
        "id": f"{config['name']}@{config['weights_sha256'][:8]}",
        "description": config["description"],
        "path": str(folder),
        "towers": " and ".join(config.get("towers", ())),
        "made_with": ", ".join(f"{package} {version}" for package, version in made_with.items()),
        "weights_sha256": config["weights_sha256"],
        "card": card.read_text() if card.is_file() else "",
    }
