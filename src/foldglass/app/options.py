"""Options that several commands share, so that they are spelled and explained once."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class FormatName(StrEnum):
    """Formats of result tables; `foldglass.io.tables` writes them."""

    TABLE = "table"
    TSV = "tsv"
    JSON = "json"
    JSONL = "jsonl"
    PARQUET = "parquet"


class SearchFormatName(StrEnum):
    """The same, and BLAST's."""

    TABLE = "table"
    TSV = "tsv"
    M8 = "m8"
    JSON = "json"
    JSONL = "jsonl"
    PARQUET = "parquet"


class DeviceName(StrEnum):
    """Where networks run."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"
    MPS = "mps"


Inputs = Annotated[
    list[str],
    typer.Argument(
        metavar="INPUT",
        help="Files (FASTA, PDB, mmCIF, BinaryCIF, also .gz), folders, one chain as file.pdb:A, one record as "
        "file.fasta:ID, or accessions (1CRN, P69905, AF-P69905, sm:P69905).",
    ),
]
Format = Annotated[
    FormatName | None,
    typer.Option(
        "--format",
        help="How to write the result; by default as the extension of --out says, else a table on a terminal and TSV "
        "in a pipe.",
    ),
]
Out = Annotated[
    Path | None,
    typer.Option("-o", "--out", metavar="FILE", help="Write the result to this file instead of standard output."),
]
ModelName = Annotated[
    str, typer.Option("--model", metavar="NAME", help="A name of 'foldglass models list', or a model's folder.")
]
Device = Annotated[
    DeviceName, typer.Option("--device", help="Where the network runs; auto takes a GPU if there is one.")
]
Threads = Annotated[
    int | None,
    typer.Option("--threads", metavar="N", min=1, help="CPU threads.", show_default="all cores"),
]
