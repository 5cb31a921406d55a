"""Structure files to protein chains.

Rules: the first model is read. One `Structure` per protein chain, by the author's chain ids and residue numbers with
insertion codes. Of alternative locations the one of highest occupancy is kept, the first on a tie. Modified residues,
HETATM ones included, get their parent's letter by gemmi's table (MSE is M). Residues without C-alpha are left out.
Hydrogens are not kept. Everything left out is said.
"""

import os
from collections.abc import Callable

from foldglass.errors import InputError, NotFoundError
from foldglass.io.atoms import AtomTable, ProteinChain, protein_chains
from foldglass.io.bcif import bcif_table, looks_like_bcif
from foldglass.io.cif import cif_table
from foldglass.io.opened import read_bytes, stem
from foldglass.io.pdb import pdb_table
from foldglass.protein import Structure
from foldglass.typing import PathLike


def read_structures(
    path: PathLike, *, chain: str | None = None, on_skip: Callable[[str], None] | None = None
) -> list[Structure]:
    """The protein chains of a PDB, mmCIF or BinaryCIF file, each also gzipped.

    `chain` keeps one chain by the author's id. A chain's id is the file's stem, followed by `_` and the chain where
    the file has several protein chains. `on_skip` is told one line per thing left out.

    Raises
    ------
    InputError
        If the file is damaged, has a coordinate that is not a number or no protein chain with C-alphas.
    NotFoundError
        If there is no such file or no such protein chain.
    """
    subject = os.fspath(path)
    say = on_skip or (lambda text: None)
    table = _table(read_bytes(path), subject)
    chains, others = protein_chains(table, subject)
    if not chains:
        what = ", ".join(f"{_name(c)} is {kind}" for c, kind in others.items())
        raise InputError(
            subject, got="no C-alpha atom" + (f" (chain {what})" if what else ""), expected="a protein chain"
        )
    if table.models > 1:
        say(f"{subject}: the first of {table.models} models is read")
    several = len(chains) > 1
    if chain is None:
        if others:
            say(f"{subject}: left out " + ", ".join(f"chain {_name(c)} ({kind})" for c, kind in others.items()))
    else:
        chains = _select(chains, others, chain, subject)
    for found in chains:
        _tell(found, f"{subject}, chain {_name(found.chain)}", say)
    return [_structure(found, subject, several) for found in chains]


def _table(data: bytes, subject: str) -> AtomTable:
    if looks_like_bcif(data[:64]):
        return bcif_table(data, subject)
    if b"\0" in data[:4096]:
        raise InputError(subject, got="a binary file (NUL bytes)", expected="PDB, mmCIF or BinaryCIF")
    if looks_like_cif(data):
        return cif_table(data, subject)
    return pdb_table(data, subject)


def looks_like_cif(head: bytes) -> bool:
    """Whether text begins like CIF: `data_` on the first line that is no comment."""
    lines = (line.strip() for line in head[:65536].splitlines())
    return next((line for line in lines if line and not line.startswith(b"#")), b"").lower().startswith(b"data_")


def _select(chains: list[ProteinChain], others: dict[str, str], chain: str, subject: str) -> list[ProteinChain]:
    kept = [found for found in chains if found.chain == chain]
    if not kept:
        got = f"chain {chain} is {others[chain]}" if chain in others else f"no chain {chain!r}"
        known = ", ".join(_name(found.chain) for found in chains)
        raise NotFoundError(subject, got=got, expected=f"one of its protein chains {known}")
    return kept


def _tell(found: ProteinChain, subject: str, say: Callable[[str], None]) -> None:
    if found.missing:
        shown = ", ".join(found.missing[:5]) + (", ..." if len(found.missing) > 5 else "")
        say(f"{subject}: {_count(len(found.missing))} without C-alpha left out ({shown})")
    if found.unknown:
        say(f"{subject}: residues of unknown type read as X ({', '.join(found.unknown[:5])})")
    if found.repeated:
        say(f"{subject}: {_count(found.repeated)} given twice, the first kept")


def _count(residues: int) -> str:
    return f"{residues} residue" + "s" * (residues != 1)


def _name(chain: str) -> str:
    return chain or "' '"


def _structure(found: ProteinChain, source: str, several: bool) -> Structure:
    return Structure(
        f"{stem(source)}_{found.chain}" if several and found.chain else stem(source),
        found.letters,
        source,
        ca=found.ca,
        numbering=found.numbering,
        chain=found.chain,
        atoms=found.atoms,
    )
