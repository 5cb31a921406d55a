import numpy as np
import pytest

from foldglass.errors import InputError
from foldglass.metrics.lddt import lddt
from foldglass.metrics.model_quality import model_quality
from foldglass.metrics.tm import gdt_ha, gdt_ts, tm_score


def chain(length: int, seed: int = 0) -> np.ndarray:
    return np.cumsum(np.random.default_rng(seed).normal(size=(length, 3)) * 2.2, axis=0)


def test_scores_are_those_of_the_single_metrics():
    native = chain(37)
    model = native + np.random.default_rng(1).normal(size=native.shape) * 1.3
    found = model_quality(native, model)
    assert found.gdt_ts == gdt_ts(native, model) and found.gdt_ha == gdt_ha(native, model)
    assert found.tm == tm_score(native, model)
    np.testing.assert_allclose(found.residue, lddt(native, model))
    assert found.lddt == pytest.approx(lddt(native, model).mean())


def test_what_the_model_lacks_costs_gdt_and_what_the_native_lacks_is_unknown():
    native = chain(40)
    model = np.concatenate([chain(5, seed=3), native[:30]])  # five residues more, ten fewer
    pairs = np.stack([np.arange(5, 35), np.arange(30)], axis=1)
    found = model_quality(native, model, pairs)
    assert found.gdt_ts == 0.75 and found.lddt == 1.0
    assert np.isnan(found.residue[:5]).all() and (found.residue[5:] == 1).all() and len(found.residue) == 35


def test_lengths_that_differ_need_an_alignment():
    with pytest.raises(InputError, match="39 residues; expected the native's 40"):
        model_quality(chain(40), chain(39))
    with pytest.raises(InputError, match="2 residues with a partner"):
        model_quality(chain(40), chain(39), np.array([[0, 0], [1, 1]]))
