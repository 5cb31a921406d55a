import sys
from collections.abc import Callable

import pytest

from foldglass.errors import MissingExtraError
from foldglass.protein import Structure
from foldglass.tasks.mutant_structure import model_mutant
from foldglass.variant import parse_variants


def test_the_missing_extra_is_named(make_structure: Callable[..., Structure], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openmm", None)
    wild = make_structure(5)
    (variant,) = parse_variants(f"{wild.letters[0]}1{'A' if wild.letters[0] != 'A' else 'G'}", wild)
    with pytest.raises(MissingExtraError, match=r"package openmm is not installed; .* 'foldglass\[physics\]'"):
        model_mutant(wild, variant)
