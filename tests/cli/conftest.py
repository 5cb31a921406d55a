"""What the tests of the command line share: a small model, inputs, and a way to run commands."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from foldglass.models.model import Model
from foldglass.models.quality_model import QualityModel
from foldglass.models.score_model import ScoreModel

Run = Callable[..., subprocess.CompletedProcess[str]]
EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Of a person without models, cache, configuration or network."""
    cache = tmp_path_factory.mktemp("cache")
    own = {"FOLDGLASS_CACHE": str(cache), "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "", "NO_PROXY": "127.0.0.1"}
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("FOLDGLASS_")}
    return {**inherited, **own}


@pytest.fixture(scope="session")
def run(environment: dict[str, str]) -> Run:
    """Runs a real `python -m foldglass`; the exit code must be the one expected, and failures one line each."""

    def run_command(*arguments: object, code: int = 0, **changed: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "foldglass", *map(str, arguments)],
            capture_output=True,
            text=True,
            env={**environment, **changed},
            timeout=240,
        )
        assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
        assert "Traceback" not in done.stderr, done.stderr
        return done

    return run_command


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory, make_model: Callable[..., Model]) -> Path:
    """Folder of a small model with random weights."""
    from foldglass.models.checkpoint import save_model

    folder = tmp_path_factory.mktemp("models") / "tiny"
    save_model(make_model(), folder, card="# tiny\n\nRandom weights, for tests.\n")
    return folder


@pytest.fixture(scope="session")
def tiny_score(tmp_path_factory: pytest.TempPathFactory, make_score_model: Callable[..., ScoreModel]) -> Path:
    """Folder of a small score network with random weights."""
    from foldglass.models.score_model import save_score_model

    folder = tmp_path_factory.mktemp("models") / "tiny-score"
    save_score_model(make_score_model(), folder, card="# tiny-score\n\nRandom weights, for tests.\n")
    return folder


@pytest.fixture(scope="session")
def tiny_quality(tmp_path_factory: pytest.TempPathFactory, make_quality_model: Callable[..., QualityModel]) -> Path:
    """Folder of a small quality model with random weights."""
    from foldglass.models.quality_model import save_quality_model

    folder = tmp_path_factory.mktemp("models") / "tiny-quality"
    save_quality_model(make_quality_model(), folder, card="# tiny-quality\n\nRandom weights, for tests.\n")
    return folder


@pytest.fixture(scope="session")
def fingers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with four zinc fingers and a file that is none."""
    folder = tmp_path_factory.mktemp("fingers")
    for name in ("1ard", "1paa", "1sp2", "2drp1"):
        (folder / f"{name}.pdb").write_bytes((EXAMPLES / "zinc_fingers" / f"{name}.pdb").read_bytes())
    (folder / "notes.txt").write_text("not a protein\n")
    return folder


@pytest.fixture(scope="session")
def globins() -> Path:
    """FASTA file with eight globins."""
    return EXAMPLES / "globins.fasta"
