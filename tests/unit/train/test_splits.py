"""Roles and pair splits: no relative of a test protein is trained on."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foldglass.train.splits import (
    FAMILY,
    LARGE_GROUP,
    SUPERFAMILY,
    TRAIN,
    VALIDATION,
    fraction,
    pair_splits,
    protein_roles,
)


@pytest.fixture(scope="module")
def population():
    """Families of one to three chains, superfamilies of some families, and one that is large."""
    rng = np.random.default_rng(5)
    family = np.sort(rng.integers(1500, size=3000))
    superfamily = family // 3
    superfamily[family < 60] = 0  # one large group
    query, target = rng.integers(3000, size=(2, 20_000))
    return family, superfamily, query, target


@pytest.fixture(scope="module")
def roles(population):
    family, superfamily, _, _ = population
    return protein_roles(superfamily, family)


def holding(groups, roles, wanted):
    return set(groups[np.isin(roles, wanted)].tolist())


def test_no_superfamily_has_two_roles(population, roles):
    family, superfamily, _, _ = population
    known, validation, held_out = ({TRAIN, FAMILY}, {VALIDATION}, {SUPERFAMILY})
    groups = [holding(superfamily, roles, list(wanted)) for wanted in (known, validation, held_out)]
    assert all(groups)
    assert not groups[0] & groups[1] and not groups[0] & groups[2] and not groups[1] & groups[2]
    assert not holding(family, roles, [FAMILY]) & holding(family, roles, [TRAIN])


def test_shares_are_those_promised(population, roles):
    family, superfamily, _, _ = population
    groups = len(np.unique(superfamily))
    assert len(holding(superfamily, roles, [VALIDATION])) / groups == pytest.approx(0.08, abs=0.03)
    assert len(holding(superfamily, roles, [SUPERFAMILY])) / groups == pytest.approx(0.12, abs=0.03)
    others = holding(family, roles, [TRAIN, FAMILY])
    assert len(holding(family, roles, [FAMILY])) / len(others) == pytest.approx(0.06, abs=0.02)


def test_large_group_trains():
    group = np.zeros(LARGE_GROUP + 1, dtype=np.int64)
    for seed in range(50):
        assert (protein_roles(group, group, seed=seed) == TRAIN).all()
    small = {int(protein_roles(group[:-1], np.arange(LARGE_GROUP), seed=seed)[0]) for seed in range(50)}
    assert SUPERFAMILY in small


def test_roles_depend_on_labels_and_seed_alone(population, roles):
    family, superfamily, _, _ = population
    np.testing.assert_array_equal(protein_roles(superfamily, family), roles)
    order = np.random.default_rng(0).permutation(len(family))
    np.testing.assert_array_equal(protein_roles(superfamily[order], family[order]), roles[order])
    assert (protein_roles(superfamily, family, seed=1) != roles).any()


def test_new_superfamily_moves_no_other(population, roles):
    family, superfamily, _, _ = population
    more = protein_roles(np.append(superfamily, 99_999), np.append(family, 99_999))
    np.testing.assert_array_equal(more[:-1], roles)


def test_pair_splits_are_disjoint_and_hold_what_they_say(population, roles):
    _, _, query, target = population
    splits = pair_splits(query, target, roles)
    assert all(len(rows) for rows in splits.values())
    rows = np.concatenate(list(splits.values()))
    assert len(np.unique(rows)) == len(rows)

    def kinds(name):
        return {
            tuple(sorted(pair)) for pair in zip(roles[query[splits[name]]], roles[target[splits[name]]], strict=True)
        }

    assert kinds("train") == kinds("pair") == {(TRAIN, TRAIN)}
    assert kinds("validation") == {(TRAIN, VALIDATION), (VALIDATION, VALIDATION)}
    assert kinds("superfamily") == {(SUPERFAMILY, SUPERFAMILY)}
    assert kinds("superfamily-one") == {(TRAIN, SUPERFAMILY)}
    assert kinds("family") == {(TRAIN, FAMILY), (FAMILY, FAMILY)}
    share = len(splits["pair"]) / (len(splits["pair"]) + len(splits["train"]))
    assert share == pytest.approx(0.03, abs=0.01)


def test_a_pair_is_in_the_same_split_from_both_sides(population, roles):
    _, _, query, target = population
    there, back = pair_splits(query, target, roles), pair_splits(target, query, roles)
    for name, rows in there.items():
        np.testing.assert_array_equal(back[name], rows)


@given(st.lists(st.integers() | st.sampled_from(["pair", "family"]), min_size=1, max_size=3), st.integers(0, 5))
@settings(max_examples=50)
def test_fraction_is_a_number_from_the_key(key, seed):
    assert 0 <= fraction(*key, seed=seed) < 1
    assert fraction(*key, seed=seed) == fraction(*key, seed=seed)
    assert fraction(*key, seed=seed) != fraction(*key, seed=seed + 1)
