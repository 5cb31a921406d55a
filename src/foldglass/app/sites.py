"""`foldglass sites`."""

from collections.abc import Iterator
from enum import StrEnum
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from foldglass.app.loading import load_by
from foldglass.app.options import Format, Threads
from foldglass.app.output import Output
from foldglass.app.progress import Bar
from foldglass.app.proteins import begun, iter_proteins
from foldglass.app.skipped import Skipped
from foldglass.errors import InputError, MissingExtraError, UsageError

if TYPE_CHECKING:
    from foldglass.models.sites_model import SitesModel
    from foldglass.protein import Sequence, Structure
    from foldglass.tasks.sites import Sites


class Rows(StrEnum):
    """What a row of the result is."""

    SITES = "sites"
    RESIDUES = "residues"
    CHAINS = "chains"


COLUMNS = {
    Rows.SITES: ("protein", "site", "residues", "probability", "interface", "members"),
    Rows.RESIDUES: ("protein", "chain", "residue", "letter", "probability", "called", "site", "area_lost", "interface"),
    Rows.CHAINS: (
        "protein",
        "residues",
        "called",
        "sites",
        "mean_probability",
        "interface",
        "precision",
        "recall",
        "f1",
        "mcc",
        "auprc",
    ),
}
"""Documented in docs/cli.md and never reordered."""

_STRUCTURE = (".pdb", ".cif")


def sites(
    structures: Annotated[
        list[str],
        typer.Argument(
            metavar="STRUCTURE",
            help="PDB, mmCIF or BinaryCIF files, also .gz, folders, one chain as file.pdb:A, or accessions. The chains "
            "of a file are one complex.",
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--out",
            metavar="FILE",
            help="A .pdb or .cif file for the structure with the probabilities in the B-factor column; any other "
            "extension takes the result table instead of standard output.",
        ),
    ] = None,
    picture: Annotated[
        Path | None, typer.Option("--picture", metavar="FILE", help="An .html page with the coloured chains.")
    ] = None,
    rows: Annotated[Rows, typer.Option("--rows", help="One row per site, per residue or per chain.")] = Rows.SITES,
    threshold: Annotated[
        float | None,
        typer.Option(
            "--threshold", metavar="P", help="Probability to call a residue.", min=0, max=1, show_default="the model's"
        ),
    ] = None,
    interface: Annotated[
        bool,
        typer.Option(
            "--interface",
            help="Fail where the true interface of a complex cannot be told, instead of leaving it out.",
        ),
    ] = False,
    model: Annotated[
        str, typer.Option("--model", metavar="NAME", help="An interaction-site model: its name, or its folder.")
    ] = "sites",
    format: Format = None,
    threads: Threads = None,
) -> None:
    """Find the residues that touch a partner protein.

    The model sees one chain at a time, by its C-alphas and letters. If the file holds several chains with all atoms,
    the residues that lose more than 1 square angstrom of accessible area to the others are shown beside it.
    """
    drawn = out if out is not None and out.suffix.lower() in _STRUCTURE else None
    output = Output(None if drawn else out, format)
    from foldglass.io.atomic import check_writable

    if picture is not None and picture.suffix.lower() not in (".html", ".htm"):
        raise UsageError(str(picture), got=f"the extension {picture.suffix!r}", expected=".html")
    for path in (drawn, picture):
        if path is not None:
            check_writable(path)
    with Skipped() as skipped, Bar(shown=not output.streams_to_screen) as bar:
        bar.phase("reading")
        proteins = begun(iter_proteins(structures, skipped))
        from foldglass.models.registry import load_sites

        loaded = load_by(load_sites, model, threads, bar)
        found = list(bar.over(_found(loaded, proteins, threshold, skipped, strict=interface), "finding sites"))
        for path in (drawn, picture):
            _require_one_file(path, found)
        if drawn is not None:
            from foldglass.io.trace import write_chains

            title = f"{found[0].structure.id}, B-factor: probability of an interaction site by {loaded.id}"
            write_chains(drawn, [(each.structure, each.probability) for each in found], title=title)
        if picture is not None:
            from foldglass.io.atomic import replacing
            from foldglass.tasks.sites_picture import sites_html

            with replacing(picture) as part:
                part.write_text(sites_html(found), encoding="utf-8")
        bar.close()
        table = [row for each in found for row in _ROWS[rows](each)]
        output.write(COLUMNS[rows], table, model=loaded.id, threshold=found[0].threshold)
        for each in found:
            typer.echo(_line(each), err=True)


def _found(
    model: "SitesModel", proteins: Iterator["Sequence"], threshold: float | None, skipped: Skipped, *, strict: bool
) -> Iterator["Sites"]:
    """Sites of every chain that is long enough, file by file."""
    from foldglass.models.site_inputs import SHORTEST
    from foldglass.protein import Structure
    from foldglass.tasks.sites import find_sites

    reason: InputError | None = None
    met = False
    for source, members in groupby(proteins, key=lambda protein: protein.source):
        chains = list(members)
        together = [chain for chain in chains if isinstance(chain, Structure)]
        known = _interface_known(together, source, skipped, strict=strict)
        for chain in chains:
            try:
                partners = [other for other in together if other is not chain] if known else []
                yield find_sites(model, chain, threshold=threshold, partners=partners)
                met = True
            except InputError as error:
                if len(chain) >= SHORTEST or not isinstance(chain, Structure):
                    raise
                reason = reason or error
                skipped(f"{error}; the chain left out")
    if not met and reason is not None:
        raise InputError("sites", got="no chain that is long enough", remedy=f"the first: {reason}")


def _interface_known(chains: "list[Structure]", source: str, skipped: Skipped, *, strict: bool) -> bool:
    """Whether the true interface of a file's chains can be told; if not, why not is said."""
    from foldglass.metrics.interface import check_complex

    if len(chains) < 2 and not strict:
        return False
    try:
        check_complex(chains)
    except (InputError, MissingExtraError) as error:
        if strict:
            raise
        skipped(f"{error}; the true interface left out")
        return False
    return True


def _require_one_file(path: Path | None, found: "list[Sites]") -> None:
    sources = {each.structure.source for each in found}
    if path is not None and len(sources) > 1:
        raise UsageError(str(path), got=f"chains of {len(sources)} files", expected="one structure file")


def _site_rows(each: "Sites") -> Iterator[dict[str, Any]]:
    letters, labels, true = each.structure.letters, each.structure.labels, each.interface
    for number, patch in enumerate(each.patches, start=1):
        yield {
            "protein": each.structure.id,
            "site": number,
            "residues": len(patch.residues),
            "probability": patch.probability,
            "interface": None if true is None else int(true[patch.residues].sum()),
            "members": " ".join(letters[i] + labels[i] for i in patch.residues.tolist()),
        }


def _residue_rows(each: "Sites") -> Iterator[dict[str, Any]]:
    site = {int(i): number for number, patch in enumerate(each.patches, start=1) for i in patch.residues}
    for i, (letter, label) in enumerate(zip(each.structure.letters, each.structure.labels, strict=True)):
        yield {
            "protein": each.structure.id,
            "chain": each.structure.chain,
            "residue": label,
            "letter": letter,
            "probability": float(each.probability[i]),
            "called": bool(each.called[i]),
            "site": site.get(i),
            "area_lost": None if each.area_lost is None else float(each.area_lost[i]),
            "interface": None if each.interface is None else bool(each.interface[i]),
        }


def _chain_row(each: "Sites") -> Iterator[dict[str, Any]]:
    agreement = each.agreement
    yield {
        "protein": each.structure.id,
        "residues": len(each.structure),
        "called": int(each.called.sum()),
        "sites": len(each.patches),
        "mean_probability": float(each.probability.mean()),
        "interface": None if each.interface is None else int(each.interface.sum()),
        "precision": agreement and agreement.precision,
        "recall": agreement and agreement.recall,
        "f1": agreement and agreement.f1,
        "mcc": agreement and agreement.mcc,
        "auprc": each.average_precision,
    }


_ROWS = {Rows.SITES: _site_rows, Rows.RESIDUES: _residue_rows, Rows.CHAINS: _chain_row}


def _line(each: "Sites") -> str:
    text = (
        f"{each.structure.id}: {int(each.called.sum())} of {len(each.structure)} residues above {each.threshold:.2f}, "
        f"in {len(each.patches)} sites"
    )
    if each.interface is None:
        return text
    if (agreement := each.agreement) is None:
        return f"{text}; no residue truly touches a partner"
    return (
        f"{text}; {int(each.interface.sum())} truly touch a partner: precision {agreement.precision:.2f}, "
        f"recall {agreement.recall:.2f}"
    )
