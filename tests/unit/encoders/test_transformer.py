import pytest
import torch

from foldglass.encoders.esm2 import load_esm2
from foldglass.encoders.prott5 import load_prott5
from foldglass.encoders.transformer import PrecisionWarning, pick_precision
from foldglass.errors import ModelError, UsageError
from foldglass.protein import Sequence

CHAINS = [Sequence(str(n), ("MKVLAAGWCD" * 3)[:n]) for n in (7, 29, 2, 13, 11)]


@pytest.fixture
def encoder(esm2_folder):
    return load_esm2(esm2_folder, device="cpu")


def spy(encoder, before):
    forward = encoder.network.forward

    def run(**inputs):
        before(inputs["input_ids"])
        return forward(**inputs)

    encoder.network.forward = run


def test_no_protein_gives_no_vectors(encoder):
    assert encoder.encode([]) == []


def test_batches_stay_in_the_budget_with_padding(encoder):
    encoder.batch_tokens = 29
    shapes = []
    spy(encoder, lambda tokens: shapes.append(tuple(tokens.shape)))
    encoder.encode(CHAINS)
    assert shapes == [(1, 31), (1, 15), (2, 13), (1, 4)]  # two special tokens count with each chain


def test_chain_over_the_budget_is_a_batch_of_its_own(encoder):
    encoder.batch_tokens = 5
    assert [len(v) for v in encoder.encode(CHAINS)] == [7, 29, 2, 13, 11]


def test_short_memory_halves_the_batch(encoder):
    expected = encoder.encode(CHAINS)

    def short(tokens):
        if tokens.shape[0] > 2:
            raise torch.OutOfMemoryError("full")

    spy(encoder, short)
    for one, other in zip(encoder.encode(CHAINS), expected, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-5)


def test_one_chain_over_the_memory_is_named(encoder):
    def full(tokens):
        raise torch.OutOfMemoryError("full")

    spy(encoder, full)
    with pytest.raises(ModelError, match=r"protein '29': 29 residues at once do not fit.*a window smaller than 1022"):
        encoder.encode(CHAINS[:2])


def test_overflow_in_half_precision_goes_on_in_float32(prott5_folder):
    encoder = load_prott5(prott5_folder, device="cpu", precision="bfloat16")
    exact = load_prott5(prott5_folder, device="cpu")

    def overflow(module, inputs, output):
        return output * float("nan") if output.dtype == torch.bfloat16 else output

    encoder.network.encoder.block[0].layer[0].SelfAttention.q.register_forward_hook(overflow)
    with pytest.warns(PrecisionWarning, match=r"prott5: half precision overflowed on '29'; going on in float32"):
        vectors = encoder.encode(CHAINS)
    for ours, reference in zip(vectors, exact.encode(CHAINS), strict=True):
        assert torch.nn.functional.cosine_similarity(ours, reference).min() > 0.999  # weights were rounded once
    encoder.encode(CHAINS)  # silent from now on


def test_values_that_are_not_finite_in_float32_are_refused(encoder):
    encoder.network.encoder.emb_layer_norm_after.weight.fill_(float("nan"))
    with pytest.raises(ModelError, match=r"protein '29': esm2-t2 gives values that are not finite"):
        encoder.encode(CHAINS)


def test_precision_by_device():
    assert pick_precision("auto", torch.device("cuda")) == torch.float16
    assert pick_precision("auto", torch.device("cpu")) == torch.float32
    assert pick_precision("bfloat16", torch.device("cpu")) == torch.bfloat16
    with pytest.raises(UsageError, match=r"precision 'half': an unknown name; expected auto, float32"):
        pick_precision("half", torch.device("cpu"))
