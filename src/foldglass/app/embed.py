"""`foldglass embed`."""

from pathlib import Path
from typing import Annotated

import typer

from foldglass.app.loading import load_model
from foldglass.app.options import Device, DeviceName, Inputs, ModelName, Threads
from foldglass.app.progress import Bar
from foldglass.app.proteins import begun, iter_proteins
from foldglass.app.skipped import Skipped
from foldglass.errors import ModelError


def embed(
    inputs: Inputs,
    out: Annotated[
        Path, typer.Option("-o", "--out", metavar="FILE", help="A .parquet, .npz or .h5ad file.", show_default=False)
    ],
    residue: Annotated[bool, typer.Option("--residue", help="Keep the vectors of residues too.")] = False,
    pair: Annotated[bool, typer.Option("--pair", help="Keep the vectors of residue pairs too.")] = False,
    model: ModelName = "builtin",
    device: Device = DeviceName.AUTO,
    threads: Threads = None,
) -> None:
    """Embed proteins: a vector for the fold, and one per residue.

    The file is complete or absent. Parquet and h5ad are written as the input is read, npz is gathered in memory.
    """
    if pair:
        raise ModelError("--pair", got="no model of this version gives vectors of residue pairs", remedy="leave it out")
    from foldglass.io.atomic import check_writable
    from foldglass.io.embeddings import embedding_writer

    embedding_writer(out, "not loaded yet", residue=residue)  # refuses an extension that nothing writes
    check_writable(out)
    with Skipped() as skipped, Bar() as bar:
        bar.phase("reading")
        proteins = begun(iter_proteins(inputs, skipped))
        loaded = load_model(model, device, threads, bar)
        bar.phase("embedding")
        with embedding_writer(out, loaded.id, residue=residue) as writer:
            for embedding in loaded.embed_stream(proteins):
                writer.write(embedding)
                bar.advance()
        bar.close()
        typer.echo(f"{out}: {writer.count} proteins embedded with {loaded.id}", err=True)
