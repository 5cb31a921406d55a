"""DeepPPISP: convolutions over the whole protein and a window around each residue (Zeng et al. 2020, Bioinformatics
36:1114), and Guo et al.'s addition of embeddings to both (AAAI 2022).
"""

from collections.abc import Sequence as List
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Float32, Int
from torch import Tensor, nn

LONGEST = 500
"""Residues that the network reads of a protein, as published; what is behind them is not judged."""
REACH = 3
"""Residues of the window on either side."""
KERNELS = (13, 15, 17)
_LETTERS, _STATES, _PROFILE = 20, 9, 20
_OWN = _LETTERS + _PROFILE + _STATES
_RATIO = 2
"""Channels of the whole protein for each of a window."""


@dataclass(frozen=True)
class DeepPPISPConfig:
    """Sizes of a `DeepPPISP`.

    Parameters
    ----------
    dense
        The published layer of 100 million parameters that mixes all positions of the one-hot sequence; False leaves
        the sequence as it is.
    whole, residue
        Channels of the embeddings added to the part of the whole protein and to each residue of the window; 0 for none.
    """

    dense: bool = False
    whole: int = 0
    residue: int = 0


@dataclass(frozen=True, eq=False)
class ProteinFeatures:
    """The published inputs of one protein, cut to `LONGEST` residues, and its embeddings where there are any."""

    letters: Float32[np.ndarray, "L 20"]
    states: Float32[np.ndarray, "L 9"]
    profile: Float32[np.ndarray, "L 20"]
    residue: Float32[np.ndarray, "L D"]
    whole: Float32[np.ndarray, " W"]

    def __len__(self) -> int:
        return len(self.letters)


@dataclass(frozen=True, eq=False)
class ProteinBatch:
    """Some proteins and the windows of all their residues.

    `positions` holds letters, states and profile of every position, padded with zeros to a common length.
    """

    positions: Float[Tensor, "C T 49"]
    whole: Float[Tensor, "C W"]
    windows: Float[Tensor, "N F"]
    protein: Int[Tensor, " N"]


def protein_batch(proteins: List[ProteinFeatures], *, dense: bool) -> ProteinBatch:
    """Lay proteins side by side.

    Without the dense layer only as many zeros are added as the kernels can tell from the published 500: pooling over
    more of them changes nothing.

    Examples
    --------
    >>> ones = lambda *shape: np.ones(shape, np.float32)
    >>> toy = ProteinFeatures(ones(5, 20), ones(5, 9), ones(5, 20), ones(5, 0), ones(0))
    >>> batch = protein_batch([toy], dense=False)
    >>> tuple(batch.positions.shape), tuple(batch.windows.shape)
    ((1, 14, 49), (5, 343))
    """
    longest = max(map(len, proteins))
    padded = LONGEST if dense else min(LONGEST, longest + max(KERNELS) // 2 + 1)
    positions = np.zeros((len(proteins), padded, _OWN), np.float32)
    windows = []
    for row, protein in enumerate(proteins):
        parts = [protein.letters, protein.states, protein.profile]
        positions[row, : len(protein)] = np.concatenate(parts, axis=1)
        own = np.concatenate([protein.letters, protein.profile, protein.states, protein.residue], axis=1)
        framed = np.pad(own, ((REACH, REACH), (0, 0)))
        index = np.arange(len(protein))[:, None] + np.arange(2 * REACH + 1)
        windows.append(framed[index].reshape(len(protein), -1))
    return ProteinBatch(
        torch.from_numpy(positions),
        torch.from_numpy(np.stack([protein.whole for protein in proteins])),
        torch.from_numpy(np.concatenate(windows)),
        torch.from_numpy(np.repeat(np.arange(len(proteins)), [len(protein) for protein in proteins])),
    )


class DeepPPISP(nn.Module):
    """Batches of proteins to one logit per residue."""

    def __init__(self, config: DeepPPISPConfig) -> None:
        super().__init__()
        self.config = config
        self.dense = nn.Linear(LONGEST * _LETTERS, LONGEST * _LETTERS) if config.dense else None
        window = (2 * REACH + 1) * _OWN
        channels = window * _RATIO // len(KERNELS)
        self.scan = nn.ModuleList(nn.Conv1d(_OWN, channels, kernel, padding=kernel // 2) for kernel in KERNELS)
        self.activate = nn.ModuleList([nn.PReLU(), nn.ReLU(), nn.ReLU()])
        joined = channels * len(KERNELS) + config.whole + window + (2 * REACH + 1) * config.residue
        self.decide = nn.Sequential(
            nn.Linear(joined, 1024), nn.ReLU(), nn.Linear(1024, 256), nn.ReLU(), nn.Linear(256, 1)
        )
        for module in self.modules():
            if isinstance(module, nn.Conv1d | nn.Linear):
                nn.init.xavier_normal_(module.weight)

    def forward(self, batch: ProteinBatch) -> Float[Tensor, " N"]:
        x = batch.positions
        if self.dense is not None:
            mixed = torch.relu(self.dense(x[..., :_LETTERS].flatten(1))).view(len(x), LONGEST, _LETTERS)
            x = torch.cat([mixed, x[..., _LETTERS:]], dim=-1)
        x = x.transpose(1, 2)
        pooled = [activate(scan(x)).amax(dim=2) for scan, activate in zip(self.scan, self.activate, strict=True)]
        whole = torch.cat([*pooled, batch.whole], dim=1)
        out: Tensor = self.decide(torch.cat([whole[batch.protein], batch.windows], dim=1))
        return out[:, 0]
