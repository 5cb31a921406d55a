"""Batches: every labelled pair among their proteins, once, and no other."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foldglass.train.sampling import PairSampler


@st.composite
def graphs(draw):
    """Distinct labelled pairs of up to 23 proteins, either way round, and the rows to draw from."""
    proteins = draw(st.integers(2, 23))
    every = [(i, j) for i in range(proteins) for j in range(i)]
    pairs = draw(st.lists(st.sampled_from(every), min_size=1, max_size=60, unique=True))
    flips = draw(st.lists(st.booleans(), min_size=len(pairs), max_size=len(pairs)))
    query, target = np.array([pair[::-1] if flip else pair for pair, flip in zip(pairs, flips, strict=True)]).T
    rows = draw(st.lists(st.integers(0, len(pairs) - 1), min_size=1, unique=True))
    return query.astype(np.int64), target.astype(np.int64), np.array(sorted(rows))


@given(graphs(), st.integers(2, 13), st.integers(1, 7), st.integers(0, 100))
@settings(max_examples=200, deadline=None)
def test_batch_holds_exactly_the_labelled_pairs_among_its_proteins(graph, proteins, partners, step):
    query, target, rows = graph
    batch = PairSampler(query, target, rows, proteins=proteins, partners=partners).batch(step)
    members = set(query[rows].tolist()) | set(target[rows].tolist())
    chosen = batch.proteins.tolist()
    assert len(chosen) == len(set(chosen)) == min(proteins, len(members))
    assert set(chosen) <= members
    expected = [row for row in rows.tolist() if {query[row], target[row]} <= set(chosen)]
    assert sorted(batch.rows.tolist()) == expected
    np.testing.assert_array_equal(batch.proteins[batch.query], query[batch.rows])
    np.testing.assert_array_equal(batch.proteins[batch.target], target[batch.rows])


@pytest.fixture
def sampler():
    query, target = np.triu_indices(101, k=1)
    return PairSampler(query, target, np.arange(0, len(query), 7), proteins=17, partners=3, seed=5)


def test_same_step_gives_the_same_batch_and_another_step_another(sampler):
    first, again, other = sampler.batch(11), sampler.batch(11), sampler.batch(12)
    np.testing.assert_array_equal(first.proteins, again.proteins)
    np.testing.assert_array_equal(first.rows, again.rows)
    assert set(first.proteins.tolist()) != set(other.proteins.tolist())


def test_another_seed_gives_other_batches(sampler):
    query, target = np.triu_indices(101, k=1)
    other = PairSampler(query, target, np.arange(0, len(query), 7), proteins=17, partners=3, seed=6)
    assert set(sampler.batch(0).proteins.tolist()) != set(other.batch(0).proteins.tolist())


def test_every_seed_brings_labelled_partners(sampler):
    """Without partners a batch of 17 of 101 proteins would hold few labelled pairs."""
    alone = PairSampler(sampler._query, sampler._target, np.sort(sampler._rows), proteins=17, partners=0)
    assert np.mean([len(sampler.batch(step).rows) for step in range(50)]) > 1.3 * np.mean(
        [len(alone.batch(step).rows) for step in range(50)]
    )


def test_all_proteins_are_seen_in_some_epochs(sampler):
    seen = {p for step in range(12 * sampler.steps_per_epoch) for p in sampler.batch(step).proteins.tolist()}
    query, target = np.triu_indices(101, k=1)
    assert seen == set(query[::7].tolist()) | set(target[::7].tolist())
    assert sampler.steps_per_epoch == len(seen) * 4 // 17
