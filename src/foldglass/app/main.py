"""The command `foldglass`: its subcommands, and what becomes of errors and signals."""

import os
import signal
import sys
import warnings
from typing import Annotated, Any, NoReturn

import typer

from foldglass import __version__
from foldglass.app.cluster import cluster
from foldglass.app.compare import compare
from foldglass.app.db import db
from foldglass.app.denoise import denoise
from foldglass.app.embed import embed
from foldglass.app.evaluate import evaluate
from foldglass.app.fetch import fetch
from foldglass.app.label import label
from foldglass.app.models import models
from foldglass.app.mutate import mutate
from foldglass.app.quality import quality
from foldglass.app.search import search
from foldglass.app.sites import sites
from foldglass.app.train import train
from foldglass.errors import FoldglassError

app = typer.Typer(
    name="foldglass",
    add_completion=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
for _command in (compare, search, cluster, embed, mutate, denoise, quality, sites, label, train, evaluate, fetch):
    app.command()(_command)
app.add_typer(db)
app.add_typer(models)


def _say_version(wanted: bool) -> None:
    if wanted:
        print(f"foldglass {__version__}")
        raise typer.Exit()


@app.callback(invoke_without_command=True)
def foldglass(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_say_version, is_eager=True, help="Say the version and exit.")
    ] = False,
) -> None:
    """Compare, search and explain proteins by fold, from sequence or structure, without superposition."""
    if context.invoked_subcommand is None:
        print(context.get_help())
        raise typer.Exit(2)


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns 0 (done), 1 (failed), 2 (wrong usage), 130 (interrupted) or 143 (terminated)."""
    signal.signal(signal.SIGTERM, _terminated)
    warnings.formatwarning = _one_line
    command = typer.main.get_command(app)
    try:
        with command.make_context("foldglass", sys.argv[1:] if arguments is None else list(arguments)) as context:
            command.invoke(context)
        sys.stdout.flush()
    except typer.Exit as exit:
        return exit.exit_code
    except typer.TyperException as error:
        where = getattr(getattr(error, "ctx", None), "command_path", "foldglass")
        said = error.format_message().replace("Value error, ", "")
        return _failed(f"{said} (see: {where} --help)", error.exit_code)
    except FoldglassError as error:
        return _failed(str(error), error.exit_code)
    except KeyboardInterrupt as interrupt:
        return _failed(str(interrupt) or "stopped", 130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains when it flushes at exit
    except MemoryError:
        return _failed("not enough memory; give fewer or shorter proteins at once", 1)
    except Exception as error:
        if os.environ.get("FOLDGLASS_DEBUG"):
            raise
        return _failed(
            f"an error in foldglass itself: {type(error).__name__}: {error}; FOLDGLASS_DEBUG=1 shows where", 1
        )
    return 0


def _failed(text: str, code: int) -> int:
    print(f"foldglass: {' '.join(text.split())}", file=sys.stderr)
    return code


def _terminated(*_: object) -> NoReturn:
    """Leave through the context managers, which remove unfinished files."""
    raise SystemExit(143)


def _one_line(message: Warning | str, *_: Any, **__: Any) -> str:
    return f"foldglass: {' '.join(str(message).split())}\n"
