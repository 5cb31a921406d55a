"""The Python of the pages runs as it stands there."""

import re
import runpy
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import foldglass as fg
from foldglass.io.trace import write_trace
from foldglass.protein import Structure

ROOT = Path(__file__).parents[2]
PAGES = ("alignment", "database", "mutation", "quality", "reading", "score", "sites")
BLOCKS = [
    pytest.param(block, id=f"{page}-{number}")
    for page in PAGES
    for number, block in enumerate(
        re.findall(r"```python\n(.*?)```", (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8"), flags=re.DOTALL)
    )
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, make_structure: Callable[..., Structure]) -> Path:
    """A person's folder with the files that the pages speak of."""
    folder = tmp_path_factory.mktemp("home")
    shutil.copytree(ROOT / "examples", folder / "examples")
    chain = make_structure(127)
    letters = chain.letters[:44] + "K" + chain.letters[45:122] + "A" + chain.letters[123:]
    chain = replace(chain, letters=letters, chain="A")
    (folder / "models").mkdir()
    for name in ("wt.pdb", "query.pdb", "model.pdb", "models/one.pdb"):
        write_trace(folder / name, chain, np.zeros(len(chain)), title=name)
    shutil.copy(ROOT / "examples" / "globins.fasta", folder / "more.fasta")
    fg.Database.build(folder / "proteome.fg", fg.read(folder / "query.pdb"), model=fg.load())
    return folder


@pytest.mark.filterwarnings("ignore::foldglass.errors.SkippedWarning")
@pytest.mark.parametrize("block", BLOCKS)
def test_python_of_a_page_runs(block: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    script = tmp_path / "page.py"
    script.write_text(block)
    runpy.run_path(str(script))
