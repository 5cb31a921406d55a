"""The trained quality network as people use it: structures in, scores with intervals and lDDT per residue out."""

from collections.abc import Callable, Iterable, Iterator
from collections.abc import Sequence as List
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import nn

from foldglass.encoders.builtin import load_encoder
from foldglass.errors import ModelError
from foldglass.models.checkpoint import fill, read_weights, write_folder
from foldglass.models.config import read_config
from foldglass.models.consensus import consensus
from foldglass.models.graph_batch import GraphBatch, ResidueGraph
from foldglass.models.graph_network import GraphConfig
from foldglass.models.graphqa import GraphQAConfig, GraphQANetwork
from foldglass.models.quality_input import GraphMaker, QualityInputConfig, check_length
from foldglass.models.quality_network import N_GLOBAL, QualityNetwork
from foldglass.models.registry import load_inverse, load_score
from foldglass.protein import Structure
from foldglass.typing import ResidueScores

GLOBALS = ("gdt_ts", "gdt_ha", "tm", "lddt")
"""Global scores, in the order of the network's outputs."""

Network = GraphQANetwork | QualityNetwork
Predictions = tuple[Float[np.ndarray, "M G"], list[Float[np.ndarray, " _"]]]
"""Global scores and local lDDT of several graphs."""

RESIDUES = 6000
"""Residues of a batch."""


@dataclass(frozen=True, eq=False)
class Quality:
    """What a quality model says of one structure.

    Parameters
    ----------
    structure
        The model judged.
    scores
        Predicted GDT_TS, GDT_HA, TM-score and C-alpha lDDT, 0 to 1, in the order of `GLOBALS`.
    low, high
        Ends of the 90 % interval of each.
    residue
        Predicted C-alpha lDDT of each residue.
    others
        How many other models of the protein it was compared with.
    model
        Name and short hash of the model.
    """

    structure: Structure
    scores: Float[np.ndarray, " G"]
    low: Float[np.ndarray, " G"]
    high: Float[np.ndarray, " G"]
    residue: ResidueScores
    others: int = 0
    model: str = ""


@dataclass(frozen=True, eq=False)
class ErrorBands:
    """How far from a predicted score the true one lay in 90 % of the models of targets that were held out.

    `knots` holds predicted values, `low` and `high` the 5 % and 95 % quantiles of true less predicted near each; in
    between they are interpolated. One row per score.
    """

    knots: Float[np.ndarray, "G B"]
    low: Float[np.ndarray, "G B"]
    high: Float[np.ndarray, "G B"]

    @classmethod
    def fit(cls, predicted: Float[np.ndarray, "M G"], true: Float[np.ndarray, "M G"], *, bins: int = 3) -> "ErrorBands":
        """Quantiles in bins of equal numbers of models."""
        knots, low, high = np.zeros((3, predicted.shape[1], bins))
        for score in range(predicted.shape[1]):
            order = np.argsort(predicted[:, score], kind="stable")
            for k, rows in enumerate(np.array_split(order, bins)):
                knots[score, k] = np.median(predicted[rows, score])
                low[score, k], high[score, k] = np.quantile((true - predicted)[rows, score], [0.05, 0.95])
        return cls(knots, low, high)

    def around(self, scores: Float[np.ndarray, " G"]) -> tuple[Float[np.ndarray, " G"], Float[np.ndarray, " G"]]:
        """Interval of each score, within 0 to 1.

        Examples
        --------
        >>> bands = ErrorBands(np.array([[0.2, 0.8]]), np.array([[-0.1, -0.3]]), np.array([[0.1, 0.3]]))
        >>> [float(end.round(2)[0]) for end in bands.around(np.array([0.5]))]
        [0.3, 0.7]
        """
        ends = []
        for band in (self.low, self.high):
            shift = [
                np.interp(value, *rows) for value, rows in zip(scores, zip(self.knots, band, strict=True), strict=True)
            ]
            ends.append(np.clip(scores + np.array(shift), 0.0, 1.0))
        return ends[0], ends[1]


class QualityModel:
    """Quality networks that were trained on different targets, and what they read; the answer is their mean.

    `bands` are for models judged alone, `consensus_bands` for those with others of their protein beside them.
    """

    def __init__(
        self,
        members: List[Network],
        maker: GraphMaker,
        bands: ErrorBands,
        consensus_bands: ErrorBands,
        *,
        name: str = "unnamed",
        digest: str = "",
        description: str = "",
    ) -> None:
        self.members: List[Network] = [network.eval().requires_grad_(False) for network in members]
        self.maker, self.bands, self.consensus_bands = maker, bands, consensus_bands
        self.name, self.digest, self.description = name, digest, description

    @property
    def id(self) -> str:
        """Name and short hash of the weights."""
        return f"{self.name}@{self.digest[:8]}"

    def __repr__(self) -> str:
        return f"QualityModel({self.id}, {len(self.members)} networks)"

    @property
    def reads_consensus(self) -> bool:
        """Whether it looks at what several models of a protein agree on; the published networks do not."""
        return isinstance(self.members[0], QualityNetwork)

    def predict(self, graphs: List[ResidueGraph]) -> Predictions:
        """Global scores and local lDDT of each graph, in the order given."""
        return mean_of_networks([predictions(network, graphs) for network in self.members])

    def judge(
        self,
        structures: Iterable[Structure],
        *,
        alone: bool = False,
        progress: Callable[[int], None] | None = None,
    ) -> Iterator[Quality]:
        """Judge structures one by one, in the order given.

        Parameters
        ----------
        alone
            Judge each as if it were the only one; otherwise structures with the same letters are taken for models of
            one protein, and what they agree on counts.

        Raises
        ------
        InputError
            If a chain is too short, or too long for the score network.
        """
        chains = list(structures)
        for chain in chains:
            check_length(chain)
        together = self.reads_consensus and not alone
        agreements = consensus(chains) if together else [None] * len(chains)
        for done, (structure, agreement) in enumerate(zip(chains, agreements, strict=True), start=1):
            whole, local = self.predict([self.maker(structure, agreement)])
            low, high = (self.consensus_bands if agreement else self.bands).around(whole[0])
            others = agreement.others if agreement else 0
            yield Quality(structure, whole[0], low, high, local[0], others, self.id)
            if progress:
                progress(done)


def mean_of_networks(answers: List[Predictions]) -> Predictions:
    """Mean of what several networks say of the same graphs.

    Examples
    --------
    >>> whole, local = mean_of_networks([(np.zeros((1, 4)), [np.zeros(2)]), (np.ones((1, 4)), [np.ones(2)])])
    >>> whole.tolist(), local[0].tolist()
    ([[0.5, 0.5, 0.5, 0.5]], [0.5, 0.5])
    """
    whole, local = zip(*answers, strict=True)
    return np.mean(whole, axis=0), [np.mean(parts, axis=0) for parts in zip(*local, strict=True)]


@torch.no_grad()
def predictions(module: nn.Module, graphs: List[ResidueGraph]) -> Predictions:
    """Global scores and local lDDT of each graph by one network, in the order given."""
    whole, local = np.zeros((len(graphs), N_GLOBAL)), [np.zeros(0)] * len(graphs)
    device = next(module.parameters()).device
    for rows in _batches([len(graph) for graph in graphs]):
        found, scores = module(GraphBatch.of([graphs[i] for i in rows]).to(device))
        whole[rows] = scores[:, :N_GLOBAL].sigmoid().double().cpu().numpy()
        parts = found[:, 0].sigmoid().double().cpu().split([len(graphs[i]) for i in rows])
        for i, part in zip(rows, parts, strict=True):
            local[i] = part.numpy()
    return whole, local


def _batches(lengths: list[int]) -> Iterator[list[int]]:
    """Indices in groups of at most `RESIDUES` residues, a longer one by itself."""
    rows: list[int] = []
    residues = 0
    for i in sorted(range(len(lengths)), key=lengths.__getitem__):
        if rows and residues + lengths[i] > RESIDUES:
            yield rows
            rows, residues = [], 0
        rows.append(i)
        residues += lengths[i]
    if rows:
        yield rows


def save_quality_model(model: QualityModel, folder: Path, *, card: str) -> str:
    """Write a model directory, in half precision; returns the SHA-256 of its weights."""
    tensors = nn.ModuleList(model.members).state_dict()
    halves = {name: value.half() if value.is_floating_point() else value for name, value in tensors.items()}
    config = {
        "kind": "quality",
        "name": model.name,
        "description": model.description,
        "network": {
            "type": "foldglass" if model.reads_consensus else "graphqa",
            **asdict(model.members[0].config),
        },
        "members": len(model.members),
        "inputs": asdict(model.maker.config),
        "reads": _read_by(model.maker),
        "bands": _band_lists(model.bands),
        "consensus_bands": _band_lists(model.consensus_bands),
    }
    return write_folder(folder, halves, config, card=card)


def load_quality_model(folder: Path) -> QualityModel:
    """Read a model directory, check it, and load the networks that it reads.

    Raises
    ------
    ModelError
        As `checkpoint.load_model`, if it holds no quality network, or if it was trained on vectors of other networks
        than those of this version.
    """
    config = read_config(folder, kind="quality")
    try:
        maker = graph_maker(QualityInputConfig(**config["inputs"]))
        members = [_network(dict(config["network"])) for _ in range(config["members"])]
        bands, consensus_bands = (
            ErrorBands(**{name: np.array(values) for name, values in config[key].items()})
            for key in ("bands", "consensus_bands")
        )
    except (TypeError, KeyError, ValueError) as error:
        raise ModelError(
            str(folder), got=f"sizes that do not fit ({error})", expected="those of this version"
        ) from None
    if config["reads"] != (found := _read_by(maker)):
        raise ModelError(
            str(folder),
            got=f"a model that reads {config['reads']}",
            expected=f"{found}, which is here",
            remedy="train it again",
        )
    fill(nn.ModuleList(members), read_weights(folder, config), folder / "model.safetensors")
    return QualityModel(
        members,
        maker,
        bands,
        consensus_bands,
        name=config["name"],
        digest=config["weights_sha256"],
        description=config["description"],
    )


def graph_maker(config: QualityInputConfig) -> GraphMaker:
    """The maker of a configuration, with the packaged networks that it reads."""
    return GraphMaker(
        config,
        score=load_score() if config.score else None,
        encoder=load_encoder(device="cpu") if config.sequence else None,
        inverse=load_inverse() if config.inverse else None,
    )


def _network(sizes: dict[str, Any]) -> Network:
    kind = sizes.pop("type")
    sizes = {key: tuple(value) if isinstance(value, list) else value for key, value in sizes.items()}
    return QualityNetwork(GraphConfig(**sizes)) if kind == "foldglass" else GraphQANetwork(GraphQAConfig(**sizes))


def _read_by(maker: GraphMaker) -> dict[str, str]:
    """Names and short hashes of the networks whose vectors a maker reads."""
    found = {}
    if maker.config.score and maker.score:
        found["score"] = maker.score.digest[:16]
    if maker.config.sequence and maker.encoder:
        found["sequence"] = maker.encoder.revision[:16]
    if maker.config.inverse and maker.inverse:
        found["inverse"] = maker.inverse.digest[:16]
    return found


def _band_lists(bands: ErrorBands) -> dict[str, list[list[float]]]:
    return {name: getattr(bands, name).round(4).tolist() for name in ("knots", "low", "high")}
