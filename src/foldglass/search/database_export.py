"""Entries of a database as a file for other programs."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from foldglass.errors import InputError, UsageError
from foldglass.io.atomic import replacing
from foldglass.io.embedding_exports import H5adEmbeddings
from foldglass.io.embedding_table import embeddings_of_rows
from foldglass.io.embeddings import SCHEMA
from foldglass.search.database import Database
from foldglass.search.database_format import OWN_COLUMNS

_LINE = 80
_ROWS = 1024


def export(
    database: Database,
    out: Path,
    *,
    filter: str | None = None,
    residue: bool = False,
    progress: Callable[[int], None] = lambda count: None,
) -> int:
    """Write the entries that meet a condition in SQL and return their number; memory holds some of them.

    Parquet is an embedding table with the further columns of the database; FASTA has the sequences, those of structures
    too; h5ad has the protein vectors and opens in scanpy.

    Raises
    ------
    UsageError
        If the extension is another one, or vectors of residues are asked for elsewhere than in Parquet.
    InputError
        If no entry meets the condition, or vectors of residues are asked for and not kept.
    MissingExtraError
        If `.h5ad` is asked for and h5py is not installed.
    """
    writers = {".parquet": _parquet, ".fasta": _fasta, ".h5ad": _h5ad}
    suffix = out.suffix.lower()
    if suffix not in writers:
        raise UsageError(str(out), got=f"the extension {suffix!r}", expected=", ".join(writers))
    if residue and suffix != ".parquet":
        raise UsageError(str(out), got="vectors of residues", expected="a .parquet file for them")
    if residue and not database.residue:
        raise InputError(database.path, got="no vectors of residues", expected="a database built with --residue")
    columns = [name for name in database.columns if name != "residue" or residue]
    return writers[suffix](database, out, columns, filter, progress)


def _parquet(
    database: Database, out: Path, columns: list[str], filter: str | None, progress: Callable[[int], None]
) -> int:
    count = 0
    metadata = {"foldglass.schema": SCHEMA, "foldglass.model": database.model}
    with replacing(out) as part:
        writer = None
        try:
            for batch in database.to_batches(columns, filter=filter, rows=_ROWS):
                rows = pa.Table.from_batches([batch]).replace_schema_metadata(metadata)
                place = rows.schema.get_field_index("protein")
                single = rows["protein"].cast(pa.list_(pa.float32(), database.width))
                rows = rows.set_column(place, "protein", single)
                writer = writer or pq.ParquetWriter(part, rows.schema, compression="zstd")
                writer.write_table(rows)
                count += len(rows)
                progress(len(rows))
        finally:
            if writer:
                writer.close()
        if not count:
            raise _nothing(database)
    return count


def _fasta(
    database: Database, out: Path, columns: list[str], filter: str | None, progress: Callable[[int], None]
) -> int:
    count = 0
    with replacing(out) as part:
        with part.open("w", encoding="utf-8", newline="\n") as file:
            for batch in database.to_batches(["id", "letters"], filter=filter):
                for row in batch.to_pylist():
                    lines = [row["letters"][i : i + _LINE] for i in range(0, len(row["letters"]), _LINE)]
                    file.write("\n".join([f">{row['id']}", *lines]) + "\n")
                count += len(batch)
                progress(len(batch))
        if not count:
            raise _nothing(database)
    return count


def _h5ad(
    database: Database, out: Path, columns: list[str], filter: str | None, progress: Callable[[int], None]
) -> int:
    further: dict[str, list[pa.Array]] = {name: [] for name in columns if name not in OWN_COLUMNS}
    writer = H5adEmbeddings(out, database.model)
    with writer:
        for batch in database.to_batches(columns, filter=filter, rows=_ROWS):
            for embedding in embeddings_of_rows(batch, database.model):
                writer.write(embedding)
            for name, parts in further.items():
                parts.append(batch[name])
            progress(len(batch))
        for name, parts in further.items():
            writer.observe(name, _observed(pa.chunked_array(parts)))
    return writer.count


def _observed(values: pa.ChunkedArray) -> np.ndarray:
    """Numbers with NaN, or texts with "", where there is no value."""
    if pa.types.is_integer(values.type) or pa.types.is_floating(values.type):
        return values.cast(pa.float64()).to_numpy()
    return np.array(["" if value is None else str(value) for value in values.to_pylist()], object)


def _nothing(database: Database) -> InputError:
    return InputError(database.path, got="no entry that meets the condition", expected="at least one")
