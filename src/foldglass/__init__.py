"""foldglass: protein embeddings that know the fold and every residue.

Axes: `B` batch, `L` residues, `D` channels, `P` pair channels, `A` atoms, `K` noise levels, `M` aligned
residue pairs, `N` database entries, `Q` queries. Lengths are in angstrom. A mask is True at real residues.
Residues are 0-based inside; the author's numbering and chain ids are kept as labels and shown to people.
A pair is (query, target): `tm_query` is normalised by the query's length, `tm_target` by the target's, and a
per-residue local score belongs to the query's residues, NaN where unaligned.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOMES = {
    "load": "foldglass.models.registry",
    "list_models": "foldglass.models.registry",
    "Model": "foldglass.models.model",
    "read": "foldglass.io.read",
    "Sequence": "foldglass.protein",
    "Structure": "foldglass.protein",
    "Embedding": "foldglass.protein",
    "Comparison": "foldglass.protein",
    "Database": "foldglass.search.database",
    "tm_align": "foldglass.metrics.tm",
    "lddt": "foldglass.metrics.lddt",
    "FoldglassError": "foldglass.errors",
}

__all__ = [
    "Comparison",
    "Database",
    "Embedding",
    "FoldglassError",
    "Model",
    "Sequence",
    "Structure",
    "__version__",
    "lddt",
    "list_models",
    "load",
    "read",
    "tm_align",
]

if TYPE_CHECKING:
    from foldglass.errors import FoldglassError
    from foldglass.io.read import read
    from foldglass.metrics.lddt import lddt
    from foldglass.metrics.tm import tm_align
    from foldglass.models.model import Model
    from foldglass.models.registry import list_models, load
    from foldglass.protein import Comparison, Embedding, Sequence, Structure
    from foldglass.search.database import Database


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'foldglass' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
