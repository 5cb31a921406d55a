"""What holds for every network, trained or not: neighbours, order, place in space and side of a pair do not matter."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from foldglass.encoders.builtin import ALPHABET, SequenceEncoder, SequenceEncoderConfig
from foldglass.encoders.structure import StructureEncoder, StructureEncoderConfig
from foldglass.models.registry import load
from foldglass.models.siamese import SiameseConfig, SiameseNetwork
from foldglass.models.tower import StructureFront
from foldglass.protein import Sequence, Structure

LENGTHS = (1, 2, 3, 11, 17, 19)
PADDED = 23
CLOSE = {"rtol": 0, "atol": 5e-6}

lengths = st.lists(st.integers(1, 47), min_size=1, max_size=7)


def sequence(protein: Sequence) -> Sequence:
    return Sequence(protein.id, protein.letters)


def padded(rows: list[torch.Tensor], length: int, fill: float) -> torch.Tensor:
    """One batch of different lengths with something that must not be read in the padding."""
    batch = torch.full((len(rows), length, *rows[0].shape[1:]), fill, dtype=rows[0].dtype)
    for place, row in zip(batch, rows, strict=True):
        place[: len(row)] = row
    return batch


def mask_of(sizes: tuple[int, ...], length: int) -> torch.Tensor:
    return torch.arange(length) < torch.tensor(sizes)[:, None]


@pytest.fixture(scope="module", params=["paper", "reference-code", "foldglass", "foldglass-whole"])
def network(request):
    torch.manual_seed(3)
    preset = request.param.removesuffix("-whole")
    sizes = {"hidden": 48, "feedforward": 31, "output": 29, "whole_dim": 5 if request.param.endswith("-whole") else 0}
    network = SiameseNetwork(replace(SiameseConfig.preset(preset, input_dim=7), **sizes)).eval()
    for parameter in network.parameters():  # also what starts at zero
        torch.nn.init.normal_(parameter, std=0.2)
    return network


@pytest.fixture(scope="module")
def vectors():
    generator = torch.Generator().manual_seed(5)
    return [torch.randn(length, 7, generator=generator) for length in LENGTHS]


@pytest.fixture(scope="module")
def whole():
    return torch.randn(len(LENGTHS), 5, generator=torch.Generator().manual_seed(7))


def test_padding_leaves_a_protein_alone(network, vectors, whole):
    with torch.no_grad():
        residue, protein = network(padded(vectors, PADDED, 7.0), mask_of(LENGTHS, PADDED), whole)
        for i, (own, length) in enumerate(zip(vectors, LENGTHS, strict=True)):
            alone_residue, alone_protein = network(own[None], torch.ones(1, length, dtype=torch.bool), whole[i, None])
            torch.testing.assert_close(residue[i, :length], alone_residue[0], **CLOSE)
            torch.testing.assert_close(protein[i], alone_protein[0], **CLOSE)


def test_order_of_a_batch_is_the_order_of_the_answer(network, vectors, whole):
    order = [4, 0, 5, 2, 1, 3]
    batch, mask = padded(vectors, PADDED, 7.0), mask_of(LENGTHS, PADDED)
    with torch.no_grad():
        residue, protein = network(batch, mask, whole)
        other_residue, other_protein = network(batch[order], mask[order], whole[order])
    torch.testing.assert_close(other_residue, residue[order], **CLOSE)
    torch.testing.assert_close(other_protein, protein[order], **CLOSE)


def test_vectors_have_unit_length_and_padding_none(network, vectors, whole):
    mask = mask_of(LENGTHS, PADDED)
    with torch.no_grad():
        residue, protein = network(padded(vectors, PADDED, 7.0), mask, whole)
    torch.testing.assert_close(protein.norm(dim=-1), torch.ones(len(LENGTHS)), **CLOSE)
    torch.testing.assert_close(residue.norm(dim=-1), mask.float(), **CLOSE)
    assert (residue[~mask] == 0).all()


def test_padding_gives_no_gradient(network, vectors, whole):
    batch, mask = padded(vectors, PADDED, 7.0).requires_grad_(), mask_of(LENGTHS, PADDED)
    residue, protein = network(batch, mask, whole)
    (residue.sum() + protein.sum()).backward()
    assert batch.grad is not None
    assert (batch.grad[~mask] == 0).all()
    assert (batch.grad[mask].norm(dim=-1) > 0).all()
    network.zero_grad()


def test_padding_leaves_the_sequence_encoder_alone():
    torch.manual_seed(7)
    encoder = SequenceEncoder(SequenceEncoderConfig(dim=24, layers=2, heads=3, feedforward=29)).eval()
    rows = [torch.randint(len(ALPHABET), (length,)) for length in LENGTHS]
    with torch.no_grad():
        out = encoder(padded(rows, PADDED, 11), mask_of(LENGTHS, PADDED))
        for i, row in enumerate(rows):
            alone = encoder(row[None], torch.ones(1, len(row), dtype=torch.bool))
            torch.testing.assert_close(out[i, : len(row)], alone[0], **CLOSE)


@pytest.fixture(scope="module")
def front():
    torch.manual_seed(11)
    return StructureFront(StructureEncoder(StructureEncoderConfig(dim=28, layers=2, heads=2, feedforward=31)).eval())


def test_padding_leaves_the_structure_encoder_alone(front, make_structure):
    inputs = [front.inputs(make_structure(length)).residues for length in LENGTHS]
    columns = [padded(list(column), PADDED, 7.0) for column in zip(*inputs, strict=True)]
    with torch.no_grad():
        out = front(*columns, mask_of(LENGTHS, PADDED))
        for i, own in enumerate(inputs):
            alone = front(*(column[None] for column in own), torch.ones(1, LENGTHS[i], dtype=torch.bool))
            torch.testing.assert_close(out[i, : LENGTHS[i]], alone[0], **CLOSE)


@given(lengths, st.sampled_from([1, 50, 8192]), st.sampled_from(["sequence", "structure"]))
@settings(max_examples=25, deadline=None)
def test_tower_embeds_each_protein_as_if_it_were_alone(make_model, make_structure, sizes, tokens, kind):
    tower = make_model().towers[kind]
    inputs = [tower.front.inputs(make_structure(length, seed)) for seed, length in enumerate(sizes)]
    residue, protein = tower(inputs, tokens=tokens)
    assert [len(own) for own in residue] == sizes
    torch.testing.assert_close(protein.norm(dim=-1), torch.ones(len(sizes)), **CLOSE)
    for i, own in enumerate(inputs):
        alone_residue, alone_protein = tower([own])
        torch.testing.assert_close(residue[i], alone_residue[0], **CLOSE)
        torch.testing.assert_close(protein[i], alone_protein[0], **CLOSE)


@given(seed=st.integers(0, 1000), length=st.integers(1, 47))
@settings(max_examples=25, deadline=None)
def test_structure_vectors_do_not_see_place_and_orientation(make_model, make_structure, seed, length):
    model, chain = make_model(), make_structure(length, seed)
    turn = Rotation.random(random_state=seed).as_matrix()
    moved = (chain.ca.astype(np.float64) @ turn.T + [11.0, -37.0, 53.0]).astype(np.float32)
    here, there = model.embed([chain, Structure("moved", chain.letters, ca=moved)])
    np.testing.assert_allclose(there.protein, here.protein, rtol=0, atol=1e-4)  # moved coordinates are rounded
    np.testing.assert_allclose(there.residue, here.residue, rtol=0, atol=2e-4)


def test_mirror_image_has_other_vectors(make_model, make_structure):
    chain = make_structure(31)
    mirror = Structure("mirror", chain.letters, ca=chain.ca * np.float32([1, 1, -1]))
    here, there = make_model().embed([chain, mirror])
    assert np.abs(here.residue - there.residue).max() > 0.05
    assert np.abs(here.protein - there.protein).max() > 0.005


def test_structure_vectors_do_not_see_the_letters(make_model, make_structure):
    chain = make_structure(31)
    model, other = make_model(), Structure("other", "G" * 31, ca=chain.ca)
    np.testing.assert_array_equal(model.embed([chain])[0].residue, model.embed([other])[0].residue)


@pytest.mark.parametrize("length", [1, 2, 3, 29])
@pytest.mark.parametrize("kind", [sequence, lambda chain: chain], ids=["sequence", "structure"])
def test_a_protein_is_identical_to_itself(make_model, make_structure, length, kind):
    chain = kind(make_structure(length))
    comparison = make_model().compare(chain, chain)
    assert comparison.cosine == pytest.approx(1, abs=1e-6)
    assert comparison.tm_query == pytest.approx(1, abs=1e-6)
    assert comparison.tm_target == pytest.approx(1, abs=1e-6)
    assert comparison.p_same_fold > 0.99
    if length == 29:
        np.testing.assert_array_equal(comparison.alignment, np.stack([np.arange(29)] * 2, axis=1))
        np.testing.assert_allclose(comparison.lddt, 1, atol=1e-6)


@given(st.integers(1, 47), st.integers(1, 47), st.sampled_from(["sequence", "structure", "both"]))
@settings(max_examples=25, deadline=None)
def test_comparison_is_the_same_from_both_sides(make_model, make_structure, one, other, kinds):
    model, query, target = make_model(), make_structure(one, 1), make_structure(other, 2)
    if kinds != "structure":
        query = sequence(query)
    if kinds == "sequence":
        target = sequence(target)
    there, back = model.compare(query, target), model.compare(target, query)
    assert there.cosine == pytest.approx(back.cosine, abs=1e-6)
    assert there.tm == pytest.approx(back.tm, abs=1e-6)
    assert there.p_same_fold == pytest.approx(back.p_same_fold, abs=1e-5)
    assert there.tm_query == pytest.approx(back.tm_target, abs=1e-6)
    assert there.tm_target == pytest.approx(back.tm_query, abs=1e-6)
    assert len(there.lddt) == one and len(back.lddt) == other
    assert (~np.isnan(there.lddt)).sum() == len(there.alignment)


def test_half_precision_keeps_unit_length_and_moves_cosines_little(make_structure):
    model = load()
    proteins = [make_structure(length, seed=length) for length in (30, 55, 90)]
    exact, half = (model.embed(proteins, precision=precision) for precision in ("32", "bf16"))
    for kept in ("protein", "residue"):
        norms = np.concatenate([np.linalg.norm(np.atleast_2d(getattr(own, kept)), axis=1) for own in half])
        np.testing.assert_allclose(norms, 1.0, atol=1e-6)
    vectors = [np.stack([own.protein for own in embedded]) for embedded in (exact, half)]
    change = np.abs(vectors[0] @ vectors[0].T - vectors[1] @ vectors[1].T)
    assert 0 < change.max() < 0.02
