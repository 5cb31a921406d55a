"""The structure encoder: sizes, short chains, and that the fold reaches every residue."""

import pytest
import torch

from foldglass.encoders.structure import (
    N_STRUCTURE_FEATURES,
    StructureEncoder,
    StructureEncoderConfig,
    structure_features,
    summary,
    summary_size,
)

TINY = StructureEncoderConfig(dim=28, layers=2, heads=2, feedforward=31)


@pytest.fixture(scope="module")
def encoder():
    torch.manual_seed(1)
    return StructureEncoder(TINY).eval()


def encode(encoder, chain):
    features = torch.from_numpy(structure_features(chain.ca))
    with torch.no_grad():
        return encoder(features[None], torch.ones(1, len(chain), dtype=torch.bool))[0]


@pytest.mark.parametrize("length", [1, 2, 3, 4, 5, 31])
def test_every_chain_has_finite_vectors(encoder, make_structure, length):
    chain = make_structure(length)
    features = structure_features(chain.ca)
    assert features.shape == (length, N_STRUCTURE_FEATURES)
    assert summary(features).shape == (summary_size(N_STRUCTURE_FEATURES),)
    out = encode(encoder, chain)
    assert out.shape == (length, 28)
    assert out.isfinite().all() and torch.from_numpy(summary(features)).isfinite().all()


def test_change_at_one_end_reaches_the_other(encoder, make_structure):
    chain = make_structure(41)
    bent = chain.ca.copy()
    bent[:5] += 9.0
    changed = encode(encoder, type(chain)("bent", chain.letters, ca=bent)) - encode(encoder, chain)
    assert changed[-1].abs().max() > 1e-4


def test_direction_of_the_chain_matters(encoder, make_structure):
    chain = make_structure(41)
    back = type(chain)("back", chain.letters, ca=chain.ca[::-1].copy())
    assert (encode(encoder, back).flip(0) - encode(encoder, chain)).abs().max() > 0.05
