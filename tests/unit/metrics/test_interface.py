"""Accessible area lost to a partner: spheres whose areas are known, and complexes that have none."""

import builtins
from typing import Any

import numpy as np
import pytest

from foldglass.errors import InputError, MissingExtraError
from foldglass.metrics.interface import PROBE, area_lost, check_complex
from foldglass.protein import Atoms, Structure


def carbon_chain(name: str, centres: list[list[float]], *, bare: bool = False) -> Structure:
    """One carbon per residue."""
    ca = np.array(centres, np.float32)
    atoms = Atoms(("CA",) * len(ca), ca, np.arange(len(ca)))
    return Structure(name, "A" * len(ca), ca=ca, chain=name, atoms=None if bare else atoms)


def test_two_spheres_lose_the_caps_inside_each_other() -> None:
    radius, apart = 1.70 + PROBE, 4.0
    one = carbon_chain("A", [[0, 0, 0], [50, 0, 0]])
    other = carbon_chain("B", [[apart, 0, 0]])
    lost = area_lost(one, [other])
    cap = 2 * np.pi * radius * (radius - apart / 2)
    assert lost[0] == pytest.approx(cap, rel=0.03)
    assert lost[1] == 0.0
    assert area_lost(other, [one])[0] == pytest.approx(cap, rel=0.03)


def test_distant_partners_take_nothing_and_near_ones_are_not_cut_off() -> None:
    one = carbon_chain("A", [[0, 0, 0]])
    assert area_lost(one, [carbon_chain("B", [[6.3, 0, 0]])])[0] == 0.0
    assert area_lost(one, [carbon_chain("B", [[5.9, 0, 0]])])[0] > 0.5


def test_what_cannot_be_measured_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    one, bare = carbon_chain("A", [[0, 0, 0]]), carbon_chain("B", [[4, 0, 0]], bare=True)
    with pytest.raises(InputError, match=r"structure 'A': one protein chain; expected a partner"):
        area_lost(one, [])
    with pytest.raises(InputError, match=r"structure 'B': C-alphas alone; expected side chains"):
        area_lost(one, [bare])
    real = builtins.__import__

    def without_biotite(name: str, *rest: Any, **more: Any) -> Any:
        if name.startswith("biotite"):
            raise ModuleNotFoundError("No module named 'biotite'", name="biotite")
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without_biotite)
    with pytest.raises(MissingExtraError, match=r"pip install 'foldglass\[interface\]'"):
        check_complex([one, carbon_chain("B", [[4, 0, 0]])])
