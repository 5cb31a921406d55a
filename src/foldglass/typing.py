"""Axis names and array aliases; the vocabulary is the package docstring's.

`B` batch, `L` residues, `D` channels, `P` pair channels, `A` atoms, `K` noise levels, `M` aligned residue
pairs, `N` database entries, `Q` queries.
"""

import os

import numpy as np
from jaxtyping import Float, Float32, Int

Coordinates = Float[np.ndarray, "L 3"]
AlignedPairs = Int[np.ndarray, "M 2"]
ResidueScores = Float[np.ndarray, " L"]
ProteinVector = Float32[np.ndarray, " D"]
ResidueVectors = Float32[np.ndarray, "L D"]
PairVectors = Float32[np.ndarray, "L L P"]
KeptPairVectors = Float32[np.ndarray, "M P"]

PathLike = str | os.PathLike[str]
