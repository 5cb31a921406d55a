"""Proteins from the inputs of a command line."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from foldglass.app.skipped import Skipped
from foldglass.errors import InputError

if TYPE_CHECKING:
    from foldglass.protein import Sequence


def iter_proteins(sources: Iterable[str], skipped: Skipped) -> Iterator["Sequence"]:
    """The proteins of all sources, one by one.

    Raises
    ------
    InputError
        If two have the same id, because rows are told apart by it.
    """
    from foldglass.io.read import iter_read

    met: dict[str, str] = {}
    for source in sources:
        for protein in iter_read(source, on_skip=skipped):
            if protein.id in met:
                raise InputError(
                    protein.source or source,
                    got=f"id {protein.id!r} again, first in {met[protein.id]}",
                    expected="every id once",
                    remedy="rename a record or file",
                )
            met[protein.id] = protein.source or source
            yield protein


def begun(proteins: Iterator["Sequence"]) -> Iterator["Sequence"]:
    """The same proteins with the first already read, so that a wrong input is met before a model is loaded."""
    from itertools import chain

    return chain([next(proteins)], proteins)


def only(chains: "list[Sequence]", source: str) -> "Sequence":
    """The one protein of a source.

    Raises
    ------
    InputError
        If there are several.
    """
    if len(chains) > 1:
        names = ", ".join(chain.id for chain in chains[:5]) + (", ..." if len(chains) > 5 else "")
        raise InputError(
            source, got=f"{len(chains)} proteins ({names})", expected="one chain", remedy="name one, as file.pdb:A"
        )
    return chains[0]
