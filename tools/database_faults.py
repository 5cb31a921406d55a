"""Does a database survive? Kill its writers at random, and compare every row.

    python tools/database_faults.py [--kills 60] [--seed 0] [--queries 10000]

Builds, additions, removals and indexing are killed (SIGKILL) after a random time. After each kill every row must be
whole and expected; then the same command is given again, and every protein must be there exactly once. Then: two
writers at once, a disk that fills up (where a small one can be mounted), a truncated file, a database of a later
version, and many queries. A stand-in for a model makes the vectors, so
that the time goes into writing.
"""

import argparse
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import tempfile
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import lance
import numpy as np

from foldglass.errors import FoldglassError
from foldglass.models.calibration import Calibration
from foldglass.protein import Embedding, Sequence
from foldglass.search import database_writer, vector_index
from foldglass.search.database import Database
from foldglass.search.database_format import digest_of
from foldglass.search.database_writer import DatabaseWriter

WIDTH = 64


class StandIn:
    """Gives every sequence a vector of its own."""

    id = "stand-in@00000000"
    calibration = Calibration()

    def embed_stream(self, proteins: Iterable[Sequence]) -> Iterator[Embedding]:
        for protein in proteins:
            yield Embedding(protein, vector(protein), np.zeros((len(protein), WIDTH), np.float32), model=self.id)


def vector(protein: Sequence) -> np.ndarray:
    """A direction that depends on the letters only."""
    drawn = np.random.default_rng(list(protein.letters.encode())).normal(size=WIDTH).astype(np.float32)
    return drawn / np.linalg.norm(drawn)


def proteins(count: int) -> list[Sequence]:
    """Random sequences."""
    rng = np.random.default_rng(0)
    return [Sequence(f"p{i}", "".join(rng.choice(list("ACDEFGHIKLMNPQRSTVWY"), 60))) for i in range(count)]


def in_child(work: Callable[[], object], kill_after: float | None = None) -> str:
    """Run in a process of its own: `done` and the result, `killed`, or the error."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        os.write(writing, b"!")
        try:
            result = work()
            os.write(writing, f"done{json.dumps(result)}".encode())
        except (FoldglassError, AssertionError) as error:
            os.write(writing, str(error).encode())
        os._exit(0)
    os.close(writing)
    os.read(reading, 1)
    if kill_after is not None:
        time.sleep(kill_after)
        os.kill(child, signal.SIGKILL)
    said = b"".join(iter(lambda: os.read(reading, 4096), b"")).decode()
    os.close(reading)
    status = os.waitpid(child, 0)[1]
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) != signal.SIGKILL:
        raise AssertionError(f"a child died of signal {os.WTERMSIG(status)}")
    return said or "killed"


def checked(path: str, known: dict[str, Sequence]) -> set[str]:
    """Ids of all rows, each of which is what its protein says; read in a process of its own, because Lance does not
    bear a fork after its first use."""
    said = in_child(lambda: checked_here(path, known))
    assert said.startswith("done"), said
    return set(json.loads(said.removeprefix("done")))


def checked_here(path: str, known: dict[str, Sequence]) -> list[str]:
    """The same in this process."""
    database = Database.open(path)
    ids = []
    for batch in database.to_batches(["id", "letters", "length", "digest", "protein"]):
        for row in batch.to_pylist():
            protein = known[row["id"]]
            assert (row["letters"], row["length"]) == (protein.letters, len(protein)), row["id"]
            assert row["digest"] == digest_of(protein), row["id"]
            assert np.array_equal(np.array(row["protein"], np.float16), vector(protein).astype(np.float16)), row["id"]
            ids.append(row["id"])
    assert len(set(ids)) == len(ids) == len(database), "a row twice"
    return ids


def fill(path: str, chosen: list[Sequence]) -> None:
    """Build or add."""
    with DatabaseWriter(path, StandIn()) as writer:
        writer.add(chosen)


def kills(folder: Path, everything: list[Sequence], count: int) -> dict[str, int]:
    """Kill builds, additions, removals and indexing in turn until there were `count` kills that hit."""
    known = {one.id: one for one in everything}
    half = len(everything) // 2
    first, all_ids = {one.id for one in everything[:half]}, set(known)
    removed = sorted(first)[::3]
    seconds = dict.fromkeys(("build", "add", "remove", "index"), 0.5)
    hit = {**dict.fromkeys(seconds, 0), "partial": 0, "missed": 0}
    while sum(hit[name] for name in seconds) < count:
        path = str(folder / "killed.fg")
        shutil.rmtree(path, ignore_errors=True)
        before: set[str] = set()
        for name, after, work in (
            ("build", first, lambda path=path: fill(path, everything[:half])),
            ("add", all_ids, lambda path=path: fill(path, everything)),
            ("remove", all_ids - set(removed), lambda path=path: remove(path, removed)),
            ("index", all_ids - set(removed), lambda path=path: index(path)),
        ):
            said = in_child(work, kill_after=random.uniform(0, seconds[name]))
            hit[name if said == "killed" else "missed"] += 1
            now = before if name == "build" and not built(path) else checked(path, known)
            low, high = sorted((before, after), key=len)
            assert low <= now <= high, f"{name}: rows lost or unknown"
            hit["partial"] += low < now < high
            seconds[name] *= 1.1 if said == "killed" else 0.9  # so that about half of the kills hit
            said = in_child(work)
            assert said.startswith("done"), said
            before = checked(path, known)
            assert before == after, f"{name}: not what was asked for"
    return hit


def built(path: str) -> bool:
    """Whether the first commit was made."""
    return (Path(path) / "_versions").is_dir() and bool(list((Path(path) / "_versions").glob("*.manifest")))


def remove(path: str, ids: list[str]) -> None:
    """Those of the ids that are there."""
    Database.open(path).remove(ids)


def index(path: str) -> None:
    """All rows."""
    database = Database.open(path)
    database.index()
    assert database.indexed == len(database), "an index that does not know every row"


def full_disk(folder: Path, everything: list[Sequence]) -> str:
    """What a build says on a disk of 0.25 kB per protein, and that it is done when given again with more room."""
    place = folder / "small"
    place.mkdir()
    size = f"size={len(everything) // 4}k"
    if subprocess.run(["mount", "-t", "tmpfs", "-o", size, "tmpfs", place], capture_output=True).returncode:
        return "not tried: no small disk can be mounted"
    try:
        path = str(place / "full.fg")
        said = in_child(lambda: fill(path, everything))
        assert not said.startswith("done") and said != "killed", said
        there = checked(path, {one.id: one for one in everything}) if built(path) else set()
        subprocess.run(["mount", "-o", "remount,size=100m", place], check=True)
        again = in_child(lambda: fill(path, everything))
        assert again.startswith("done"), again
        assert checked(path, {one.id: one for one in everything}) == {one.id for one in everything}
        return f"{len(there)} rows were safe; {said.replace(str(folder), '')}"
    finally:
        subprocess.run(["umount", place], check=True)


def two_writers(folder: Path, everything: list[Sequence], trials: int = 10) -> dict[str, int]:
    """Two processes add at the same time; whoever is refused tries again."""
    outcome = {"both in turn": 0, "one refused": 0}
    half = len(everything) // 2
    for trial in range(trials):
        path = str(folder / f"two-{trial}.fg")
        in_child(lambda path=path: fill(path, everything[:10]))
        child = os.fork()
        if child == 0:
            while True:
                try:
                    fill(path, everything[:half])
                    os._exit(0)
                except FoldglassError:
                    time.sleep(0.01)
        refused = False
        while True:
            said = in_child(lambda path=path: fill(path, everything[half:]))
            if said.startswith("done"):
                break
            assert "another process is writing to it" in said, said
            refused = True
        os.waitpid(child, 0)
        assert checked(path, {one.id: one for one in everything}) == {one.id for one in everything}
        outcome["one refused" if refused else "both in turn"] += 1
    return outcome


def damages(folder: Path, everything: list[Sequence]) -> dict[str, str]:
    """What is said of a truncated file and of a later version."""
    said = {}
    path = str(folder / "cut.fg")
    in_child(lambda: fill(path, everything))
    data = next((Path(path) / "data").iterdir())
    os.truncate(data, data.stat().st_size // 2)
    said["truncated"] = in_child(lambda: checked_here(path, {one.id: one for one in everything}))

    def write_later() -> None:
        table = lance.dataset(folder / "two-0.fg").to_table()
        later = {**table.schema.metadata, b"foldglass.schema": b"database/2"}
        lance.write_dataset(table.replace_schema_metadata(later), folder / "later.fg")

    in_child(write_later)
    said["later version"] = in_child(lambda: str(Database.open(folder / "later.fg")))
    return said


def many_queries(folder: Path, everything: list[Sequence], count: int) -> dict[str, float]:
    """Search with many queries and check the first hit of each, which is its own entry."""
    database = Database.open(folder / "two-0.fg")
    model = StandIn()
    begun = time.monotonic()
    for start in range(0, count, 1024):
        chosen = [everything[i % len(everything)] for i in range(start, min(start + 1024, count))]
        queries = [Sequence(f"q{start + i}-{one.id}", one.letters) for i, one in enumerate(chosen)]
        hits = database.search(list(model.embed_stream(queries)), k=3)
        best = [hit for hit in hits if hit.rank == 1]
        assert len(hits) == 3 * len(queries)
        assert all(hit.query.partition("-")[2] == hit.target for hit in best)
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"queries": count, "seconds": round(time.monotonic() - begun, 1), "memory_mb": round(used)}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    for name, default in {"kills": 60, "seed": 0, "queries": 10_000, "proteins": 1200}.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    warnings.filterwarnings("ignore", message=".*fork.*")
    random.seed(options.seed)
    database_writer._PART_ROWS = database_writer._CONVERTED = 50  # many commits, and so many places to be hit
    vector_index._LEAST_ROWS = 100
    everything = proteins(options.proteins)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        print("kills", kills(folder, everything, options.kills), flush=True)
        print("two writers", two_writers(folder, everything), flush=True)
        print("full disk", full_disk(folder, everything), flush=True)
        print("damage", damages(folder, everything), flush=True)
        print("queries", many_queries(folder, everything, options.queries), flush=True)


if __name__ == "__main__":
    main()
