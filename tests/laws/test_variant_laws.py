import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from foldglass.constants import AMINO_ACIDS
from foldglass.errors import InputError
from foldglass.protein import Sequence
from foldglass.variant import _THREE, Change, Variant, between, named, parse_variants

letters = st.text(AMINO_ACIDS, min_size=1, max_size=15)


Draw = tuple[str, list[int], list[str]]
draws = st.tuples(letters, st.lists(st.integers(0, 15), max_size=6), st.lists(st.text(AMINO_ACIDS, max_size=4)))


def changed(draw: Draw) -> tuple[Sequence, Variant]:
    """A protein and a variant of it."""
    text, bounds, new = draw
    wild = Sequence("w", text)
    bounds = sorted({bound for bound in bounds if bound <= len(text)})
    changes = [Change(i, j, letters) for i, j, letters in zip(bounds[::2], bounds[1::2], new, strict=False)]
    changes = [c for c in changes if text[c.start : c.stop] != c.letters]
    try:
        return wild, named(wild, changes or [Change(0, 1, "W" if text[0] == "A" else "A")])
    except InputError:  # nothing left of the protein
        return wild, named(wild, [Change(0, 1, text[0] + "A")])


@given(draws)
def test_the_name_says_everything(draw: Draw) -> None:
    wild, variant = changed(draw)
    assert parse_variants(variant.name, wild) == [variant]


@given(draws)
def test_three_letter_codes_mean_the_same(draw: Draw) -> None:
    wild, variant = changed(draw)
    text = "".join(_THREE.get(sign, sign) for sign in variant.name)
    assert parse_variants(f"p.{text}", wild) == [variant]


@given(draws)
def test_only_the_named_residues_change(draw: Draw) -> None:
    wild, variant = changed(draw)
    mutant, place, last = variant.apply(wild).letters, 0, 0
    for change in variant.changes:
        kept = wild.letters[last : change.start]
        assert mutant[place : place + len(kept)] == kept
        place += len(kept)
        assert mutant[place : place + len(change.letters)] == change.letters
        place, last = place + len(change.letters), change.stop
    assert mutant[place:] == wild.letters[last:]


@given(draws)
def test_an_alignment_of_what_is_kept_gives_the_variant_back(draw: Draw) -> None:
    wild, variant = changed(draw)
    mutant = variant.apply(wild)
    if mutant.letters == wild.letters:
        return
    touched = variant.sites(len(wild))
    pairs, shift, changes = [], 0, list(variant.changes)
    for i in range(len(wild)):
        while changes and changes[0].stop <= i:
            shift += len(changes[0].letters) - (changes[0].stop - changes[0].start)
            changes.pop(0)
        if not touched[i]:
            pairs.append((i, i + shift))
    found = between(wild, mutant, np.array(pairs, int).reshape(-1, 2))
    assert found.apply(wild).letters == mutant.letters


@given(letters, st.integers(0, 14), st.sampled_from(AMINO_ACIDS), st.sampled_from(AMINO_ACIDS))
def test_a_wrong_wild_type_is_never_taken(text: str, place: int, stated: str, new: str) -> None:
    wild = Sequence("w", text)
    right = place < len(wild) and text[place] == stated and new != stated
    try:
        parse_variants(f"{stated}{place + 1}{new}", wild)
        assert right
    except InputError:
        assert not right
