"""`foldglass denoise`."""

from pathlib import Path
from typing import Annotated

import typer

from foldglass.app.loading import load_by
from foldglass.app.options import Threads
from foldglass.app.progress import Bar
from foldglass.app.proteins import iter_proteins, only
from foldglass.app.skipped import Skipped


def denoise(
    structure: Annotated[
        str,
        typer.Argument(
            metavar="STRUCTURE",
            help="One chain: a PDB, mmCIF or BinaryCIF file, also .gz, file.pdb:A, or an accession.",
        ),
    ],
    out: Annotated[Path, typer.Option("-o", "--out", metavar="FILE", help="A .pdb or .cif file.", show_default=False)],
    sigma: Annotated[
        float,
        typer.Option(
            "--sigma", metavar="A", help="Level of noise to begin at, in angstrom: the error to expect.", min=0
        ),
    ] = 1.0,
    steps: Annotated[int, typer.Option("--steps", metavar="N", help="Steps at each level.", min=1)] = 2,
    step: Annotated[
        float, typer.Option("--step", metavar="E", help="Size of a step, in units of sigma squared.", min=0, max=2)
    ] = 0.5,
    temperature: Annotated[
        float,
        typer.Option(
            "--temperature", metavar="T", help="0 climbs to a probable structure, 1 samples at random.", min=0, max=1
        ),
    ] = 0.0,
    seed: Annotated[int, typer.Option("--seed", metavar="N", help="Of the noise, if there is any.", min=0)] = 0,
    model: Annotated[
        str, typer.Option("--model", metavar="NAME", help="A score network: its name, or its folder.")
    ] = "score",
    threads: Threads = None,
) -> None:
    """Refine a C-alpha trace, and show where it is strained.

    The file holds the refined C-alphas of the chain and, in the B-factor column, the strain of each residue of the
    input: pure noise of the level would give about 1.7, a structure at rest much less.
    """
    from foldglass.io.atomic import check_writable
    from foldglass.io.trace import check_trace_path, write_trace

    check_trace_path(out)
    check_writable(out)
    with Skipped() as skipped, Bar() as bar:
        bar.phase("reading")
        chain = only(list(iter_proteins([structure], skipped)), structure)
        from foldglass.models.registry import load_score

        loaded = load_by(load_score, model, threads, bar)
        from foldglass.tasks.denoise import denoise as denoised

        bar.phase("denoising")
        result = denoised(
            loaded,
            chain,
            sigma=sigma,
            steps=steps,
            step=step,
            temperature=temperature,
            seed=seed,
            progress=bar.reach,
        )
        title = f"{chain.id}, C-alphas denoised from {result.sigma[0]:.3g} A by {loaded.id}; B-factor: strain"
        write_trace(out, result.structure, result.strain, title=title)
        bar.close()
        typer.echo(
            f"{out}: {chain.id}, {len(chain)} residues, moved by {result.rmsd:.2f} A (RMSD), mean strain "
            f"{result.strain.mean():.2f} at {result.sigma[0]:.3g} A, with {loaded.id}",
            err=True,
        )
