"""The columns of a label table, and the labels of some pairs in memory."""

import json
from collections.abc import Callable
from importlib.metadata import version

import numpy as np
import pyarrow as pa
from jaxtyping import Int

from foldglass.constants import GLASS_EXPONENT, LDDT_CUTOFFS, LDDT_RADIUS
from foldglass.metrics.tm import tm_align
from foldglass.protein import Structure

Pairs = Int[np.ndarray, "P 2"]

_COLUMNS = {
    "query": (pa.string(), "id of TM-align's chain 1"),
    "target": (pa.string(), "id of TM-align's chain 2"),
    "tm_query": (pa.float32(), "TM-score normalised by the query's length"),
    "tm_target": (pa.float32(), "TM-score normalised by the target's length"),
    "rmsd": (pa.float32(), "angstrom, over the aligned residues"),
    "n_aligned": (pa.int32(), "aligned residue pairs: TM-align's marks : and ."),
    "seq_identity": (pa.float32(), "identical residues / n_aligned"),
    "aligned_query": (pa.list_(pa.uint16()), "0-based query residues"),
    "aligned_target": (pa.list_(pa.uint16()), "0-based target residues"),
    "lddt": (pa.list_(pa.float32()), "C-alpha lDDT of each query residue, NaN where unaligned"),
    "lddt_glass": (pa.list_(pa.float32()), "as lddt with weights d ** -glass_exponent"),
}


def label_table(structures: list[Structure], pairs: Pairs, *, stopped: Callable[[], bool] = lambda: False) -> pa.Table:
    """Give the labels of some pairs as a table in memory; no row follows once `stopped()` is true.

    Examples
    --------
    >>> line = np.arange(12, dtype=np.float32).reshape(4, 3)
    >>> chains = [Structure(name, "AGAG", ca=line) for name in ("a", "b")]
    >>> label_table(chains, np.array([[1, 0]])).select(["query", "target", "n_aligned"]).to_pylist()
    [{'query': 'b', 'target': 'a', 'n_aligned': 4}]
    """
    columns: dict[str, list[object]] = {name: [] for name in _COLUMNS}
    for i, j in pairs:
        if stopped():
            break
        query, target = structures[i], structures[j]
        found = tm_align(query, target)
        values = (
            query.id,
            target.id,
            found.tm_query,
            found.tm_target,
            found.rmsd,
            len(found.alignment),
            found.seq_identity,
            found.alignment[:, 0].astype(np.uint16),
            found.alignment[:, 1].astype(np.uint16),
            found.lddt,
            found.lddt_glass,
        )
        for name, value in zip(columns, values, strict=True):
            columns[name].append(value)
    return pa.table({name: pa.array(columns[name], type=kind) for name, (kind, _) in _COLUMNS.items()}, schema=schema())


def parameters() -> dict[str, object]:
    """Give what the labels depend on besides the structures, for metadata and manifests."""
    return {
        "table": "labels",
        "table_version": 1,
        "tm_align": f"tmtools {version('tmtools')}",
        "lddt_form": "C-alpha, among aligned residues only, the query as the reference",
        "lddt_radius": LDDT_RADIUS,
        "lddt_cutoffs": list(LDDT_CUTOFFS),
        "glass_exponent": GLASS_EXPONENT,
    }


def schema() -> pa.Schema:
    """Give the columns; the metadata key `foldglass` holds the parameters and the meaning of each column as JSON."""
    description = {**parameters(), "columns": {name: meaning for name, (_, meaning) in _COLUMNS.items()}}
    fields = [(name, kind) for name, (kind, _) in _COLUMNS.items()]
    return pa.schema(fields, metadata={"foldglass": json.dumps(description)})
