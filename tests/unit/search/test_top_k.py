import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foldglass.errors import InputError
from foldglass.search import top_k as module
from foldglass.search.top_k import top_k


def whole_vectors(seed, rows, width=3):
    """Vectors of small whole numbers: many ties, and dot products without rounding."""
    return np.random.default_rng(seed).integers(-3, 4, size=(rows, width)).astype(np.float32)


def sorted_everything(queries, vectors, k):
    scores = queries @ vectors.T
    order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(scores, order, axis=1), order


@settings(deadline=None)
@given(seed=st.integers(0, 999), n_queries=st.integers(0, 7), n=st.integers(0, 60), k=st.integers(1, 11))
def test_the_result_is_that_of_sorting_everything(seed, n_queries, n, k):
    queries, vectors = whole_vectors(seed, n_queries), whole_vectors(seed + 1, n)
    scores, rows = top_k(queries, vectors, k)
    expected_scores, expected_rows = sorted_everything(queries, vectors, k)
    np.testing.assert_array_equal(rows, expected_rows)
    np.testing.assert_array_equal(scores, expected_scores)


@pytest.mark.parametrize(("block_scores", "block_queries", "first_rows"), [(13, 2, 1), (40, 3, 5), (10_000, 5, 7)])
def test_the_size_of_blocks_changes_nothing(monkeypatch, block_scores, block_queries, first_rows):
    queries, vectors = whole_vectors(1, 11), whole_vectors(2, 997)
    monkeypatch.setattr(module, "_BLOCK_SCORES", block_scores)
    monkeypatch.setattr(module, "_BLOCK_QUERIES", block_queries)
    monkeypatch.setattr(module, "_FIRST_ROWS", first_rows)
    expected_scores, expected_rows = sorted_everything(queries, vectors, 7)
    scores, rows = top_k(queries, vectors, 7)
    np.testing.assert_array_equal(rows, expected_rows)
    np.testing.assert_array_equal(scores, expected_scores)


def test_only_the_rows_asked_for_are_searched():
    queries, vectors = whole_vectors(3, 5), whole_vectors(4, 701)
    wanted = np.arange(1, 701, 2)
    scores, rows = top_k(queries, vectors, 7, rows=wanted)
    expected_scores, places = sorted_everything(queries, vectors[wanted], 7)
    np.testing.assert_array_equal(rows, wanted[places])
    np.testing.assert_array_equal(scores, expected_scores)


def test_hits_agree_with_faiss():
    faiss = pytest.importorskip("faiss")
    rng = np.random.default_rng(5)
    queries, vectors = (rng.normal(size=(n, 23)).astype(np.float32) for n in (7, 2003))
    index = faiss.IndexFlatIP(23)
    index.add(vectors)
    expected_scores, expected_rows = index.search(queries, 11)
    scores, rows = top_k(queries, vectors, 11)
    np.testing.assert_array_equal(rows, expected_rows)
    np.testing.assert_allclose(scores, expected_scores, rtol=1e-5)


def test_a_vector_that_is_not_a_number_is_never_found():
    vectors = np.array([[np.nan], [2.0], [1.0]], np.float32)
    scores, rows = top_k(np.ones((1, 1), np.float32), vectors, 3)
    assert rows.tolist() == [[1, 2, -1]]
    assert scores.tolist() == [[2.0, 1.0, -np.inf]]


def test_vectors_are_read_from_a_file_block_by_block(tmp_path):
    vectors = whole_vectors(6, 307)
    np.save(tmp_path / "vectors.npy", vectors)
    mapped = np.load(tmp_path / "vectors.npy", mmap_mode="r")
    queries = whole_vectors(7, 3)
    np.testing.assert_array_equal(top_k(queries, mapped, 5)[1], top_k(queries, vectors, 5)[1])


def test_k_below_one_is_refused():
    with pytest.raises(InputError, match=r"^search: k = 0; expected k of 1 or more$"):
        top_k(whole_vectors(0, 2), whole_vectors(0, 3), 0)


def unit_half(seed, rows, width=48):
    """Unit vectors in half precision, many of them within rounding of each other."""
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(max(1, rows // 5), width))[rng.integers(0, max(1, rows // 5), rows)]
    vectors = vectors + 0.003 * rng.normal(size=(rows, width))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float16)


@pytest.mark.parametrize("n_queries", [1, 3, 9])
@pytest.mark.parametrize("rows", [1, 300, 5000])
def test_half_precision_finds_what_single_precision_finds_in_the_same_vectors(n_queries, rows):
    vectors = unit_half(0, rows)
    queries = unit_half(1, n_queries).astype(np.float32)
    single = vectors.astype(np.float32)
    for k in (1, 7, rows):
        scores, found = top_k(queries, vectors, k)
        expected, _ = sorted_everything(queries, single, k)
        np.testing.assert_allclose(scores, expected, atol=1e-6)
        np.testing.assert_allclose(np.take_along_axis(queries @ single.T, found, axis=1), expected, atol=1e-6)
        assert all(len(set(row)) == len(row) for row in found.tolist())


def test_one_query_in_half_precision_leaves_out_what_is_not_a_number():
    vectors = unit_half(0, 4)
    vectors[2] = np.nan
    scores, rows = top_k(vectors[:1].astype(np.float32), vectors, 4)
    assert sorted(rows[0].tolist()) == [-1, 0, 1, 3] and rows[0, -1] == -1
    assert scores[0, -1] == -np.inf
    assert top_k(vectors[:1].astype(np.float32), vectors, 1)[1].tolist() == [[0]]


def test_some_rows_in_half_precision_that_may_not_be_written():
    vectors = unit_half(0, 90)
    vectors.flags.writeable = False
    rows = np.arange(0, 90, 7)
    for queries in (vectors[:1], vectors[:9]):
        found = top_k(queries.astype(np.float32), vectors, 3, rows=rows)[1]
        assert set(found.ravel().tolist()) <= set(rows.tolist()) and found[0, 0] == 0


def test_the_size_of_what_is_converted_changes_nothing(monkeypatch):
    queries, vectors = unit_half(1, 11).astype(np.float32), unit_half(0, 997)
    expected = top_k(queries, vectors.astype(np.float32), 9)
    monkeypatch.setattr(module, "_CONVERTED_ALONE", 130)
    monkeypatch.setattr(module, "_HALF_BLOCK", 67)
    monkeypatch.setattr(module, "_THREADED_HALF_BLOCK", 67)
    scores, rows = top_k(queries, vectors, 9)
    np.testing.assert_array_equal(rows, expected[1])
    np.testing.assert_allclose(scores, expected[0], atol=1e-6)
