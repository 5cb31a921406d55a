"""The interaction-site model as people use it: a structure in, a probability per residue out."""

from collections.abc import Sequence as List
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float64
from torch import nn

from foldglass.encoders.builtin import SequenceEncoder, SequenceEncoderConfig
from foldglass.errors import InputError, ModelError
from foldglass.models.checkpoint import fill, read_weights, write_folder
from foldglass.models.config import read_config
from foldglass.models.site_graph import site_graph
from foldglass.models.site_inputs import SiteInputs
from foldglass.models.sites import SitesConfig, SitesNetwork
from foldglass.protein import Sequence, Structure


class SitesModel:
    """Networks that were trained on different parts of the data; their mean probability is the answer.

    Parameters
    ----------
    members
        Networks of equal sizes.
    inputs
        Makes the residue inputs that the networks want.
    threshold
        Probability above which a residue is called part of a site, chosen on validation chains.
    """

    def __init__(
        self,
        members: List[SitesNetwork],
        *,
        inputs: SiteInputs,
        threshold: float,
        name: str = "unnamed",
        digest: str = "",
        description: str = "",
    ) -> None:
        self.members = nn.ModuleList(members).eval().requires_grad_(False)
        self.inputs, self.threshold = inputs, threshold
        self.name, self.digest, self.description = name, digest, description

    @property
    def id(self) -> str:
        """Name and short hash of the weights."""
        return f"{self.name}@{self.digest[:8]}"

    @property
    def config(self) -> SitesConfig:
        """Sizes of each network."""
        config = self.members[0].config
        assert isinstance(config, SitesConfig)
        return config

    def __repr__(self) -> str:
        return f"SitesModel({self.id}, {len(self.members)} networks, threshold {self.threshold:.2f})"

    def probability(self, structure: Sequence) -> Float64[np.ndarray, " L"]:
        """Probability that each residue loses accessible area to a partner protein.

        Raises
        ------
        InputError
            If the protein is a sequence or a chain that is too short.
        """
        if not isinstance(structure, Structure):
            raise InputError(
                f"protein {structure.id!r}",
                got="a sequence",
                expected="a structure: sites are read off C-alpha coordinates",
                remedy="give a PDB, mmCIF or BinaryCIF file, or predict its structure first",
            )
        graph = site_graph(structure.ca, self.inputs.of(structure), count=self.config.neighbours)
        with torch.inference_mode():
            each = torch.stack([member(graph).double().sigmoid() for member in self.members])
        return np.asarray(each.mean(dim=0).numpy())


def save_sites_model(model: SitesModel, folder: Path, *, card: str) -> str:
    """Write a model directory, the sequence encoder in half precision; returns the SHA-256 of its weights."""
    tensors = {f"members.{name}": value for name, value in model.members.state_dict().items()}
    encoder = model.inputs.encoder
    if encoder is not None:
        tensors |= {f"encoder.{name}": value.half() for name, value in encoder.state_dict().items()}
    config = {
        "kind": "sites",
        "name": model.name,
        "description": model.description,
        "network": asdict(model.config),
        "members": len(model.members),
        "threshold": model.threshold,
        "inputs": model.inputs.digests,
        "encoder": encoder and asdict(encoder.config),
    }
    return write_folder(folder, tensors, config, card=card)


def load_sites_model(folder: Path) -> SitesModel:
    """Read a model directory and check it, and that the packaged models make the inputs that it was trained on.

    Raises
    ------
    ModelError
        As `checkpoint.load_model`, or if it holds no interaction-site model, or its inputs are of other weights.
    """
    config = read_config(folder, kind="sites")
    tensors = read_weights(folder, config)
    try:
        sizes: dict[str, Any] = config["network"]
        members = nn.ModuleList(SitesNetwork(SitesConfig(**sizes)) for _ in range(config["members"]))
        parts = nn.ModuleDict({"members": members})
        encoder = SequenceEncoder(SequenceEncoderConfig(**config["encoder"])) if config["encoder"] else None
        if encoder is not None:
            parts["encoder"] = encoder
        inputs = SiteInputs(sizes["inputs"], encoder=encoder)
    except (TypeError, KeyError, InputError) as error:
        raise ModelError(
            str(folder), got=f"sizes that do not fit ({error})", expected="those of this version"
        ) from None
    inputs.require(config["inputs"], str(folder))
    fill(parts, tensors, folder / "model.safetensors")
    return SitesModel(
        list(members),  # type: ignore[arg-type]
        inputs=inputs,
        threshold=config["threshold"],
        name=config["name"],
        digest=config["weights_sha256"],
        description=config["description"],
    )
