"""Baselines: values worked out by hand, and fits that never see what they predict."""

import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foldglass.errors import MissingExtraError
from foldglass.protein import Structure
from foldglass.train import baselines
from foldglass.train.baselines import (
    IsotonicFit,
    align_sequences,
    alignment_score,
    composition_cosine,
    halves,
    kmer_cosine,
    length_ratio,
    predict_baselines,
    sequence_identity,
)
from foldglass.train.evaluation_set import EvaluationSet


def pairs_of(*letters: str, tm: list[float] | None = None) -> EvaluationSet:
    """The first chain against each other one."""
    proteins = tuple(Structure(f"p{i}", s, ca=np.zeros((len(s), 3), np.float32)) for i, s in enumerate(letters))
    n = len(letters) - 1
    values = np.array(tm if tm is not None else [0.5] * n)
    alignments = tuple(np.zeros((1, 2), np.int64) for _ in range(n))
    return EvaluationSet(
        name="toy",
        split="test",
        proteins=proteins,
        cluster=np.arange(n + 1),
        query=np.zeros(n, np.int64),
        target=np.arange(1, n + 1),
        tm_query=values,
        tm_target=values,
        alignments=alignments,
    )


def random_set(n: int, seed: int, *, tm: np.ndarray | None = None) -> EvaluationSet:
    rng = np.random.default_rng(seed)
    proteins = tuple(
        Structure(f"p{i}", "".join(rng.choice(list("ACDEFGHIKL"), 23)), ca=np.zeros((23, 3), np.float32))
        for i in range(2 * n)
    )
    values = rng.random(n) if tm is None else tm
    return EvaluationSet(
        name="random",
        split="test",
        proteins=proteins,
        cluster=np.arange(2 * n),
        query=np.arange(n),
        target=np.arange(n, 2 * n),
        tm_query=values,
        tm_target=values,
        alignments=tuple(np.zeros((1, 2), np.int64) for _ in range(n)),
    )


def test_isotonic_pools_violators_and_ties() -> None:
    fit = IsotonicFit.of(np.array([1.0, 2.0, 2.0, 3.0, 4.0]), np.array([0.0, 0.9, 0.5, 0.1, 0.8]))
    assert fit.x.tolist() == [1, 2, 3, 4]
    np.testing.assert_allclose(fit.y, [0.0, 0.5, 0.5, 0.8])
    np.testing.assert_allclose(fit(np.array([-9.0, 1.5, 9.0])), [0.0, 0.25, 0.8])


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 100)), min_size=1, max_size=30))
def test_isotonic_rises_and_keeps_the_mean(samples: list[tuple[int, int]]) -> None:
    feature, truth = np.array(samples, dtype=np.float64).T
    fit = IsotonicFit.of(feature, truth)
    assert (np.diff(fit.y) >= -1e-9).all()
    assert fit(feature).mean() == pytest.approx(truth.mean())


def test_isotonic_is_no_worse_than_any_single_step() -> None:
    rng = np.random.default_rng(3)
    feature, truth = rng.random(41), rng.random(41)
    best = ((IsotonicFit.of(feature, truth)(feature) - truth) ** 2).sum()
    for cut in feature:
        low = feature < cut
        for a in np.linspace(0, 1, 11):
            for b in np.linspace(a, 1, 11):
                assert best <= ((np.where(low, a, b) - truth) ** 2).sum() + 1e-12


def test_features_by_hand() -> None:
    data = pairs_of("ACDA", "ACDA", "AC", "WWWWWWWW")
    np.testing.assert_allclose(length_ratio(data), [1, 1 / 2, 1 / 2])
    np.testing.assert_allclose(composition_cosine(data), [1, 3 / np.sqrt(6 * 2), 0])
    np.testing.assert_allclose(kmer_cosine(data), [1, 0, 0])
    np.testing.assert_allclose(sequence_identity(data), [1, 1, 0])


def test_kmers_are_counted() -> None:
    # AAA three times and AAC once, against AAA once and AAC once
    data = pairs_of("AAAAAC", "AAAC")
    np.testing.assert_allclose(kmer_cosine(data), [(3 * 1 + 1 * 1) / np.sqrt(10 * 2)])


def test_alignment_score_of_a_protein_with_itself_is_one() -> None:
    data = pairs_of("MKVLAAGIDE", "MKVLAAGIDE", "WWWWW")
    score = alignment_score(data)
    assert score[0] == pytest.approx(1.0) and 0 <= score[1] < 0.3


def test_letters_that_blosum62_lacks_count_as_unknown() -> None:
    np.testing.assert_allclose(
        alignment_score(pairs_of("MKUVLOJ", "MKUVLOJ")), alignment_score(pairs_of("MKXVLXX", "MKXVLXX"))
    )


def test_alignment_pairs_skip_the_inserted_residues() -> None:
    assert align_sequences("MKVWWWLAAGIDEHH", "MKVWWWHHHLAAGIDEHH").tolist() == [
        *([i, i] for i in range(6)),
        *([i, i + 3] for i in range(6, 15)),
    ]


def test_constant_is_the_median_of_the_fit_and_not_of_the_data() -> None:
    fit = pairs_of("ACD", "ACD", "AC", "WWW", tm=[0.1, 0.2, 0.9])
    constant = predict_baselines(pairs_of("ACDEF", "ACD", tm=[0.7]), fit)[0]
    assert constant.tm.tolist() == [0.2]
    assert constant.p_same_fold.tolist() == pytest.approx([1 / 3])


def test_halves_part_the_queries_and_cover_every_pair() -> None:
    data = random_set(29, seed=1)
    used = np.zeros(len(data), int)
    for learn, use in halves(data):
        assert not set(data.cluster[data.query[learn]]) & set(data.cluster[data.query[use]])
        used += use
    assert (used == 1).all()


def test_cross_fitting_does_not_see_what_it_predicts() -> None:
    base = random_set(29, seed=1)
    learn, use = next(halves(base))
    changed = base.tm.copy()
    changed[use] = 1 - changed[use]
    before, after = predict_baselines(base, None), predict_baselines(random_set(29, seed=1, tm=changed), None)
    for old, new in zip(before, after, strict=True):
        np.testing.assert_allclose(old.tm[use], new.tm[use])
    assert not np.allclose(before[0].tm[learn], after[0].tm[learn])


def test_missing_parasail_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    baselines._parasail.cache_clear()
    monkeypatch.setitem(sys.modules, "parasail", None)
    with pytest.raises(MissingExtraError, match=r"parasail is not installed; .*'foldglass\[train\]'"):
        align_sequences("MKV", "MKV")
    baselines._parasail.cache_clear()
