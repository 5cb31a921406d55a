"""Decoys for training tests."""

import numpy as np
import polars as pl
import pytest


@pytest.fixture
def decoy_folder(data_folder, make_structure):
    """Sixty families of one chain; thirty are natives of two models, one of them noisier and one residue short."""
    path = data_folder([30 + i % 3 for i in range(60)], range(60), range(60))
    table = path / "structures.parquet"
    pl.read_parquet(table).with_columns(
        n_breaks=pl.lit(0), n_residues=pl.col("sequence").str.len_bytes().cast(pl.Int32)
    ).write_parquet(table)
    rng = np.random.default_rng(0)
    rows = []
    for i in range(30):
        native = make_structure(30 + i % 3, seed=i)
        length = len(native)
        rows.append((f"t{i}", f"t{i}/native", True, native.letters, native.ca, range(length), range(length)))
        for k, noise in enumerate((0.3, 3.0)):
            ca = (native.ca + rng.normal(size=native.ca.shape) * noise)[k:]
            rows.append((f"t{i}", f"t{i}/{k}", False, native.letters[k:], ca, range(length - k), range(k, length)))
    pl.DataFrame(
        {
            "target_id": [row[0] for row in rows],
            "decoy_id": [row[1] for row in rows],
            "native_id": [f"{row[0]}/native" for row in rows],
            "set": "toy",
            "is_native": [row[2] for row in rows],
            "sequence": [row[3] for row in rows],
            "n_residues": [len(row[3]) for row in rows],
            "ca_coords": [row[4].astype("<f4").tobytes() for row in rows],
            "decoy_index": [list(row[5]) for row in rows],
            "native_index": [list(row[6]) for row in rows],
        }
    ).write_parquet(path / "decoys.parquet")
    return path
