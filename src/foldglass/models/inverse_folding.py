"""How likely each amino acid is at each place of a backbone: inverse folding from C-alphas.

A network that has seen natives alone gives the probabilities of the 20 amino acids at a residue from the shape around
it, without the letters. Letters that do not fit where they are speak against a model (Sippl 1993, Proteins 17:355, with
pair potentials) or against a mutation.

Source: Ingraham et al. 2019 (NeurIPS 32) and ProteinMPNN (Dauparas et al. 2022, Science 378:49), which read all
backbone atoms and write letter after letter; this network writes all at once.
"""

from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Float32, Int
from torch import Tensor, nn

from foldglass.constants import AMINO_ACIDS
from foldglass.encoders.builtin import ALPHABET
from foldglass.errors import ModelError
from foldglass.models.checkpoint import fill, read_weights, write_folder
from foldglass.models.config import read_config
from foldglass.models.graph_batch import GraphBatch, ResidueGraph
from foldglass.models.graph_network import GraphConfig, GraphTrunk

RADIUS = 10.0
"""Largest C-alpha distance of an edge in angstrom."""
N_FIT = 8 + len(AMINO_ACIDS)
"""Columns of `fit_columns`."""

_COLUMN = np.full(len(ALPHABET), -1)
_COLUMN[[ALPHABET.index(letter) for letter in AMINO_ACIDS]] = np.arange(len(AMINO_ACIDS))
_UNKNOWN = -2.9
"""Log-probability of an unknown letter: near the mean of all."""


class InverseFoldingNetwork(nn.Module):
    """A batch of residue graphs, letters unseen, to logits of the 20 amino acids."""

    def __init__(self, config: GraphConfig) -> None:
        super().__init__()
        self.config = config
        self.trunk = GraphTrunk(config, letters=False)
        self.out = nn.Sequential(
            nn.LayerNorm(config.node),
            nn.Linear(config.node, config.node),
            nn.SiLU(),
            nn.Linear(config.node, len(AMINO_ACIDS)),
        )

    def forward(self, batch: GraphBatch) -> Float[Tensor, "N 20"]:
        node, _ = self.trunk(batch, batch.evidence)
        out: Tensor = self.out(node)
        return out


class InverseFoldingModel:
    """A trained inverse-folding network."""

    def __init__(
        self, network: InverseFoldingNetwork, *, name: str = "unnamed", digest: str = "", description: str = ""
    ) -> None:
        self.network = network.eval().requires_grad_(False)
        self.name, self.digest, self.description = name, digest, description

    @property
    def id(self) -> str:
        """Name and short hash of the weights."""
        return f"{self.name}@{self.digest[:8]}"

    def __repr__(self) -> str:
        return f"InverseFoldingModel({self.id})"

    @torch.no_grad()
    def log_probabilities(self, graph: ResidueGraph) -> Float32[np.ndarray, "L 20"]:
        """Logarithms of the probabilities of `AMINO_ACIDS` at each residue of a graph of radius `RADIUS`."""
        device = next(self.network.parameters()).device
        found = F.log_softmax(self.network(GraphBatch.of([graph]).to(device)), dim=1)
        return np.asarray(found.float().cpu().numpy())


def amino_acid_columns(letters: Int[np.ndarray, " L"]) -> Int[np.ndarray, " L"]:
    """Column of each letter (index into `builtin.ALPHABET`), -1 for X.

    Examples
    --------
    >>> from foldglass.encoders.builtin import tokenize
    >>> amino_acid_columns(tokenize("CAX")).tolist()
    [1, 0, -1]
    """
    return _COLUMN[letters]


def fit_columns(
    log_probabilities: Float32[np.ndarray, "L 20"], letters: Int[np.ndarray, " L"], edges: Int[np.ndarray, "E 2"]
) -> Float32[np.ndarray, "L 28"]:
    """How well letters fit a structure, put on scales of ordinary size.

    Of each residue: the log-probability of its letter, the entropy of the probabilities, how many standard deviations
    of log-probability the letter lies above what is expected; the mean of the first and third over the residues with
    edges to it; three means over the chain (log-probability, its excess over what is expected, and the third); and the
    20 log-probabilities.
    """
    column = amino_acid_columns(letters)
    own = np.where(column >= 0, log_probabilities[np.arange(len(column)), column], _UNKNOWN)
    probability = np.exp(log_probabilities)
    entropy = -(probability * log_probabilities).sum(axis=1)
    spread = np.sqrt((probability * (log_probabilities + entropy[:, None]) ** 2).sum(axis=1) + 1e-3)
    excess = (own + entropy) / spread
    near = np.zeros((len(own), 2))
    np.add.at(near, edges[:, 1], np.stack([own, excess], axis=1)[edges[:, 0]])
    near /= np.maximum(np.bincount(edges[:, 1], minlength=len(own)), 1)[:, None]
    means = np.tile(4.0 * np.array([own.mean() + 2.5, (own + entropy).mean(), excess.mean()]), (len(own), 1))
    residue = np.stack([own + 2.5, entropy - 2.5, excess], axis=1)
    columns = [residue, near + np.array([2.5, 0.0]), means, 0.3 * log_probabilities + 0.9]
    return np.concatenate(columns, axis=1).astype(np.float32)


def save_inverse_folding(model: InverseFoldingModel, folder: Path, *, card: str) -> str:
    """Write a model directory; returns the SHA-256 of its weights."""
    config = {
        "kind": "inverse-folding",
        "name": model.name,
        "description": model.description,
        "network": asdict(model.network.config),
    }
    return write_folder(folder, dict(model.network.state_dict()), config, card=card)


def load_inverse_folding(folder: Path) -> InverseFoldingModel:
    """Read a model directory and check it.

    Raises
    ------
    ModelError
        As `checkpoint.load_model`, or if it holds another kind of network.
    """
    config = read_config(folder, kind="inverse-folding")
    try:
        network = InverseFoldingNetwork(GraphConfig(**config["network"]))
    except (TypeError, ValueError) as error:
        raise ModelError(
            str(folder), got=f"sizes that do not fit ({error})", expected="those of this version"
        ) from None
    fill(network, read_weights(folder, config), folder / "model.safetensors")
    return InverseFoldingModel(
        network, name=config["name"], digest=config["weights_sha256"], description=config["description"]
    )
