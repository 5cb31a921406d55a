"""The chains and pairs on which a score network is judged."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from foldglass.errors import InputError, UsageError
from foldglass.protein import Structure
from foldglass.train.data import PairData
from foldglass.train.evaluation_set import EvaluationSet
from foldglass.train.runs import evaluation_set
from foldglass.train.splits import FAMILY, SUPERFAMILY, TRAIN, VALIDATION, fraction

SHORTEST, LONGEST = 40, 250
"""Residues of the chains: the time of a chain grows with the square of its length."""
CHAINS = 40
"""Chains of each role whose residues are probed, unless another number is asked for."""

_ROLES = {"superfamily": SUPERFAMILY, "family": FAMILY}


@dataclass(frozen=True, eq=False)
class ScoreEvaluationSet:
    """What a score network is judged on; probes and calibration learn elsewhere.

    Parameters
    ----------
    fit, choose, judge
        Chains whose residues are probed: training chains to fit a probe, validation chains to choose its strength,
        held-out chains to judge it.
    cluster
        Superfamily group of each chain of `judge`.
    calibration, test
        Pairs to turn cosines into TM-scores, and held-out pairs to judge that; both with three pairs to two chains of
        `judge`.
    """

    fit: tuple[Structure, ...]
    choose: tuple[Structure, ...]
    judge: tuple[Structure, ...]
    cluster: Int[np.ndarray, " J"]
    calibration: EvaluationSet
    test: EvaluationSet


def score_evaluation_set(data: PairData, split: str, *, name: str, chains: int = CHAINS) -> ScoreEvaluationSet:
    """Draw chains of 40 to 250 residues and pairs of them, in an order that depends on their names alone.

    Parameters
    ----------
    split
        `superfamily` or `family`: both proteins of a pair are held out so.
    chains
        Chains of each role to probe; fewer are taken where there are not so many.

    Raises
    ------
    UsageError
        If it is another split.
    InputError
        If there is no such chain or pair.
    """
    if split not in _ROLES:
        raise UsageError(f"split {split!r}", got="a score network", expected=f"one of {', '.join(_ROLES)}")
    lengths = np.array([len(structure) for structure in data.structures])
    fitting = (lengths >= SHORTEST) & (lengths <= LONGEST)

    def drawn(role: int, among: Int[np.ndarray, " C"]) -> Int[np.ndarray, " c"]:
        rows = among[(data.roles[among] == role) & fitting[among]]
        order = sorted(rows.tolist(), key=lambda i: fraction("probe", data.structures[i].id))
        return np.array(order[:chains], np.int64)

    def paired(split: str, roles: tuple[int, ...]) -> Int[np.ndarray, " S"]:
        rows = data.splits[split]
        ends = np.stack([data.query[rows], data.target[rows]])
        keep = (np.isin(data.roles[ends], roles) & fitting[ends]).all(axis=0)
        return rows[keep][: 3 * chains // 2]

    rows = {"calibration": paired("validation", (TRAIN, VALIDATION)), "test": paired(split, (_ROLES[split],))}
    ends = {key: np.unique(np.concatenate([data.query[own], data.target[own]])) for key, own in rows.items()}
    parts = {
        "training": drawn(TRAIN, np.arange(len(data.structures))),
        "validation": drawn(VALIDATION, ends["calibration"]),
        "held-out": drawn(_ROLES[split], ends["test"]),
    }
    for role, own in parts.items():
        if not len(own):
            raise InputError(
                name,
                got=f"no {role} chain of {SHORTEST} to {LONGEST} residues" + " in a pair" * (role != "training"),
                expected="some of each role",
            )
    fit, choose, judge = (tuple(data.structures[i] for i in own.tolist()) for own in parts.values())
    return ScoreEvaluationSet(
        fit=fit,
        choose=choose,
        judge=judge,
        cluster=data.superfamily[parts["held-out"]].astype(np.int64),
        calibration=evaluation_set(data, "validation", name=name, rows=rows["calibration"]),
        test=evaluation_set(data, split, name=name, rows=rows["test"]),
    )
