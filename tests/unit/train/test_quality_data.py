"""Decoys, their splits and what is kept of them."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from foldglass.errors import NotFoundError
from foldglass.models.score_model import ScoreModel
from foldglass.train.quality_data import DENOISED, MELTED, NATIVE, THREADED, kept_decoys, made_decoys, published_decoys
from foldglass.train.quality_split import FOLDS, chain_splits, fold_of, target_splits
from foldglass.train.recipe import MadeConfig
from foldglass.train.splits import FAMILY, SUPERFAMILY, TRAIN, VALIDATION, protein_roles

Folder = Callable[..., Path]


def chains_of(groups: int) -> pl.DataFrame:
    letters = ["".join(np.random.default_rng(i).choice(list("ACDEFGHIKLMNPQRSTVWY"), 40)) for i in range(groups)]
    return pl.DataFrame({"sequence": letters, "seq_family": range(groups), "superfamily_group": range(groups)})


def test_roles_of_the_other_models_are_kept() -> None:
    chains = chains_of(400)
    roles = protein_roles(chains["superfamily_group"].to_numpy(), chains["seq_family"].to_numpy())
    splits = chain_splits(chains)
    assert set(splits[np.isin(roles, [SUPERFAMILY, FAMILY])]) == {"test"}
    assert set(splits[roles == VALIDATION]) == {"validation"}
    assert set(splits[roles == TRAIN]) == {"train", "validation"}
    assert 0.04 < (splits[roles == TRAIN] == "validation").mean() < 0.2


def test_a_target_tests_if_its_nearest_relative_does() -> None:
    chains = chains_of(60)
    splits = np.where(chain_splits(chains) == "test", "test", "train")
    assert set(splits) == {"test", "train"}
    targets = [(f"t{i}", letters[5:35]) for i, letters in enumerate(chains["sequence"])]
    found = target_splits([*targets, ("stranger", "W" * 40), ("t0", "W" * 40)], chains)
    for i in range(60):
        assert found[f"t{i}"] == (splits[i], f"group {i}")
    assert found["stranger"][1] == "stranger"
    assert target_splits([("mixed", chains["sequence"][3][:30] + chains["sequence"][9][:14])], chains)["mixed"] == (
        splits[3],
        "group 3",
    )


def test_published_models_have_scores_against_their_native(decoy_folder: Path) -> None:
    decoys = published_decoys(decoy_folder)
    assert len(decoys) == 60 and {decoy.kind for decoy in decoys} == {"toy"} and not any(d.made for d in decoys)
    for good, bad in zip(decoys[::2], decoys[1::2], strict=True):
        assert good.target == bad.target and good.split == bad.split and good.group == bad.group
        assert (good.truth > bad.truth).all() and good.truth[0] > 0.95
        assert len(bad.local) == len(bad.structure) == len(good.structure) - 1
    assert len(published_decoys(decoy_folder, per_target=1)) == 30
    assert {len(decoy.structure) for decoy in published_decoys(decoy_folder, longest=30)} == {29, 30}


def test_a_model_of_another_known_state_is_a_right_one(decoy_folder: Path) -> None:
    plain = published_decoys(decoy_folder)
    table = decoy_folder / "structures.parquet"
    chains = pl.read_parquet(table)
    state = chains[:1].with_columns(
        id=pl.lit("state"),
        sequence=pl.lit(plain[1].structure.letters),
        ca_coords=pl.lit(plain[1].structure.ca.astype("<f4").tobytes()),
    )
    pl.concat([chains, state]).write_parquet(table)
    decoys = published_decoys(decoy_folder)
    assert (decoys[1].truth == 1).all() and (decoys[1].local == 1).all()
    for one, other in zip(decoys, plain, strict=True):
        np.testing.assert_array_equal(one.strict, other.strict)
    np.testing.assert_array_equal(decoys[0].truth, plain[0].truth)
    assert (plain[1].truth < 1).all()
    pl.concat([chains, state.with_columns(from_distance_map=True)]).write_parquet(table)
    np.testing.assert_array_equal(published_decoys(decoy_folder)[1].truth, plain[1].truth)


def test_folds_are_of_like_size() -> None:
    counts = np.bincount([fold_of(f"group {number}") for number in range(2000)])
    assert len(counts) == FOLDS and counts.min() > 300


def test_made_decoys_come_from_natives_that_validate(decoy_folder: Path, make_score_model: Callable) -> None:
    config = MadeConfig(natives=5, per_native=5, shortest=20, longest=31, denoised=True)
    decoys = made_decoys(decoy_folder, config, make_score_model())
    assert len(decoys) == 25
    chains = pl.read_parquet(decoy_folder / "structures.parquet")
    splits = {f"group {g}": s for g, s in zip(chains["superfamily_group"], chain_splits(chains), strict=True)}
    targets = {f"group {i}" for i in range(30)}
    assert all(decoy.made and decoy.split == "train" for decoy in decoys)
    assert all(splits[decoy.group] == ("train" if decoy.group in targets else "validation") for decoy in decoys)
    assert all(20 <= len(decoy.structure) <= 31 for decoy in decoys)
    kinds = [decoy.kind for decoy in decoys]
    assert kinds.count(NATIVE) == kinds.count(THREADED) == kinds.count(DENOISED) == 5
    shaken = [decoy.truth[3] for decoy in decoys if decoy.kind == NATIVE]
    assert min(shaken) > 0.7 and min(shaken) < 1
    neat = made_decoys(decoy_folder, replace(config, jitter=0.0), make_score_model())
    assert all((decoy.truth == 1).all() for decoy in neat if decoy.kind == NATIVE)
    assert len({decoy.target for decoy in decoys}) == 5
    again = made_decoys(decoy_folder, config, make_score_model())
    assert all((a.structure.ca == b.structure.ca).all() for a, b in zip(decoys, again, strict=True))


def test_frames_of_unfolding_come_beside_the_others(
    decoy_folder: Path, make_score_model: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def frames_of(native: np.ndarray, rng: np.random.Generator, *, frames: int) -> np.ndarray:
        asked.append(frames)
        return np.stack([native, native * 2])

    monkeypatch.setattr("foldglass.train.quality_data.unfolded", frames_of)
    config = MadeConfig(natives=3, per_native=2, shortest=20, longest=31, unfolded=2, jitter=0.0)
    decoys = made_decoys(decoy_folder, config, make_score_model())
    assert [decoy.kind for decoy in decoys] == [NATIVE, THREADED, MELTED, MELTED] * 3 and asked == [2, 2, 2]
    first, second = decoys[2:4]
    assert first.target == second.target == decoys[0].target and (first.truth == 1).all() and (second.truth < 1).all()


def test_kept_decoys_are_made_once(decoy_folder: Path, tmp_path: Path) -> None:
    made = published_decoys(decoy_folder)[:3]
    path = tmp_path / "cache" / "decoys.parquet"
    first = kept_decoys(path, lambda: made)
    again = kept_decoys(path, lambda: pytest.fail("made again"))
    for one in (first, again):
        for kept, decoy in zip(one, made, strict=True):
            assert kept.structure.letters == decoy.structure.letters and kept.target == decoy.target
            np.testing.assert_array_equal(kept.structure.ca, decoy.structure.ca)
            np.testing.assert_allclose(kept.local, decoy.local, atol=1e-6)
            np.testing.assert_array_equal(kept.truth, decoy.truth)


def test_a_missing_table_is_named(tmp_path: Path, make_score_model: Callable[..., ScoreModel]) -> None:
    with pytest.raises(NotFoundError, match=r"decoys\.parquet: no such table"):
        published_decoys(tmp_path)
