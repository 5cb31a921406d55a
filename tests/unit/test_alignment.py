import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from foldglass.alignment import align, align_batch, residue_similarity
from foldglass.errors import InputError

MODES = ("global", "glocal", "local")

# Whole numbers are exact in single precision, so scores can be compared without a tolerance.
matrices = st.tuples(st.integers(1, 9), st.integers(1, 9)).flatmap(
    lambda shape: arrays(np.float32, shape, elements=st.integers(-4, 5))
)
gap_costs = st.tuples(st.integers(0, 4), st.integers(0, 4)).map(lambda costs: (float(max(costs)), float(min(costs))))


def cost(residues: int, gap_open: float, gap_extend: float) -> float:
    return gap_open + (residues - 1) * gap_extend if residues else 0.0


def best_score(similarity, mode, gap_open, gap_extend):
    """The textbook recurrence, cell by cell."""
    rows, columns = similarity.shape
    score = np.zeros((rows + 1, columns + 1))
    left = np.full((rows + 1, columns + 1), -np.inf)
    up = left.copy()
    if mode == "global":
        score[:, 0] = [-cost(i, gap_open, gap_extend) for i in range(rows + 1)]
        score[0, :] = [-cost(j, gap_open, gap_extend) for j in range(columns + 1)]
    for i in range(1, rows + 1):
        for j in range(1, columns + 1):
            left[i, j] = max(left[i, j - 1] - gap_extend, score[i, j - 1] - gap_open)
            up[i, j] = max(up[i - 1, j] - gap_extend, score[i - 1, j] - gap_open)
            score[i, j] = max(score[i - 1, j - 1] + similarity[i - 1, j - 1], left[i, j], up[i, j])
            if mode == "local":
                score[i, j] = max(score[i, j], 0)
    return {"global": score[-1, -1], "glocal": max(score[-1].max(), score[:, -1].max()), "local": score.max()}[mode]


def path_score(similarity, pairs, mode, gap_open, gap_extend):
    """What an alignment is worth, from its pairs alone."""
    rows, columns = similarity.shape
    gap = lambda residues: cost(residues, gap_open, gap_extend)  # noqa: E731
    if not len(pairs):
        return -gap(rows) - gap(columns) if mode == "global" else 0.0
    inner = sum(gap(di - 1) + gap(dj - 1) for di, dj in np.diff(pairs, axis=0))
    (i, j), (k, m) = pairs[0], pairs[-1]
    ends = [(gap(i), gap(j)), (gap(rows - 1 - k), gap(columns - 1 - m))]
    charged = {"global": sum, "glocal": min, "local": lambda _: 0}[mode]
    return similarity[pairs[:, 0], pairs[:, 1]].sum() - inner - sum(charged(end) for end in ends)


@pytest.mark.parametrize("mode", MODES)
@settings(max_examples=150, deadline=None)
@given(similarity=matrices, costs=gap_costs)
def test_no_alignment_scores_better(mode, similarity, costs):
    pairs = align(similarity, mode=mode, gap_open=costs[0], gap_extend=costs[1])
    assert path_score(similarity, pairs, mode, *costs) == best_score(similarity, mode, *costs)


@pytest.mark.parametrize("mode", MODES)
@settings(max_examples=40, deadline=None)
@given(batch=st.lists(matrices, max_size=7), costs=gap_costs)
def test_a_batch_gives_what_each_pair_gives_alone(mode, batch, costs):
    options = {"mode": mode, "gap_open": costs[0], "gap_extend": costs[1]}
    for similarity, pairs in zip(batch, align_batch(batch, **options), strict=True):
        np.testing.assert_array_equal(pairs, align(similarity, **options))


def test_batches_are_split_when_they_grow_too_large(monkeypatch):
    similarities = [np.eye(n, n + 2, dtype=np.float32) for n in (13, 2, 7, 11, 3, 5)]
    whole = align_batch(similarities)
    monkeypatch.setattr("foldglass.alignment._BATCH_CELLS", 200)
    for one, other in zip(whole, align_batch(similarities), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(("mode", "program"), [("global", "nw"), ("glocal", "sg"), ("local", "sw")])
def test_scores_agree_with_parasail(mode, program):
    parasail = pytest.importorskip("parasail")
    rng = np.random.default_rng(3)
    query, target = ("".join(rng.choice(list("ACDEFGHIKLMNPQRSTVWY"), size=n)) for n in (83, 101))
    places = {letter: place for place, letter in enumerate("ARNDCQEGHILKMFPSTWYVBZX*")}
    rows, columns = ([places[letter] for letter in protein] for protein in (query, target))
    similarity = parasail.blosum62.matrix[np.ix_(rows, columns)].astype(np.float32)
    pairs = align(similarity, mode=mode, gap_open=11.0, gap_extend=1.0)
    expected = getattr(parasail, program)(query, target, 11, 1, parasail.blosum62).score
    assert path_score(similarity, pairs, mode, 11, 1) == expected


def test_global_charges_the_ends_that_glocal_leaves_free():
    similarity = np.full((3, 7), -3.0, np.float32)
    similarity[[0, 1, 2], [3, 4, 5]] = 2.0
    assert align(similarity, mode="glocal").tolist() == [[0, 3], [1, 4], [2, 5]]
    score = path_score(similarity, align(similarity, mode="global", gap_open=2.0, gap_extend=1.0), "global", 2, 1)
    assert score == 6 - cost(3, 2, 1) - cost(1, 2, 1)


def test_a_local_alignment_keeps_only_the_best_stretch():
    similarity = np.full((5, 5), -1.0, np.float32)
    similarity[[1, 2, 3], [1, 2, 3]] = 3.0
    assert align(similarity, mode="local", gap_open=9.0, gap_extend=9.0).tolist() == [[1, 1], [2, 2], [3, 3]]


def test_a_local_alignment_without_a_positive_score_is_empty():
    pairs = align(np.full((2, 3), -1.0), mode="local")
    assert pairs.shape == (0, 2)


def test_one_residue_aligns_with_one_residue():
    similarity = residue_similarity(np.ones((1, 3)), np.ones((1, 3)))
    assert similarity.tolist() == [[0.0]]
    assert align(similarity).tolist() == [[0, 0]]


def test_similarity_is_the_mean_of_row_and_column_z_scores():
    query, target = np.array([[1.0, 0.0], [0.0, 2.0]]), np.array([[3.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    cosine = np.array([[1, 0, 0.5**0.5], [0, 1, 0.5**0.5]])
    rows = (cosine - cosine.mean(1, keepdims=True)) / cosine.std(1, keepdims=True)
    columns = np.array([[1.0, -1.0, 0.0], [-1.0, 1.0, 0.0]])  # the last column is constant
    np.testing.assert_allclose(residue_similarity(query, target), (rows + columns) / 2, atol=1e-5)


def test_similarity_of_a_vector_of_zeros_is_finite():
    query = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    assert np.isfinite(residue_similarity(query, query)).all()


@pytest.mark.parametrize(
    ("query", "words"),
    [
        (np.ones((0, 3)), "residue vectors of the query: no residue; expected at least one"),
        (
            np.array([[1.0, 1, 1], [1, np.nan, 1]]),
            "residue vectors of the query: a value that is not finite at residue 2; expected finite vectors",
        ),
    ],
)
def test_unusable_vectors_are_refused(query, words):
    with pytest.raises(InputError, match=f"^{words}$"):
        residue_similarity(query, np.ones((2, 3)))


@pytest.mark.parametrize(
    ("similarity", "options", "words"),
    [
        (np.zeros((0, 3)), {}, "similarity matrix: shape 0 x 3; expected residues on both sides"),
        (np.full((2, 3), np.inf), {}, "similarity matrix: a value that is not finite; expected finite scores"),
        (
            np.eye(2),
            {"gap_open": 1.0, "gap_extend": 2.0},
            "gap costs: gap_open 1, gap_extend 2; expected gap_open >= gap_extend >= 0",
        ),
    ],
)
def test_unusable_similarities_and_costs_are_refused(similarity, options, words):
    with pytest.raises(InputError, match=f"^{words}$"):
        align(similarity, **options)


def test_differences_that_are_only_rounding_count_as_none():
    rng = np.random.default_rng(5)
    query, target = np.repeat(rng.normal(size=(1, 65)), 5, axis=0), rng.normal(size=(7, 65))
    query *= np.arange(1, 6)[:, None] / 3  # the same direction, but not the same digits
    similarity = residue_similarity(query, target)
    assert np.abs(similarity).max() < 2  # half a row z-score: the column z-scores are 0
    np.testing.assert_allclose(similarity, np.repeat(similarity[:1], 5, axis=0), atol=1e-4)
