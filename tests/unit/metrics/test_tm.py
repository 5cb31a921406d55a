"""TM-align as the package gives it, and the scores of a known correspondence."""

import numpy as np
import polars as pl
import pytest

from foldglass.errors import InputError
from foldglass.metrics.lddt import lddt
from foldglass.metrics.tm import gdt_ha, gdt_ts, rmsd, tm_align, tm_scale, tm_score
from foldglass.protein import Structure


def helix(length: int, first: int = 0) -> np.ndarray:
    k = np.arange(first, first + length)
    return np.stack([2.3 * np.cos(1.745 * k), 2.3 * np.sin(1.745 * k), 1.5 * k], axis=1).astype(np.float32)


def test_scores_belong_to_the_query_and_skip_unaligned_residues():
    broken = helix(31)
    broken[23:] += [60, 0, 0]
    query, target = Structure("q", "A" * 31, ca=broken), Structure("t", "A" * 23, ca=helix(23))
    found = tm_align(query, target)
    np.testing.assert_array_equal(found.alignment, np.stack([np.arange(23)] * 2, axis=1))
    assert found.tm_target > found.tm_query == pytest.approx(23 / 31, abs=0.01)
    assert len(found.lddt) == len(found.lddt_glass) == 31
    assert np.isnan(found.lddt[23:]).all()
    assert np.isnan(found.lddt_glass[23:]).all()
    np.testing.assert_allclose(found.lddt[:23], 1)


def test_local_scores_see_aligned_residues_only():
    rng = np.random.default_rng(1)
    query = Structure("q", "ACDEFGHIKL" * 4, ca=helix(40))
    target = Structure("t", "ACDEFGHIKL" * 4, ca=helix(40) + rng.normal(scale=0.7, size=(40, 3)).astype(np.float32))
    found = tm_align(query, target)
    i, j = found.alignment.T
    np.testing.assert_allclose(found.lddt[i], lddt(query.ca[i], target.ca[j]))
    np.testing.assert_allclose(found.lddt_glass[i], lddt(query.ca[i], target.ca[j], exponent=3.0))
    assert not np.allclose(found.lddt[i], found.lddt_glass[i])
    assert found.seq_identity == np.mean([query.letters[a] == target.letters[b] for a, b in found.alignment])


def test_agrees_with_the_data_pack(data_pack):
    rows = pl.read_parquet(data_pack / "tm_pairs.parquet", n_rows=60)
    ids = pl.concat([rows["query"], rows["target"]]).unique().to_list()
    table = pl.scan_parquet(data_pack / "structures.parquet").filter(pl.col("id").is_in(ids)).collect()
    structures = {
        row["id"]: Structure(row["id"], row["sequence"], ca=np.frombuffer(row["ca_coords"], "<f4").reshape(-1, 3))
        for row in table.iter_rows(named=True)
    }
    for row in rows.iter_rows(named=True):
        found = tm_align(structures[row["query"]], structures[row["target"]])
        np.testing.assert_array_equal(found.alignment[:, 0], np.frombuffer(row["aligned_query"], "<u2"))
        np.testing.assert_array_equal(found.alignment[:, 1], np.frombuffer(row["aligned_target"], "<u2"))
        assert found.tm_query == pytest.approx(row["tm_query"], abs=1e-4)
        assert found.tm_target == pytest.approx(row["tm_target"], abs=1e-4)
        assert found.rmsd == pytest.approx(row["rmsd"], abs=1e-3)
        assert found.seq_identity == pytest.approx(row["seq_identity"], abs=1e-4)


def test_a_dipeptide_is_refused():
    short, enough = Structure("tiny", "AG", ca=helix(2)), Structure("b", "AGA", ca=helix(3))
    expected = "structure 'tiny': 2 residues; expected at least 3 for TM-align; leave it out"
    for pair in ((short, enough), (enough, short)):
        with pytest.raises(InputError, match=expected):
            tm_align(*pair)


@pytest.mark.parametrize("length", [3, 4, 5, 7])
def test_the_shortest_chains_work(length):
    peptide = Structure("p", "A" * length, ca=helix(length))
    found = tm_align(peptide, peptide)
    assert 0 <= found.tm_query <= 1
    assert found.tm_query == found.tm_target
    assert tm_score(helix(length), helix(length)) == pytest.approx(1)


@pytest.mark.parametrize("score", [tm_score, gdt_ts, gdt_ha])
def test_length_sets_the_share(score):
    assert score(helix(30), helix(30), length=40) == pytest.approx(0.75)
    with pytest.raises(InputError, match="a length of 29 for 30 residue pairs; expected no fewer"):
        score(helix(30), helix(30), length=29)
    with pytest.raises(InputError, match="2 residue pairs; expected at least 3"):
        score(helix(2), helix(2))


def test_gdt_counts_by_hand():
    # Nine residues stay and three fly off, each its own way: within every distance there are nine of twelve.
    reference = np.random.default_rng(2).normal(scale=10, size=(12, 3))
    model = reference.copy()
    model[[2, 5, 9], [0, 1, 2]] += [100, 200, 300]
    assert gdt_ts(reference, model) == gdt_ha(reference, model) == 0.75


def test_only_gdt_ha_sees_errors_below_an_angstrom():
    reference = helix(40)
    model = reference + np.tile([[0.45, 0, 0], [-0.45, 0, 0], [0, 0.9, 0], [0, -0.9, 0]], (10, 1)).astype(np.float32)
    assert gdt_ts(reference, model) == 1
    assert gdt_ha(reference, model) < 1


def test_rmsd_by_hand():
    square = np.array([[1.0, 1, 0], [-1, 1, 0], [-1, -1, 0], [1, -1, 0]])
    assert rmsd(square, square * [2, 1, 1] + 9) == pytest.approx(1)


def test_the_scale_of_the_tm_score():
    assert tm_scale(15) == tm_scale(20) == 0.5
    assert tm_scale(115) == pytest.approx(1.24 * 100 ** (1 / 3) - 1.8)
