from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from foldglass.errors import InputError, UsageError
from foldglass.models.model import Model
from foldglass.protein import Sequence, Structure
from foldglass.tasks.mutation import Effect, mutant_effects, variant_effects
from foldglass.tasks.mutation_figures import MOST_LINES, ORDER, check_figure_path, draw_effects, draw_scan
from foldglass.variant import parse_variants

WILD = Sequence("wild", "MKVLAPGSLWDX")


def effects(model: Model, text: str) -> list[Effect]:
    return list(variant_effects(model, WILD, parse_variants(text, WILD)))


@pytest.mark.parametrize(("name", "start"), [("a.svg", b"<?xml"), ("a.png", b"\x89PNG"), ("a.pdf", b"%PDF")])
def test_formats(make_model: Callable[..., Model], tmp_path: Path, name: str, start: bytes) -> None:
    draw_effects(tmp_path / name, effects(make_model(), "K2G"))
    assert (tmp_path / name).read_bytes().startswith(start)
    draw_scan(tmp_path / name, WILD, np.ones((12, 20)))
    assert (tmp_path / name).read_bytes().startswith(start)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def texts(path: Path) -> str:
    """Text of an SVG, which matplotlib draws as outlines after a comment with the words."""
    return "\n".join(line.strip()[5:-4] for line in path.read_text().splitlines() if line.strip().startswith("<!-- "))


def test_a_heat_map_shows_the_region_with_its_own_numbers(
    make_structure: Callable[..., Structure], tmp_path: Path
) -> None:
    wild = replace(make_structure(250), numbering=tuple(str(i + 501) for i in range(250)))
    shift = np.full((250, 20), np.nan)
    shift[95:215] = 0.1
    shift[100, ORDER.index("G")] = 0.7
    draw_scan(tmp_path / "a.svg", wild, shift)
    written = texts(tmp_path / "a.svg").split("\n")
    assert "600" in written and "710" in written and "590" not in written and "720" not in written
    assert written.count("W") == 2  # 120 residues need two rows


def test_lines_name_the_mutation_and_mark_the_site(make_model: Callable[..., Model], tmp_path: Path) -> None:
    draw_effects(tmp_path / "a.svg", effects(make_model(), "K2G,A5del"))
    written = texts(tmp_path / "a.svg")
    assert "wild  K2G" in written and "wild  A5del" in written and written.count("mutated") == 2
    assert "measured" not in written and "superposition" not in written


def test_two_structures_add_what_was_measured(
    make_model: Callable[..., Model], make_structure: Callable[..., Structure], tmp_path: Path
) -> None:
    wild = make_structure(30, name="wild")
    letters = "W" + wild.letters[1:] if wild.letters[0] != "W" else "A" + wild.letters[1:]
    found = list(mutant_effects(make_model(), wild, [replace(wild, id="m", letters=letters, ca=wild.ca * 1.05)]))
    draw_effects(tmp_path / "a.svg", found)
    written = texts(tmp_path / "a.svg")
    for words in ("measured", "superposition, RMSD", "distances in the wild type", "mutant - wild type"):
        assert words in written


def test_refused(make_model: Callable[..., Model], tmp_path: Path) -> None:
    many = effects(make_model(), "K2G") * (MOST_LINES + 1)
    with pytest.raises(UsageError, match=r"9 mutations in one figure; expected at most 8; or --scan"):
        draw_effects(tmp_path / "a.svg", many)
    with pytest.raises(UsageError, match=r"the extension '.gif'; expected .svg, .png or .pdf"):
        check_figure_path(tmp_path / "a.gif")
    assert not list(tmp_path.iterdir())


def test_a_heat_map_needs_a_value(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no log-odds of any substitution"):
        draw_scan(tmp_path / "a.svg", Sequence("a", "MX"), np.full((2, 20), np.nan), what="log-odds")
