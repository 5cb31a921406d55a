"""Shared computation must give what embedding each mutant by itself gives."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch

from foldglass.models import substitution
from foldglass.models.model import Model
from foldglass.models.substitution import embed_substitutions
from foldglass.models.tower import PretrainedFront, Tower
from foldglass.protein import Sequence
from foldglass.variant import Variant, substitutions

WILD = Sequence("wild", "MKVLAPGSLWDXRTYHNQCIF")


def check(model: Model, wild: Sequence, variants: list[Variant], atol: float = 2e-6) -> None:
    found = list(embed_substitutions(model, wild, variants))
    alone = [model.embed([variant.apply(wild)])[0] for variant in variants]
    assert [e.id for e in found] == [f"{wild.id}:{v.name}" for v in variants]
    for one, other in zip(found, alone, strict=True):
        assert one.entity.letters == other.entity.letters and one.model == other.model
        np.testing.assert_allclose(one.residue, other.residue, atol=atol)
        np.testing.assert_allclose(one.protein, other.protein, atol=atol)


def test_the_same_vectors_at_every_place_and_for_every_letter(make_model: Callable[..., Model]) -> None:
    check(make_model(), WILD, list(substitutions(WILD, range(len(WILD)))))


@pytest.mark.parametrize("letters", ["M", "MK"])
def test_short_chains(make_model: Callable[..., Model], letters: str) -> None:
    wild = Sequence("w", letters)
    check(make_model(), wild, list(substitutions(wild, range(len(letters)))))


@pytest.mark.parametrize("factor", [3, 12])
def test_the_same_where_all_attention_is_on_one_residue(make_model: Callable[..., Model], factor: int) -> None:
    model = make_model()
    tower = model.towers["sequence"]
    with torch.no_grad():
        qkv: Any = tower.front.encoder.blocks[0].attention.qkv  # type: ignore[union-attr]
        qkv.weight[:48] *= factor
    check(model, WILD, list(substitutions(WILD, range(0, len(WILD), 3))), atol=2e-5)


def test_only_one_batch_is_held(make_model: Callable[..., Model], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(substitution, "_TOKENS", 2 * len(WILD))
    drawn = []

    def variants() -> Iterator[Variant]:
        for variant in substitutions(WILD, [3]):
            drawn.append(variant.name)
            yield variant

    embeddings = embed_substitutions(make_model(), WILD, variants())
    next(embeddings)
    assert len(drawn) == 2
    next(embeddings), next(embeddings)
    assert len(drawn) == 4


def test_another_language_model_embeds_each_mutant(make_model: Callable[..., Model]) -> None:
    class Encoder:
        id, revision, dim = "letters", "1", 24

        def encode(self, proteins: list[Sequence]) -> list[torch.Tensor]:
            codes = [torch.tensor([ord(letter) for letter in p.letters]) for p in proteins]
            return [torch.sin(own[:, None] * torch.arange(1.0, 25.0)) for own in codes]

    network = make_model().towers["sequence"].network
    check(Model({"sequence": Tower(PretrainedFront(Encoder()), network)}), WILD, list(substitutions(WILD, [0, 5])))
