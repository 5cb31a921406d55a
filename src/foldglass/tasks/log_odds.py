"""Log-odds of substitutions, from the log-probabilities of the residues at each place, whatever model they are of."""

import csv
from pathlib import Path

import numpy as np
from jaxtyping import Float

from foldglass.constants import AMINO_ACIDS
from foldglass.errors import InputError
from foldglass.models.inverse_folding import RADIUS
from foldglass.models.quality_input import GraphMaker, QualityInputConfig
from foldglass.models.registry import load_inverse
from foldglass.protein import Sequence, Structure
from foldglass.typing import PathLike
from foldglass.variant import Variant


def log_odds(log_probabilities: Float[np.ndarray, "L 20"], wild: Sequence, variant: Variant) -> float:
    """log p(mutant) - log p(wild type), in nats, summed over the residues that are exchanged (Meier et al. 2021).

    Parameters
    ----------
    log_probabilities
        Of each residue in the order of `AMINO_ACIDS`. A constant added to a row changes nothing, so logits will do.

    Returns
    -------
    Negative where the model finds the mutant less likely; NaN for insertions, deletions and unknown residues.

    Examples
    --------
    >>> from foldglass.variant import parse_variants
    >>> wild = Sequence("toy", "AC")
    >>> variant, = parse_variants("A1C", wild)
    >>> round(log_odds(np.log(np.array([[0.4, 0.1] + 18 * [0.5 / 18]] * 2)), wild, variant), 3)
    -1.386
    """
    total = 0.0
    for change in variant.changes:
        old = wild.letters[change.start : change.stop]
        if len(old) != len(change.letters) or set(old) - set(AMINO_ACIDS):
            return float("nan")
        for k, (before, after) in enumerate(zip(old, change.letters, strict=True)):
            row = log_probabilities[change.start + k]
            total += float(row[AMINO_ACIDS.index(after)] - row[AMINO_ACIDS.index(before)])
    return total


def structure_log_probabilities(wild: Structure) -> Float[np.ndarray, "L 20"]:
    """What the packaged inverse-folding network says of each residue, from the C-alphas around it.

    Raises
    ------
    InputError
        If the chain is too short.

    Examples
    --------
    >>> ca = np.cumsum(np.random.default_rng(0).normal(size=(30, 3)) * 2, axis=0).astype(np.float32)
    >>> found = structure_log_probabilities(Structure("toy", "A" * 30, ca=ca))
    >>> found.shape, bool((np.exp(found).sum(axis=1).round(4) == 1).all())
    ((30, 20), True)
    """
    graph = GraphMaker(QualityInputConfig(radius=RADIUS))(wild)
    return load_inverse().log_probabilities(graph).astype(np.float64)


def read_log_probabilities(path: PathLike, wild: Sequence) -> Float[np.ndarray, "L 20"]:
    """Read a tab-separated table with a column for each of the twenty residues and a line for each of the protein's.

    Columns may stand in any order; others are left out.

    Raises
    ------
    InputError
        If a column is missing, a value is no finite number, or the lines are not as many as the residues.
    """
    try:
        with Path(path).open(encoding="utf-8", newline="") as file:
            lines = list(csv.DictReader(file, delimiter="\t"))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(str(path), got=f"unreadable: {error}", expected="a tab-separated table") from error
    missing = set(AMINO_ACIDS) - set(lines[0] if lines else ())
    if missing:
        raise InputError(str(path), got=f"no column {min(missing)}", expected=f"a heading of {AMINO_ACIDS}, with tabs")
    if len(lines) != len(wild):
        raise InputError(str(path), got=f"{len(lines)} residues", expected=f"the {len(wild)} of {wild.id!r}")
    found = np.empty((len(wild), len(AMINO_ACIDS)))
    for i, line in enumerate(lines):
        try:
            found[i] = [float(line[letter]) for letter in AMINO_ACIDS]
        except (TypeError, ValueError):
            found[i] = np.nan
        if not np.isfinite(found[i]).all():
            raise InputError(str(path), got=f"a value that is no finite number in line {i + 2}", expected="numbers")
    return found
