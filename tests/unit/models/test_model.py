"""The model people use: which tower embeds what, in which order, and what is refused."""

import numpy as np
import pytest

from foldglass.errors import InputError, ModelError
from foldglass.models import model as model_module
from foldglass.protein import Sequence, Structure


def letters(protein: Sequence) -> Sequence:
    return Sequence(protein.id, protein.letters)


@pytest.fixture(scope="module")
def model(make_model):
    return make_model()


def test_structures_and_sequences_go_to_their_towers_in_order(model, make_structure):
    chains = [make_structure(length) for length in (17, 5, 31, 5)]
    mixed = [chains[0], letters(chains[1]), letters(chains[2]), chains[3]]
    embedded = model.embed(mixed)
    assert [own.entity for own in embedded] == mixed
    assert [own.kind for own in embedded] == ["structure", "sequence", "sequence", "structure"]
    assert [own.residue.shape for own in embedded] == [(17, 13), (5, 13), (31, 13), (5, 13)]
    for own, protein in zip(embedded, mixed, strict=True):
        np.testing.assert_allclose(own.protein, model.embed([protein])[0].protein, atol=1e-6)
    assert {own.model for own in embedded} == {"tiny@01234567"}
    assert embedded[0].protein.dtype == embedded[0].residue.dtype == np.float32


def test_nothing_gives_nothing(model):
    assert model.embed([]) == []


def test_stream_reads_no_further_than_a_group(model, make_structure, monkeypatch):
    monkeypatch.setattr(model_module, "_PROTEINS_AT_ONCE", 3)
    read: list[int] = []
    told: list[int] = []

    def proteins():
        for i in range(7):
            read.append(i)
            yield make_structure(5, i)

    stream = model.embed_stream(proteins(), progress=told.append)
    assert next(stream).id == "s0-5"
    assert read == [0, 1, 2]
    assert [own.id for own in stream] == [f"s{i}-5" for i in range(1, 7)]
    assert told == [3, 6, 7]


def test_group_ends_at_many_residues(model, make_structure, monkeypatch):
    monkeypatch.setattr(model_module, "_RESIDUES_AT_ONCE", 20)
    told: list[int] = []
    model.embed([make_structure(11, i) for i in range(5)], progress=told.append)
    assert told == [2, 4, 5]


def test_model_without_a_tower_names_the_protein(make_model, make_structure):
    sequences_only = make_model(kinds=("sequence",))
    assert repr(sequences_only) == "Model(tiny@01234567, sequence)"
    with pytest.raises(
        ModelError,
        match=r"^model tiny@01234567: the structure 's0-7'; expected a sequence: it has no structure tower$",
    ):
        sequences_only.embed([make_structure(7)])


def test_embedding_of_another_model_is_refused(model, make_model, make_structure):
    other = make_model(1, name="other").embed([make_structure(7)])[0]
    with pytest.raises(InputError, match=r"'s0-7': vectors of other@01234567; expected tiny@01234567; embed it again$"):
        model.compare(other, make_structure(7))


def test_embeddings_compare_like_their_proteins(model, make_structure):
    query, target = make_structure(17), make_structure(23)
    fresh, ready = model.compare(query, target), model.compare(*model.embed([query, target]))
    assert ready.tm_query == pytest.approx(fresh.tm_query, abs=1e-6)
    np.testing.assert_array_equal(ready.alignment, fresh.alignment)


def test_score_without_alignment_has_no_local_score(model, make_structure):
    comparison = model.score(*model.embed([make_structure(17), make_structure(23)]), align=False)
    assert comparison.alignment.shape == (0, 2)
    assert comparison.lddt.shape == (17,) and np.isnan(comparison.lddt).all()
    assert np.isnan(comparison.mean_lddt) and np.isnan(comparison.seq_identity)


def test_lengths_part_the_two_sides(model, make_structure):
    comparison = model.compare(make_structure(11), make_structure(44, 1))
    assert 0 < comparison.tm_target < comparison.tm < comparison.tm_query
    assert comparison.tm_target == pytest.approx(comparison.tm / 2, abs=1e-6)


def test_exact_comparison_superposes_structures(model, make_structure):
    chain = make_structure(31)
    exact = model.compare(chain, Structure("moved", chain.letters, ca=chain.ca + np.float32(5)), exact=True).exact
    assert exact.tm_query == pytest.approx(1, abs=1e-4)
    assert model.compare(chain, chain).exact is None


@pytest.mark.parametrize("side", [0, 1])
def test_exact_comparison_with_a_sequence_is_refused(model, make_structure, side):
    pair = [make_structure(31), make_structure(31)]
    pair[side] = Sequence("letters", "MKV")
    with pytest.raises(InputError, match=r"with 'letters': a sequence; expected two structures; leave out exact$"):
        model.compare(*pair, exact=True)


def test_parameters_of_a_model_are_frozen(model):
    assert not any(p.requires_grad for tower in model.towers.values() for p in tower.parameters())
    assert not any(tower.training for tower in model.towers.values())
