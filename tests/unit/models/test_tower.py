"""Towers: which proteins they take, and how they are batched."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from foldglass.errors import InputError
from foldglass.models.tower import PretrainedFront, Tower, buckets
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
