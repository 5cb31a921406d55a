"""Judge structure models: global scores with intervals, lDDT per residue, and a ranking."""

from collections.abc import Callable, Iterable

from foldglass.errors import InputError
from foldglass.models.quality_model import Quality, QualityModel
from foldglass.protein import Sequence, Structure


def judge(
    model: QualityModel,
    proteins: Iterable[Sequence],
    *,
    alone: bool = False,
    progress: Callable[[int], None] | None = None,
) -> list[Quality]:
    """Judge structures and put the best first, by predicted GDT_TS.

    Only the C-alphas of single chains are looked at. What several models with the same letters agree on counts, unless
    each is judged `alone`. A ranking means most among models of one protein.

    Raises
    ------
    InputError
        If a protein is a sequence, or a chain is too short or too long.
    """
    judged = list(model.judge((_structure(protein) for protein in proteins), alone=alone, progress=progress))
    return sorted(judged, key=lambda quality: -quality.scores[0])


def _structure(protein: Sequence) -> Structure:
    if not isinstance(protein, Structure):
        subject = f"{protein.source}, record {protein.id!r}" if protein.source else f"record {protein.id!r}"
        raise InputError(subject, got="a sequence", expected="a structure model to judge")
    return protein
