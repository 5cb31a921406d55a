"""Chains for the score network: crops, draws by cluster, and what is left out."""

import numpy as np
import polars as pl
import pytest
import torch

from foldglass.encoders.builtin import tokenize
from foldglass.errors import InputError
from foldglass.protein import Structure
from foldglass.train.data import load_pair_data
from foldglass.train.score_data import ChainPool, cut, score_pools, site_test_families
from foldglass.train.splits import ROLES, TRAIN, VALIDATION, fraction


@pytest.mark.parametrize("length", [7, 8, 9, 12, 13, 50])
@pytest.mark.parametrize("segments", [1, 2, 4])
def test_cut_is_in_order_without_overlap_and_of_the_right_size(length, segments):
    rng = np.random.default_rng(0)
    for _ in range(50):
        kept = cut(length, 8, segments, rng)
        assert len(kept) == min(length, 8)
        assert (np.diff(kept) > 0).all()
        assert kept[0] >= 0 and kept[-1] < length
        pieces = kept.reshape(segments, -1) if length > 8 else kept[None]
        assert (np.diff(pieces) == 1).all()


def test_cut_reaches_every_place_alike():
    """One piece: all 23 starts with the same chance. Two: every pair of starts, with twice the chance if apart."""
    rng = np.random.default_rng(0)
    starts = np.bincount([cut(30, 8, 1, rng)[0] for _ in range(4600)], minlength=23)
    assert len(starts) == 23 and (abs(starts - 200) < 70).all()
    pairs = {tuple(cut(12, 8, 2, rng)[[0, 4]].tolist()) for _ in range(600)}
    assert pairs == {(i, j + 4) for i in range(5) for j in range(i, 5)}
    often = [cut(12, 8, 2, rng)[[0, 4]].tolist() for _ in range(2500)]
    assert abs(often.count([0, 4]) - 100) < 50 and abs(often.count([0, 8]) - 200) < 70


def test_chain_of_the_crops_size_is_taken_whole():
    """Also where the pieces would not fill the crop."""
    assert cut(9, 9, 2, np.random.default_rng(0)).tolist() == list(range(9))


@pytest.fixture
def pool(make_structure):
    """Twelve chains in one family, one in each of two others."""

    def make(*, by_cluster: bool) -> ChainPool:
        chains = [make_structure(length, name=str(length)) for length in (5, 7, *range(11, 23))]
        return ChainPool(chains, np.array([4, 9, *[6] * 12]), by_cluster=by_cluster)

    return make


@pytest.mark.parametrize(("by_cluster", "share"), [(True, 1 / 3), (False, 1 / 14)])
def test_draws_are_even_over_clusters_or_over_chains(pool, by_cluster, share):
    crop = pool(by_cluster=by_cluster).draw(np.random.default_rng(0), 4200, size=64, segments=2)
    lengths = np.bincount(crop.residues.mask.sum(1), minlength=23) / 4200
    assert lengths[5] == pytest.approx(share, abs=0.03)
    assert lengths[7] == pytest.approx(share, abs=0.03)
    assert (abs(lengths[11:] - (1 - 2 * share) / 12) < 0.02).all()


def test_crop_holds_letters_positions_and_centred_coordinates_of_its_residues(pool):
    drawn = pool(by_cluster=True)
    ca = {len(chain): chain for chain in drawn.structures}
    rng = np.random.default_rng(3)
    crop = drawn.crops([(1, rng), (13, rng)], size=10, segments=2)
    assert crop.residues.mask.sum(1).tolist() == [7, 10]
    for row, length in enumerate((7, 22)):
        chain, mask = ca[length], crop.residues.mask[row]
        own = crop.residues.position[row][mask].numpy()
        assert crop.residues.letters[row][mask].tolist() == tokenize(chain.letters)[own].tolist()
        points = chain.ca[own]
        np.testing.assert_allclose(crop.ca[row][mask], points - points.mean(0), atol=1e-5)
        assert (crop.ca[row][~mask] == 0).all()
    assert crop.ca.dtype == torch.float32


def test_chain_far_from_the_origin_is_centred_before_it_is_moved():
    chain = Structure("far", "ACDEF", ca=np.eye(5, 3, dtype=np.float32) + 1024)
    crop = ChainPool([chain], np.zeros(1), by_cluster=True).draw(np.random.default_rng(0), 1, size=8, segments=2)
    np.testing.assert_allclose(crop.ca[0], np.eye(5, 3) - np.eye(5, 3).mean(0), atol=1e-4)


def test_same_generator_draws_the_same_crops(pool):
    one, other, third = (
        pool(by_cluster=True).draw(np.random.default_rng(seed), 5, size=6, segments=2) for seed in (1, 1, 2)
    )
    assert torch.equal(one.ca, other.ca) and torch.equal(one.residues.position, other.residues.position)
    assert one.ca.shape != third.ca.shape or not torch.equal(one.ca, third.ca)


def test_no_chain_is_an_error():
    with pytest.raises(InputError, match=r"^score data: no chain of this role; expected at least one$"):
        ChainPool([], np.zeros(0), by_cluster=True)


@pytest.fixture
def folder(data_folder):
    """180 chains, three to a family, one family to a superfamily, so that every role occurs."""
    chains = range(180)
    return data_folder([5 + i % 7 for i in chains], [i // 3 for i in chains], [100 + i // 3 for i in chains])


def write_sites(folder, subsets: dict[int, str]) -> None:
    letters = pl.read_parquet(folder / "structures.parquet")["sequence"]
    pl.DataFrame({"subset": list(subsets.values()), "sequence": [letters[i] for i in subsets]}).write_parquet(
        folder / "ppi_sites.parquet"
    )


def families(pool: ChainPool) -> set[int]:
    return {int(chain.id[1:]) // 3 for chain in pool.structures}


def test_held_out_superfamilies_are_in_no_pool(folder):
    data = load_pair_data(folder)
    assert set(data.roles.tolist()) == set(range(len(ROLES)))
    pools = score_pools(data, folder, by_cluster=True)
    assert set(pools) == {"train", "validation"}
    for name, role in {"train": TRAIN, "validation": VALIDATION}.items():
        wanted = {data.structures[i].id for i in np.flatnonzero(data.roles == role)}
        assert wanted and {chain.id for chain in pools[name].structures} == wanted
    drawn = fraction("superfamily", 100 + min(families(pools["validation"])))
    assert drawn < 0.08


def test_families_of_site_test_chains_leave_both_pools(folder):
    data = load_pair_data(folder)
    whole = score_pools(data, folder, by_cluster=True)
    train, validation = sorted(families(whole["train"])), sorted(families(whole["validation"]))
    assert len(train) > 4 and len(validation) > 1
    write_sites(
        folder,
        {
            3 * train[0] + 1: "Test_60",
            3 * train[1] + 2: "deepppisp_dset72_test",
            3 * train[2]: "UBtest_31",
            3 * train[3]: "Train_335",
            3 * validation[0]: "Test_315",
        },
    )
    assert site_test_families(data, folder) == {*train[:3], validation[0]}
    pools = score_pools(data, folder, by_cluster=True)
    assert families(pools["train"]) == set(train[3:])
    assert families(pools["validation"]) == set(validation[1:])


def test_chains_without_a_fold_are_in_no_pool(data_folder):
    """The error of two residues has no component left once rigid motions are out: it would be 0 / 0."""
    folder = data_folder([1 + i % 4 for i in range(90)], range(90), range(90))
    for pool in score_pools(load_pair_data(folder), folder, by_cluster=True).values():
        assert {len(chain) for chain in pool.structures} == {3, 4}


def test_folder_without_sites_leaves_nothing_out(folder):
    assert site_test_families(load_pair_data(folder), folder) == set()


@pytest.mark.parametrize("by_cluster", [True, False])
def test_pools_draw_as_asked(folder, by_cluster):
    pool = score_pools(load_pair_data(folder), folder, by_cluster=by_cluster)["train"]
    assert len(pool._members) == (len(families(pool)) if by_cluster else len(pool.structures))


def test_real_pools_hold_no_chain_of_the_site_tests_or_their_families(data_pack):
    data = load_pair_data(data_pack)
    pools = score_pools(data, data_pack, by_cluster=True)
    sites = pl.read_parquet(data_pack / "ppi_sites.parquet", columns=["subset", "sequence"])
    tests = set(sites.filter(~pl.col("subset").str.to_lowercase().str.contains("train"))["sequence"])
    chains = pl.read_parquet(data_pack / "structures.parquet", columns=["id", "sequence", "seq_family"])
    barred = set(chains.filter(pl.col("sequence").is_in(list(tests)))["seq_family"])
    assert len(barred) > 100
    family = dict(zip(chains["id"], chains["seq_family"], strict=True))
    group = dict(zip((chain.id for chain in data.structures), data.superfamily, strict=True))
    kept = {name: {chain.id for chain in pool.structures} for name, pool in pools.items()}
    for ids in kept.values():
        assert not {family[name] for name in ids} & barred
    assert not {group[name] for name in kept["train"]} & {group[name] for name in kept["validation"]}
    roles = dict(zip((chain.id for chain in data.structures), data.roles, strict=True))
    assert {roles[name] for name in kept["train"]} == {TRAIN}
    assert min(len(chain) for pool in pools.values() for chain in pool.structures) >= 3
