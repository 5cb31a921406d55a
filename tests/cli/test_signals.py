"""Ctrl-C, termination and closed pipes, in the middle of the work."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from foldglass.__main__ import main as command_line
from foldglass.protein import Structure

_PATIENCE = 120
_HEARING = (  # a process in the background may be started deaf to Ctrl-C
    "import runpy, signal; "
    "signal.signal(signal.SIGINT, signal.default_int_handler); "
    "runpy.run_module('foldglass', run_name='__main__', alter_sys=True)"
)


Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start(environment: dict[str, str]) -> Iterator[Start]:
    """Starts a command that hears Ctrl-C even if the tests run in the background, and ends it with the test."""
    running = []

    def begin(*arguments: object) -> "subprocess.Popen[str]":
        command = [sys.executable, "-c", _HEARING, *map(str, arguments)]
        process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )
        running.append(process)
        return process

    yield begin
    for process in running:
        process.kill()
        process.communicate()


def _wait_for(there: Callable[[], bool], process: "subprocess.Popen[str]") -> None:
    end = time.monotonic() + _PATIENCE
    while not there():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.fixture(scope="module")
def chains(make_structure: Callable[..., Structure], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Thirty chains, enough superpositions for several parts of a label table."""
    folder = tmp_path_factory.mktemp("chains")
    for seed in range(30):
        chain = make_structure(90 + seed, seed)
        lines = [
            f"ATOM  {i + 1:5d}  CA  GLY A{i + 1:4d}    {x:8.3f}{y:8.3f}{z:8.3f}  1.00  0.00           C\n"
            for i, (x, y, z) in enumerate(chain.ca)
        ]
        (folder / f"c{seed:02d}.pdb").write_text("".join(lines))
    return folder


def test_interrupted_label_keeps_its_parts_and_goes_on(run: Any, start: Start, chains: Path, tmp_path: Path) -> None:
    out = tmp_path / "labels.parquet"
    parts = tmp_path / "labels.parquet.parts"
    process = start("label", chains, "-o", out, "--all-vs-all")
    _wait_for(lambda: len(list(parts.glob("part-*.parquet"))) > 1, process)
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=_PATIENCE)[1]
    assert process.returncode == 130
    assert said.count("\n") == 1
    assert f"of 435 pairs are kept in {parts}; give the same command again to go on" in said
    assert not out.exists()
    assert not list(parts.glob(".*"))
    done = run("label", chains, "-o", out, "--all-vs-all")
    assert "435 pairs labelled, " in done.stderr and "by an earlier run" in done.stderr
    assert pq.read_metadata(out).num_rows == 435
    assert [path.name for path in tmp_path.iterdir()] == ["labels.parquet"]


@pytest.mark.parametrize(("number", "code", "words"), [(signal.SIGINT, 130, "stopped"), (signal.SIGTERM, 143, "")])
def test_interrupted_embed_leaves_nothing(
    start: Start, tiny: Path, tmp_path: Path, number: int, code: int, words: str
) -> None:
    fasta = tmp_path / "many.fasta"
    fasta.write_text("".join(f">p{i}\nMKVLA\n" for i in range(200_000)))  # the file is begun after the first 10,000
    out = tmp_path / "out"
    out.mkdir()
    process = start("embed", fasta, "-o", out / "many.parquet", "--model", tiny)
    _wait_for(lambda: any(out.iterdir()), process)
    process.send_signal(number)
    said = process.communicate(timeout=_PATIENCE)[1]
    assert process.returncode == code
    assert said == (f"foldglass: {words}\n" if words else "")
    assert not list(out.iterdir())


def test_a_reader_that_has_seen_enough_is_no_failure(environment: dict[str, str], tiny: Path, globins: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "foldglass", "search", globins, globins, "--model", tiny],
        stdout=writing, stderr=subprocess.PIPE, text=True, env=environment, timeout=_PATIENCE,
    )  # fmt: skip
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, "")


def test_an_interruption_while_the_commands_load_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Interrupted:
        def find_spec(self, name: str, *_: object) -> None:
            if name == "foldglass.app.main":
                raise KeyboardInterrupt

    monkeypatch.delitem(sys.modules, "foldglass.app.main", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Interrupted(), *sys.meta_path])
    assert command_line() == 130
    assert capsys.readouterr().err == "foldglass: stopped\n"
