"""Training data: the two tables, what is left out of them, and no leakage in the real ones."""

import numpy as np
import polars as pl
import pytest

from foldglass.errors import InputError, NotFoundError
from foldglass.train.data import load_pair_data
from foldglass.train.splits import FAMILY, ROLES, SUPERFAMILY, TRAIN, VALIDATION


@pytest.fixture
def write(tmp_path, make_structure):
    """Writes five chains and the pairs given by name."""

    def write(*pairs: tuple[str, str]):
        lengths = {"a": 5, "b": 7, "c": 11, "d": 13, "e": 17}
        chains = {name: make_structure(length, name=name) for name, length in lengths.items()}
        pl.DataFrame(
            {
                "id": list(chains),
                "set": ["good", "good", "good", "pesto_test", "good"],
                "sequence": [chain.letters for chain in chains.values()],
                "ca_coords": [chain.ca.astype("<f4").tobytes() for chain in chains.values()],
                "from_distance_map": [False, False, False, False, True],
                "seq_family": pl.Series([1, 2, 3, 4, 5], dtype=pl.Int32),
                "superfamily_group": pl.Series([1, 1, 2, 3, 4], dtype=pl.Int32),
            }
        ).write_parquet(tmp_path / "structures.parquet")
        pl.DataFrame(
            {
                "query": [query for query, _ in pairs],
                "target": [target for _, target in pairs],
                "kind": ["family"] * len(pairs),
                "tm_query": pl.Series([0.9] * len(pairs), dtype=pl.Float32),
                "tm_target": pl.Series([0.4] * len(pairs), dtype=pl.Float32),
                "aligned_query": [np.array([0, 2, 4], "<u2").tobytes()] * len(pairs),
                "aligned_target": [np.array([1, 2, 300], "<u2").tobytes()] * len(pairs),
            },
            schema_overrides={"query": pl.String, "target": pl.String, "kind": pl.String}
            | {"aligned_query": pl.Binary, "aligned_target": pl.Binary},
        ).write_parquet(tmp_path / "tm_pairs.parquet")
        return tmp_path

    return write


def test_tables_become_structures_and_pairs(write, make_structure):
    data = load_pair_data(write(("a", "b"), ("c", "a")))
    assert [structure.id for structure in data.structures] == ["a", "b", "c"]
    np.testing.assert_array_equal(data.structures[1].ca, make_structure(7).ca)
    assert data.query.tolist() == [0, 2] and data.target.tolist() == [1, 0]
    assert data.family.tolist() == [1, 2, 3] and data.superfamily.tolist() == [1, 1, 2]
    np.testing.assert_allclose(data.tm, 0.6, rtol=1e-6)
    assert data.alignment(1).tolist() == [[0, 1], [2, 2], [4, 300]]
    assert data.kind == ["family", "family"]


def test_rebuilt_and_unpublishable_chains_leave_with_their_pairs(write):
    folder = write(("a", "b"), ("a", "d"), ("e", "b"))
    data = load_pair_data(folder)
    assert [structure.id for structure in data.structures] == ["a", "b", "c"]
    assert len(data.query) == 1
    everything = load_pair_data(folder, unpublishable=True)
    assert [structure.id for structure in everything.structures] == ["a", "b", "c", "d"]
    assert everything.target.tolist() == [1, 3]


def test_no_pair_is_no_error(write):
    data = load_pair_data(write())
    assert len(data.tm) == 0
    assert all(len(rows) == 0 for rows in data.splits.values())


def test_stray_chain_is_named(write):
    with pytest.raises(InputError, match=r"tm_pairs.parquet: 1 chains such as 'zz'; expected only chains of the str"):
        load_pair_data(write(("a", "zz")))


@pytest.mark.parametrize("name", ["structures", "tm_pairs"])
def test_missing_table_is_named(write, name):
    folder = write(("a", "b"))
    (folder / f"{name}.parquet").unlink()
    with pytest.raises(NotFoundError, match=rf"{name}.parquet: no such table; expected structures.parquet and tm_pa"):
        load_pair_data(folder)


@pytest.fixture(scope="module")
def real(data_pack):
    return load_pair_data(data_pack)


def test_real_roles_share_no_relative(real):
    groups = {role: set(real.superfamily[real.roles == i].tolist()) for i, role in enumerate(ROLES)}
    assert all(groups.values())
    known = groups["train"] | groups["family"]
    assert not known & groups["validation"]
    assert not known & groups["superfamily"]
    assert not groups["validation"] & groups["superfamily"]
    families = {role: set(real.family[real.roles == i].tolist()) for i, role in enumerate(ROLES)}
    assert not families["family"] & families["train"]


def test_real_sequences_are_not_in_two_roles(real):
    letters = {
        role: {s.letters for s, own in zip(real.structures, real.roles, strict=True) if own == role}
        for role in (TRAIN, VALIDATION, SUPERFAMILY, FAMILY)
    }
    for held_out in (VALIDATION, SUPERFAMILY, FAMILY):
        assert not letters[TRAIN] & letters[held_out]


def test_real_splits_share_no_pair(real):
    pairs = {
        name: {
            (min(q, t), max(q, t)) for q, t in zip(real.query[rows].tolist(), real.target[rows].tolist(), strict=True)
        }
        for name, rows in real.splits.items()
    }
    assert all(len(own) > 100 for own in pairs.values())
    everything = [pair for own in pairs.values() for pair in own]
    assert len(everything) == len(set(everything))
    trained = {protein for pair in pairs["train"] for protein in pair}
    assert not trained & {protein for pair in pairs["superfamily"] for protein in pair}


def test_real_alignments_fit_their_chains(real):
    for row in range(0, len(real.query), 997):
        query, target = real.alignment(row).T
        assert query[-1] < len(real.structures[real.query[row]])
        assert target[-1] < len(real.structures[real.target[row]])
        assert (np.diff(query) > 0).all() and (np.diff(target) > 0).all()
