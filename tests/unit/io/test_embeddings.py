"""Embedding files: what is read back, what other programs see, what is refused."""

import errno
import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from foldglass.errors import InputError, NotFoundError, UsageError
from foldglass.io import embedding_table
from foldglass.io.embedding_table import iter_embeddings, read_embeddings
from foldglass.io.embeddings import embedding_writer
from foldglass.protein import Embedding, Sequence, Structure

MODEL = "toy@01234567"
D, P = 5, 3


def made(id: str, letters: str, *, structure: bool = False, model: str = MODEL, channels: int = D) -> Embedding:
    rng = np.random.default_rng(len(letters))
    n = len(letters)
    entity: Sequence = Sequence(id, letters, f"{id}.fasta")
    if structure:
        ca = rng.normal(size=(n, 3)).astype(np.float32)
        numbering = tuple(f"{i}A" for i in range(n))
        entity = Structure(id, letters, f"{id}.pdb", ca=ca, numbering=numbering, chain="B")
    draw = lambda *shape: rng.normal(size=shape).astype(np.float32)  # noqa: E731
    return Embedding(entity, draw(channels), draw(n, channels), draw(n, n, P) if structure else None, model)


PROTEINS = [made("a", "MKVLAGG"), made("b", "GG", structure=True), made("ü c", "WYVWYVWYVWY")]


def write(path: Path, proteins: list[Embedding] = PROTEINS, **options: bool) -> Path:
    with embedding_writer(path, MODEL, metadata={"batch": "7"}, **options) as writer:
        for protein in proteins:
            writer.write(protein)
    assert writer.count == len(proteins)
    return path


def test_parquet_read_back_whole(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", residue=True)
    found = list(iter_embeddings(path))
    for given, read in zip(PROTEINS, found, strict=True):
        assert (read.id, read.kind, read.model) == (given.id, given.kind, MODEL)
        assert (read.entity.letters, read.entity.source) == (given.entity.letters, given.entity.source)
        assert read.entity.labels == given.entity.labels
        np.testing.assert_array_equal(read.protein, given.protein)
        np.testing.assert_allclose(read.residue, given.residue, rtol=1e-3)
    assert isinstance(found[1].entity, Structure)
    np.testing.assert_array_equal(found[1].entity.ca, PROTEINS[1].entity.ca)  # type: ignore[attr-defined]
    assert found[1].entity.chain == "B"
    columns = pq.read_table(path)
    assert [columns[name].null_count for name in ("chain", "numbering", "ca", "residue")] == [2, 2, 2, 0]


def test_pair_vectors_read_back(tmp_path: Path) -> None:
    given = [made("b", "GG", structure=True), made("c", "WYV", structure=True)]
    found = list(iter_embeddings(write(tmp_path / "a.parquet", given, residue=True, pair=True)))
    for g, f in zip(given, found, strict=True):
        assert f.pair is not None
        np.testing.assert_allclose(f.pair, g.pair, rtol=1e-3)


def some_pairs(embedding: Embedding, count: int) -> Embedding:
    index = np.argwhere(np.triu(np.ones((len(embedding),) * 2), k=1))[:count]
    assert embedding.pair is not None
    kept = embedding.pair[index[:, 0], index[:, 1]]
    return Embedding(embedding.entity, embedding.protein, embedding.residue, kept, embedding.model, pair_index=index)


CHOSEN = [some_pairs(made("b", "GGKL", structure=True), 5), some_pairs(made("c", "WYV", structure=True), 2)]
NONE_KEPT = some_pairs(made("d", "AV", structure=True), 0)


def test_chosen_pairs_read_back(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", [*CHOSEN, NONE_KEPT], residue=True, pair=True)
    columns = pq.read_table(path)
    assert columns["pair_index"].to_pylist()[1] == [[0, 1], [0, 2]]
    assert [len(pairs) for pairs in columns["pair"].to_pylist()] == [5, 2, 0]
    for given, found in zip([*CHOSEN, NONE_KEPT], iter_embeddings(path), strict=True):
        np.testing.assert_array_equal(found.pair_index, given.pair_index)
        np.testing.assert_allclose(found.pair, given.pair, rtol=1e-3)


def test_pair_vectors_bring_those_of_residues_so_that_the_table_can_be_read(tmp_path: Path) -> None:
    (found,) = iter_embeddings(write(tmp_path / "a.parquet", CHOSEN[:1], pair=True))
    np.testing.assert_allclose(found.pair, CHOSEN[0].pair, rtol=1e-3)
    np.testing.assert_allclose(found.residue, CHOSEN[0].residue, rtol=1e-3)


def test_npz_chosen_pairs(tmp_path: Path) -> None:
    with np.load(write(tmp_path / "a.npz", CHOSEN, pair=True), allow_pickle=False) as file:
        assert file["pair_offset"].tolist() == [0, 5, 7]
        assert file["pair_index"][5:].tolist() == [[0, 1], [0, 2]]
        np.testing.assert_allclose(file["pair"][5:], CHOSEN[1].pair, rtol=1e-3)
    with np.load(write(tmp_path / "b.npz", [made("c", "WYV", structure=True)], pair=True)) as file:
        assert "pair_index" not in file


@pytest.mark.parametrize("name", ["a.parquet", "a.npz"])
def test_all_and_chosen_pairs_do_not_mix(tmp_path: Path, name: str) -> None:
    mixed = [CHOSEN[0], made("c", "WYV", structure=True)]
    with pytest.raises(InputError, match="embedding of 'c': vectors of all pairs; expected of some like the file"):
        write(tmp_path / name, mixed, pair=True)
    with pytest.raises(InputError, match="embedding of 'b': vectors of some pairs; expected of all like the file"):
        write(tmp_path / name, mixed[::-1], pair=True)
    assert not list(tmp_path.iterdir())


def test_pair_vectors_must_fit_their_pairs() -> None:
    whole = made("c", "WYV", structure=True)
    assert whole.pair is not None
    for pair, index, words in (
        (whole.pair[0], None, "3 pair vectors; expected 3 x 3: of all pairs"),
        (whole.pair, CHOSEN[0].pair_index, "3 x 3 pair vectors; expected 5"),
        (None, CHOSEN[0].pair_index, "no pair vectors; expected 5"),
    ):
        with pytest.raises(InputError, match=f"embedding of 'c': {words}"):
            Embedding(whole.entity, whole.protein, whole.residue, pair, pair_index=index)


def test_row_groups_are_bounded_and_keep_the_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedding_table, "_GROUP_ROWS", 2)
    given = [made(f"p{i}", "A" * (i + 1), structure=i % 3 == 0) for i in range(7)]
    path = write(tmp_path / "a.parquet", given, residue=True)
    assert pq.ParquetFile(path).num_row_groups == 4
    assert [e.id for e in iter_embeddings(path)] == [e.id for e in given]
    table = read_embeddings(path)
    np.testing.assert_array_equal(table.protein, np.stack([e.protein for e in given]))


def test_overview(tmp_path: Path) -> None:
    table = read_embeddings(write(tmp_path / "a.parquet"))
    assert table.ids == ("a", "b", "ü c")
    assert table.kinds == ("sequence", "structure", "sequence")
    assert table.lengths.tolist() == [7, 2, 11]
    assert table.letters[1] == "GG"
    assert table.protein.shape == (3, D)
    assert table.protein.dtype == np.float32
    assert table.model == MODEL
    assert table.metadata["batch"] == "7"
    assert len(table) == 3


def test_table_without_residues(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet")
    with pytest.raises(InputError, match="an embedding table without residue vectors; embed again with --residue"):
        next(iter_embeddings(path))


def test_npz_needs_no_pickle(tmp_path: Path) -> None:
    with np.load(write(tmp_path / "a.npz", residue=True), allow_pickle=False) as file:
        arrays = dict(file)
    assert arrays["id"].tolist() == ["a", "b", "ü c"]
    assert arrays["offset"].tolist() == [0, 7, 9, 20]
    assert b"".join(arrays["letters"][7:9].tolist()) == b"GG"
    np.testing.assert_array_equal(arrays["protein"][1], PROTEINS[1].protein)
    np.testing.assert_allclose(arrays["residue"][7:9], PROTEINS[1].residue, rtol=1e-3)
    assert dict(arrays["metadata"])["foldglass.model"] == MODEL


def test_npz_pairs(tmp_path: Path) -> None:
    given = [made("b", "GG", structure=True), made("c", "WYV", structure=True)]
    with np.load(write(tmp_path / "a.npz", given, pair=True), allow_pickle=False) as file:
        assert file["pair_offset"].tolist() == [0, 4, 13]
        np.testing.assert_allclose(file["pair"][4:].reshape(3, 3, P), given[1].pair, rtol=1e-3)


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_h5ad_opens_in_anndata(tmp_path: Path) -> None:
    anndata = pytest.importorskip("anndata")
    data = anndata.read_h5ad(write(tmp_path / "a.h5ad"))
    np.testing.assert_array_equal(data.X, np.stack([e.protein for e in PROTEINS]))
    assert data.obs_names.tolist() == ["a", "b", "ü c"]
    assert data.obs["kind"].tolist() == ["sequence", "structure", "sequence"]
    assert data.obs["length"].tolist() == [7, 2, 11]
    assert data.obs["letters"].tolist()[1] == "GG"
    assert list(data.obs.columns) == ["kind", "length", "letters", "source"]
    assert data.var_names.tolist() == [f"d{i}" for i in range(D)]
    assert data.uns["foldglass.model"] == MODEL


def test_h5ad_streams(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    anndata = pytest.importorskip("anndata")
    from foldglass.io.embedding_exports import H5adEmbeddings

    monkeypatch.setattr(H5adEmbeddings, "_rows", 2)
    data = anndata.read_h5ad(write(tmp_path / "a.h5ad"))
    assert data.obs_names.tolist() == ["a", "b", "ü c"]


@pytest.mark.parametrize("option", ["residue", "pair"])
def test_h5ad_holds_protein_vectors_only(tmp_path: Path, option: str) -> None:
    with pytest.raises(UsageError, match=r"vectors of residues or pairs; expected protein vectors; use \.parquet"):
        write(tmp_path / "a.h5ad", **{option: True})


@pytest.mark.parametrize("name", ["a.parquet", "a.npz", "a.h5ad"])
class TestEveryWriter:
    def test_unlike_embeddings_are_refused(self, tmp_path: Path, name: str) -> None:
        for wrong, message in [
            (
                made("x", "GG", model="other@1"),
                "embedding of 'x': model 'other@1'; expected 'toy@01234567' like the file",
            ),
            (made("x", "GG", channels=D + 2), "embedding of 'x': 7 channels; expected 5 like the file"),
        ]:
            with pytest.raises(InputError, match=message):
                write(tmp_path / name, [PROTEINS[0], wrong])
        assert list(tmp_path.iterdir()) == []

    def test_nothing_written(self, tmp_path: Path, name: str) -> None:
        with pytest.raises(InputError, match="no embedding to write; expected at least one"):
            write(tmp_path / name, [])
        assert list(tmp_path.iterdir()) == []

    def test_interrupt_leaves_the_old_file(self, tmp_path: Path, name: str) -> None:
        (tmp_path / name).write_text("old")
        with pytest.raises(KeyboardInterrupt), embedding_writer(tmp_path / name, MODEL) as writer:
            writer.write(PROTEINS[0])
            raise KeyboardInterrupt
        assert (tmp_path / name).read_text() == "old"
        assert len(list(tmp_path.iterdir())) == 1

    def test_missing_folder(self, tmp_path: Path, name: str) -> None:
        with pytest.raises(NotFoundError, match=r"the folder .* does not exist"):
            write(tmp_path / "no" / name)


def test_pairs_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="embedding of 'a': no pair vectors; expected an embedding by a score network"):
        write(tmp_path / "a.parquet", pair=True)


def test_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(pq.ParquetWriter, "write_table", full)
    with pytest.raises(InputError, match=r"a\.parquet: cannot be written \(No space left on device\); free some space"):
        write(tmp_path / "a.parquet")
    assert list(tmp_path.iterdir()) == []


def test_unknown_extension(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"the extension '\.csv'; expected \.parquet, \.npz or \.h5ad"):
        embedding_writer(tmp_path / "a.csv", MODEL)


def test_files_of_another_kind(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    with pytest.raises(NotFoundError, match="no such file or folder"):
        read_embeddings(path)
    path.write_text("hello")
    with pytest.raises(InputError, match="not readable as Parquet; expected an embedding table"):
        read_embeddings(path)
    pq.write_table(pa.table({"id": ["a"]}), path)
    with pytest.raises(InputError, match="a Parquet file of another kind; expected embeddings/1; make it with"):
        read_embeddings(path)
    pq.write_table(pa.table({"id": ["a"]}).replace_schema_metadata({"foldglass.schema": "embeddings/9"}), path)
    with pytest.raises(InputError, match="an embedding table of version embeddings/9; expected embeddings/1"):
        read_embeddings(path)
