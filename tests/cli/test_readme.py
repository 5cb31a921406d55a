"""The README's code and commands do what it says."""

import re
import runpy
from pathlib import Path

import pytest

import foldglass

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.skipif(
    not (Path(foldglass.__file__).parent / "weights" / "builtin" / "config.json").is_file(),
    reason="no built-in weights in this checkout",
)
@pytest.mark.parametrize("block", re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL))
def test_python_of_the_readme_runs(
    block: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    script = tmp_path / "readme.py"
    script.write_text(block)
    names = runpy.run_path(str(script))
    assert 0 < names["result"].tm_query <= 1
    assert capsys.readouterr().out


def test_readme_opens_with_python_and_three_commands_and_its_links_lead_somewhere() -> None:
    opening = re.findall(r"```(?:python)?\n(.*?)```", README, flags=re.DOTALL)[:2]
    assert len([line for line in opening[0].splitlines() if line]) == 5
    assert all(line.startswith("foldglass ") for line in opening[1].splitlines())
    assert len(opening[1].splitlines()) == 3
    for page in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        for link in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text(encoding="utf-8")):
            assert link.startswith("http") or (page.parent / link).exists(), f"{page.name}: {link}"
