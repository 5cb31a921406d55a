"""What the interaction-site networks are told of each residue, by name."""

from collections.abc import Iterable

import numpy as np
import torch
from jaxtyping import Float32

from foldglass.encoders.builtin import ALPHABET, BuiltinEncoder, SequenceEncoder, load_encoder, tokenize
from foldglass.encoders.structure import structure_features
from foldglass.errors import InputError, ModelError
from foldglass.geometry.surface import patch_features, surface_features
from foldglass.models.consensus import N_CONSENSUS
from foldglass.models.inverse_folding import RADIUS
from foldglass.models.model import Model
from foldglass.models.quality_input import GraphMaker, QualityInputConfig
from foldglass.models.registry import load, load_inverse, load_score
from foldglass.models.score_model import ScoreModel
from foldglass.protein import Structure

SHORTEST = 20
"""Residues: shorter chains are peptides, of which none was trained on."""

KINDS = ("letters", "geometry", "surface", "patch", "sequence", "structure", "score", "inverse")
"""One-hot letters; `encoders.structure.structure_features`; `geometry.surface.surface_features`, and `patch_features`
of the letters; residue vectors of the built-in sequence encoder, of the packaged structure tower and of the packaged
score network; how well the letters fit, by inverse folding."""


class SiteInputs:
    """Computes residue inputs; only the models that they need are loaded.

    Parameters
    ----------
    names
        Of `KINDS`, in the order wanted.
    encoder
        Sequence encoder, where `sequence` is wanted; None for that of the packaged model.

    Raises
    ------
    InputError
        If a name is none of them.
    """

    def __init__(self, names: Iterable[str], *, encoder: SequenceEncoder | None = None) -> None:
        self.names = tuple(names)
        for name in self.names:
            if name not in KINDS:
                raise InputError("residue input", got=repr(name), expected=f"one of {', '.join(KINDS)}")
        self._encoder: BuiltinEncoder | None = None
        if "sequence" in self.names:
            own = encoder and BuiltinEncoder(encoder, revision="own", device=torch.device("cpu"))
            self._encoder = own or load_encoder(device="cpu")
        self._towers: Model | None = load(device="cpu") if "structure" in self.names else None
        self._score: ScoreModel | None = load_score() if "score" in self.names else None
        self._fit: GraphMaker | None = None
        if "inverse" in self.names:
            self._fit = GraphMaker(QualityInputConfig(radius=RADIUS, inverse=True), inverse=load_inverse())

    @property
    def encoder(self) -> SequenceEncoder | None:
        """The sequence encoder, which a model takes along: the packaged one may be trained again."""
        return None if self._encoder is None else self._encoder.network

    @property
    def digests(self) -> dict[str, str]:
        """SHA-256 of the packaged models that make inputs, by input: other weights make other vectors."""
        found = {}
        if self._towers is not None:
            found["structure"] = self._towers.digest
        if self._score is not None:
            found["score"] = self._score.digest
        if self._fit is not None and self._fit.inverse is not None:
            found["inverse"] = self._fit.inverse.digest
        return found

    def require(self, digests: dict[str, str], subject: str) -> None:
        """Refuse inputs of other weights than those a network was trained on.

        Raises
        ------
        ModelError
            If a digest differs.
        """
        for name, digest in digests.items():
            if self.digests.get(name) != digest:
                raise ModelError(
                    subject,
                    got=f"{name} vectors of weights {self.digests.get(name, 'none')[:12]}",
                    expected=f"{digest[:12]}, on which it was trained",
                    remedy="train it again with the recipe sites",
                )

    def of(self, structure: Structure) -> dict[str, Float32[np.ndarray, "_ _"]]:
        """The inputs of one chain.

        Raises
        ------
        InputError
            If the chain has fewer than `SHORTEST` residues.

        Examples
        --------
        >>> ca = np.random.default_rng(0).normal(size=(20, 3)).astype(np.float32)
        >>> SiteInputs(["letters"]).of(Structure("toy", "A" * 20, ca=ca))["letters"].shape
        (20, 21)
        """
        if len(structure) < SHORTEST:
            raise InputError(
                f"structure {structure.id!r}",
                got=f"{len(structure)} residues",
                expected=f"at least {SHORTEST}: shorter peptides are outside what was trained",
            )
        found = {}
        letters = np.eye(len(ALPHABET), dtype=np.float32)[tokenize(structure.letters)]
        for name in self.names:
            if name == "letters":
                found[name] = letters
            elif name == "geometry":
                found[name] = structure_features(structure.ca)
            elif name == "surface":
                found[name] = surface_features(structure.ca)
            elif name == "patch":
                found[name] = patch_features(structure.ca, letters)
            elif name == "sequence":
                assert self._encoder is not None
                found[name] = self._encoder.encode([structure])[0].numpy()
            elif name == "structure":
                assert self._towers is not None
                found[name] = self._towers.embed([structure])[0].residue
            elif name == "inverse":
                assert self._fit is not None
                found[name] = self._fit(structure).evidence[:, N_CONSENSUS:]
            else:
                assert self._score is not None
                found[name] = self._score.embed([structure], pair=False)[0].residue
        return found
