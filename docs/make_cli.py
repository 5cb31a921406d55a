"""Write the help of every command into docs/cli.md; a test checks that it is up to date."""

from pathlib import Path
from typing import Any

import typer

from foldglass.app.main import app

PAGE = Path(__file__).with_name("cli.md")
MARK = "<!-- The rest is written by docs/make_cli.py. -->\n"
_WIDTH = 100


def sections(command: Any, name: str, parent: Any = None) -> list[str]:
    """The help of a command and of those below it, as Markdown."""
    settings = {**command.context_settings, "terminal_width": _WIDTH}
    context = command.context_class(command, info_name=name, parent=parent, **settings)
    commands = getattr(command, "commands", {})
    text = f"## {context.command_path}\n\n```\n{context.get_help().rstrip()}\n```\n"
    return [text, *(part for key, below in commands.items() for part in sections(below, key, context))]


def page(current: str) -> str:
    """The page with its written part kept and its help made anew."""
    return current.split(MARK)[0] + MARK + "\n" + "\n".join(sections(typer.main.get_command(app), "foldglass"))


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
