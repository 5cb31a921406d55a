"""Effects of mutations with a small random model, and with structures whose difference is known."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from foldglass.errors import InputError, ModelError
from foldglass.models.model import Model
from foldglass.protein import Sequence, Structure
from foldglass.tasks.mutation import (
    Effect,
    background,
    distance_difference,
    measure,
    mutant_effects,
    p_values,
    variant_effects,
)
from foldglass.variant import parse_variants, substitutions

LETTERS = "MKVLAPGSLWDERTYHNQCIF"


@pytest.fixture
def model(make_model: Callable[..., Model]) -> Model:
    return make_model()


@pytest.fixture
def wild(make_structure: Callable[..., Structure]) -> Structure:
    return replace(make_structure(21, name="wild"), letters=LETTERS)


def effect_of(model: Model, wild: Sequence, text: str) -> Effect:
    (effect,) = variant_effects(model, wild, parse_variants(text, wild))
    return effect


def given(effect: Effect, *change: float) -> Effect:
    """The effect with other changes of its residues."""
    return replace(effect, change=np.array([*change, *[0.0] * (len(effect.change) - len(change))]))


def test_an_effect_is_the_comparison_of_both_sequences(model: Model, wild: Structure) -> None:
    sequence = Sequence("wild", LETTERS)
    mutant = Sequence("m", LETTERS.replace("W", "G"))
    effect = effect_of(model, sequence, "W10G")
    one, other = model.embed([sequence, mutant])
    plain = model.score(one, other)
    assert effect.comparison.tm_query == pytest.approx(plain.tm_query, abs=1e-6) != pytest.approx(1.0, abs=1e-6)
    np.testing.assert_allclose(effect.change, 1 - (one.residue * other.residue).sum(1), atol=1e-6)
    assert effect.shift == pytest.approx(np.sqrt(((one.residue - other.residue) ** 2).sum(1).mean()), rel=1e-3)
    assert (effect.kind, effect.structure, effect.wild.letters) == ("sequence", None, LETTERS)
    of_structure = effect_of(model, wild, "W10G")
    np.testing.assert_array_equal(of_structure.change, effect.change)
    assert of_structure.kind == "sequence" and of_structure.wild is wild


def test_effects_come_in_order_and_do_not_depend_on_each_other(model: Model, wild: Structure) -> None:
    variants = list(substitutions(wild, range(3)))
    found = list(variant_effects(model, wild, variants))
    assert [effect.variant for effect in found] == variants
    alone = effect_of(model, wild, variants[40].name)
    np.testing.assert_allclose(found[40].change, alone.change, atol=1e-6)
    assert found[40].comparison.cosine == pytest.approx(alone.comparison.cosine, abs=1e-6)


def test_residues_correspond_as_the_changes_say(model: Model, wild: Structure) -> None:
    def pairs(text: str) -> list[list[int]]:
        return effect_of(model, wild, text).comparison.alignment.tolist()

    assert pairs("W10G+K2A") == [[i, i] for i in range(21)]
    assert pairs("K2del") == [[0, 0], *([i, i - 1] for i in range(2, 21))]
    assert pairs("M1_K2insGG+C19del") == [
        [0, 0],
        *([i, i + 2] for i in range(1, 18)),
        *([i, i + 1] for i in range(19, 21)),
    ]
    replaced = pairs("W10_E12delinsGG")
    assert replaced[:9] == [[i, i] for i in range(9)] and replaced[-9:] == [[i, i - 1] for i in range(12, 21)]
    assert len(replaced) == 20 and {j for _, j in replaced[9:11]} == {9, 10}
    gone = effect_of(model, wild, "W10del")
    assert np.isnan(gone.change[9]) and np.isfinite(np.delete(gone.change, 9)).all() and np.isnan(gone.site_lddt)


@pytest.mark.parametrize("change", ["K2del", "I20del", "V3_L4del", "M1_K2insGG", "C19_I20insW", "K2del+Q18_C19insWW"])
def test_a_protein_of_its_own_is_aligned_where_it_differs(model: Model, wild: Structure, change: str) -> None:
    (variant,) = parse_variants(change, wild)
    (effect,) = mutant_effects(model, wild, [variant.apply(wild)])
    assert effect.variant == variant


def test_distances_from_the_nearest_site(model: Model, wild: Structure) -> None:
    effect = effect_of(model, wild, "K2A+W10G")
    assert effect.sequence_distance.tolist() == [1, 0, 1, 2, 3, 4, 3, 2, 1, 0, *range(1, 12)]
    apart = np.linalg.norm(wild.ca[:, None] - wild.ca[[1, 9]], axis=-1).min(axis=1)
    np.testing.assert_allclose(effect.space_distance, apart, rtol=1e-5)
    assert np.isnan(effect_of(model, Sequence("s", LETTERS), "K2A").space_distance).all()
    weighted = given(effect, 0.0, 3.0, 0.0, 1.0)
    assert weighted.sequence_reach == pytest.approx(0.5)
    assert weighted.space_reach == pytest.approx(apart[3] / 4, rel=1e-5)
    assert np.isnan(given(effect).sequence_reach)


def test_contacts_of_the_sites(model: Model, wild: Structure) -> None:
    near = (np.linalg.norm(wild.ca[:, None] - wild.ca[None], axis=-1) < 10).sum(axis=1) - 1
    assert len(set(near.tolist())) > 3
    assert effect_of(model, wild, "K2A").site_contacts == near[1]
    assert effect_of(model, wild, "K2A+W10G").site_contacts == pytest.approx((near[1] + near[9]) / 2)
    assert np.isnan(effect_of(model, Sequence("s", LETTERS), "K2A").site_contacts)


def test_segments_are_the_stretches_that_change_most(model: Model, wild: Structure) -> None:
    effect = given(effect_of(model, wild, "K2A"), 7, 0, 0, 9, 0, 0, 0, 20, 30)
    assert effect.segments() == [(7, 8), (0, 3)]  # a gap of two is bridged, one of three is not
    assert effect.segments(most=1) == [(7, 8)]
    assert given(effect, 1, 1, 1).segments() == [(0, 2)]
    assert given(effect).segments() == []
    missing = replace(effect, change=np.where(np.arange(21) == 8, np.nan, effect.change))
    assert missing.segments()[0] == (7, 7)


def test_p_values_count_what_shifts_as_much() -> None:
    others = np.array([0.3, 0.1, 0.2, 0.4])
    np.testing.assert_allclose(p_values(np.array([0.0, 0.2, 0.25, 0.9]), others), [1.0, 0.8, 0.6, 0.2])


def test_background_is_drawn_once_and_seeded(wild: Structure) -> None:
    names = [[v.name for v in background(wild, 50, seed=seed)] for seed in (0, 0, 1)]
    assert names[0] == names[1] != names[2]
    assert len(set(names[0])) == 50
    assert len(background(wild, 1000)) == 21 * 19


def test_two_structures_are_compared_and_measured(model: Model, wild: Structure) -> None:
    turn = np.array([[0, 1, 0], [-1, 0, 0], [0, 0, 1]], np.float32)
    moved = wild.ca.copy()
    moved[15:] += 1.5
    mutant = Structure("mutant", LETTERS.replace("W", "G"), ca=moved @ turn + 7)
    (effect,) = mutant_effects(model, wild, [mutant])
    assert (effect.variant.name, effect.kind) == ("W10G", "structure")
    one, other = model.embed([wild, mutant])
    np.testing.assert_allclose(effect.change, 1 - (one.residue * other.residue).sum(1), atol=1e-6)
    measured = effect.measured
    assert measured is not None and 0 < measured.tm_wild < 1 and 0.2 < measured.rmsd < 1.5 * np.sqrt(3)
    laid = mutant.ca @ measured.rigid.rotation + measured.rigid.translation
    assert np.sqrt(((laid - wild.ca) ** 2).sum(1).mean()) == pytest.approx(measured.rmsd, rel=1e-4)
    assert measured.lddt[:10].mean() > measured.lddt[13:17].mean()
    apart = distance_difference(wild, mutant, effect.comparison.alignment)
    np.testing.assert_allclose(apart[:15, :15], 0, atol=1e-4)
    np.testing.assert_allclose(apart, apart.T, atol=1e-9)
    assert np.abs(apart[:15, 15:]).max() > 1


def test_a_structure_and_a_sequence_are_compared_by_sequence(model: Model, wild: Structure) -> None:
    (effect,) = mutant_effects(model, wild, [Sequence("m", LETTERS.replace("W", "G"))])
    np.testing.assert_allclose(effect.change, effect_of(model, wild, "W10G").change, atol=1e-6)
    assert (effect.kind, effect.measured, effect.structure) == ("sequence", None, wild)


def test_residues_without_a_partner_have_no_measure(wild: Structure) -> None:
    pairs = np.array([[0, 0], [1, 1], [2, 2], [5, 3]])
    shorter = replace(wild, letters=LETTERS[:4], ca=wild.ca[[0, 1, 2, 5]], atoms=None)
    measured = measure(wild, shorter, pairs)
    assert np.flatnonzero(~np.isnan(measured.lddt)).tolist() == [0, 1, 2, 5]
    assert measured.tm_wild == pytest.approx(4 / 21, rel=1e-3) and measured.rmsd == pytest.approx(0, abs=1e-4)
    apart = distance_difference(wild, shorter, pairs)
    assert np.flatnonzero(~np.isnan(apart).all(axis=1)).tolist() == [0, 1, 2, 5]
    np.testing.assert_allclose(apart[np.ix_([0, 1, 2, 5], [0, 1, 2, 5])], 0, atol=1e-4)


def test_too_few_corresponding_residues_name_both_structures(wild: Structure) -> None:
    other = replace(wild, id="other", letters="A", ca=wild.ca[:1], atoms=None)
    with pytest.raises(
        InputError, match=r"^wild and other: 1 corresponding residues; expected at least 3 to superpose$"
    ):
        measure(wild, other, np.array([[0, 0]]))


def test_refused(make_model: Callable[..., Model], wild: Structure) -> None:
    with pytest.raises(ModelError, match="it has no sequence tower"):
        effect_of(make_model(kinds=("structure",)), wild, "W10G")
    with pytest.raises(InputError, match="'twin': the sequence of 'wild'; expected a variant of it"):
        list(mutant_effects(make_model(), wild, [Sequence("twin", LETTERS)]))
