"""TM-align, and TM-score, GDT and RMSD of residues whose correspondence is known."""

import numpy as np
from jaxtyping import Float

from foldglass.constants import GLASS_EXPONENT
from foldglass.errors import InputError
from foldglass.metrics.lddt import lddt
from foldglass.metrics.superposition import best_agreement, check_correspondence, kabsch
from foldglass.protein import Structure, Superposition

SHORTEST = 3
"""Fewest residues that TM-align and the TM-score accept."""


def tm_align(query: Structure, target: Structure) -> Superposition:
    """Align two structures by shape with TM-align and score how far each query residue agrees.

    `alignment` holds the columns of TM-align's alignment without a gap and with the mark `:` or `.`. The local
    scores see the aligned residues only, with the query as the reference. TM-align looks at C-alphas alone.

    Raises
    ------
    InputError
        If a structure has fewer than three residues.

    Notes
    -----
    The alignment is the work of tmtools, whose licence is the GPL-3.0; it is imported here and nowhere else.

    References
    ----------
    Zhang and Skolnick (2005) Nucleic Acids Res. 33:2302.

    Examples
    --------
    >>> turn = np.arange(12)[:, None] * np.array([1.745, 1.5]) + np.array([0.0, 0.0])
    >>> helix = np.stack([2.3 * np.cos(turn[:, 0]), 2.3 * np.sin(turn[:, 0]), turn[:, 1]], axis=1)
    >>> a, b = Structure("a", "A" * 12, ca=helix), Structure("b", "AG" * 6, ca=helix + 7)
    >>> result = tm_align(a, b)
    >>> round(result.tm_query, 3), result.seq_identity, len(result.alignment)
    (1.0, 0.5, 12)
    """
    import tmtools

    for structure in (query, target):
        if len(structure) < SHORTEST:
            raise InputError(
                f"structure {structure.id!r}",
                got=f"{len(structure)} residues",
                expected=f"at least {SHORTEST} for TM-align",
                remedy="leave it out",
            )
    found = tmtools.tm_align(query.ca.astype(np.float64), target.ca.astype(np.float64), query.letters, target.letters)
    columns = np.array([list(found.seqxA), list(found.seqyA), list(found.seqM)])
    in_query, in_target = columns[:2] != "-"
    aligned = in_query & in_target & (columns[2] != " ")
    alignment = np.stack([np.cumsum(in_query)[aligned] - 1, np.cumsum(in_target)[aligned] - 1], axis=1)
    query_ca, target_ca = query.ca[alignment[:, 0]], target.ca[alignment[:, 1]]
    plain, glass = np.full((2, len(query)), np.nan, dtype=np.float32)
    plain[alignment[:, 0]] = lddt(query_ca, target_ca)
    glass[alignment[:, 0]] = lddt(query_ca, target_ca, exponent=GLASS_EXPONENT)
    identical = columns[0, aligned] == columns[1, aligned]
    return Superposition(
        tm_query=float(found.tm_norm_chain1),
        tm_target=float(found.tm_norm_chain2),
        rmsd=float(found.rmsd),
        seq_identity=float(identical.mean()) if len(identical) else float("nan"),
        alignment=alignment,
        lddt=plain,
        lddt_glass=glass,
    )


def rmsd(reference: Float[np.ndarray, "M 3"], model: Float[np.ndarray, "M 3"]) -> float:
    """Give the root mean square distance in angstrom after the best superposition of all residues.

    Raises
    ------
    InputError
        If the two differ in length or there is no residue.

    Examples
    --------
    >>> line = np.array([[0.0, 0, 0], [1, 0, 0], [2, 0, 0]])
    >>> round(rmsd(line, 2 * line), 4)
    0.8165
    """
    rotation, translation = kabsch(reference, model)
    return float(np.sqrt(((model @ rotation + translation - reference) ** 2).sum(axis=1).mean()))


def tm_score(
    reference: Float[np.ndarray, "M 3"], model: Float[np.ndarray, "M 3"], *, length: int | None = None
) -> float:
    """Give the TM-score of residues whose correspondence is known: row i of both is the same residue.

    Parameters
    ----------
    reference, model
        C-alpha coordinates in angstrom.
    length
        Residues of the whole reference, if some have no partner in the model; by default all have one.

    Raises
    ------
    InputError
        If the two differ in length, hold fewer than three residues or more than `length`.

    References
    ----------
    Zhang and Skolnick (2004) Proteins 57:702, equation 1.

    Examples
    --------
    >>> chain = np.cumsum(np.random.default_rng(0).normal(size=(30, 3)), axis=0)
    >>> round(tm_score(chain, chain + 3), 4), round(tm_score(chain[:15], chain[:15], length=30), 4)
    (1.0, 0.5)
    """
    whole = _whole_length(reference, model, length, "TM-score")
    return best_agreement(reference, model, tm_scale(whole)).tm_sum / whole


def gdt_ts(reference: Float[np.ndarray, "M 3"], model: Float[np.ndarray, "M 3"], *, length: int | None = None) -> float:
    """Give GDT-TS, 0 to 1: the mean share of residues within 1, 2, 4 and 8 Å, each at its best superposition.

    Arguments and errors as for `tm_score`; the superpositions are those of its search.

    References
    ----------
    Zemla (2003) Nucleic Acids Res. 31:3370.

    Examples
    --------
    >>> chain = np.cumsum(np.random.default_rng(0).normal(size=(30, 3)), axis=0)
    >>> gdt_ts(chain, chain)
    1.0
    """
    return _gdt(reference, model, length, "GDT-TS", slice(1, 5))


def gdt_ha(reference: Float[np.ndarray, "M 3"], model: Float[np.ndarray, "M 3"], *, length: int | None = None) -> float:
    """Give GDT-HA, 0 to 1: as `gdt_ts`, within 0.5, 1, 2 and 4 Å.

    Examples
    --------
    >>> chain = np.cumsum(np.random.default_rng(0).normal(size=(30, 3)), axis=0)
    >>> gdt_ha(chain, chain, length=40)
    0.75
    """
    return _gdt(reference, model, length, "GDT-HA", slice(0, 4))


def tm_scale(length: int) -> float:
    """Give d0, the TM-score's distance scale in angstrom, of a protein of this length (at least 0.5).

    Examples
    --------
    >>> round(tm_scale(150), 3), tm_scale(12)
    (4.561, 0.5)
    """
    return max(0.5, 1.24 * (length - 15) ** (1 / 3) - 1.8) if length > 15 else 0.5


def _gdt(
    reference: Float[np.ndarray, "M 3"], model: Float[np.ndarray, "N 3"], length: int | None, name: str, which: slice
) -> float:
    whole = _whole_length(reference, model, length, name)
    return float(best_agreement(reference, model, tm_scale(whole)).within[which].mean()) / whole


def _whole_length(
    reference: Float[np.ndarray, "M 3"], model: Float[np.ndarray, "N 3"], length: int | None, subject: str
) -> int:
    check_correspondence(reference, model, subject, least=SHORTEST)
    if length is not None and length < len(reference):
        raise InputError(subject, got=f"a length of {length} for {len(reference)} residue pairs", expected="no fewer")
    return length or len(reference)
