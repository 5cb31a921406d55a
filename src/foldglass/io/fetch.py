"""Entries of public archives by accession, fetched once and kept.

    1CRN, 1TII:D            a structure of the PDB (mmCIF from RCSB); a chain follows a colon
    AF-P69905, AF-P69905-F1 a predicted structure of the AlphaFold Database
    P69905                  a sequence of UniProt
    sm:P69905               the best model of the SWISS-MODEL Repository

Files are kept in the folder that `cache_folder` names, each with its SHA-256 beside it; a file that was altered is
fetched again.
"""

import json
import os
import re
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from foldglass.errors import FetchError, InputError, NotFoundError
from foldglass.io.download import Client, download, recorded_digest, sha256_of
from foldglass.typing import PathLike

_UNIPROT = r"(?:[OPQ][0-9][A-Z0-9]{3}[0-9]|[A-NR-Z][0-9](?:[A-Z][A-Z0-9]{2}[0-9]){1,2})"
"""UniProt's own pattern for accessions (help page "Accession numbers")."""

_PDB = re.compile(r"[1-9][A-Za-z0-9]{3}|pdb_[0-9a-z]{8}")
_ALPHAFOLD = re.compile(rf"AF-({_UNIPROT}(?:-[0-9]+)?)(?:-F([0-9]+))?")
_SEQUENCE = re.compile(_UNIPROT)
_SWISS_MODEL = re.compile(rf"sm:({_UNIPROT})")


@dataclass(frozen=True)
class Archives:
    """Base addresses of the archives.

    The environment variable `FOLDGLASS_ARCHIVES` may hold other ones as JSON, e.g. for a mirror:
    `{"pdb": "http://mirror.local/pdb"}`.
    """

    pdb: str = "https://files.rcsb.org/download"
    alphafold: str = "https://alphafold.ebi.ac.uk/api/prediction"
    uniprot: str = "https://rest.uniprot.org/uniprotkb"
    swiss_model: str = "https://swissmodel.expasy.org/repository/uniprot"

    @classmethod
    def from_environment(cls) -> "Archives":
        """The defaults, changed by `FOLDGLASS_ARCHIVES`.

        Raises
        ------
        InputError
            If the variable is no JSON object of known names and addresses.
        """
        text = os.environ.get("FOLDGLASS_ARCHIVES", "{}")
        try:
            return replace(cls(), **json.loads(text))
        except (TypeError, ValueError) as error:
            raise InputError(
                "FOLDGLASS_ARCHIVES",
                got=f"{text[:60]!r}",
                expected=f"a JSON object with some of {', '.join(cls.__dataclass_fields__)}",
            ) from error


def looks_like_accession(text: str) -> bool:
    """Whether a text has the form of an accession that `fetch` knows.

    Examples
    --------
    >>> [looks_like_accession(t) for t in ("1CRN", "AF-P69905", "P69905", "sm:P69905", "wt.pdb")]
    [True, True, True, True, False]
    """
    return any(pattern.fullmatch(text) for pattern in (_PDB, _ALPHAFOLD, _SEQUENCE, _SWISS_MODEL))


def cache_folder() -> Path:
    """Where fetched files are kept: `FOLDGLASS_CACHE`, else `foldglass` in the user's cache folder."""
    if own := os.environ.get("FOLDGLASS_CACHE"):
        return Path(own)
    if general := os.environ.get("XDG_CACHE_HOME"):
        return Path(general) / "foldglass"
    if os.name == "nt" and (local := os.environ.get("LOCALAPPDATA")):
        return Path(local) / "foldglass" / "cache"
    mac = Path.home() / "Library" / "Caches"
    return (mac if mac.is_dir() else Path.home() / ".cache") / "foldglass"


def fetch(
    accession: str,
    *,
    cache_dir: PathLike | None = None,
    client: Client | None = None,
    archives: Archives | None = None,
) -> Path:
    """The local file of an entry; the network is asked only for what the cache lacks.

    Raises
    ------
    InputError
        If the accession has no known form or the cache cannot be written.
    NotFoundError
        If the archive has no such entry.
    FetchError
        If the archive cannot be reached or gives something else.

    Examples
    --------
    >>> fetch("myprotein")
    Traceback (most recent call last):
        ...
    foldglass.errors.InputError: myprotein: no accession; expected 1CRN, AF-P69905, P69905 or sm:P69905
    """
    archives = archives or Archives.from_environment()
    folder = Path(cache_dir) if cache_dir is not None else cache_folder()
    client = client or Client()
    if match := _ALPHAFOLD.fullmatch(accession):
        uniprot, fragment = match[1], match[2] or "1"
        path = folder / "alphafold" / f"AF-{uniprot}-F{fragment}.cif"
        return _kept(path) or download(
            _alphafold_url(archives, accession, uniprot, fragment, client), path, subject=accession, client=client
        )
    if match := _SWISS_MODEL.fullmatch(accession):
        path, url = folder / "swiss-model" / f"{match[1]}.pdb", f"{archives.swiss_model}/{match[1]}.pdb"
    elif _PDB.fullmatch(accession):
        entry = accession if accession.startswith("pdb_") else accession.upper()
        path, url = folder / "pdb" / f"{entry}.cif.gz", f"{archives.pdb}/{entry}.cif.gz"
    elif _SEQUENCE.fullmatch(accession):
        path, url = folder / "uniprot" / f"{accession}.fasta", f"{archives.uniprot}/{accession}.fasta"
    else:
        raise InputError(accession, got="no accession", expected="1CRN, AF-P69905, P69905 or sm:P69905")
    return _kept(path) or download(url, path, subject=accession, client=client)


def _kept(path: Path) -> Path | None:
    """The cached file, if it is still what was fetched."""
    digest = recorded_digest(path)
    return path if digest and path.is_file() and sha256_of(path) == digest else None


def _alphafold_url(archives: Archives, accession: str, uniprot: str, fragment: str, client: Client) -> str:
    """The address of the newest version, which the archive's own index gives."""
    index_url = f"{archives.alphafold}/{uniprot}"
    try:
        index = json.loads(client.get(index_url, subject=accession))
        addresses = [str(entry["cifUrl"]) for entry in index]
    except (ValueError, TypeError, KeyError) as error:
        raise FetchError(accession, got=f"an answer without model addresses from {index_url}") from error
    wanted = f"AF-{uniprot}-F{fragment}-"
    for address in addresses:
        if urlsplit(address).path.rsplit("/", 1)[-1].startswith(wanted):
            return address
    raise NotFoundError(accession, got="no entry", expected=f"a fragment of {uniprot} that the archive has")
