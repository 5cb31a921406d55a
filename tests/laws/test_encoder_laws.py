"""What holds for every residue encoder: neighbours, order, windows and the cache leave a protein's vectors alone."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import EsmConfig, EsmModel, T5Config, T5EncoderModel

from foldglass.constants import EXTENDED_LETTERS
from foldglass.encoders.alphabet import Alphabet
from foldglass.encoders.cache import CachedEncoder
from foldglass.encoders.transformer import TransformerEncoder
from foldglass.encoders.windows import merge, split
from foldglass.protein import Sequence

TOKENS = np.full(128, -1)
for _number, _letter in enumerate(EXTENDED_LETTERS):
    TOKENS[ord(_letter)] = _number + 4

chains = st.lists(st.text(EXTENDED_LETTERS, min_size=1, max_size=31), min_size=1, max_size=7)


def t5() -> TransformerEncoder:
    torch.manual_seed(5)
    config = T5Config(vocab_size=37, d_model=12, d_kv=5, d_ff=17, num_layers=2, num_heads=3)
    network = T5EncoderModel(config).eval().requires_grad_(False)
    return TransformerEncoder(network, Alphabet(TOKENS, (), (1,), 0), id="t5", revision="0", window=19, batch_tokens=64)


def esm() -> TransformerEncoder:
    torch.manual_seed(7)
    config = EsmConfig(
        vocab_size=37,
        hidden_size=20,
        num_hidden_layers=2,
        num_attention_heads=5,
        intermediate_size=23,
        position_embedding_type="rotary",
        token_dropout=True,
        emb_layer_norm_before=False,
        mask_token_id=3,
        pad_token_id=1,
    )
    network = EsmModel(config, add_pooling_layer=False).eval().requires_grad_(False)
    return TransformerEncoder(
        network, Alphabet(TOKENS, (0,), (2,), 1), id="esm", revision="0", window=19, batch_tokens=64
    )


@pytest.fixture(scope="module", params=[t5, esm], ids=["t5", "esm"])
def encoder(request):
    return request.param()


def proteins(letters: list[str]) -> list[Sequence]:
    return [Sequence(f"p{i}", chain) for i, chain in enumerate(letters)]


@given(chains)
@settings(max_examples=25, deadline=None)
def test_neighbours_leave_a_protein_alone(encoder, letters):
    together = encoder.encode(proteins(letters))
    for protein, vectors in zip(proteins(letters), together, strict=True):
        assert vectors.shape == (len(protein), encoder.dim)
        torch.testing.assert_close(vectors, encoder.encode([protein])[0], rtol=0, atol=2e-5)


@given(chains)
@settings(max_examples=25, deadline=None)
def test_order_of_the_call_is_the_order_of_the_answer(encoder, letters):
    there = encoder.encode(proteins(letters))
    back = encoder.encode(proteins(letters)[::-1])[::-1]
    for one, other in zip(there, back, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=2e-5)


@given(letters=chains)
@settings(max_examples=25, deadline=None)
def test_cache_changes_nothing_but_the_rounding(encoder, tmp_path_factory, letters):
    cached = CachedEncoder(encoder, tmp_path_factory.mktemp("cache"))
    miss, hit, plain = (e.encode(proteins(letters)) for e in (cached, cached, encoder))
    for first, second, exact in zip(miss, hit, plain, strict=True):
        assert torch.equal(first, second)
        torch.testing.assert_close(first, exact, rtol=1e-3, atol=1e-4)


shapes = st.tuples(st.integers(1, 300), st.integers(2, 50)).flatmap(
    lambda pair: st.tuples(st.just(pair[0]), st.just(pair[1]), st.integers(0, pair[1] // 2))
)


@given(shapes)
def test_windows_cover_the_chain_and_share_the_overlap(shape):
    length, limit, overlap = shape
    windows = split(length, limit=limit, overlap=overlap)
    assert windows[0][0] == 0 and windows[-1][1] == length
    assert all(stop - start == min(limit, length) for start, stop in windows)
    for (before, end), (start, _) in pairwise(windows):
        assert before < start <= end - overlap


@given(shapes)
def test_windows_that_agree_merge_to_what_they_agree_on(shape):
    length, limit, overlap = shape
    vectors = torch.randn(length, 3, generator=torch.Generator().manual_seed(length))
    windows = split(length, limit=limit, overlap=overlap)
    merged = merge([vectors[start:stop] for start, stop in windows], windows, length)
    torch.testing.assert_close(merged, vectors, rtol=0, atol=1e-5)


def test_chain_within_the_window_is_returned_as_the_network_gave_it():
    vectors = torch.randn(11, 3)
    assert merge([vectors], split(11, limit=11, overlap=5), 11) is vectors
