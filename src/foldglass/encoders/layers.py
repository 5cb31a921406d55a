"""Building blocks shared by the networks. A mask is True at real residues; only this file turns it into attention."""

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor, nn

ACTIVATIONS = {"relu": nn.ReLU, "gelu": nn.GELU}


def rotate(x: Float[Tensor, "B H L E"]) -> Float[Tensor, "B H L E"]:
    """Rotary position code (Su et al. 2021): position i turns channel pair m by the angle i / 10000^(2m/E)."""
    length, width = x.shape[-2:]
    frequency = 10000.0 ** (-torch.arange(0, width, 2, device=x.device, dtype=torch.float32) / width)
    angle = torch.arange(length, device=x.device, dtype=torch.float32)[:, None] * frequency
    cos, sin = angle.cos().to(x.dtype), angle.sin().to(x.dtype)
    even, odd = x.chunk(2, dim=-1)
    return torch.cat([even * cos - odd * sin, odd * cos + even * sin], dim=-1)


class SelfAttention(nn.Module):
    """Multi-head self-attention over the real residues, with or without rotary positions."""

    def __init__(self, dim: int, heads: int, *, rotary: bool, dropout: float = 0.0) -> None:
        super().__init__()
        self.heads, self.rotary, self.dropout = heads, rotary, dropout
        self.qkv = nn.Linear(dim, 3 * dim)
        self.out = nn.Linear(dim, dim)

    def forward(self, x: Float[Tensor, "B L D"], mask: Bool[Tensor, "B L"]) -> Float[Tensor, "B L D"]:
        batch, length, dim = x.shape
        query, key, value = self.qkv(x).view(batch, length, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        if self.rotary:
            query, key = rotate(query), rotate(key)
        # one protein, or several of one length: without a mask the fast kernels apply
        attend = None if bool(mask.all()) else mask[:, None, None, :]
        dropout = self.dropout if self.training else 0.0
        mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=attend, dropout_p=dropout)
        out: Tensor = self.out(mixed.transpose(1, 2).reshape(batch, length, dim))
        return out


class FeedForward(nn.Sequential):
    """Two linear maps with an activation and dropout between."""

    def __init__(self, dim: int, inner: int, *, activation: str = "gelu", dropout: float = 0.0) -> None:
        super().__init__(nn.Linear(dim, inner), ACTIVATIONS[activation](), nn.Dropout(dropout), nn.Linear(inner, dim))


class EncoderBlock(nn.Module):
    """Pre-norm transformer layer: x + attention(norm(x)), then x + feedforward(norm(x))."""

    def __init__(
        self, dim: int, heads: int, inner: int, *, rotary: bool = True, activation: str = "gelu", dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.attention = SelfAttention(dim, heads, rotary=rotary, dropout=dropout)
        self.feedforward = FeedForward(dim, inner, activation=activation, dropout=dropout)
        self.drop = nn.Dropout(dropout)

    def forward(self, x: Float[Tensor, "B L D"], mask: Bool[Tensor, "B L"]) -> Float[Tensor, "B L D"]:
        x = x + self.drop(self.attention(self.norm1(x), mask))
        x = x + self.drop(self.feedforward(self.norm2(x)))
        return x


class AttentionPooling(nn.Module):
    """Softmax-weighted sum over real residues; the weights come from a small network (GLASS, global embedding)."""

    def __init__(self, dim: int, inner: int) -> None:
        super().__init__()
        self.score = nn.Sequential(nn.Linear(dim, inner), nn.ReLU(), nn.Linear(inner, 1))

    def forward(self, x: Float[Tensor, "B L D"], mask: Bool[Tensor, "B L"]) -> Float[Tensor, "B D"]:
        score = self.score(x).squeeze(-1).masked_fill(~mask, float("-inf"))
        return torch.einsum("bl,bld->bd", score.softmax(dim=-1), x)


def masked_mean(x: Float[Tensor, "B L D"], mask: Bool[Tensor, "B L"]) -> Float[Tensor, "B D"]:
    """Mean over the real residues."""
    weight = mask.to(x.dtype)
    return torch.einsum("bl,bld->bd", weight, x) / weight.sum(dim=1, keepdim=True)
