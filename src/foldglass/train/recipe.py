"""Recipes: TOML files that hold everything a training run depends on."""

import tomllib
from dataclasses import MISSING, dataclass, field, fields, is_dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from foldglass.encoders.builtin import SequenceEncoderConfig
from foldglass.encoders.structure import StructureEncoderConfig
from foldglass.errors import InputError, NotFoundError
from foldglass.models.quality_input import QualityInputConfig
from foldglass.models.score import ScoreConfig

FEWEST = 3
"""Residues of a chain or crop to train a score network on: with two, all that can be told is one distance."""


@dataclass(frozen=True)
class LoopConfig:
    """The training loop: steps, optimiser, precision, and how often to look."""

    steps: int
    lr: float = 1e-3
    weight_decay: float = 0.01
    warmup: int = 200
    clip: float = 1.0
    precision: Literal["32-true", "bf16-mixed"] = "32-true"
    accelerator: str = "auto"
    devices: int = 1
    average: float = 0.0
    """Decay of an exponential moving average of the weights, which is then validated and kept; 0 for none."""
    log_every: int = 10
    validate_every: int = 200
    seed: int = 0


@dataclass(frozen=True)
class PretrainConfig:
    """Masked-residue pre-training: `sequences` names Parquet tables with a column `sequence`."""

    sequences: list[str]
    crop: int = 256
    tokens: int = 8192
    masked: float = 0.15
    validation: int = 512


@dataclass(frozen=True)
class PairsConfig:
    """Labelled pairs: proteins per batch, partners drawn per seed protein, and what is left out."""

    folder: str = "shared/data"
    proteins: int = 64
    partners: int = 15
    unpublishable: bool = False
    noise: float = 0.0
    """Gaussian noise on the coordinates in training, in angstrom."""
    hidden: float = 0.0
    """Share of the residues whose letter the sequence tower does not see in training."""
    longest: int = 300
    """Longest chain to train on; validation and use have no limit."""
    limit: int = 0
    """Use only this many training pairs; 0 uses all."""
    validation: int = 1000
    """Validation pairs looked at during training."""


@dataclass(frozen=True)
class WholeConfig:
    """Training of the whole-protein branch alone, before the rest: it costs next to nothing per pair."""

    steps: int = 3000
    pairs: int = 512
    lr: float = 1e-3
    weight_decay: float = 0.05
    noise: float = 0.05
    """Gaussian noise on the standardised input."""
    frozen: bool = True
    """Leave the branch as it is in the stages that follow."""
    linear: bool = True
    """Add a linear map of the branch's input to its network."""
    sketch: bool = True
    """Let the sketch of a sequence's 4-mers join its embedding; this needs the linear map."""


@dataclass(frozen=True)
class StructureInputsConfig:
    """What the structure tower sees of a residue."""

    geometry: bool = True
    score: str = ""
    """A score network by name or folder; its residue vectors join the features, and it stays as it is."""
    sigma: float = 0.5
    """Its noise level, in angstrom."""


@dataclass(frozen=True)
class LossConfig:
    """Weights of the terms; `glass` is the published loss alone."""

    kind: Literal["glass", "foldglass"] = "foldglass"
    tm_floor: float = 0.25
    """TM-score asked of orthogonal vectors: about that of unrelated proteins, so that they need nothing in common."""
    local: float = 0.5
    alignment: float = 0.02
    tm_alignment: float = 0.5
    tm_local: float = 0.7
    agreement: float = 0.3
    relation: float = 1.0


@dataclass(frozen=True)
class NetworkConfig:
    """The Siamese network of every tower: a preset, with its sizes changed where given."""

    preset: Literal["paper", "reference-code", "foldglass"] = "foldglass"
    whole_hidden: int | None = None
    whole_dropout: float | None = None
    hidden: int | None = None
    layers: int | None = None
    heads: int | None = None
    feedforward: int | None = None
    dropout: float | None = None


@dataclass(frozen=True)
class ScoreTrainConfig:
    """Denoising score matching: the network, the crops and how chains are drawn."""

    preset: Literal["paper", "reference-code", "foldglass"] = "foldglass"
    blocks: int | None = None
    levels: int | None = None
    crop: int = 64
    """Residues of a map; `reference-code` sets its first half against its second."""
    segments: int = 2
    """Pieces of the chain in a map."""
    maps: int = 16
    levels_per_step: int = 4
    """Noise levels of a step; its maps share them evenly."""
    by_cluster: bool = True
    """Draw sequence families evenly, not chains (a BC-30-like set, not a BC-100-like one)."""
    validation: int = 8
    """Validation maps of each level."""
    embedding_sigma: float = 0.5
    """Noise level at which the finished model embeds, in angstrom."""

    def __post_init__(self) -> None:
        if self.levels_per_step < 1 or self.maps < 1 or self.maps % self.levels_per_step:
            raise InputError(
                "recipe, score",
                got=f"{self.maps} maps for {self.levels_per_step} levels_per_step",
                expected="maps that the levels of a step share evenly, one each or more",
            )
        kept = self.crop // self.segments * self.segments if self.segments > 0 else 0
        if kept < FEWEST:
            raise InputError(
                "recipe, score",
                got=f"a crop of {self.crop} residues in {self.segments} segments",
                expected=f"at least {FEWEST} residues, one segment or more, and a residue for each",
            )
        if self.validation < 1:
            raise InputError("recipe, score, validation", got=f"{self.validation}", expected="1 or more")

    def network(self) -> ScoreConfig:
        """Sizes of the score network."""
        given: dict[str, Any] = {"blocks": self.blocks, "levels": self.levels}
        return replace(ScoreConfig.preset(self.preset), **{k: v for k, v in given.items() if v is not None})


@dataclass(frozen=True)
class SitesTrainConfig:
    """Interaction sites: which network, on what, and how chains are drawn."""

    network: Literal["foldglass", "graphppis", "deepppisp"] = "foldglass"
    inputs: list[str] = field(default_factory=lambda: ["letters", "geometry", "sequence", "score"])
    """Residue inputs of our network, of `models.site_inputs.KINDS`."""
    neighbours: int = 20
    dim: int = 64
    layers: int = 3
    dropout: float = 0.2
    members: int = 5
    """Networks of our model; each leaves out one of five folds, which they take in turn, and is watched on it."""
    residues: int = 1500
    """About so many residues, in whole chains, make a step."""
    features: Literal["profiles", "blosum"] = "profiles"
    """Published inputs of GraphPPIS: PSI-BLAST and HHblits profiles, or BLOSUM62 rows; DSSP with both."""
    embeddings: Literal["none", "sequence", "structure"] = "none"
    """What DeepPPISP reads besides: vectors of the built-in sequence encoder, or of the score network."""
    dense: bool = False
    """DeepPPISP's layer of 100 million parameters."""


@dataclass(frozen=True)
class MadeConfig:
    """Decoys made from natives: how many natives at most, decoys of each, and which lengths.

    With `denoised` one of each comes from the score network, which costs more than all others; `unfolded` more of each
    are frames of its unfolding by heat, which needs the extra `physics`. Every decoy gets noise of up to `jitter`
    angstrom on its coordinates, since published models are less neat than natives.
    """

    natives: int = 120
    per_native: int = 6
    shortest: int = 50
    longest: int = 160
    denoised: bool = False
    unfolded: int = 0
    jitter: float = 0.3
    seed: int = 0


@dataclass(frozen=True)
class QualityTrainConfig:
    """Model quality: the network, what it reads, and how decoys are drawn."""

    preset: Literal["paper", "released", "foldglass"] = "foldglass"
    inputs: QualityInputConfig = field(default_factory=QualityInputConfig)
    made: MadeConfig = field(default_factory=MadeConfig)
    batch: int = 8
    """Decoys per step, each of another target."""
    made_share: float = 0.4
    """Share of them that were made from natives."""
    local: float = 4.0
    """Weight of the local error next to the sum of the global ones."""
    members: int = 5
    """Networks, each of which holds out another fold of the targets, at most five."""
    blocks: int = 2
    """Rounds of messages of the preset `foldglass`."""
    dropout: float = 0.3
    """Of the preset `foldglass`."""


@dataclass(frozen=True)
class InverseFoldingConfig:
    """Inverse folding: the network, and the natives that it learns from.

    Of each sequence family `per_family` chains are used; `jitter` is the largest standard deviation in angstrom of
    noise on their coordinates. A step sees `batch` chains, each of another superfamily group.
    """

    node: int = 128
    edge: int = 64
    blocks: int = 3
    dropout: float = 0.1
    batch: int = 8
    per_family: int = 3
    shortest: int = 30
    longest: int = 400
    jitter: float = 0.3
    validation: int = 250
    """Chains of held-out groups on which it is watched."""


@dataclass(frozen=True)
class Recipe:
    """One training run.

    `towers` are trained; a tower of the model folder `teacher` stays as it is and is followed by the agreement and
    relation losses. With `whole` the towers have a whole-protein branch, trained first. `start` is a pre-training or
    model folder whose weights the towers begin with.
    """

    task: Literal["pretrain", "siamese", "score", "sites", "quality", "inverse-folding"]
    loop: LoopConfig
    towers: list[str] = field(default_factory=list)
    teacher: str = ""
    start: str = ""
    encoder: str = "builtin"
    sequence: SequenceEncoderConfig = field(default_factory=SequenceEncoderConfig)
    structure: StructureEncoderConfig = field(default_factory=StructureEncoderConfig)
    inputs: StructureInputsConfig = field(default_factory=StructureInputsConfig)
    network: NetworkConfig = field(default_factory=NetworkConfig)
    pretrain: PretrainConfig | None = None
    score: ScoreTrainConfig | None = None
    sites: SitesTrainConfig | None = None
    quality: QualityTrainConfig | None = None
    inverse: InverseFoldingConfig | None = None
    pairs: PairsConfig = field(default_factory=PairsConfig)
    whole: WholeConfig | None = None
    loss: LossConfig = field(default_factory=LossConfig)


def read_recipe(path: Path) -> Recipe:
    """Read a TOML recipe.

    Raises
    ------
    NotFoundError
        If there is no such file.
    InputError
        If it is not TOML, or a key or value is not understood; an unknown key comes with the nearest known one.
    """
    if not path.is_file():
        raise NotFoundError(str(path), got="no such recipe", expected="a TOML file")
    try:
        values = tomllib.loads(path.read_text())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(str(path), got=f"not TOML ({error})", expected="a recipe") from None
    recipe: Recipe = _build(Recipe, values, f"{path}")
    return recipe


def _build(kind: Any, values: dict[str, Any], where: str) -> Any:
    """A dataclass from a table, nested tables included, every key and value checked."""
    known = {item.name: item for item in fields(kind)}
    arguments: dict[str, Any] = {}
    for key, value in values.items():
        if key not in known:
            near = get_close_matches(key, known, n=1)
            raise InputError(
                where,
                got=f"unknown key {key!r}",
                expected=f"one of {', '.join(known)}",
                remedy=f"did you mean {near[0]!r}?" if near else "",
            )
        arguments[key] = _checked(known[key].type, value, f"{where}, {key}")
    missing = [
        name
        for name, item in known.items()
        if name not in arguments and item.default is MISSING and item.default_factory is MISSING
    ]
    if missing:
        raise InputError(where, got=f"no {missing[0]!r}", expected="it to be set")
    return kind(**arguments)


def _checked(kind: Any, value: Any, where: str) -> Any:
    """The value, if it is of the annotated kind."""
    options = [option for option in get_args(kind) if option is not type(None)]
    if get_origin(kind) is Literal:
        if value not in options:
            raise InputError(where, got=repr(value), expected=f"one of {', '.join(map(repr, options))}")
        return value
    if get_origin(kind) is list:
        if not isinstance(value, list):
            raise InputError(where, got=repr(value), expected="a list")
        return [_checked(options[0], item, where) for item in value]
    if options:  # an optional value
        return _checked(options[0], value, where)
    if is_dataclass(kind):
        if not isinstance(value, dict):
            raise InputError(where, got=repr(value), expected="a table")
        return _build(kind, value, where)
    if kind is float and type(value) is int:
        value = float(value)
    if type(value) is not kind:
        raise InputError(where, got=repr(value), expected=kind.__name__)
    return value
