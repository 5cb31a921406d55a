"""How right are alignments from residue embeddings? Curated references and TM-align's alignments of held-out pairs.

    python tools/alignment_quality.py DATA -o docs/results/alignment [--model builtin] [--pairs 120]

writes alignment.json and alignment.md.

Precision is the share of the aligned residue pairs that the reference has,
recall the share of the reference's that were found; both are means over protein pairs. References are those of MALIDUP
(duplicated domains) and MALISAM (analogous motifs), and, for pairs of held-out superfamilies with a symmetric TM-score
of 0.5 or more, what TM-align aligns. Most superfamilies of MALIDUP and MALISAM occur in training; pairs of two held-out
ones are given separately. Nearly all of these references are not sequential (one domain of a pair is permuted), so
that no sequential alignment can have all of it: `longest sequential part` is the most that can be reached.
Where a side is a sequence, BLOSUM62 is added to the similarity of vectors; `without letters` has the vectors alone.
Needleman-Wunsch is that of parasail: BLOSUM62, gaps 11 and 1, free at the ends.
"""

import argparse
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from foldglass.alignment import align_batch, pair_similarity, residue_similarity
from foldglass.metrics.tm import tm_align
from foldglass.models.registry import load
from foldglass.protein import Sequence, Structure
from foldglass.train.baselines import align_sequences
from foldglass.train.data import load_pair_data
from foldglass.train.splits import SUPERFAMILY, protein_roles


@dataclass(frozen=True)
class Reference:
    """Pairs of structures with the alignment that counts as right, 0-based."""

    name: str
    pairs: list[tuple[Structure, Structure]]
    alignments: list[np.ndarray]


def curated(folder: Path) -> list[Reference]:
    """MALIDUP and MALISAM, all pairs and those of two held-out proteins."""
    chains = pl.read_parquet(folder / "structures.parquet")
    roles = protein_roles(chains["superfamily_group"].to_numpy(), chains["seq_family"].to_numpy())
    held_out = dict(zip(chains["id"], roles == SUPERFAMILY, strict=True))
    own = chains.filter(pl.col("set").is_in(["malidup", "malisam"]))
    structures = {
        name: Structure(name, letters, ca=np.frombuffer(raw, "<f4").reshape(-1, 3))
        for name, letters, raw in own.select("id", "sequence", "ca_coords").iter_rows()
    }
    table = pl.read_parquet(folder / "pairs.parquet").filter(pl.col("ref_alignment").is_not_null())
    found = []
    for part in ("malidup", "malisam"):
        rows = list(table.filter(pl.col("set") == part).iter_rows(named=True))
        for name, chosen in (
            (part.upper(), rows),
            (f"{part.upper()}, held out", [r for r in rows if held_out[r["id1"]] and held_out[r["id2"]]]),
        ):
            if chosen:
                pairs = [(structures[row["id1"]], structures[row["id2"]]) for row in chosen]
                found.append(Reference(name, pairs, [_printed(row["ref_alignment"]) for row in chosen]))
    return found


def _printed(text: str) -> np.ndarray:
    """Pairs such as `7-34`, which count residues from 1."""
    return np.array([[int(place) - 1 for place in pair.split("-")] for pair in text.split()])


def superposed(folder: Path, count: int) -> Reference:
    """Pairs of held-out superfamilies and what TM-align aligns."""
    data = load_pair_data(folder)
    rows = data.splits["superfamily"]
    rows = rows[data.tm[rows] >= 0.5][:count]
    pairs = [(data.structures[data.query[row]], data.structures[data.target[row]]) for row in rows]
    return Reference("TM-align, held out", pairs, [data.alignment(row) for row in rows])


def embedded(name: str, reference: Reference) -> dict[str, Callable[[str], list[np.ndarray]]]:
    """Aligners by kind of pair; each takes a mode."""
    model = load(name)
    proteins = {one.id: one for pair in reference.pairs for one in pair}
    inputs: dict[str, list[Sequence]] = {
        "structure": list(proteins.values()),
        "sequence": [Sequence(one.id, one.letters) for one in proteins.values()],
    }
    known = {kind: {own.id: own for own in model.embed_stream(inputs[kind])} for kind in model.towers}

    def aligner(query: str, target: str, letters: bool = True) -> Callable[[str], list[np.ndarray]]:
        def run(mode: str) -> list[np.ndarray]:
            pairs = [(known[query][a.id], known[target][b.id]) for a, b in reference.pairs]
            similarities = [
                pair_similarity(*p) if letters else residue_similarity(*(s.residue for s in p)) for p in pairs
            ]
            return align_batch(similarities, mode=mode)  # type: ignore[arg-type]

        return run

    kinds = [(one, other) for one in known for other in known if one >= other]
    aligners = {f"{one} - {other}": aligner(one, other) for one, other in kinds}
    for one, other in kinds:
        if other == "sequence":
            aligners[f"{one} - {other} without letters"] = aligner(one, other, letters=False)
    return aligners


def rising(alignment: np.ndarray) -> np.ndarray:
    """The longest part of an alignment that rises in both columns; it rises in the first as it is."""
    targets = alignment[:, 1]
    length, before = np.ones(len(targets), int), np.full(len(targets), -1)
    for i in range(len(targets)):
        earlier = np.flatnonzero(targets[:i] < targets[i])
        if len(earlier):
            best = earlier[length[earlier].argmax()]
            length[i], before[i] = length[best] + 1, best
    places = []
    place = int(length.argmax())
    while place >= 0:
        places.append(place)
        place = int(before[place])
    return alignment[places[::-1]]


def agreement(found: list[np.ndarray], right: list[np.ndarray]) -> dict[str, float]:
    """Mean precision and recall."""
    shared = [len(set(map(tuple, a.tolist())) & set(map(tuple, b.tolist()))) for a, b in zip(found, right, strict=True)]
    return {
        "precision": float(np.mean([n / max(len(own), 1) for n, own in zip(shared, found, strict=True)])),
        "recall": float(np.mean([n / len(true) for n, true in zip(shared, right, strict=True)])),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("-o", "--out", type=Path, required=True, help="without extension")
    parser.add_argument("--model", default="builtin")
    parser.add_argument("--pairs", type=int, default=120)
    options = parser.parse_args()
    result: dict[str, dict] = {}
    for reference in [*curated(options.data), superposed(options.data, options.pairs)]:
        methods = {}
        for name, run in embedded(options.model, reference).items():
            for mode in ("glocal", "global", "local"):
                methods[f"{options.model}, {name}, {mode}"] = run(mode)
        methods["Needleman-Wunsch"] = [align_sequences(a.letters, b.letters) for a, b in reference.pairs]
        methods["longest sequential part"] = [rising(alignment) for alignment in reference.alignments]
        if not reference.name.startswith("TM-align"):
            methods["TM-align"] = [tm_align(a, b).alignment for a, b in reference.pairs]
        result[reference.name] = {
            "pairs": len(reference.pairs),
            "methods": {name: agreement(found, reference.alignments) for name, found in methods.items()},
        }
        print(reference.name, result[reference.name], flush=True)
    lines = ["# Alignments from residue embeddings", "", *(__doc__ or "").split("\n\n", 3)[3].splitlines(), ""]
    heads = [f"{name} ({own['pairs']} pairs): precision | recall" for name, own in result.items()]
    lines += ["| method | " + " | ".join(heads) + " |", "|---" * (1 + 2 * len(heads)) + "|"]
    for name in next(iter(result.values()))["methods"]:
        cells = [own["methods"].get(name) for own in result.values()]
        texts = [f"{cell['precision']:.3f} | {cell['recall']:.3f}" if cell else " | " for cell in cells]
        lines.append(f"| {name} | " + " | ".join(texts) + " |")
    options.out.with_suffix(".json").write_text(json.dumps(result, indent=1) + "\n")
    options.out.with_suffix(".md").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
