"""Fixtures shared by all tests."""

import os
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def data_pack() -> Path:
    """The folder of real structures and labels, which is not part of the repository."""
    folder = Path(os.environ.get("FOLDGLASS_DATA", _ROOT / "../shared/data")).resolve()
    if not (folder / "structures.parquet").is_file():
        pytest.skip(f"no data pack in {folder}; set FOLDGLASS_DATA to its folder")
    return folder
