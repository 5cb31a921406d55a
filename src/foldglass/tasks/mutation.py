"""What a mutation changes: the fold, and which residues, from two sequences or two structures."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import groupby, tee

import numpy as np
from jaxtyping import Bool, Float, Int

from foldglass.alignment import align, residue_similarity
from foldglass.constants import GLASS_EXPONENT
from foldglass.errors import InputError
from foldglass.metrics.lddt import lddt
from foldglass.metrics.superposition import Rigid, kabsch
from foldglass.metrics.tm import rmsd, tm_score
from foldglass.models.model import Model
from foldglass.models.substitution import embed_substitutions
from foldglass.protein import Comparison, Embedding, Sequence, Structure
from foldglass.typing import AlignedPairs, Coordinates, ResidueScores
from foldglass.variant import Variant, between, substitutions

_SEGMENT_FACTOR = 2.0
_SEGMENT_GAP = 2
_CONTACT = 10.0
_SAME_LETTER = 4.0
"""Twice the opening of a gap, in units of the similarity."""


@dataclass(frozen=True, eq=False)
class StructuralChange:
    """What two structures say themselves: the measured counterpart of a prediction.

    Residues correspond as in the effect's alignment. `tm_wild` is normalised by the wild type's length; `rmsd` in
    angstrom after superposition of all pairs (`rigid` lays the mutant on the wild type); `lddt` (C-alpha) and
    `lddt_glass` have the wild type as the reference and are NaN where a residue has no partner.
    """

    tm_wild: float
    rmsd: float
    lddt: ResidueScores
    lddt_glass: ResidueScores
    rigid: Rigid


@dataclass(frozen=True, eq=False)
class Effect:
    """The effect of one variant on one wild type. All residues are the wild type's.

    Parameters
    ----------
    variant
        The changes.
    comparison
        Wild type as the query, mutant as the target: scores of the whole, alignment, predicted local score.
    change
        1 - cosine of the vectors of aligned residues, 0 to 2: how far each moved in the space of embeddings; NaN where
        a residue has no partner. It is finer than the local score, which hardly leaves 1 for a point mutation.
    structure
        The wild type's coordinates, where there are any, also if the prediction is from sequences.
    measured
        What the structures themselves say, where there are two.
    """

    variant: Variant
    comparison: Comparison
    change: ResidueScores
    structure: Structure | None = None
    measured: StructuralChange | None = None

    @property
    def wild(self) -> Sequence:
        """The wild type."""
        return self.structure or self.comparison.query

    @property
    def kind(self) -> str:
        """`structure` or `sequence`: what the prediction was made from."""
        return "structure" if isinstance(self.comparison.query, Structure) else "sequence"

    @property
    def sites(self) -> Bool[np.ndarray, " L"]:
        """Residues that are replaced or deleted, or stand next to an insertion."""
        return self.variant.sites(len(self.wild))

    @property
    def shift(self) -> float:
        """Root mean square distance between the unit vectors of aligned residues, 0 to 2."""
        return float(np.sqrt(2 * np.nanmean(self.change)))

    @property
    def site_lddt(self) -> float:
        """Mean predicted local score at the mutated residues, NaN if they are gone."""
        return _mean(self.comparison.lddt[self.sites])

    @property
    def site_contacts(self) -> float:
        """C-alphas within 10 angstrom of a mutated one, mean over the sites; NaN without a structure.

        How buried the site is: of all that was measured, what goes best with the loss of stability.
        """
        if self.structure is None:
            return float("nan")
        near = _distances(self.structure.ca, self.structure.ca[self.sites]) < _CONTACT
        return float(near.sum(axis=0).mean() - 1)  # without itself

    @property
    def sequence_distance(self) -> Int[np.ndarray, " L"]:
        """Residues along the chain to the nearest mutated one."""
        place = np.arange(len(self.wild))
        return np.asarray(np.abs(place[:, None] - place[self.sites]).min(axis=1))

    @property
    def space_distance(self) -> Float[np.ndarray, " L"]:
        """Angstrom between C-alphas to the nearest mutated residue; NaN without a structure."""
        if self.structure is None:
            return np.full(len(self.wild), np.nan)
        return np.asarray(_distances(self.structure.ca, self.structure.ca[self.sites]).min(axis=1))

    @property
    def sequence_reach(self) -> float:
        """Mean of `sequence_distance` weighted with `change`: how far along the chain the change lies from the site."""
        return self._reach(self.sequence_distance.astype(float))

    @property
    def space_reach(self) -> float:
        """Mean of `space_distance` weighted with `change`, in angstrom; NaN without a structure."""
        return self._reach(self.space_distance)

    def segments(self, most: int = 3) -> list[tuple[int, int]]:
        """The most affected stretches of the chain, the one with the largest summed `change` first.

        A stretch holds residues that change at least twice as much as the mean of the chain; gaps of up to two
        residues do not end it.

        Returns
        -------
        First and last residue of each, 0-based.
        """
        change = np.nan_to_num(self.change)
        strong = np.flatnonzero(change > _SEGMENT_FACTOR * change.mean())
        if not len(strong):
            return []
        parts = np.split(strong, np.flatnonzero(np.diff(strong) > _SEGMENT_GAP + 1) + 1)
        bounds = [(int(part[0]), int(part[-1])) for part in parts]
        return sorted(bounds, key=lambda bound: -change[bound[0] : bound[1] + 1].sum())[:most]

    def _reach(self, distance: Float[np.ndarray, " L"]) -> float:
        weight = np.nan_to_num(self.change)
        return float((weight * distance).sum() / weight.sum()) if weight.sum() > 0 else float("nan")


def variant_effects(model: Model, wild: Sequence, variants: Iterable[Variant]) -> Iterator[Effect]:
    """Effects of variants given by their changes, predicted from the sequences, in the order given.

    Residues that the changes leave alone correspond; those of a stretch that is replaced by one of another length are
    aligned from the embeddings. Only some variants are held at a time.

    Parameters
    ----------
    wild
        A structure lends its coordinates to the distances from the site; its embedding is that of its sequence, because
        nobody knows the mutant's coordinates.

    Raises
    ------
    ModelError
        If the model has no tower for sequences.

    Examples
    --------
    >>> from foldglass import load
    >>> from foldglass.variant import parse_variants
    >>> wild = Sequence("toy", "MKVLAAGIVGLLAAPEMKVLW")
    >>> effect, = variant_effects(load(), wild, parse_variants("G10W", wild))
    >>> effect.variant.name, int(effect.change.argmax()), effect.sequence_distance[:3].tolist()
    ('G10W', 9, [9, 8, 7])
    """
    structure = wild if isinstance(wild, Structure) else None
    (origin,) = model.embed([_letters_only(wild)])
    for variant, mutant in _embedded(model, wild, variants):
        pairs = _corresponding(origin, mutant, variant)
        yield replace(_effect(model, origin, mutant, pairs, variant), structure=structure)


def mutant_effects(model: Model, wild: Sequence, mutants: Iterable[Sequence]) -> Iterator[Effect]:
    """Effects of variants given as proteins of their own.

    Two structures are compared as such, and measured as well. A structure with a sequence is compared by sequence.
    Chains of one length that differ in at most one residue of ten correspond by number; others are aligned from the
    embeddings and their letters.

    Raises
    ------
    InputError
        If a mutant has the wild type's sequence and no structure of its own.

    Examples
    --------
    >>> from foldglass import load
    >>> wild, mutant = Sequence("wild", "MKVLAAGIVGLLAAPE"), Sequence("mutant", "MKVLAWGIVGLLAAPE")
    >>> [effect.variant.name for effect in mutant_effects(load(), wild, [mutant])]
    ['A6W']
    """
    structure = wild if isinstance(wild, Structure) else None
    origins: dict[bool, Embedding] = {}
    for mutant in mutants:
        both = structure is not None and isinstance(mutant, Structure)
        if both not in origins:
            (origins[both],) = model.embed([wild if both else _letters_only(wild)])
        (embedding,) = model.embed([mutant if both else _letters_only(mutant)])
        pairs = _aligned(origins[both], embedding)
        effect = replace(_effect(model, origins[both], embedding, pairs, None), structure=structure)
        if structure is not None and isinstance(mutant, Structure):
            effect = replace(effect, measured=measure(structure, mutant, effect.comparison.alignment))
        yield effect


def measure(wild: Structure, mutant: Structure, pairs: AlignedPairs) -> StructuralChange:
    """Superpose two structures over residues whose correspondence is known, and score what differs.

    Raises
    ------
    InputError
        If fewer than three residues correspond.
    """
    if len(pairs) < 3:
        raise InputError(
            f"{wild.id} and {mutant.id}", got=f"{len(pairs)} corresponding residues", expected="at least 3 to superpose"
        )
    reference, model = wild.ca[pairs[:, 0]], mutant.ca[pairs[:, 1]]
    plain, glass = np.full((2, len(wild)), np.nan)
    plain[pairs[:, 0]] = lddt(reference, model)
    glass[pairs[:, 0]] = lddt(reference, model, exponent=GLASS_EXPONENT)
    return StructuralChange(
        tm_wild=tm_score(reference, model, length=len(wild)),
        rmsd=rmsd(reference, model),
        lddt=plain,
        lddt_glass=glass,
        rigid=kabsch(reference, model),
    )


def distance_difference(wild: Structure, mutant: Structure, pairs: AlignedPairs) -> Float[np.ndarray, "L L"]:
    """Distances between C-alphas of the mutant less those of the wild type, in angstrom; NaN without a partner.

    Examples
    --------
    >>> line = np.array([[0.0, 0, 0], [3.8, 0, 0], [7.6, 0, 0]])
    >>> one, other = Structure("a", "AAA", ca=line), Structure("b", "AA", ca=2 * line[:2])
    >>> distance_difference(one, other, np.array([[0, 0], [1, 1]])).round(1)
    array([[0. , 3.8, nan],
           [3.8, 0. , nan],
           [nan, nan, nan]])
    """
    moved = np.full((len(wild), 3), np.nan)
    moved[pairs[:, 0]] = mutant.ca[pairs[:, 1]]
    return np.asarray(_distances(moved, moved) - _distances(wild.ca, wild.ca))


def background(wild: Sequence, size: int, *, seed: int = 0) -> list[Variant]:
    """`size` of the single substitutions of a protein, drawn without replacement; all of them if there are fewer.

    Examples
    --------
    >>> len(background(Sequence("toy", "MKV"), 10)), len(background(Sequence("toy", "MKV"), 100))
    (10, 57)
    """
    every = list(substitutions(wild, range(len(wild))))
    if len(every) <= size:
        return every
    drawn = np.random.default_rng(seed).choice(len(every), size, replace=False)
    return [every[i] for i in sorted(drawn.tolist())]


def p_values(shift: Float[np.ndarray, " N"], others: Float[np.ndarray, " S"]) -> Float[np.ndarray, " N"]:
    """Share of single substitutions of the protein that shift its embedding at least as much.

    (1 + number of such) / (1 + number of all), so that it is never 0 (Davison and Hinkley 1997, equation 4.11).

    Examples
    --------
    >>> p_values(np.array([0.5, 2.0]), np.array([0.1, 0.4, 0.7])).tolist()
    [0.5, 0.25]
    """
    below = np.searchsorted(np.sort(others), shift, side="left")
    return np.asarray((1 + len(others) - below) / (1 + len(others)))


def _embedded(model: Model, wild: Sequence, variants: Iterable[Variant]) -> Iterator[tuple[Variant, Embedding]]:
    """Single substitutions share what they can."""
    for single, run in groupby(variants, key=lambda variant: variant.is_substitution):
        ours, theirs = tee(run)
        if single:
            embeddings = embed_substitutions(model, wild, theirs)
        else:
            embeddings = model.embed_stream(variant.apply(wild) for variant in theirs)
        yield from zip(ours, embeddings, strict=True)


def _effect(model: Model, wild: Embedding, mutant: Embedding, pairs: AlignedPairs, variant: Variant | None) -> Effect:
    comparison = model.score(wild, mutant, alignment=pairs)
    change = np.full(len(wild), np.nan)
    cosine = np.einsum("md,md->m", wild.residue[pairs[:, 0]], mutant.residue[pairs[:, 1]])
    change[pairs[:, 0]] = np.maximum(0.0, 1.0 - cosine)
    return Effect(variant or between(wild.entity, mutant.entity, pairs), comparison, change)


def _corresponding(wild: Embedding, mutant: Embedding, variant: Variant) -> AlignedPairs:
    """What the changes say, and an alignment where they say nothing."""
    parts: list[AlignedPairs] = []
    last, moved = 0, 0
    for change in variant.changes:
        old, new = change.stop - change.start, len(change.letters)
        parts.append(_numbers(last, change.start, moved))
        if old == new:
            parts.append(_numbers(change.start, change.stop, moved))
        elif old and new:
            begin = change.start + moved
            block = residue_similarity(wild.residue, mutant.residue)[change.start : change.stop, begin : begin + new]
            parts.append(align(block, mode="global") + np.array([change.start, begin]))
        last, moved = change.stop, moved + new - old
    return np.concatenate([*parts, _numbers(last, len(wild), moved)])


def _aligned(wild: Embedding, mutant: Embedding) -> AlignedPairs:
    """Equal letters count besides: without them a deletion near a chain end would slide to the end, where gaps cost
    nothing, because the vectors of its neighbours are much alike."""
    own, other = wild.entity.letters, mutant.entity.letters
    if _alike(own, other):
        return _numbers(0, len(own), 0)
    same = np.array(list(own))[:, None] == np.array(list(other))
    return align(residue_similarity(wild.residue, mutant.residue) + _SAME_LETTER * same)


def _letters_only(protein: Sequence) -> Sequence:
    return Sequence(protein.id, protein.letters, protein.source)


def _numbers(start: int, stop: int, moved: int) -> AlignedPairs:
    return np.arange(start, stop)[:, None] + np.array([0, moved])


def _alike(wild: str, mutant: str) -> bool:
    differing = sum(a != b for a, b in zip(wild, mutant, strict=False))
    return len(wild) == len(mutant) and differing <= max(1, len(wild) // 10)


def _distances(rows: Coordinates, columns: Float[np.ndarray, "S 3"]) -> Float[np.ndarray, "L S"]:
    between_all: np.ndarray = rows[:, None].astype(np.float64) - columns[None]
    return np.asarray(np.sqrt((between_all**2).sum(axis=-1)))


def _mean(values: ResidueScores) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")
