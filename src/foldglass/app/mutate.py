"""`foldglass mutate`."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from foldglass.app.loading import load_model
from foldglass.app.mutation_columns import columns_of, row_of
from foldglass.app.options import Device, DeviceName, Format, FormatName, ModelName, Threads
from foldglass.app.output import Output
from foldglass.app.progress import Bar
from foldglass.app.proteins import iter_proteins, only
from foldglass.app.skipped import Skipped
from foldglass.errors import UsageError

if TYPE_CHECKING:
    from foldglass.models.model import Model
    from foldglass.protein import Sequence
    from foldglass.tasks.mutation import Effect
    from foldglass.variant import Variant

_FIGURES, _TRACES = (".svg", ".png", ".pdf"), (".pdb", ".cif")
_TABLES = (".tsv", ".txt", ".json", ".jsonl", ".parquet", "")


def mutate(
    wild: Annotated[
        str,
        typer.Argument(
            metavar="WT",
            help="The wild type, one protein: a file, one chain as file.pdb:A, one record as file.fasta:ID, or an "
            "accession.",
        ),
    ],
    mutations: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[MUT]...",
            help="Mutations such as A123G,K45del,K45_L47del,M1_K2insG,K45delinsGG (several of one protein joined by "
            "'+'), a text file of them, or files with the mutants: structures, or a FASTA of variants.",
        ),
    ] = None,
    scan: Annotated[bool, typer.Option("--scan", help="Every substitution of every residue.")] = False,
    region: Annotated[
        str | None,
        typer.Option("--region", metavar="FROM-TO", help="Scan these residues only, such as 10-25 or 10-25,40."),
    ] = None,
    background: Annotated[
        int,
        typer.Option(
            "--background",
            metavar="N",
            min=0,
            help="Random substitutions of the same protein that the P-value compares with; 0 leaves it out. A scan of "
            "all compares with itself.",
        ),
    ] = 200,
    log_probabilities: Annotated[
        Path | None,
        typer.Option(
            "--log-probabilities",
            metavar="FILE",
            help="Log-probabilities (or logits) of the twenty residues at each place, of any model, tab-separated with "
            "the letters as a heading: gives each substitution its log-odds, which the heat map then shows. Of a "
            "structure the packaged inverse-folding network gives them.",
        ),
    ] = None,
    physics: Annotated[
        bool,
        typer.Option(
            "--physics",
            help="Model the mutant's coordinates and compare structures; needs the extra physics, and minutes each.",
        ),
    ] = False,
    radius: Annotated[
        float,
        typer.Option(
            "--radius", metavar="A", min=0, help="With --physics: what is so near the site, in angstrom, moves."
        ),
    ] = 10.0,
    seed: Annotated[
        int, typer.Option("--seed", metavar="N", min=0, help="Of the random substitutions, and of --physics.")
    ] = 0,
    out: Annotated[
        list[Path] | None,
        typer.Option(
            "-o",
            "--out",
            metavar="FILE",
            help="By extension: .tsv, .json, .jsonl or .parquet for the results; .svg, .png or .pdf for a figure (heat "
            "map of a scan, lines along the chain otherwise); .pdb or .cif for the wild type's C-alphas with the "
            "change of each residue as B-factor. May be given several times.",
        ),
    ] = None,
    format: Format = None,
    model: ModelName = "builtin",
    device: Device = DeviceName.AUTO,
    threads: Threads = None,
) -> None:
    """Say what mutations change: the fold, and which residues.

    From sequence; two structures are compared as such, and measured as well. See docs/mutation.md for what the numbers
    mean, and for how much a prediction can be trusted.
    """
    if (scan or region) and mutations:
        raise UsageError("mutate", got="mutations with --scan or --region", expected="one of them")
    if not (scan or region or mutations):
        raise UsageError("mutate", got="no mutation", expected="mutations, files, --scan or --region")
    if physics and not mutations:
        raise UsageError("mutate --physics", got="a scan", expected="mutations", remedy="it takes minutes for each")
    files = _Files.of(out or [], format)
    with Skipped() as skipped, Bar(shown=not files.table.streams_to_screen) as bar:
        bar.phase("reading")
        protein = only(list(iter_proteins([wild], skipped)), wild)
        files.check(protein)
        table = _log_probabilities(log_probabilities, protein)
        task = _scan(protein, region) if scan or region else _asked(protein, mutations or [], skipped)
        if physics:
            task = _modelled(protein, task, radius, seed)
        loaded = load_model(model, device, threads, bar)
        from foldglass.tasks.mutation import background as drawn
        from foldglass.tasks.mutation import p_values, variant_effects

        whole = scan and region is None
        measure_others = background and not whole and task.by_sequence
        others = drawn(protein, background, seed=seed) if measure_others else []
        bar.phase("mutating", task.total + len(others))
        rows, gathered = [], _Gathered(protein, files)
        for effect in task.effects(loaded):
            odds = table and table(effect.variant)
            rows.append(row_of(effect, residues=not task.scans) | {"log_odds": odds})
            gathered.add(effect, odds)
            bar.advance()
        shifts = [row["shift"] for row in rows] if whole else []
        for effect in variant_effects(loaded, protein, others):
            shifts.append(effect.shift)
            bar.advance()
        if shifts:
            import numpy as np

            found = p_values(np.array([row["shift"] for row in rows]), np.array(shifts)).tolist()
            rows = [
                row | ({"p_value": p} if row["kind"] == "sequence" else {}) for row, p in zip(rows, found, strict=True)
            ]
        bar.phase("writing")
        gathered.write(loaded.id, scanned=task.scans)
        bar.close()
        columns = columns_of(
            files.table.format, residues=not task.scans, measured=any("exact_rmsd" in row for row in rows)
        )
        files.table.write(columns, rows, model=loaded.id, wild=wild)


@dataclass
class _Task:
    """What is to be done, and how many mutations it is."""

    effects: "Callable[[Model], Iterator[Effect]]"
    variants: "list[Variant]"
    mutants: "list[Sequence]" = field(default_factory=list)
    by_sequence: bool = True
    scans: bool = False

    @property
    def total(self) -> int:
        return len(self.variants) + len(self.mutants)


def _log_probabilities(given: Path | None, wild: "Sequence") -> "Callable[[Variant], float] | None":
    """Log-odds of variants: from a file, or of a structure by the packaged inverse-folding network."""
    from functools import partial

    from foldglass.models.quality_input import FEWEST
    from foldglass.protein import Structure
    from foldglass.tasks.log_odds import log_odds, read_log_probabilities, structure_log_probabilities

    if given is not None:
        return partial(log_odds, read_log_probabilities(given, wild), wild)
    if isinstance(wild, Structure) and len(wild) >= FEWEST:
        return partial(log_odds, structure_log_probabilities(wild), wild)
    return None


def _scan(wild: "Sequence", region: str | None) -> _Task:
    from foldglass.variant import parse_region, substitutions

    places = range(len(wild)) if region is None else parse_region(region, wild).tolist()
    variants = list(substitutions(wild, places))
    return _Task(_of_variants(wild, variants), variants, scans=True)


def _asked(wild: "Sequence", mutations: list[str], skipped: Skipped) -> _Task:
    """Mutations of the command line: notation, lists in files, and proteins."""
    from foldglass.protein import Structure
    from foldglass.variant import parse_variants

    variants: list[Variant] = []
    mutants: list[Sequence] = []
    for text in mutations:
        written = _notation(text)
        if written is not None:
            variants += parse_variants(written, wild)
        else:
            mutants += _mutants(text, skipped)
    for mutant in [m for m in mutants if m.letters == wild.letters]:
        skipped(f"{mutant.id}: the sequence of the wild type; left out")
        mutants.remove(mutant)
    both = isinstance(wild, Structure) and all(isinstance(mutant, Structure) for mutant in mutants)
    if not variants and not mutants:
        raise UsageError("mutate", got="no mutant", expected="at least one")

    def effects(model: "Model") -> "Iterator[Effect]":
        from foldglass.tasks.mutation import mutant_effects

        return chain(_of_variants(wild, variants)(model), mutant_effects(model, wild, mutants))

    return _Task(effects, variants, mutants, by_sequence=bool(variants) or not both)


def _mutants(source: str, skipped: Skipped) -> "list[Sequence]":
    """All records of a FASTA or files of a folder, but one chain of a structure file."""
    from foldglass.protein import Structure

    found = list(iter_proteins([source], skipped))
    if isinstance(found[0], Structure) and not Path(source).is_dir():
        return [only(found, source)]
    return found


def _of_variants(wild: "Sequence", variants: "Iterable[Variant]") -> "Callable[[Model], Iterator[Effect]]":
    def effects(model: "Model") -> "Iterator[Effect]":
        from foldglass.tasks.mutation import variant_effects

        return variant_effects(model, wild, variants)

    return effects


def _modelled(wild: "Sequence", task: _Task, radius: float, seed: int) -> _Task:
    """The same variants with coordinates of the mutants, modelled one by one."""
    from foldglass.protein import Structure

    if not isinstance(wild, Structure) or task.mutants:
        got = "a sequence as the wild type" if not isinstance(wild, Structure) else "mutants in files"
        raise UsageError("mutate --physics", got=got, expected="a structure, and mutations in notation")

    def effects(model: "Model") -> "Iterator[Effect]":
        from foldglass.tasks.mutant_structure import model_mutant
        from foldglass.tasks.mutation import mutant_effects

        for variant in task.variants:
            pair = model_mutant(wild, variant, radius=radius, seed=seed)
            yield from mutant_effects(model, pair.wild, [pair.mutant])

    return _Task(effects, task.variants, by_sequence=False)


_HEAD = 4096
_ATTEMPT = re.compile(r"(?:p\.)?\(?(?:[A-Za-z]|[A-Za-z]{3})-?\d+[^./\\]*")


def _notation(argument: str) -> str | None:
    """The mutations that an argument holds, itself or in the file that it names; None if it stands for proteins."""
    from foldglass.io.fetch import looks_like_accession
    from foldglass.variant import looks_like_variants

    path = Path(argument)
    if not path.is_file():
        # I3fs and i3c are for the parser to refuse: as files they would only be missing
        meant = _ATTEMPT.fullmatch(argument) and not path.exists() and not looks_like_accession(argument)
        return argument if looks_like_variants(argument) or meant else None
    with path.open("rb") as file:
        head = file.read(_HEAD).decode("utf-8", errors="replace")
    if path.suffix != ".txt" and not looks_like_variants(head):
        return None
    return path.read_text(encoding="utf-8", errors="replace")


@dataclass
class _Files:
    """Where results go: one table, and any figures and traces."""

    table: Output
    figures: list[Path] = field(default_factory=list)
    traces: list[Path] = field(default_factory=list)

    @classmethod
    def of(cls, out: list[Path], format: FormatName | None) -> "_Files":
        figures = [path for path in out if path.suffix.lower() in _FIGURES]
        traces = [path for path in out if path.suffix.lower() in _TRACES]
        tables = [path for path in out if path not in (*figures, *traces)]
        for path in [] if format else tables:
            if path.suffix.lower() not in _TABLES and path != Path("-"):
                raise UsageError(
                    str(path),
                    got=f"the extension {path.suffix!r}",
                    expected=", ".join((*_TABLES[:-1], *_FIGURES, *_TRACES)),
                    remedy="for a table of another name give --format",
                )
        if len(tables) > 1:
            raise UsageError("mutate", got=f"{len(tables)} files for the results", expected="one")
        from foldglass.io.atomic import check_writable

        for path in (*figures, *traces):
            check_writable(path)
        return cls(Output(tables[0] if tables else None, format), figures, traces)

    def check(self, wild: "Sequence") -> None:
        """Refuse before any work what cannot be written."""
        from foldglass.protein import Structure

        if self.traces and not isinstance(wild, Structure):
            raise UsageError(str(self.traces[0]), got="a sequence as the wild type", expected="a structure")


class _Gathered:
    """What figures and traces need of the effects as they pass, and no more."""

    def __init__(self, wild: "Sequence", files: _Files) -> None:
        self._wild, self._files = wild, files
        self._effects: list[Effect] = []
        self._cells: list[tuple[int, str, float]] = []
        self._odds = False
        self._total: Any = 0.0
        self._count = 0

    def add(self, effect: "Effect", odds: float | None) -> None:
        """Keep an effect's part of a heat map, and the effect itself while there are few."""
        import numpy as np

        from foldglass.tasks.mutation_figures import MOST_LINES

        change = effect.variant.changes[0]
        self._odds = odds is not None
        self._cells.append((change.start, change.letters, effect.shift if odds is None else odds))
        self._total = self._total + np.nan_to_num(effect.change)
        self._count += 1
        if len(self._effects) <= MOST_LINES:
            self._effects.append(effect)

    def write(self, model: str, *, scanned: bool) -> None:
        """Draw the figures and write the traces."""
        import numpy as np

        from foldglass.io.trace import write_trace
        from foldglass.protein import Structure
        from foldglass.tasks.mutation_figures import ORDER, draw_effects, draw_scan

        for path in self._files.figures:
            if not scanned:
                draw_effects(path, self._effects)
                continue
            values = np.full((len(self._wild), len(ORDER)), np.nan)
            for place, letter, value in self._cells:
                values[place, ORDER.index(letter)] = value
            draw_scan(path, self._wild, values, what="log-odds" if self._odds else "embedding shift")
        for path in self._files.traces:
            assert isinstance(self._wild, Structure)
            what = "substitutions of a scan" if scanned else "mutations"
            title = f"{self._wild.id}; B-factor: 100 x mean change of {self._count} {what} by {model}"
            write_trace(path, self._wild, 100 * self._total / self._count, title=title)
