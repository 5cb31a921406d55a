"""Decoys to train, validate and test the quality model on: published models, and decoys made from natives."""

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import polars as pl
from jaxtyping import Float

from foldglass.io.atomic import replacing
from foldglass.metrics.model_quality import ModelQuality, model_quality
from foldglass.models.score_model import ScoreModel
from foldglass.protein import Structure
from foldglass.train.decoys import MAKERS, denoised
from foldglass.train.native_states import NativeStates
from foldglass.train.natives import experimental, natives_by_role, read_tables
from foldglass.train.quality_split import target_splits
from foldglass.train.recipe import MadeConfig
from foldglass.train.splits import fraction
from foldglass.train.unfolding import unfolded
from foldglass.typing import Coordinates

NATIVE, THREADED, DENOISED, MELTED = "native", "threaded", "denoised", "melted"


@dataclass(frozen=True, eq=False)
class Decoy:
    """One model with its truth.

    `split` is that of the target. `kind` is the set of a published model, or how a decoy was made; `made` tells the two
    apart. `target` is what it is a model of and `group` the target's superfamily group. `truth` holds the scores of
    `quality_model.GLOBALS`; `local` is NaN where not known. Both are against the native state that the model fits best;
    `strict` holds the scores against the target's own native.
    """

    structure: Structure
    split: str
    target: str
    group: str
    kind: str
    made: bool
    truth: Float[np.ndarray, " G"]
    local: Float[np.ndarray, " L"]
    strict: Float[np.ndarray, " G"]


def published_decoys(folder: Path, *, per_target: int = 10, longest: int = 350) -> list[Decoy]:
    """The models of `decoys.parquet`, with scores of our own against the best of the known native states.

    Parameters
    ----------
    per_target
        Of more models of a target so many are kept, evenly in the table's order.
    longest
        Models of more residues are left out.

    Raises
    ------
    NotFoundError
        If the folder lacks a table.
    """
    table, chains = read_tables(folder)
    natives = table.filter(pl.col("is_native"))
    states = NativeStates(
        (letters, _points(coords))
        for part in (natives, experimental(chains))
        for letters, coords in part.select("sequence", "ca_coords").iter_rows()
    )
    splits = target_splits(natives.select("target_id", "sequence").iter_rows(), chains)
    coords = dict(natives.select("decoy_id", "ca_coords").iter_rows())
    found = []
    for rows in table.filter(~pl.col("is_native")).partition_by("target_id", maintain_order=True):
        kept = np.unique(np.linspace(0, len(rows) - 1, min(per_target, len(rows))).round().astype(np.int64))
        for row in rows[kept].iter_rows(named=True):
            if row["n_residues"] > longest:
                continue
            model, native = _points(row["ca_coords"]), _points(coords[row["native_id"]])
            pairs = np.stack([row["decoy_index"], row["native_index"]], axis=1).astype(np.int64)
            own = model_quality(native, model, pairs)
            others = [model_quality(ca, model, aligned) for ca, aligned in states.of(row["sequence"])]
            best = max([own, *others], key=lambda quality: quality.gdt_ts)
            split, group = splits[row["target_id"]]
            structure = Structure(row["decoy_id"], row["sequence"], ca=model)
            found.append(_decoy(structure, split, row["target_id"], group, row["set"], False, best, own))
    return found


def made_decoys(
    folder: Path, config: MadeConfig, score: ScoreModel, *, progress: Callable[[int], None] | None = None
) -> list[Decoy]:
    """Decoys made from natives that no network the model reads has learned from, one of each superfamily group.

    One is the native itself, one has the coordinates of another native, one may come from the score network, and the
    others each from a random maker of `decoys.MAKERS`; then come frames of the native's unfolding, if any are wanted.

    Raises
    ------
    MissingExtraError
        If a native is to unfold and OpenMM is not installed.
    InputError
        If a native blows up.
    """
    natives = _natives(folder, config)
    decoys: list[Decoy] = []
    for index, (group, native) in enumerate(natives):
        rng = np.random.default_rng((config.seed, index))
        kinds = [NATIVE, THREADED, *([DENOISED] if config.denoised else [])]
        kinds += rng.choice(list(MAKERS), config.per_native).tolist()
        other = natives[(index + 1 + int(rng.integers(len(natives) - 1))) % len(natives)][1]
        for kind, letters, ca, truth in _traces(native, other, kinds[: config.per_native], config.unfolded, score, rng):
            ca = (ca + rng.normal(size=ca.shape) * rng.uniform(0, config.jitter)).astype(np.float32)
            quality = model_quality(truth, ca)
            structure = Structure(f"{native.id}/{kind}-{len(decoys)}", letters, ca=ca)
            decoys.append(_decoy(structure, "train", native.id, f"group {group}", kind, True, quality, quality))
        if progress:
            progress(index + 1)
    return decoys


def _traces(
    native: Structure, other: Structure, kinds: list[str], frames: int, score: ScoreModel, rng: np.random.Generator
) -> Iterator[tuple[str, str, Coordinates, Coordinates]]:
    """Kind, letters, coordinates and true coordinates of what is made of one native."""
    for kind in kinds:
        letters, ca, truth = native.letters, native.ca, native.ca
        if kind == THREADED:
            size = min(len(native), len(other))
            letters, ca, truth = native.letters[:size], other.ca[:size], native.ca[:size]
        elif kind == DENOISED:
            ca = denoised(score, native, rng).astype(np.float32)
        elif kind != NATIVE:
            ca = MAKERS[kind](native.ca, rng).astype(np.float32)
        yield kind, letters, ca, truth
    if frames:
        for ca in unfolded(native.ca, rng, frames=frames):
            yield MELTED, native.letters, ca.astype(np.float32), native.ca


def kept_decoys(path: Path, make: Callable[[], list[Decoy]]) -> list[Decoy]:
    """Decoys from a file, made and written there the first time."""
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as part:
            _table_of(make()).write_parquet(part)
    return [
        Decoy(
            Structure(row["id"], row["sequence"], ca=_points(row["ca_coords"])),
            row["split"],
            row["target"],
            row["group"],
            row["kind"],
            row["made"],
            np.array(row["truth"]),
            np.frombuffer(row["local"], "<f4").astype(np.float64),
            np.array(row["strict"]),
        )
        for row in pl.read_parquet(path).iter_rows(named=True)
    ]


def key_of(*parts: object) -> str:
    """A short name for what a file depends on."""
    return hashlib.sha256(json.dumps(parts, default=asdict, sort_keys=True).encode()).hexdigest()[:16]


def _table_of(decoys: list[Decoy]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "id": [d.structure.id for d in decoys],
            "sequence": [d.structure.letters for d in decoys],
            "ca_coords": [d.structure.ca.astype("<f4").tobytes() for d in decoys],
            "split": [d.split for d in decoys],
            "target": [d.target for d in decoys],
            "group": [d.group for d in decoys],
            "kind": [d.kind for d in decoys],
            "made": [d.made for d in decoys],
            "truth": [d.truth.tolist() for d in decoys],
            "local": [d.local.astype("<f4").tobytes() for d in decoys],
            "strict": [d.strict.tolist() for d in decoys],
        }
    )


def _natives(folder: Path, config: MadeConfig) -> list[tuple[int, Structure]]:
    """Natives to make decoys of: whole experimental chains that validate, one per group, drawn by name."""
    usable = natives_by_role(*read_tables(folder), set()).filter(
        (pl.col("role") == "validation")
        & (pl.col("n_breaks") == 0)
        & pl.col("n_residues").is_between(config.shortest, config.longest)
    )
    rows = sorted(
        usable.select("superfamily_group", "id", "sequence", "ca_coords").iter_rows(),
        key=lambda row: fraction("made", row[1], seed=config.seed),
    )
    first: dict[int, Structure] = {}
    for group, name, letters, coords in rows:
        first.setdefault(group, Structure(name, letters, ca=_points(coords)))
    return list(first.items())[: config.natives]


def _decoy(
    structure: Structure,
    split: str,
    target: str,
    group: str,
    kind: str,
    made: bool,
    best: ModelQuality,
    own: ModelQuality,
) -> Decoy:
    truth, strict = (np.array([quality.gdt_ts, quality.gdt_ha, quality.tm, quality.lddt]) for quality in (best, own))
    return Decoy(structure, split, target, group, kind, made, truth, best.residue, strict)


def _points(raw: bytes) -> Float[np.ndarray, "L 3"]:
    return np.frombuffer(raw, "<f4").reshape(-1, 3)
