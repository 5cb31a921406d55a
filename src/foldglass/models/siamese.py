"""The Siamese network: residue vectors in, residue vectors and one protein vector out, in the shared space.

Source: GLASS (Xu, Pei and Alterovitz, bioRxiv 2025.10.27.684815). `paper` follows its text, `reference-code` the
public code where the two differ, `foldglass` is ours.
"""

from dataclasses import dataclass, replace
from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor, nn

from foldglass.encoders.layers import AttentionPooling, EncoderBlock, masked_mean
from foldglass.errors import ModelError


@dataclass(frozen=True)
class SiameseConfig:
    """Sizes and switches of a `SiameseNetwork`.

    `pooling` is `attention` (GLASS: softmax attention over the output vectors) or `summary` (ours: attention and mean
    of the hidden states with the logarithm of the length, through one hidden layer, since a weighted mean alone forgets
    how long the protein is and a TM-score depends on it). With `whole_dim` the protein vector also gets a term from a
    vector that describes the whole protein, through a network of width `whole_hidden`; with `whole_linear` through a
    linear map too; with `sketch_dim` (which is 0 or `output`) that vector ends with as many numbers that join the
    embedding as they are, centred and scaled, and there is a linear map in any case.

    Examples
    --------
    >>> SiameseConfig.preset("paper", input_dim=1024).layers
    2
    """

    input_dim: int
    hidden: int = 512
    output: int = 512
    layers: int = 2
    heads: int = 4
    feedforward: int = 2048
    dropout: float = 0.1
    input_norm: bool = False
    output_relu: bool = False
    final_norm: bool = False
    rotary: bool = False
    activation: Literal["relu", "gelu"] = "relu"
    pooling: Literal["attention", "summary"] = "attention"
    whole_dim: int = 0
    whole_hidden: int = 512
    whole_dropout: float = 0.1
    whole_linear: bool = False
    sketch_dim: int = 0

    @classmethod
    def preset(cls, name: str, *, input_dim: int) -> "SiameseConfig":
        """The published network (`paper`), its public code (`reference-code`) or ours (`foldglass`)."""
        base = cls(input_dim=input_dim)
        presets = {
            "paper": replace(base, input_norm=True, output_relu=True),
            "reference-code": base,
            "foldglass": replace(
                base,
                hidden=256,
                layers=1,
                heads=8,
                feedforward=1024,
                input_norm=True,
                final_norm=True,
                rotary=True,
                activation="gelu",
                pooling="summary",
            ),
        }
        if name not in presets:
            raise ModelError(f"Siamese preset {name!r}", got="no such preset", expected=f"one of {', '.join(presets)}")
        return presets[name]


class SummaryPooling(nn.Module):
    """Attention and mean of the hidden states, with the length, through one hidden layer."""

    def __init__(self, hidden: int, output: int) -> None:
        super().__init__()
        self.attention = AttentionPooling(hidden, hidden // 2)
        self.mix = nn.Sequential(nn.Linear(2 * hidden + 1, output), nn.GELU())
        self.output = nn.Linear(output, output)

    def forward(self, x: Float[Tensor, "B L D"], mask: Bool[Tensor, "B L"]) -> Float[Tensor, "B E"]:
        log_length = mask.sum(dim=1, keepdim=True).to(x.dtype).log() - 5.0  # about zero at 150 residues
        summary = torch.cat([self.attention(x, mask), masked_mean(x, mask), log_length], dim=1)
        pooled: Tensor = self.output(self.mix(summary))
        return pooled


class WholeBranch(nn.Module):
    """From a vector that describes the whole protein to a term of its embedding.

    The input is standardised by `mean` and `spread`, which `fit` takes from training proteins. With a linear map or a
    sketch the term is a weighted sum of unit vectors: of the network, which knows the training families best; of the
    linear map, which carries over to others better; and of the centred sketch, which nothing was learned for.
    """

    mean: Tensor
    spread: Tensor

    def __init__(
        self, dim: int, hidden: int, output: int, dropout: float, *, linear: bool = False, sketch: int = 0
    ) -> None:
        super().__init__()
        self.dim, self.sketch = dim, sketch
        self.register_buffer("mean", torch.zeros(dim + sketch))
        self.register_buffer("spread", torch.ones(dim + sketch))
        self.layers = nn.Sequential(
            nn.Linear(dim, hidden),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(hidden, hidden),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(hidden, output),
        )
        self.linear = nn.Linear(dim, output, bias=False) if linear or sketch else None
        if self.linear is not None:
            self.gain = nn.Parameter(torch.tensor([0.8, 0.7] if sketch else [0.8]))

    def fit(self, whole: Float[Tensor, "N F"]) -> None:
        """Take mean and spread from some proteins."""
        self.mean.copy_(whole[:, : len(self.mean)].mean(dim=0))
        self.spread.copy_(whole[:, : len(self.mean)].std(dim=0) + 1e-3)

    def forward(self, whole: Float[Tensor, "B F"]) -> Float[Tensor, "B E"]:
        centred = whole[:, : self.dim + self.sketch] - self.mean
        known = (centred[:, : self.dim] / self.spread[: self.dim]).clamp(-5, 5)
        out: Tensor = self.layers(known)
        if self.linear is not None:
            others = torch.stack([self.linear(known), *([centred[:, self.dim :]] if self.sketch else [])])
            out = F.normalize(out, dim=-1) + torch.einsum("k,kbe->be", self.gain, F.normalize(others, dim=-1))
        return out


class SiameseNetwork(nn.Module):
    """Input projection, transformer layers, output projection and pooling.

    Returns residue vectors (B, L, E) and protein vectors (B, E), both of unit length; residues outside the mask are 0.
    """

    def __init__(self, config: SiameseConfig) -> None:
        super().__init__()
        self.config = config
        hidden = config.hidden
        project = [nn.Linear(config.input_dim, hidden)]
        norm = [nn.LayerNorm(hidden), nn.Dropout(config.dropout)] if config.input_norm else []
        self.project = nn.Sequential(*project, *norm)
        self.blocks = nn.ModuleList(
            EncoderBlock(
                hidden,
                config.heads,
                config.feedforward,
                rotary=config.rotary,
                activation=config.activation,
                dropout=config.dropout,
            )
            for _ in range(config.layers)
        )
        self.final = nn.LayerNorm(hidden) if config.final_norm else nn.Identity()
        self.output = nn.Sequential(
            nn.Linear(hidden, config.output), nn.ReLU() if config.output_relu else nn.Identity()
        )
        self.pool: nn.Module = (
            AttentionPooling(config.output, hidden // 2)
            if config.pooling == "attention"
            else SummaryPooling(hidden, config.output)
        )
        for parameter in self.parameters():
            if parameter.ndim > 1:
                nn.init.xavier_uniform_(parameter)
        self.whole: WholeBranch | None = None
        if config.whole_dim:
            self.whole = WholeBranch(
                config.whole_dim,
                config.whole_hidden,
                config.output,
                config.whole_dropout,
                linear=config.whole_linear,
                sketch=config.sketch_dim,
            )
            if isinstance(self.pool, SummaryPooling):  # begin with the branch alone: it learns within a minute
                nn.init.zeros_(self.pool.output.weight)

    def forward(
        self, x: Float[Tensor, "B L D"], mask: Bool[Tensor, "B L"], whole: Float[Tensor, "B F"]
    ) -> tuple[Float[Tensor, "B L E"], Float[Tensor, "B E"]]:
        x = self.project(x)
        for block in self.blocks:
            x = block(x, mask)
        x = self.final(x)
        residue = self.output(x)
        protein = self.pool(residue if self.config.pooling == "attention" else x, mask)
        if self.whole is not None:
            protein = protein + self.whole(whole)
        return F.normalize(residue.float(), dim=-1) * mask[..., None], F.normalize(protein.float(), dim=-1)
