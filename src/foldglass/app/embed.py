"""`foldglass embed`."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from foldglass.app.loading import load_embedder
from foldglass.app.options import Device, DeviceName, Inputs, ModelName, Threads
from foldglass.app.progress import Bar
from foldglass.app.proteins import begun, iter_proteins
from foldglass.app.skipped import Skipped
from foldglass.errors import ModelError, UsageError

if TYPE_CHECKING:
    from foldglass.geometry.pairs import PairSelection
    from foldglass.models.model import Model
    from foldglass.models.score_model import ScoreModel
    from foldglass.protein import Embedding, Sequence


def embed(
    inputs: Inputs,
    out: Annotated[
        Path, typer.Option("-o", "--out", metavar="FILE", help="A .parquet, .npz or .h5ad file.", show_default=False)
    ],
    residue: Annotated[bool, typer.Option("--residue", help="Keep the vectors of residues too.")] = False,
    pair: Annotated[
        bool,
        typer.Option(
            "--pair", help="As --residue, and keep the vectors of residue pairs; of structures, with a score network."
        ),
    ] = False,
    pairs_within: Annotated[
        float | None,
        typer.Option("--pairs-within", metavar="R", min=0.1, help="As --pair, of pairs up to R angstrom apart."),
    ] = None,
    pairs_nearest: Annotated[
        int | None,
        typer.Option("--pairs-nearest", metavar="K", min=1, help="As --pair, of the K nearest residues of each."),
    ] = None,
    sigma: Annotated[
        float | None,
        typer.Option(
            "--sigma", metavar="A", help="Noise level of a score network, in angstrom.", show_default="the model's own"
        ),
    ] = None,
    half: Annotated[
        bool,
        typer.Option("--half", help="Multiply in bfloat16: faster where the processor has it, a little less exact."),
    ] = False,
    model: ModelName = "builtin",
    device: Device = DeviceName.AUTO,
    threads: Threads = None,
) -> None:
    """Embed proteins: a vector for the fold, and one per residue.

    The file is complete or absent. Parquet and h5ad are written as the input is read, npz is gathered in memory.
    """
    from foldglass.io.atomic import check_writable
    from foldglass.io.embeddings import embedding_writer

    kept = _kept_pairs(pair, pairs_within, pairs_nearest)
    embedding_writer(out, "not loaded yet", residue=residue)  # refuses an extension that nothing writes
    check_writable(out)
    with Skipped() as skipped, Bar() as bar:
        bar.phase("reading")
        proteins = begun(iter_proteins(inputs, skipped))
        loaded = load_embedder(model, device, threads, bar)
        embeddings, parameters = _embedded(loaded, proteins, kept, sigma, half)
        bar.phase("embedding")
        with embedding_writer(out, loaded.id, residue=residue, pair=bool(kept), metadata=parameters) as writer:
            for embedding in embeddings:
                writer.write(embedding)
                bar.advance()
        bar.close()
        typer.echo(f"{out}: {writer.count} proteins embedded with {loaded.id}", err=True)


def _kept_pairs(pair: bool, within: float | None, nearest: int | None) -> "bool | PairSelection":
    if within is None and nearest is None:
        return pair
    from foldglass.geometry.pairs import PairSelection

    return PairSelection(within, nearest)


def _embedded(
    model: "Model | ScoreModel",
    proteins: "Iterator[Sequence]",
    kept: "bool | PairSelection",
    sigma: float | None,
    half: bool,
) -> "tuple[Iterator[Embedding], dict[str, str]]":
    """The embeddings, and the parameters to keep with them."""
    from foldglass.models.score_model import ScoreModel

    if isinstance(model, ScoreModel):
        if half:
            raise UsageError("--half", got=f"the score network {model.id}", remedy="leave it out")
        level = model.noise.sigma[model.level(model.sigma if sigma is None else sigma)]
        parameters = {"foldglass.sigma": f"{level:.4g}"}
        if kept:
            parameters["foldglass.pairs"] = "all" if kept is True else str(kept)
        return model.embed_stream(proteins, sigma=float(level), pair=kept), parameters
    for option, wanted, what in (
        ("--pair", kept, "vectors of residue pairs"),
        ("--sigma", sigma is not None, "level of noise"),
    ):
        if wanted:
            raise ModelError(
                option, got=f"model {model.id} has no {what}", expected="a score network, such as --model score"
            )
    return model.embed_stream(proteins, precision="bf16" if half else "32"), {}
