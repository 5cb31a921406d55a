"""Towers: which proteins they take, and how they are batched."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from foldglass.encoders.structure import StructureEncoder, StructureEncoderConfig, structure_features
from foldglass.errors import InputError, ModelError
from foldglass.models.tower import PretrainedFront, StructureFront, Tower, buckets, features_per_residue
from foldglass.protein import Sequence


@given(st.lists(st.integers(1, 500), max_size=60), st.integers(1, 2000))
def test_buckets_hold_every_protein_once_and_little_padding(lengths, tokens):
    groups = list(buckets(lengths, tokens))
    assert sorted(index for group in groups for index in group) == list(range(len(lengths)))
    for group in groups:
        own = [lengths[index] for index in group]
        assert len(group) == 1 or max(own) * len(group) <= tokens
        assert min(own) >= min(max(own) * 7 / 8, max(own) - 32)


def test_bucket_of_a_protein_over_the_budget_holds_it_alone():
    assert list(buckets([30, 900, 31], tokens=100)) == [[0, 2], [1]]


def test_towers_name_what_they_take(make_model):
    assert {kind: tower.kind for kind, tower in make_model().towers.items()} == {
        "sequence": "sequence",
        "structure": "structure",
    }


def test_structure_tower_refuses_a_sequence(make_model):
    with pytest.raises(InputError, match=r"^protein 'toy': a sequence; expected a structure for this tower$"):
        make_model().towers["structure"].front.inputs(Sequence("toy", "MKV"))


def front(score, *, geometry: bool) -> StructureFront:
    config = StructureEncoderConfig(features_per_residue(geometry, score), dim=8, layers=1, heads=2, feedforward=16)
    return StructureFront(StructureEncoder(config), geometry=geometry, score=score)


@pytest.mark.parametrize("geometry", [True, False])
def test_score_vectors_join_the_geometry(make_score_model, make_structure, geometry):
    score, structure = make_score_model(), make_structure(21)
    inputs = front(score, geometry=geometry).inputs(structure)
    (features,) = inputs.residues
    expected = score.embed([structure], pair=False)[0].residue
    np.testing.assert_array_equal(features[:, -expected.shape[1] :], expected)
    rest = features[:, : -expected.shape[1]].numpy()
    np.testing.assert_array_equal(rest, structure_features(structure.ca) if geometry else np.zeros((21, 0)))
    assert inputs.whole.shape == (front(score, geometry=geometry).whole_dim,)


def test_frozen_score_network_is_no_part_of_the_tower(make_score_model):
    names = front(make_score_model(), geometry=True).state_dict()
    assert names and all(name.startswith("encoder.") for name in names)


def test_encoder_of_other_features_is_refused(make_score_model):
    encoder = StructureEncoder(StructureEncoderConfig(dim=8, layers=1, heads=2, feedforward=16))
    with pytest.raises(ModelError, match=r"^structure tower: 143 features; expected the encoder's 136$"):
        StructureFront(encoder, score=make_score_model())


class Counting:
    """A residue encoder whose vectors are the protein's length."""

    id, revision, dim = "counting", "0", 28

    def encode(self, proteins):
        return [torch.full((len(protein), self.dim), float(len(protein))) for protein in proteins]


def test_pretrained_front_hands_the_encoders_vectors_on(make_model):
    network = make_model().towers["structure"].network
    tower = Tower(PretrainedFront(Counting()), network)
    (vectors,) = tower.front.inputs(Sequence("toy", "MKV")).residues
    assert vectors.tolist() == [[3.0] * 28] * 3
    assert tower.kind == "sequence"
    assert set(tower.state_dict()) == {f"network.{name}" for name in network.state_dict()}
