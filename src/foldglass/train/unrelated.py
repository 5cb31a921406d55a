"""Pairs of proteins that chance made alike: all against all of labelled proteins of different folds."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from jaxtyping import Float, Int

from foldglass.constants import SAME_FOLD_TM
from foldglass.metrics.tm import tm_align
from foldglass.models.calibration import kinds_of
from foldglass.protein import Sequence, Structure
from foldglass.train.evaluation_predictions import EvaluatedModel
from foldglass.train.splits import UNPUBLISHABLE_SETS, VALIDATION, protein_roles

LONGEST = 400
"""Residues; TM-align is slow on more."""

_CLASSIFICATIONS = {"scop": "SCOP", "scop_by_sequence": "SCOP", "cath": "CATH"}
_COLUMNS = {"label_kind", "fold_group"}
_SUPERPOSED = 0.01


@dataclass(frozen=True, eq=False)
class UnrelatedPairs:
    """Proteins, and pairs of them of different superfamilies and folds, each pair once."""

    proteins: list[Structure]
    one: Int[np.ndarray, " M"]
    other: Int[np.ndarray, " M"]


def unrelated_pairs(folder: Path, role: int = VALIDATION) -> UnrelatedPairs | None:
    """All pairs of one role that SCOP or CATH gives different folds; None if the structures have no such labels.

    Pairs of one classification only: what the other calls a fold may be the same. Proteins without a label are left
    out, because a relative of theirs may have none either.
    """
    path = folder / "structures.parquet"
    if not set(pl.read_parquet_schema(path)) >= _COLUMNS:
        return None
    table = pl.read_parquet(path).filter(~pl.col("from_distance_map"))
    table = table.filter(~pl.col("set").is_in(list(UNPUBLISHABLE_SETS)))
    roles = protein_roles(table["superfamily_group"].to_numpy(), table["seq_family"].to_numpy())
    table = table.filter(pl.Series(roles == role) & pl.col("label_kind").is_in(list(_CLASSIFICATIONS)))
    table = table.filter(pl.col("sequence").str.len_chars() <= LONGEST)
    table = table.unique("sequence", keep="first", maintain_order=True)
    one, other = np.triu_indices(len(table), 1)
    classification = table["label_kind"].replace_strict(_CLASSIFICATIONS).to_numpy()
    apart = classification[one] == classification[other]
    for column in ("superfamily_group", "fold_group"):
        group = table[column].to_numpy()
        apart &= group[one] != group[other]
    proteins = [
        Structure(name, letters, ca=np.frombuffer(raw, "<f4").reshape(-1, 3))
        for name, letters, raw in table.select("id", "sequence", "ca_coords").iter_rows()
    ]
    return UnrelatedPairs(proteins, one[apart], other[apart])


def unrelated_cosines(model: EvaluatedModel, pairs: UnrelatedPairs) -> dict[str, Float[np.ndarray, " _"]]:
    """Cosines of the protein vectors of unrelated pairs, by kinds of embeddings, for every pairing of the towers.

    Of the pairs with the highest hundredth of the cosines those with a symmetric TM-score of 0.5 or more are left out:
    they are alike, whatever the classification says (single helices, most of them).
    """
    vectors = {tower: _vectors(model, tower, pairs.proteins) for tower in model.towers}
    alike: dict[tuple[int, int], bool] = {}
    cosines: dict[str, Float[np.ndarray, " _"]] = {}
    for query, target in _pairings(list(vectors)):
        sides = [(pairs.one, pairs.other)] if query == target else [(pairs.one, pairs.other), (pairs.other, pairs.one)]
        one, other = (np.concatenate(side) for side in zip(*sides, strict=True))
        cosine = np.einsum("md,md->m", vectors[query][one], vectors[target][other]).astype(np.float64)
        keep = np.ones(len(cosine), bool)
        for place in np.argsort(-cosine)[: int(_SUPERPOSED * len(cosine))].tolist():
            key = (int(min(one[place], other[place])), int(max(one[place], other[place])))
            if key not in alike:
                found = tm_align(pairs.proteins[key[0]], pairs.proteins[key[1]])
                alike[key] = found.tm_query * found.tm_target >= SAME_FOLD_TM**2
            keep[place] = not alike[key]
        cosines[kinds_of(query, target)] = cosine[keep]
    return cosines


def _pairings(towers: list[str]) -> Iterator[tuple[str, str]]:
    yield from ((query, target) for i, query in enumerate(towers) for target in towers[i:])


def _vectors(model: EvaluatedModel, tower: str, proteins: list[Structure]) -> Float[np.ndarray, "N D"]:
    inputs = proteins if tower == "structure" else [Sequence(one.id, one.letters) for one in proteins]
    return np.stack([embedding.protein for embedding in model.embed_stream(inputs)])
