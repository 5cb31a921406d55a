"""How good a structure model is, measured against its native structure on C-alphas."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from foldglass.errors import InputError
from foldglass.metrics.lddt import lddt
from foldglass.metrics.superposition import best_agreement
from foldglass.metrics.tm import SHORTEST, tm_scale
from foldglass.typing import AlignedPairs, ResidueScores


@dataclass(frozen=True, eq=False)
class ModelQuality:
    """Scores of a model, 0 to 1; `residue` is C-alpha lDDT per residue of the *model*, NaN where it has no partner.

    GDT and the TM-score are divided by the native's length; `lddt` is the mean of `residue` over the partners, among
    which alone distances are compared.
    """

    gdt_ts: float
    gdt_ha: float
    tm: float
    lddt: float
    residue: ResidueScores


def model_quality(
    native: Float[np.ndarray, "N 3"], model: Float[np.ndarray, "L 3"], alignment: AlignedPairs | None = None
) -> ModelQuality:
    """Measure a model against its native.

    Parameters
    ----------
    native, model
        C-alpha coordinates in angstrom.
    alignment
        0-based (model, native) pairs of equal residues; by default residue i is residue i.

    Raises
    ------
    InputError
        If fewer than three residues have a partner, or without an alignment the lengths differ.

    References
    ----------
    Zemla (2003) Nucleic Acids Res. 31:3370; Zhang and Skolnick (2004) Proteins 57:702; Mariani et al. (2013)
    Bioinformatics 29:2722.

    Examples
    --------
    >>> chain = np.cumsum(np.random.default_rng(0).normal(size=(30, 3)), axis=0)
    >>> quality = model_quality(chain, chain + 5)
    >>> quality.gdt_ts, round(quality.tm, 4), quality.lddt
    (1.0, 1.0, 1.0)
    """
    if alignment is None:
        alignment = np.repeat(np.arange(len(native))[:, None], 2, axis=1)
        if len(model) != len(native):
            raise InputError("model quality", got=f"{len(model)} residues", expected=f"the native's {len(native)}")
    if len(alignment) < SHORTEST:
        raise InputError(
            "model quality", got=f"{len(alignment)} residues with a partner", expected=f"at least {SHORTEST}"
        )
    true, found = native[alignment[:, 1]], model[alignment[:, 0]]
    best = best_agreement(true, found, tm_scale(len(native)))
    local: Float[np.ndarray, " L"] = np.full(len(model), np.nan)
    local[alignment[:, 0]] = lddt(true, found)
    return ModelQuality(
        gdt_ts=float(best.within[1:5].mean()) / len(native),
        gdt_ha=float(best.within[:4].mean()) / len(native),
        tm=best.tm_sum / len(native),
        lddt=float(np.nanmean(local)),
        residue=local,
    )
