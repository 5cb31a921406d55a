import numpy as np
import pytest

from foldglass.geometry.runs import runs


@pytest.mark.parametrize(
    ("chosen", "least", "expected"),
    [
        ("", 1, []),
        ("....", 1, []),
        ("xxx", 1, ["0:3"]),
        ("x.xx..xxx", 1, ["0:1", "2:4", "6:9"]),
        ("x.xx..xxx.", 2, ["2:4", "6:9"]),
        ("xxxx", 5, []),
    ],
)
def test_runs_are_found_at_both_ends_and_between(chosen: str, least: int, expected: list[str]) -> None:
    found = runs(np.array([letter == "x" for letter in chosen], bool), least=least)
    assert [f"{run.start}:{run.stop}" for run in found] == expected
