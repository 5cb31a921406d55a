import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from foldglass.alignment import align, pair_similarity, residue_similarity
from foldglass.constants import EXTENDED_LETTERS
from foldglass.protein import Embedding, Sequence, Structure

MODES = ("global", "glocal", "local")
sizes = st.integers(1, 12)
seeds = st.integers(0, 2**32 - 1)


def vectors(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


@given(seed=seeds, query=sizes, target=sizes)
def test_swapping_the_proteins_transposes_the_similarity(seed, query, target):
    one, other = vectors(seed, query, 5), vectors(seed + 1, target, 5)
    np.testing.assert_allclose(residue_similarity(one, other), residue_similarity(other, one).T, atol=1e-5)


def embedding(seed, residues, *, structure=False):
    letters = "".join(np.random.default_rng(seed).choice(list(EXTENDED_LETTERS), residues))
    protein = Structure("a", letters, ca=vectors(seed, residues, 3)) if structure else Sequence("a", letters)
    return Embedding(protein, vectors(seed, 64), vectors(seed + 2, residues, 64))


@settings(deadline=None)
@given(seed=seeds, query=sizes, target=sizes, structure=st.booleans())
def test_swapping_two_embeddings_transposes_their_similarity(seed, query, target, structure):
    one, other = embedding(seed, query, structure=structure), embedding(seed + 1, target)
    np.testing.assert_allclose(pair_similarity(one, other), pair_similarity(other, one).T, atol=1e-5)


@pytest.mark.parametrize("mode", MODES)
@settings(deadline=None)
@given(seed=seeds, residues=st.integers(2, 40))
def test_a_sequence_aligns_with_itself_and_its_structure_on_the_diagonal(mode, seed, residues):
    one, structure = embedding(seed, residues), embedding(seed, residues, structure=True)
    expected = np.stack([np.arange(residues)] * 2, axis=1)
    for other in (one, structure):
        np.testing.assert_array_equal(align(pair_similarity(one, other), mode=mode), expected)


@given(seed=seeds, residues=sizes)
def test_letters_of_two_structures_do_not_matter(seed, residues):
    one, other = (embedding(seed + n, residues, structure=True) for n in (0, 1))
    np.testing.assert_array_equal(pair_similarity(one, other), residue_similarity(one.residue, other.residue))


@given(seed=seeds, scale=st.floats(0.01, 100))
def test_the_length_of_the_vectors_does_not_matter(seed, scale):
    one, other = vectors(seed, 7, 5), vectors(seed + 1, 11, 5)
    np.testing.assert_allclose(residue_similarity(one * scale, other), residue_similarity(one, other), atol=1e-4)


@pytest.mark.parametrize("mode", MODES)
@settings(deadline=None)
@given(seed=seeds, query=sizes, target=sizes)
def test_swapping_the_proteins_transposes_the_alignment(mode, seed, query, target):
    similarity = vectors(seed, query, target)
    np.testing.assert_array_equal(align(similarity, mode=mode), align(similarity.T, mode=mode)[:, ::-1])


@pytest.mark.parametrize("mode", MODES)
@settings(deadline=None)
@given(seed=seeds, residues=st.integers(2, 40))
def test_a_protein_aligns_with_itself_on_the_diagonal(mode, seed, residues):
    protein = vectors(seed, residues, 64)
    diagonal = np.arange(residues)
    expected = np.stack([diagonal, diagonal], axis=1)
    np.testing.assert_array_equal(align(residue_similarity(protein, protein), mode=mode), expected)


@pytest.mark.parametrize("mode", MODES)
@settings(deadline=None)
@given(similarity=arrays(np.float32, st.tuples(sizes, sizes), elements=st.floats(-5, 5, width=32)))
def test_both_columns_increase_and_stay_inside(mode, similarity):
    pairs = align(similarity, mode=mode)
    assert (np.diff(pairs, axis=0) > 0).all()
    assert (pairs >= 0).all() and (pairs < similarity.shape).all()


@settings(deadline=None)
@given(seed=seeds, before=st.integers(0, 9), after=st.integers(0, 9))
def test_a_domain_is_found_inside_a_longer_chain(seed, before, after):
    domain = vectors(seed, 20, 64)
    chain = np.concatenate([vectors(seed + 1, before, 64), domain, vectors(seed + 2, after, 64)])
    expected = np.stack([np.arange(20), np.arange(20) + before], axis=1)
    np.testing.assert_array_equal(align(residue_similarity(domain, chain)), expected)
