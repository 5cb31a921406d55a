import sys
import time

import pytest

from foldglass.app import progress
from foldglass.app.progress import Bar
from foldglass.app.skipped import Skipped


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(type(sys.stderr), "isatty", lambda _: True)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("TTY_COMPATIBLE", "1")


def _work(bar: Bar) -> None:
    with bar:
        bar.phase("embedding")
        for _ in range(7):
            bar.advance(1000)
        time.sleep(0.3)
        list(bar.over(range(3), "aligning", 3))


@pytest.mark.usefixtures("terminal")
def test_bar_shows_counts_after_its_patience_only(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _work(Bar())
    assert not capsys.readouterr().err
    monkeypatch.setattr(progress, "_PATIENCE", 0.0)
    _work(Bar())
    shown = capsys.readouterr()
    assert "embedding" in shown.err and "7,000" in shown.err
    assert not shown.out
    _work(Bar(shown=False))
    assert not capsys.readouterr().err


def test_bar_is_silent_without_a_terminal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(progress, "_PATIENCE", 0.0)
    _work(Bar())
    assert not capsys.readouterr().err


def _skip(count: int) -> None:
    with Skipped() as skipped:
        for number in range(count):
            skipped(f"file {number}: left out")


def test_a_file_gets_every_line_that_was_skipped(capsys: pytest.CaptureFixture[str]) -> None:
    _skip(7)
    assert capsys.readouterr().err.splitlines() == [f"foldglass: file {number}: left out" for number in range(7)]


@pytest.mark.usefixtures("terminal")
def test_a_terminal_gets_some_and_their_number(capsys: pytest.CaptureFixture[str]) -> None:
    _skip(7)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 6
    assert lines[-1] == "foldglass: and 2 more like these (all of them with 2> FILE)"
    _skip(5)
    assert len(capsys.readouterr().err.splitlines()) == 5


def test_what_was_skipped_is_said_after_a_failure_too(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(KeyboardInterrupt), Skipped() as skipped:
        skipped("a")
        raise KeyboardInterrupt
    assert capsys.readouterr().err == "foldglass: a\n"
