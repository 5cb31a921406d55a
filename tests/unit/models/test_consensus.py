"""Agreement between models of one protein."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from foldglass.metrics.model_quality import model_quality
from foldglass.models.consensus import MOST_OTHERS, consensus, consensus_columns
from foldglass.protein import Structure

Make = Callable[..., Structure]


@pytest.fixture
def models(make_structure: Make) -> list[Structure]:
    """Three noisy copies of a chain."""
    chain, rng = make_structure(40), np.random.default_rng(1)
    noisy = [chain.ca + rng.normal(size=chain.ca.shape) * sigma for sigma in (0.2, 0.5, 3.0)]
    return [replace(chain, id=f"m{k}", ca=ca.astype(np.float32)) for k, ca in enumerate(noisy)]


def test_it_is_the_mean_over_the_others_as_natives(models: list[Structure]) -> None:
    first = consensus(models)[0]
    wanted = [model_quality(other.ca, models[0].ca) for other in models[1:]]
    assert first is not None and first.others == 2
    np.testing.assert_allclose(first.scores[[0, 2]], np.mean([[one.gdt_ts, one.tm] for one in wanted], axis=0))
    np.testing.assert_allclose(first.residue, np.mean([one.residue for one in wanted], axis=0))


def test_the_odd_one_out_agrees_least_and_order_does_not_matter(models: list[Structure]) -> None:
    found = consensus(models)
    assert min(range(3), key=lambda i: found[i].scores[0]) == 2
    backward = consensus(models[::-1])[::-1]
    for one, other in zip(found, backward, strict=True):
        np.testing.assert_allclose(other.scores, one.scores)


def test_other_proteins_and_copies_do_not_count(models: list[Structure], make_structure: Make) -> None:
    other = make_structure(41, seed=5)
    assert consensus([models[0], other]) == [None, None]
    assert consensus([models[0], replace(models[0], id="copy")]) == [None, None]
    same_file = [replace(model, source="dimer.pdb") for model in models[:2]]
    assert consensus(same_file) == [None, None]
    again = consensus([*models, replace(models[1], id="copy")])[1]
    assert again is not None and again.others == 2


def test_many_models_are_thinned(make_structure: Make) -> None:
    rng, chain = np.random.default_rng(0), make_structure(12)
    many = [replace(chain, ca=(chain.ca + rng.normal(size=chain.ca.shape)).astype(np.float32)) for _ in range(20)]
    assert {found.others for found in consensus(many)} == {MOST_OTHERS}


def test_columns_tell_none_from_some(models: list[Structure]) -> None:
    found = consensus(models)[0]
    columns = consensus_columns(found, 40)
    assert (columns[:, 0] == 1).all() and np.abs(columns).max() <= 2
    np.testing.assert_allclose(columns[:, 1], 4 * found.residue - 2, rtol=1e-6)
    assert not consensus_columns(None, 40).any()
    unknown = replace(found, residue=np.full(40, np.nan))
    assert not consensus_columns(unknown, 40)[:, 1].any()
