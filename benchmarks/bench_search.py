"""Time exact search beside FAISS's flat index, in one run and with the same threads.

    OMP_NUM_THREADS=2 OPENBLAS_NUM_THREADS=2 python benchmarks/bench_search.py --entries 500000 --queries 64

FAISS is timed as it comes and with its matrix product switched on (`distance_compute_blas_threshold`), which recent
versions leave off for few queries. Programs take turns, and the best of the rounds counts.
"""

import argparse
import os
import time
from collections.abc import Callable

import faiss
import numpy as np
from machine import append_row

from foldglass.search.top_k import top_k


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, default in {"entries": 500_000, "queries": 64, "width": 512, "k": 10, "rounds": 5}.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    threads = int(os.environ.get("OMP_NUM_THREADS", os.cpu_count() or 1))
    faiss.omp_set_num_threads(threads)

    rng = np.random.default_rng(0)
    vectors = _unit(rng, options.entries, options.width)
    queries = _unit(rng, options.queries, options.width)
    index = faiss.IndexFlatIP(options.width)
    index.add(vectors)
    usual_threshold = faiss.cvar.distance_compute_blas_threshold

    def faiss_with(threshold: int) -> tuple[np.ndarray, np.ndarray]:
        faiss.cvar.distance_compute_blas_threshold = threshold
        return index.search(queries, options.k)

    programs: dict[str, Callable[[], tuple[np.ndarray, np.ndarray]]] = {
        "foldglass": lambda: top_k(queries, vectors, options.k),
        "product_alone": lambda: _product(queries, vectors),
        "faiss": lambda: faiss_with(usual_threshold),
        "faiss_blas": lambda: faiss_with(1),
    }
    seconds = {name: float("inf") for name in programs}
    results = {}
    for _ in range(options.rounds):
        for name, program in programs.items():
            start = time.perf_counter()
            results[name] = program()
            seconds[name] = min(seconds[name], time.perf_counter() - start)

    differing = int((results["foldglass"][1] != results["faiss"][1]).any(axis=1).sum())
    measured = {
        **{name: getattr(options, name) for name in ("entries", "queries", "width", "k", "rounds")},
        "threads": threads,
        **{f"{name}_s": value for name, value in seconds.items()},
        "faiss_over_foldglass": seconds["faiss"] / seconds["foldglass"],
        "faiss_blas_over_foldglass": seconds["faiss_blas"] / seconds["foldglass"],
        "queries_with_other_hits": differing,
    }
    for name, value in measured.items():
        print(f"{name:28} {value:.4g}" if isinstance(value, float) else f"{name:28} {value}")
    append_row("search", measured, packages=["numpy", "faiss-cpu"])


def _unit(rng: np.random.Generator, rows: int, width: int) -> np.ndarray:
    vectors = rng.standard_normal((rows, width), dtype=np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def _product(queries: np.ndarray, vectors: np.ndarray, block: int = 16_384) -> tuple[np.ndarray, np.ndarray]:
    """The matrix product and nothing else: the floor for any exact search that uses one."""
    for start in range(0, len(vectors), block):
        last = vectors[start : start + block] @ queries.T
    return last, last


if __name__ == "__main__":
    main()
