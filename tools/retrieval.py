"""How well do the protein vectors find relatives? Labelled domains, next to sequence and structure comparison.

    python tools/retrieval.py DATA -o docs/results/retrieval [--model builtin ...] [--cache FOLDER]

writes retrieval.json and retrieval.md.

Queries are domains of superfamilies that no model was trained on
(`train.splits`, role `superfamily`); targets are all labelled domains of the same classification, the query left out.
At each level a target is right if it shares that level with the query and not the next closer one, and wrong if it is
of another fold; all others do not count. Figures are means over the queries that have a right target:

- sensitivity: the share of the right targets that come before the first wrong one;
- AUPRC: average precision, ties as one threshold, targets without a score last.

`--align` orders the 30 best targets by their alignment, as `foldglass search --align` does.
TM-align and the score network see some of the targets only, because of their time; all methods are given on these too.
"""

import argparse
import json
import os
import shlex
import subprocess
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from tmtools import tm_align

from foldglass.models.registry import load, load_score
from foldglass.protein import Sequence, Structure
from foldglass.search.rerank import CANDIDATES, alignment_score
from foldglass.train.splits import SUPERFAMILY, protein_roles

LEVELS = {"SCOP": ("family", "superfamily", "fold"), "CATH": ("fold",)}
SAMPLED_TARGETS = 150
SAMPLED_QUERIES = 30
LONGEST = 400
"""Domains with more residues are left out."""

COMMANDS = {
    "BLAST+": (
        "makeblastdb -in t.fa -dbtype prot",
        "blastp -query q.fa -db t.fa -evalue 10000 -max_target_seqs 5000 -outfmt '6 qseqid sseqid evalue bitscore' "
        "-out hits",
    ),
    "MMseqs2": (
        "mmseqs easy-search q.fa t.fa hits tmp -s 7.5 -e 10000 --max-seqs 5000 --threads 1 "
        "--format-output query,target,evalue,bits",
    ),
}

Scores = np.ndarray
"""(Q, N) scores, higher is better, NaN where a method says nothing."""


@dataclass(frozen=True)
class Collection:
    """Domains of one classification; `queries` and `sampled` are indices, `labels` a number per domain and level, the
    closest level first."""

    name: str
    domains: list[Structure]
    labels: np.ndarray
    queries: np.ndarray
    sampled: np.ndarray


def collections(folder: Path, names: list[str]) -> list[Collection]:
    """SCOP (sccs given, or that of a near-identical SCOPe domain) and CATH (one domain per superfamily)."""
    table = pl.read_parquet(folder / "structures.parquet").filter(~pl.col("from_distance_map"))
    roles = protein_roles(table["superfamily_group"].to_numpy(), table["seq_family"].to_numpy())
    table = table.with_columns(pl.Series("role", roles)).filter(pl.col("n_residues") <= LONGEST)
    found = []
    for name in names:
        kinds = {"SCOP": ["scop", "scop_by_sequence"], "CATH": ["cath"]}[name]
        own = table.filter(pl.col("label_kind").is_in(kinds)).unique("sequence", keep="first", maintain_order=True)
        labels = np.stack([np.unique(names, return_inverse=True)[1] for names in _levels(own["label"], name)], axis=1)
        mates = [any(right.any() for right, _ in relevance(labels, i).values()) for i in range(len(labels))]
        queries = np.flatnonzero((own["role"].to_numpy() == SUPERFAMILY) & np.array(mates))
        rng = np.random.default_rng(0)
        some = rng.permutation(queries)[:SAMPLED_QUERIES]
        related = {
            int(j) for i in some for right, _ in relevance(labels, i).values() for j in np.flatnonzero(right)[:8]
        }
        others = [i for i in rng.permutation(len(labels)).tolist() if i not in related]
        sampled = sorted([*related, *others[: max(0, SAMPLED_TARGETS - len(related))]])
        domains = [
            Structure(f"d{i}", letters, ca=np.frombuffer(raw, "<f4").reshape(-1, 3))
            for i, (letters, raw) in enumerate(own.select("sequence", "ca_coords").iter_rows())
        ]
        found.append(Collection(name, domains, labels, queries, np.array(sampled)))
    return found


def _levels(labels: Iterable[str], classification: str) -> list[list[str]]:
    """Names of families, superfamilies and folds, or of superfamilies and folds in CATH."""
    parts = [label.split(".") for label in labels]
    return [[".".join(own[:n]) for own in parts] for n in ((4, 3, 2) if classification == "SCOP" else (4, 3))]


def relevance(labels: np.ndarray, query: int) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """By level, which targets are right and which are wrong for a query."""
    same = labels == labels[query]
    wrong = ~same[:, -1]
    other = np.arange(len(labels)) != query
    if same.shape[1] == 2:
        return {"fold": (same[:, 1] & ~same[:, 0] & other, wrong)}
    return {
        "family": (same[:, 0] & other, wrong),
        "superfamily": (same[:, 1] & ~same[:, 0] & other, wrong),
        "fold": (same[:, 2] & ~same[:, 1] & other, wrong),
    }


def sensitivity(scores: np.ndarray, right: np.ndarray, wrong: np.ndarray) -> float:
    """Share of the right targets that score above every wrong one."""
    given = np.where(np.isnan(scores), -np.inf, scores)
    best_wrong = given[wrong].max() if wrong.any() else -np.inf
    return float((given[right] > best_wrong).mean())


def average_precision(scores: np.ndarray, right: np.ndarray, wrong: np.ndarray) -> float:
    """Area under the precision-recall curve, equal scores as one step."""
    given = np.where(np.isnan(scores), -np.inf, scores)[right | wrong]
    truth = right[right | wrong]
    order = np.argsort(-given, kind="stable")
    given, truth = given[order], truth[order]
    last = np.r_[given[1:] != given[:-1], True]
    hits = np.cumsum(truth)[last]
    seen = np.flatnonzero(last) + 1
    gained = np.diff(np.r_[0, hits])
    return float((gained * hits / seen).sum() / truth.sum())


def figures(collection: Collection, queries: np.ndarray, targets: np.ndarray, scores: Scores) -> dict[str, dict]:
    """Means over the queries, by level; `scores` are of queries by targets."""
    by_level: dict[str, list[tuple[float, float, float]]] = {level: [] for level in LEVELS[collection.name]}
    for query, row in zip(queries.tolist(), scores, strict=True):
        for level, (right, wrong) in relevance(collection.labels, query).items():
            own_right, own_wrong = right[targets], wrong[targets]
            if own_right.any() and own_wrong.any():
                chance = own_right.sum() / (own_right | own_wrong).sum()
                by_level[level].append(
                    (sensitivity(row, own_right, own_wrong), average_precision(row, own_right, own_wrong), chance)
                )
    summary = {}
    for level, values in by_level.items():
        if values:
            mean = np.mean(values, axis=0)
            summary[level] = {"queries": len(values), "sensitivity": mean[0], "auprc": mean[1], "chance": mean[2]}
    return summary


def cached(folder: Path | None, name: str, make: Callable[[], np.ndarray]) -> np.ndarray:
    """An array from the cache, or made and kept."""
    path = folder / f"{name}.npy" if folder else None
    if path and path.is_file():
        return np.load(path)
    array = make()
    if path:
        np.save(path, array)
    return array


def unit(vectors: Iterable[np.ndarray]) -> np.ndarray:
    """Of length 1, row by row."""
    stacked = np.stack(list(vectors))
    return stacked / np.linalg.norm(stacked, axis=1, keepdims=True)


def reranked(name: str, collection: Collection, scores: Scores, cache: Path | None) -> Scores:
    """What `search --align` does: the best candidates of each query ordered by the local score, before all others."""
    model = load(name)

    def align() -> np.ndarray:
        found = scores.copy()
        best = np.argsort(-scores, axis=1)[:, : CANDIDATES + 1]
        used = sorted({*best.ravel().tolist(), *collection.queries.tolist()})
        embedded = dict(zip(used, model.embed_stream(collection.domains[i] for i in used), strict=True))
        for row, query in enumerate(collection.queries.tolist()):
            candidates = [i for i in best[row].tolist() if i != query]
            pairs = [(embedded[query], embedded[i]) for i in candidates]
            alignments = [comparison.alignment for comparison in model.score_many(pairs)]
            alike = [alignment_score(*pair, own) for pair, own in zip(pairs, alignments, strict=True)]
            found[row, candidates] = 1e3 + np.array(alike)
        return found

    return cached(cache, f"{model.id}-{collection.name}-structure-aligned", align)


def tower_vectors(name: str, collection: Collection, cache: Path | None) -> dict[str, np.ndarray]:
    """Protein vectors of each tower of a model."""
    model = load(name)
    inputs: dict[str, list[Sequence]] = {
        "structure": list(collection.domains),
        "sequence": [Sequence(domain.id, domain.letters) for domain in collection.domains],
    }

    def embed(kind: str) -> np.ndarray:
        return unit(embedding.protein for embedding in model.embed_stream(inputs[kind]))

    return {
        kind: cached(cache, f"{model.id}-{collection.name}-{kind}", lambda kind=kind: embed(kind))
        for kind in model.towers
    }


def score_vectors(collection: Collection, queries: np.ndarray, cache: Path | None) -> np.ndarray:
    """Protein vectors of the score network for sampled targets and queries, others 0; standardised and centred."""
    model = load_score()
    chosen = sorted({*collection.sampled.tolist(), *queries.tolist()})

    def embed() -> np.ndarray:
        stream = model.embed_stream(collection.domains[i] for i in chosen)
        return np.stack([embedding.protein for embedding in stream])

    vectors = np.zeros((len(collection.domains), model.network.config.channels), np.float32)
    found = cached(cache, f"{model.id}-{collection.name}-{len(chosen)}", embed)
    vectors[chosen] = unit((found - found.mean(0)) / (found.std(0) + 1e-6))
    return vectors


def superposed(collection: Collection, queries: np.ndarray, cache: Path | None) -> Scores:
    """TM-align's symmetric TM-score of queries and sampled targets."""

    def align(query: int) -> np.ndarray:
        a, scores = collection.domains[query], []
        for b in (collection.domains[target] for target in collection.sampled):
            found = tm_align(a.ca.astype(float), b.ca.astype(float), a.letters, b.letters)
            scores.append(np.sqrt(found.tm_norm_chain1 * found.tm_norm_chain2))
        return np.array(scores)

    size = len(collection.sampled)
    return np.stack(
        [cached(cache, f"tm-align-{collection.name}-{size}-{q}", lambda q=q: align(q)) for q in queries.tolist()]
    )


def searched(program: str, collection: Collection) -> Scores:
    """Negative E-values of BLAST+ or MMseqs2 for all queries and targets."""
    scores = np.full((len(collection.queries), len(collection.domains)), np.nan)
    row = {f"d{query}": i for i, query in enumerate(collection.queries)}
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        _fasta(folder / "q.fa", [collection.domains[i] for i in collection.queries])
        _fasta(folder / "t.fa", collection.domains)
        for command in COMMANDS[program]:
            subprocess.run(shlex.split(command), cwd=folder, check=True, capture_output=True)
        for line in (folder / "hits").read_text().splitlines():
            query, target, evalue, bits = line.split("\t")
            # Equal E-values, such as 0, are ordered by bits.
            value = -np.log10(float(evalue) + 1e-300) + 1e-6 * float(bits)
            cell = row[query], int(target[1:])
            scores[cell] = np.fmax(scores[cell], value)
    return scores


def _fasta(path: Path, domains: list[Structure]) -> None:
    path.write_text("".join(f">{domain.id}\n{domain.letters}\n" for domain in domains))


def report(folder: Path, names: list[str], models: list[str], cache: Path | None) -> dict:
    """All figures: by collection, by `all` or `sampled` targets, by method, by level."""
    result: dict[str, dict] = {}
    for collection in collections(folder, names):
        rng = np.random.default_rng(0)
        some = np.sort(rng.permutation(len(collection.queries))[:SAMPLED_QUERIES])
        everything = np.arange(len(collection.domains))
        methods: dict[str, Scores] = {}
        for name in models:
            vectors = tower_vectors(name, collection, cache)
            for query in vectors:
                for target in vectors:
                    methods[f"{name}: {query} finds {target}"] = vectors[query][collection.queries] @ vectors[target].T
            if "structure" in vectors:
                before = methods[f"{name}: structure finds structure"]
                methods[f"{name}: structure finds structure, --align"] = reranked(name, collection, before, cache)
        for program in ("MMseqs2", "BLAST+"):
            methods[program] = cached(
                cache, f"{program}-{collection.name}", lambda p=program, c=collection: searched(p, c)
            )
        lengths = np.log([len(domain) for domain in collection.domains])
        methods["length ratio (baseline)"] = -np.abs(lengths[collection.queries][:, None] - lengths[None])
        queries = collection.queries[some]
        few = {name: scores[some][:, collection.sampled] for name, scores in methods.items()}
        network = score_vectors(collection, queries, cache)
        few["score network"] = network[queries] @ network[collection.sampled].T
        few["TM-align"] = superposed(collection, queries, cache)
        result[collection.name] = {
            "all": {
                "targets": len(everything),
                "methods": {n: figures(collection, collection.queries, everything, s) for n, s in methods.items()},
            },
            "sampled": {
                "targets": len(collection.sampled),
                "methods": {n: figures(collection, queries, collection.sampled, s) for n, s in few.items()},
            },
        }
        print(collection.name, "done", flush=True)
    return result


def markdown(result: dict) -> str:
    """The figures as tables."""
    lines = ["# Finding relatives of held-out superfamilies", "", *(__doc__ or "").split("\n\n", 3)[3].splitlines(), ""]
    for collection, parts in result.items():
        for part, content in parts.items():
            methods = content["methods"]
            levels = [level for level in LEVELS[collection] if level in next(iter(methods.values()))]
            first = next(iter(methods.values()))
            heads = [f"{level} ({first[level]['queries']} queries)" for level in levels]
            lines += [f"## {collection}, {content['targets']} targets ({part})", ""]
            lines += ["| method | " + " | ".join(f"{head}: sensitivity | AUPRC" for head in heads) + " |"]
            lines += ["|---" * (1 + 2 * len(levels)) + "|"]
            for name, own in methods.items():
                cells = [f"{own[level]['sensitivity']:.3f} | {own[level]['auprc']:.3f}" for level in levels]
                lines += [f"| {name} | " + " | ".join(cells) + " |"]
            chance = [f" | {first[level]['chance']:.3f}" for level in levels]
            lines += ["| chance | " + " | ".join(chance) + " |", ""]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("-o", "--out", type=Path, required=True, help="without extension")
    parser.add_argument("--model", action="append", help="a name or folder; may be given several times")
    parser.add_argument("--only", action="append", choices=list(LEVELS), help="one classification")
    parser.add_argument("--cache", type=Path, help="keeps vectors and superpositions")
    options = parser.parse_args()
    if options.cache:
        os.makedirs(options.cache, exist_ok=True)
    result = report(options.data, options.only or list(LEVELS), options.model or ["builtin"], options.cache)
    options.out.with_suffix(".json").write_text(json.dumps(result, indent=1) + "\n")
    options.out.with_suffix(".md").write_text(markdown(result))


if __name__ == "__main__":
    main()
