import numpy as np
import pytest

from foldglass.alignment import residue_similarity
from foldglass.protein import Sequence
from foldglass.search.exact import search
from foldglass.search.rerank import aligned, alignment_score


@pytest.fixture(scope="module")
def model(make_model):
    return make_model()


def test_hits_are_ordered_by_their_alignment_and_the_first_are_kept(model, make_structure):
    proteins = [make_structure(40 + 3 * seed, seed) for seed in range(9)]
    entries = model.embed(proteins)
    queries = {one.id: one for one in entries[:2]}
    hits = search(list(queries.values()), entries, model=model, k=9)
    found = list(aligned(hits, queries, dict(enumerate(entries)), model, 4))
    assert [(hit.query, hit.rank) for hit, _ in found] == [(one, rank) for one in queries for rank in (1, 2, 3, 4)]
    for query in queries:
        pairs = {entry.id: (entry, model.score(queries[query], entry)) for entry in entries}
        every = {name: alignment_score(queries[query], entry, pair.alignment) for name, (entry, pair) in pairs.items()}
        best = sorted(every, key=lambda name: -every[name])[:4]
        assert [hit.target for hit, _ in found if hit.query == query] == best
        assert all(hit.lddt == pairs[hit.target][1].mean_lddt for hit, _ in found if hit.query == query)
        assert next(hit.target for hit, _ in found if hit.query == query) == query
    by_tm = [hit.target for hit in hits if hit.query == proteins[0].id][:4]
    assert by_tm != [hit.target for hit, _ in found if hit.query == proteins[0].id]


def test_hits_of_which_one_side_is_a_sequence_stay_where_they_are(model, make_structure):
    structures = [make_structure(40 + 3 * seed, seed) for seed in range(7)]
    mixed = [*structures, *(Sequence(f"{one.id}-letters", one.letters) for one in structures)]
    entries = model.embed(mixed)
    queries = {one.id: one for one in (entries[0], entries[7])}
    hits = search(list(queries.values()), entries, model=model, k=14)
    found = [hit for hit, _ in aligned(hits, queries, dict(enumerate(entries)), model, 14)]
    before, after = ([hit.target for hit in some] for some in (hits, found))
    assert after[14:] == before[14:]
    assert after[:14] != before[:14]
    for one, other in zip(before[:14], after[:14], strict=True):
        assert one.endswith("letters") == other.endswith("letters")
        assert not one.endswith("letters") or one == other


def test_many_pairs_score_as_each_does_alone(model):
    proteins = model.embed([Sequence(f"p{n}", "ACDEFGHIKL" * n) for n in range(1, 5)])
    pairs = [(one, other) for one in proteins for other in proteins]
    for together, (one, other) in zip(model.score_many(pairs), pairs, strict=True):
        alone = model.score(one, other)
        assert together.alignment.tolist() == alone.alignment.tolist()
        assert together.mean_lddt == alone.mean_lddt
        assert together.tm == alone.tm


def test_alignment_score_counts_what_is_left_out(model):
    one, other = model.embed([Sequence("a", "ACDEFGHIKLMN"), Sequence("b", "ACDEFGHIKLMNPQRSTVWYACDE")])
    pairs = np.stack([np.arange(4), np.arange(4)], axis=1)
    expected = residue_similarity(one.residue, other.residue)[:4, :4].trace() / np.sqrt(12 * 24)
    assert alignment_score(one, other, pairs) == pytest.approx(expected, rel=1e-5)
    assert alignment_score(one, other, np.zeros((0, 2), np.int64)) == 0.0
