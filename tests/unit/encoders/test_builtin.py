"""The built-in sequence encoder and the layers it shares with the other networks."""

import numpy as np
import pytest
import torch

from foldglass.encoders.builtin import ALPHABET, MASK_TOKEN, MaskedResidueModel, SequenceEncoder, tokenize
from foldglass.encoders.builtin import SequenceEncoderConfig as Config
from foldglass.encoders.layers import AttentionPooling, masked_mean, rotate

TINY = Config(dim=24, layers=2, heads=3, feedforward=29)


def test_every_residue_has_its_token_and_the_rest_share_one():
    assert tokenize(ALPHABET).tolist() == list(range(21))
    assert tokenize("BJOUZX").tolist() == [20] * 6
    assert MASK_TOKEN == 21


def test_rotary_code_depends_on_the_relative_position_only():
    torch.manual_seed(1)
    query, key = torch.randn(2, 6), torch.randn(2, 6)
    length = 17
    turned_query = rotate(query[None, :, None].expand(1, 2, length, 6).clone())
    turned_key = rotate(key[None, :, None].expand(1, 2, length, 6).clone())
    products = (turned_query @ turned_key.transpose(-1, -2))[0]  # the same query and key at every position
    for offset in (-11, -1, 0, 1, 5):
        diagonal = products.diagonal(offset, dim1=-2, dim2=-1)
        torch.testing.assert_close(diagonal, diagonal[:, :1].expand_as(diagonal), rtol=0, atol=1e-5)
    assert (products[:, 0, 0] - products[:, 0, 5]).abs().min() > 1e-3


def test_rotary_code_turns_without_stretching_and_starts_at_rest():
    x = torch.randn(2, 3, 11, 6, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(rotate(x).norm(dim=-1), x.norm(dim=-1))
    assert torch.equal(rotate(x)[:, :, 0], x[:, :, 0])
    first = torch.zeros(1, 1, 2, 6)
    first[..., 0] = 1  # the first pair of channels turns by one radian per position
    torch.testing.assert_close(
        rotate(first)[0, 0, 1, [0, 3]], torch.tensor([np.cos(1.0), np.sin(1.0)], dtype=torch.float32)
    )


def test_position_matters_to_the_encoder():
    torch.manual_seed(1)
    encoder = SequenceEncoder(TINY).eval()
    tokens, mask = torch.arange(11)[None], torch.ones(1, 11, dtype=torch.bool)
    with torch.no_grad():
        there, back = encoder(tokens, mask), encoder(tokens.flip(1), mask).flip(1)
    assert (there - back).abs().max() > 0.05


@pytest.mark.parametrize("length", [1, 2, 3])
def test_short_chains_have_finite_vectors(length):
    encoder = SequenceEncoder(TINY).eval()
    out = encoder(torch.zeros(1, length, dtype=torch.int64), torch.ones(1, length, dtype=torch.bool))
    assert out.shape == (1, length, 24)
    assert out.isfinite().all()


def test_masked_model_answers_at_hidden_positions_only():
    torch.manual_seed(1)
    model = MaskedResidueModel(SequenceEncoder(TINY)).eval()
    tokens, mask = torch.randint(20, (3, 7)), torch.ones(3, 7, dtype=torch.bool)
    hidden = torch.zeros(3, 7, dtype=torch.bool)
    hidden[0, 2] = hidden[2, 5] = True
    logits = model(tokens, mask, hidden)
    assert logits.shape == (2, 20)
    everywhere = model(tokens, mask, mask).view(3, 7, 20)
    torch.testing.assert_close(logits, torch.stack([everywhere[0, 2], everywhere[2, 5]]))


def test_masked_mean_is_the_mean_of_what_is_there():
    x = torch.arange(2 * 3 * 2.0).view(2, 3, 2)
    mask = torch.tensor([[True, True, False], [True, True, True]])
    assert masked_mean(x, mask).tolist() == [[1.0, 2.0], [8.0, 9.0]]


def test_attention_pooling_is_a_weighted_mean_of_what_is_there():
    torch.manual_seed(1)
    pool, x = AttentionPooling(5, 3), torch.randn(1, 7, 5)
    mask = torch.arange(7)[None] < 4
    weight = pool.score(x[0, :4]).squeeze(-1).softmax(dim=0)
    torch.testing.assert_close(pool(x, mask)[0], weight @ x[0, :4])
    assert weight.sum().item() == pytest.approx(1)
    torch.nn.init.zeros_(pool.score[-1].weight)
    torch.testing.assert_close(pool(x, mask), masked_mean(x, mask))
