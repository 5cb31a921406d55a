"""Precision and recall of aligned residue pairs against TM-align's, over modes and gap costs.

    python benchmarks/tune_alignment.py MODEL DATA --input structure --pairs 400 --min-tm 0.5

DATA is the folder of `structures.parquet` and `tm_pairs.parquet`; only validation pairs are used, so the best row may
become the default of `foldglass.alignment`. Precision is the share of our pairs that TM-align has, recall the share of
TM-align's pairs that we have, each averaged over protein pairs; rows are ordered by their harmonic mean.
"""

import argparse
from collections.abc import Sequence as Listing
from itertools import product
from pathlib import Path

import numpy as np

from foldglass.alignment import align_batch, pair_similarity
from foldglass.protein import Sequence

MODES = ("global", "glocal", "local")
GAP_OPEN = (0.5, 1.0, 2.0, 3.0, 4.0, 6.0)
GAP_EXTEND = (0.0, 0.1, 0.2, 0.5, 1.0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", help="name or folder of a model")
    parser.add_argument("data", type=Path)
    parser.add_argument("--input", choices=("structure", "sequence", "mixed"), default="structure")
    parser.add_argument("--pairs", type=int, default=400)
    parser.add_argument("--min-tm", type=float, default=0.5, help="least symmetric TM-score of a pair")
    parser.add_argument("--top", type=int, default=20, help="rows to print")
    options = parser.parse_args()

    from foldglass.models.registry import load
    from foldglass.train.data import load_pair_data

    data = load_pair_data(options.data)
    rows = data.splits["validation"]
    rows = rows[data.tm[rows] >= options.min_tm][: options.pairs]
    model = load(options.model)
    query, target = ([data.structures[i] for i in side[rows]] for side in (data.query, data.target))
    if options.input != "structure":
        query = [Sequence(one.id, one.letters) for one in query]
    if options.input == "sequence":
        target = [Sequence(one.id, one.letters) for one in target]
    pairs = zip(model.embed(query), model.embed(target), strict=True)
    similarities = [pair_similarity(a, b) for a, b in pairs]
    report(similarities, [data.alignment(row) for row in rows], options.top)


def report(similarities: Listing[np.ndarray], truths: Listing[np.ndarray], top: int) -> None:
    """Print the best combinations of mode and gap costs."""
    results = []
    for mode, gap_open, gap_extend in product(MODES, GAP_OPEN, GAP_EXTEND):
        if gap_extend <= gap_open:
            found = align_batch(similarities, mode=mode, gap_open=gap_open, gap_extend=gap_extend)
            scores = [precision_and_recall(own, true) for own, true in zip(found, truths, strict=True)]
            precision, recall = np.mean(scores, axis=0)
            both = 2 * precision * recall / max(precision + recall, 1e-9)
            results.append((both, precision, recall, mode, gap_open, gap_extend))
    print(f"{len(truths)} pairs\nmode\tgap_open\tgap_extend\tprecision\trecall\tharmonic_mean")
    for both, precision, recall, mode, gap_open, gap_extend in sorted(results, reverse=True)[:top]:
        print(f"{mode}\t{gap_open:g}\t{gap_extend:g}\t{precision:.4f}\t{recall:.4f}\t{both:.4f}")


def precision_and_recall(found: np.ndarray, true: np.ndarray) -> tuple[float, float]:
    """Shares of the found pairs that are true and of the true pairs that are found."""
    common = len(set(map(tuple, found.tolist())) & set(map(tuple, true.tolist())))
    return common / max(len(found), 1), common / max(len(true), 1)


if __name__ == "__main__":
    main()
