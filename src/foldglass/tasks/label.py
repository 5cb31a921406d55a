"""Ground truth by superposition: TM-align and local scores of many pairs, in one Parquet table.

A table is made part by part in `OUT.parts`. Every part is written whole, so a run that was stopped, even by
`kill -9`, goes on where it was when the same command is given again. The parts do not depend on the number of
workers, and neither does the table.
"""

import hashlib
import json
import multiprocessing
import os
import shutil
import signal
import threading
import warnings
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from foldglass.errors import FoldglassError, InputError, NotFoundError, SkippedWarning
from foldglass.io.atomic import replacing
from foldglass.metrics.tm import SHORTEST
from foldglass.protein import Structure
from foldglass.tasks.label_table import Pairs, label_table, parameters, schema
from foldglass.typing import PathLike

LONGEST = np.iinfo(np.uint16).max
_ROW_GROUP = 4096


class LabelSummary(NamedTuple):
    """What was written: the table, its pairs, and how many of them an earlier run had done."""

    out: Path
    pairs: int
    resumed: int


class _Task(NamedTuple):
    part: Path
    pairs: Pairs


def label(
    structures: list[Structure],
    pairs: Iterable[tuple[int, int]] | None,
    out: PathLike,
    *,
    workers: int = 1,
    progress: Callable[[int], None] | None = None,
    on_skip: Callable[[str], None] | None = None,
) -> LabelSummary:
    """Write TM-scores, alignments and local scores of pairs of structures to a Parquet table.

    Parameters
    ----------
    structures
        Chains of 3 to 65535 residues, each with its own id.
    pairs
        Indices (query, target) into `structures`, in the order of the rows; None for every structure with
        every later one.
    out
        The table. Its columns are described in the file's metadata under the key `foldglass`.
    workers
        Processes; each uses one thread.
    progress
        Is told how many more pairs are done.
    on_skip
        Gets one line for each structure that all-vs-all leaves out because of its length; by default they
        are warnings.

    Raises
    ------
    InputError
        If two structures share an id, a given pair cannot be aligned, there is no pair, or `out` cannot be
        written.
    KeyboardInterrupt
        If interrupted, with a text that says what was kept.

    Examples
    --------
    >>> import tempfile
    >>> line = np.arange(12, dtype=np.float32).reshape(4, 3)
    >>> chains = [Structure(name, "AGAG", ca=line) for name in ("a", "b", "c")]
    >>> label(chains, None, Path(tempfile.mkdtemp()) / "labels.parquet").pairs
    3
    """
    target = Path(out)
    structures, chosen = _checked(structures, pairs, on_skip or _warn)
    total = len(structures) * (len(structures) - 1) // 2 if chosen is None else len(chosen)
    size = min(max(total // 2000, 16), 1000)
    parts = target.with_name(f"{target.name}.parts")
    _prepare(parts, target, {"input": _digest(structures, chosen), "part_size": size, **parameters()})
    tasks, done = [], 0
    for number, first in enumerate(range(0, total, size)):
        part, last = parts / f"part-{number:05d}.parquet", min(first + size, total)
        if _is_whole(part, last - first):
            done += last - first
        tasks.append((part, first, last))
    resumed = done
    if progress and resumed:
        progress(resumed)
    waiting = (
        _Task(part, _all_pairs(len(structures), first, last) if chosen is None else chosen[first:last])
        for part, first, last in tasks
        if not part.exists()
    )
    try:
        steps = _in_this_process(structures, waiting) if workers == 1 else _pool(structures, waiting, workers)
        with closing(steps):
            for finished in steps:
                done += finished
                if progress:
                    progress(finished)
        _join([part for part, _, _ in tasks], target)
    except KeyboardInterrupt:
        kept = f"{done} of {total} pairs are kept in {parts}; give the same command again to go on"
        raise KeyboardInterrupt(f"{target}: stopped; {kept}") from None
    except BrokenProcessPool:
        raise FoldglassError(
            str(target),
            got="a worker process was killed, perhaps for want of memory",
            remedy=f"give the same command again with fewer workers; {done} of {total} pairs are kept",
        ) from None
    shutil.rmtree(parts)
    return LabelSummary(target, total, resumed)


def _checked(
    structures: list[Structure], pairs: Iterable[tuple[int, int]] | None, on_skip: Callable[[str], None]
) -> tuple[list[Structure], Pairs | None]:
    """Structures without what TM-align does not look at, and the given pairs, after every check on both."""
    seen: set[str] = set()
    for structure in structures:
        if structure.id in seen:
            raise InputError(
                "label", got=f"two structures called {structure.id!r}", expected="different ids", remedy="rename one"
            )
        seen.add(structure.id)
    usable = np.array([SHORTEST <= len(structure) <= LONGEST for structure in structures], dtype=bool)
    reason = f"expected {SHORTEST} to {LONGEST} for TM-align"
    chosen = None if pairs is None else np.fromiter(pairs, dtype=np.dtype((np.int32, 2)))
    if chosen is None:
        for k in np.flatnonzero(~usable):
            on_skip(f"structure {structures[k].id!r}: left out, {len(structures[k])} residues; {reason}")
        structures = [structures[k] for k in np.flatnonzero(usable)]
        if len(structures) < 2:
            raise InputError("label", got=f"{len(structures)} structures to compare", expected="at least 2")
    elif not len(chosen):
        raise InputError("label", got="no pair", expected="at least one")
    elif chosen.min() < 0 or chosen.max() >= len(structures):
        raise InputError(
            "label", got=f"a pair index outside 0 to {len(structures) - 1}", expected="indices of structures"
        )
    elif not usable[chosen].all():
        wrong = structures[chosen[~usable[chosen]][0]]
        raise InputError(
            f"structure {wrong.id!r}", got=f"{len(wrong)} residues", expected=reason[9:], remedy="remove its pairs"
        )
    return [Structure(s.id, s.letters, ca=np.asarray(s.ca, np.float32)) for s in structures], chosen


def _all_pairs(count: int, first: int, last: int) -> Pairs:
    """Rows first to last of (0, 1), (0, 2), ... (1, 2), ... without making the others."""
    row = np.arange(count)
    begins = row * count - row * (row + 1) // 2
    number = np.arange(first, last)
    i = np.searchsorted(begins, number, side="right") - 1
    # The last structure begins no pair and shares its number with the end of the list.
    return np.stack([i, number - begins[i] + i + 1], axis=1)


def _digest(structures: list[Structure], chosen: Pairs | None) -> str:
    digest = hashlib.sha256()
    for structure in structures:
        digest.update(f"{structure.id}\t{structure.letters}\n".encode())
        digest.update(structure.ca.astype("<f4").tobytes())
    digest.update(b"all" if chosen is None else chosen.astype("<i4").tobytes())
    return digest.hexdigest()


def _prepare(parts: Path, target: Path, manifest: dict[str, object]) -> None:
    """Make the folder of parts, empty unless it belongs to the same input and parameters."""
    if target.is_dir():
        raise InputError(str(target), got="a folder", expected="a file to write")
    described = parts / "manifest.json"
    try:
        parts.mkdir(exist_ok=True)
        known = json.loads(described.read_text()) if described.exists() else None
    except FileNotFoundError:
        raise NotFoundError(
            str(target), got=f"the folder {target.parent} does not exist", remedy="create it or choose another output"
        ) from None
    except (OSError, ValueError) as error:
        raise InputError(str(parts), got=f"cannot be used ({error})", remedy="remove it or choose another") from error
    if known == manifest:
        return
    if known is None and any(parts.iterdir()):
        raise InputError(
            str(parts), got="a folder that is not of this table", remedy="rename it or choose another output"
        )
    for part in parts.glob("part-*.parquet"):
        part.unlink()
    with replacing(described) as temporary:
        temporary.write_text(json.dumps(manifest))


def _is_whole(part: Path, rows: int) -> bool:
    """Whether the part is there with all its rows; a broken one is removed."""
    try:
        whole = part.exists() and pq.read_metadata(part).num_rows == rows
    except (OSError, pa.ArrowInvalid):
        whole = False
    if not whole:
        part.unlink(missing_ok=True)
    return whole


def _write(table: pa.Table, part: Path) -> None:
    with replacing(part) as temporary:
        pq.write_table(table, temporary, compression="zstd")


def _join(parts: list[Path], target: Path) -> None:
    """Copy the parts into one file with row groups of a fixed size."""
    with replacing(target) as temporary, pq.ParquetWriter(temporary, schema(), compression="zstd") as writer:
        rest = schema().empty_table()
        for part in parts:
            rest = pa.concat_tables([rest, pq.ParquetFile(part).read()])
            while len(rest) >= _ROW_GROUP:
                writer.write_table(rest.slice(0, _ROW_GROUP).combine_chunks())
                rest = rest.slice(_ROW_GROUP)
        if len(rest):
            writer.write_table(rest.combine_chunks())


def _in_this_process(structures: list[Structure], tasks: Iterator[_Task]) -> Generator[int, None, None]:
    for part, pairs in tasks:
        _write(label_table(structures, pairs), part)
        yield len(pairs)


def _pool(structures: list[Structure], tasks: Iterator[_Task], workers: int) -> Generator[int, None, None]:
    """Do the tasks in processes; yields the pairs of each part when it is written, in any order."""
    context = multiprocessing.get_context("spawn")
    stop = context.Event()
    running: set[Future[int]] = set()
    with ProcessPoolExecutor(workers, context, _start_worker, (structures, stop)) as executor:
        try:
            for task in tasks:
                running.add(executor.submit(_do, task))
                if len(running) >= 2 * workers:
                    finished, running = wait(running, return_when=FIRST_COMPLETED)
                    yield from (future.result() for future in finished)
            while running:
                finished, running = wait(running, return_when=FIRST_COMPLETED)
                yield from (future.result() for future in finished)
        except BaseException:
            stop.set()
            executor.shutdown(cancel_futures=True)
            raise


_structures: list[Structure] = []
_stop: Event


def _start_worker(structures: list[Structure], stop: Event) -> None:
    """Leave Ctrl-C to the parent, and end with it."""
    global _structures, _stop
    _structures, _stop = structures, stop
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_the_parent, daemon=True).start()


def _end_with_the_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _do(task: _Task) -> int:
    table = label_table(_structures, task.pairs, stopped=_stop.is_set)
    if len(table) == len(task.pairs):
        _write(table, task.part)
    return len(task.pairs)


def _warn(text: str) -> None:
    warnings.warn(text, SkippedWarning, stacklevel=3)
