"""Which proteins and pairs are for training, validation and test.

The unit is the superfamily group: all chains of a group share a role, so that no test protein has a relative in
training. The published methods split by family or by pair; both are held out as well, so that the figures can be
compared.
"""

from hashlib import blake2b

import numpy as np
from jaxtyping import Int

ROLES = ("train", "validation", "superfamily", "family")
TRAIN, VALIDATION, SUPERFAMILY, FAMILY = range(len(ROLES))

LARGE_GROUP = 60
"""Superfamily groups with more chains (immunoglobulins, MHC, lysozymes) always train: one would fill a test set."""

UNPUBLISHABLE_SETS = frozenset(
    {"pesto_test", "korpm_ssym", "korpm_db", "korpm_s461", "rosetta_demos", "pyrosetta_inputs"}
)
"""Sets whose licences do not allow weights trained on them to be published."""


def fraction(*key: object, seed: int = 0) -> float:
    """A number in [0, 1) that depends on nothing but the key and the seed.

    Examples
    --------
    >>> fraction("a", 1) == fraction("a", 1) != fraction("a", 2)
    True
    """
    digest = blake2b("|".join(map(str, (seed, *key))).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def protein_roles(
    superfamily: Int[np.ndarray, " N"], family: Int[np.ndarray, " N"], *, seed: int = 0
) -> Int[np.ndarray, " N"]:
    """Role of each protein: 8 % of superfamily groups validate, 12 % test, and 6 % of the families of the others test.

    Parameters
    ----------
    superfamily, family
        Group labels; a family lies within one superfamily group.

    Returns
    -------
    Index into `ROLES` per protein.

    Examples
    --------
    >>> import numpy as np
    >>> roles = protein_roles(np.arange(1000), np.arange(1000))
    >>> bool(80 < (roles == SUPERFAMILY).sum() < 160)
    True
    """
    groups, inverse, counts = np.unique(superfamily, return_inverse=True, return_counts=True)
    draw = np.array([fraction("superfamily", group, seed=seed) for group in groups])
    role = np.where(draw < 0.08, VALIDATION, np.where(draw < 0.20, SUPERFAMILY, TRAIN))
    role[counts > LARGE_GROUP] = TRAIN
    roles = role[inverse]

    families, inverse, counts = np.unique(family, return_inverse=True, return_counts=True)
    draw = np.array([fraction("family", name, seed=seed) for name in families])
    held_out = ((draw < 0.06) & (counts <= LARGE_GROUP))[inverse]
    return np.where(held_out & (roles == TRAIN), FAMILY, roles)


def pair_splits(
    query: Int[np.ndarray, " M"],
    target: Int[np.ndarray, " M"],
    roles: Int[np.ndarray, " N"],
    *,
    seed: int = 0,
) -> dict[str, Int[np.ndarray, " S"]]:
    """Rows of each pair split.

    - `train`: both proteins train, less `pair`;
    - `pair`: 3 % of the pairs of training proteins (the papers' split; the proteins are known, the pair is not);
    - `validation`: a validation protein with a validation or training protein; models are chosen on it;
    - `superfamily`: both proteins belong to held-out superfamilies;
    - `superfamily-one`: one does, the other trains (a new protein against a known database);
    - `family`: a protein of a held-out family with another or with a training protein.

    Every other pair (validation with test) is used nowhere.
    """
    low, high = np.minimum(roles[query], roles[target]), np.maximum(roles[query], roles[target])
    known = (low == TRAIN) & (high == TRAIN)
    draw = np.array([fraction("pair", min(q, t), max(q, t), seed=seed) for q, t in zip(query, target, strict=True)])
    choose = {
        "train": known & (draw >= 0.03),
        "pair": known & (draw < 0.03),
        "validation": (high == VALIDATION) & (low <= VALIDATION),
        "superfamily": (low == SUPERFAMILY) & (high == SUPERFAMILY),
        "superfamily-one": (low == TRAIN) & (high == SUPERFAMILY),
        "family": (high == FAMILY) & ((low == TRAIN) | (low == FAMILY)),
    }
    return {name: np.flatnonzero(rows) for name, rows in choose.items()}
