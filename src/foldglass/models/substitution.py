"""Embeddings of many single substitutions of one protein: what they share is computed once.

In the first layer of the sequence encoder all residues but the new one are as in the wild type, and attention sees one
other key and one other value. Its output follows from the wild type's without a product over all pairs; from the
second layer on every residue differs, and the work is that of any batch. Nothing is approximated.
"""

from collections.abc import Iterable, Iterator
from itertools import islice

import torch
from jaxtyping import Float, Int
from torch import Tensor

from foldglass.encoders.builtin import SequenceEncoder, tokenize
from foldglass.encoders.layers import EncoderBlock, rotate
from foldglass.models.model import Model
from foldglass.models.tower import SequenceFront
from foldglass.protein import Embedding, Sequence
from foldglass.variant import Variant

_TOKENS = 2400
"""Residues per batch: more need more memory, and are no faster on a processor."""

_ALL = 1 - 1e-8
"""Attention on one residue beyond which the others' part is lost to rounding."""


def embed_substitutions(model: Model, wild: Sequence, variants: Iterable[Variant]) -> Iterator[Embedding]:
    """Embed variants of a protein that each exchange one residue, in the order given.

    The same vectors as of `Model.embed`, up to rounding; only a batch is held at a time. A tower on a pretrained
    language model shares nothing.

    Examples
    --------
    >>> from foldglass import load
    >>> from foldglass.variant import parse_variants
    >>> wild = Sequence("toy", "MKVLAAGIVG")
    >>> embedding, = embed_substitutions(load(), wild, parse_variants("K2W", wild))
    >>> embedding.id, embedding.residue.shape
    ('toy:K2W', (10, 512))
    """
    tower = model.towers.get("sequence")
    remaining = iter(variants)
    shared: _FirstLayer | None = None
    while group := list(islice(remaining, max(1, _TOKENS // len(wild)))):
        mutants = [variant.apply(wild) for variant in group]
        if tower is None or not isinstance(tower.front, SequenceFront):
            yield from model.embed(mutants)
            continue
        with torch.inference_mode():
            encoder = tower.front.encoder
            device = encoder.embed.weight.device
            shared = shared or _FirstLayer(encoder, torch.from_numpy(tokenize(wild.letters)).to(device))
            changes = [change for variant in group for change in variant.changes]
            places = torch.tensor([change.start for change in changes], device=device)
            letters = torch.from_numpy(tokenize("".join(change.letters for change in changes))).to(device)
            x = shared(places, letters)
            mask = torch.ones(x.shape[:2], dtype=torch.bool, device=device)
            for block in encoder.blocks[1:]:
                x = block(x, mask)
            whole = torch.stack([tower.front.inputs(mutant).whole for mutant in mutants]).to(device)
            residue, protein = tower.network(encoder.final(x), mask, whole)
        for mutant, own, pooled in zip(
            mutants, residue.float().cpu().numpy(), protein.float().cpu().numpy(), strict=True
        ):
            yield Embedding(mutant, protein=pooled, residue=own, model=model.id)


class _FirstLayer:
    """The first layer's output for substitutions of one sequence of tokens.

    With A the attention weight of residue i on the exchanged residue m, Z the sum of its exponentials, O its output,
    and k', v' the new key and value: w = exp(q_i k') / Z, O' = (O - A v_m + w v') / (1 - A + w). Double precision,
    since 1 - A may be small; where it is nothing, the layer is computed anew. Residue m itself has a new query and
    attends anew.
    """

    def __init__(self, encoder: SequenceEncoder, tokens: Int[Tensor, " L"]) -> None:
        block = encoder.blocks[0]
        assert isinstance(block, EncoderBlock)
        self.block, self.letters = block, encoder.embed.weight
        self.x = encoder.embed(tokens)
        query, key, self.value = self._heads(self.x)
        self.query, self.key = self._turned(query), self._turned(key)
        self.scale = query.shape[-1] ** -0.5
        logits = self.query @ self.key.mT * self.scale
        self.total = logits.logsumexp(dim=-1)
        self.weight = (logits - self.total[..., None]).exp()
        self.mixed = self.weight @ self.value
        own_query, own_key, self.own_value = self._heads(self.letters)
        length = len(tokens)
        # every letter at every place: (H, letters, L, E)
        self.own_query, self.own_key = (
            self._turned(own[:, :, None].expand(-1, -1, length, -1).contiguous()) for own in (own_query, own_key)
        )

    def __call__(self, places: Int[Tensor, " B"], tokens: Int[Tensor, " B"]) -> Float[Tensor, "B L D"]:
        rows = torch.arange(len(places), device=places.device)
        x = self.x.repeat(len(places), 1, 1)
        x[rows, places] = self.letters[tokens]
        old_weight = self.weight[:, :, places].permute(2, 0, 1)[..., None]  # (B, H, L, 1)
        if bool((old_weight > _ALL).any()):
            out: Tensor = self.block(x, torch.ones(x.shape[:2], dtype=torch.bool, device=x.device))
            return out
        query, key = (own[:, tokens, places].transpose(0, 1) for own in (self.own_query, self.own_key))  # (B, H, E)
        value = self.own_value[:, tokens].transpose(0, 1)
        old_value = self.value[:, places].transpose(0, 1)[:, :, None]
        log_weight = (torch.einsum("hle,bhe->bhl", self.query, key) * self.scale - self.total)[..., None]
        largest = log_weight.clamp_min(0)  # keeps the exponentials finite
        weight, rest = (log_weight - largest).exp(), (-largest).exp()
        mixed = (rest * (self.mixed - old_weight * old_value) + weight * value[:, :, None]) / (
            rest * (1 - old_weight) + weight
        )

        own_logits = torch.einsum("bhe,hle->bhl", query, self.key) * self.scale
        own_logits[rows, :, places] = (query * key).sum(-1) * self.scale
        attention = own_logits.softmax(dim=-1)
        at_site = attention[rows, :, places][..., None]
        whole = torch.einsum("bhl,hle->bhe", attention, self.value)
        mixed[rows, :, places] = whole + at_site * (value - old_value[:, :, 0])

        x = x + self.block.attention.out(mixed.transpose(1, 2).flatten(2).to(x.dtype))
        out = x + self.block.feedforward(self.block.norm2(x))
        return out

    def _heads(self, x: Float[Tensor, "N D"]) -> tuple[Tensor, Tensor, Tensor]:
        """Query, key and value (H, N, E), without positions."""
        attention = self.block.attention
        query, key, value = (
            attention.qkv(self.block.norm1(x)).double().view(len(x), 3, attention.heads, -1).permute(1, 2, 0, 3)
        )
        return query, key, value

    def _turned(self, x: Float[Tensor, "... L E"]) -> Float[Tensor, "... L E"]:
        if not self.block.attention.rotary:
            return x
        return rotate(x.reshape(-1, *x.shape[-3:])).view(x.shape)
