"""What interaction-site predictions must beat: nothing, exposure, hydrophobicity, and a line through local features."""

from collections.abc import Sequence as List

import numpy as np
from jaxtyping import Bool, Float64
from scipy.optimize import minimize

from foldglass.constants import AMINO_ACIDS
from foldglass.encoders.builtin import tokenize
from foldglass.geometry.burial import contact_number, half_sphere_exposure
from foldglass.geometry.neighbours import nearest
from foldglass.protein import Structure

_KYTE_DOOLITTLE = {
    "A": 1.8, "C": 2.5, "D": -3.5, "E": -3.5, "F": 2.8, "G": -0.4, "H": -3.2, "I": 4.5, "K": -3.9, "L": 3.8,
    "M": 1.9, "N": -3.5, "P": -1.6, "Q": -3.5, "R": -4.5, "S": -0.8, "T": -0.7, "V": 4.2, "W": -0.9, "Y": -1.3,
}  # fmt: skip
"""Hydropathy of each residue (Kyte and Doolittle 1982)."""
_SCALE = np.array([*(_KYTE_DOOLITTLE[letter] for letter in AMINO_ACIDS), 0.0])
_PATCH = 10
_RIDGE = 1e-3


def exposure(chain: Structure) -> Float64[np.ndarray, " L"]:
    """Minus the number of C-alphas on the side-chain side: exposed residues score high."""
    return -half_sphere_exposure(chain.ca).astype(np.float64)


def hydrophobicity(chain: Structure) -> Float64[np.ndarray, " L"]:
    """Mean hydropathy of a residue and its ten nearest."""
    own = _SCALE[tokenize(chain.letters)]
    near = nearest(chain.ca, _PATCH)
    return np.asarray((own + own[near].sum(axis=1)) / (near.shape[1] + 1))


def local_features(chain: Structure) -> Float64[np.ndarray, "L F"]:
    """Letter, burial, hydropathy, those of the ten nearest residues, and the length."""
    letters = np.eye(21)[tokenize(chain.letters)]
    near = nearest(chain.ca, _PATCH)
    burial = np.stack([half_sphere_exposure(chain.ca) / 10.0, contact_number(chain.ca) / 10.0], axis=1)
    own = np.concatenate([letters, burial, _SCALE[tokenize(chain.letters)][:, None] / 3.0], axis=1)
    length = np.full((len(chain), 1), np.log(len(chain)) - 5.0)
    return np.concatenate([own, own[near].mean(axis=1), length], axis=1)


class LogisticRegression:
    """A line through `local_features` and its logistic function, with a small ridge."""

    def __init__(self, chains: List[Structure], labels: List[Bool[np.ndarray, " _"]]) -> None:
        x = np.concatenate([local_features(chain) for chain in chains])
        y = np.concatenate(labels).astype(np.float64)
        design = np.concatenate([x, np.ones((len(x), 1))], axis=1)

        def loss(weights: Float64[np.ndarray, " E"]) -> tuple[float, Float64[np.ndarray, " E"]]:
            logits = design @ weights
            value = np.logaddexp(0.0, logits).mean() - (y * logits).mean() + _RIDGE * (weights[:-1] ** 2).sum()
            slope = design.T @ (_logistic(logits) - y) / len(y)
            slope[:-1] += 2 * _RIDGE * weights[:-1]
            return float(value), slope

        self._weights: Float64[np.ndarray, " E"] = minimize(
            loss, np.zeros(design.shape[1]), jac=True, method="L-BFGS-B"
        ).x

    def __call__(self, chain: Structure) -> Float64[np.ndarray, " L"]:
        """Probability of each residue."""
        return _logistic(local_features(chain) @ self._weights[:-1] + self._weights[-1])


def _logistic(x: Float64[np.ndarray, " L"]) -> Float64[np.ndarray, " L"]:
    return np.asarray(1.0 / (1.0 + np.exp(-x)))
