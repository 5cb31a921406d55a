"""Time ways to find the nearest among many vectors, exact and approximate, in one run and with the same threads.

    OMP_NUM_THREADS=1 python benchmarks/bench_database.py --entries 500000 --queries 200

Vectors are 512-d and clustered, as those of proteins are: centres of length 1, and around each of them as much noise as
gives cosines of about 0.7 within a cluster. Recall@10 is against exact single precision. Exact batches are of all
queries; single queries, exact or not, are asked one by one. The bandwidth of the machine is that of reading an array of
1 GB as whole numbers and taking their maximum. Times are those of the processor, all threads together, which other
programs on the machine change less than the clock.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import faiss
import lance
import numpy as np
import pyarrow as pa
import torch
from machine import append_row

from foldglass.search.top_k import top_k

WIDTH, K = 512, 10


def clustered(rng: np.random.Generator, count: int, centres: np.ndarray) -> np.ndarray:
    """Unit vectors around centres, some of which have many members and most few."""
    sizes = rng.pareto(1.2, len(centres)) + 1
    chosen = rng.choice(len(centres), count, p=sizes / sizes.sum())
    vectors = np.empty((count, WIDTH), np.float32)
    for start in range(0, count, 16_384):
        part = slice(start, start + 16_384)
        noise = rng.standard_normal((len(chosen[part]), WIDTH), dtype=np.float32)
        vectors[part] = centres[chosen[part]] + noise * np.float32(0.65 / np.sqrt(WIDTH))
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def recall(found: np.ndarray, truth: np.ndarray) -> float:
    """Mean share of the true ten that were found."""
    return float(np.mean([len(np.intersect1d(a, b)) / K for a, b in zip(found, truth, strict=True)]))


def one_by_one(search: Callable[[np.ndarray], np.ndarray], queries: np.ndarray) -> tuple[float, np.ndarray]:
    """Queries per second, asked singly, and what was found."""
    search(queries[:1])
    begun = time.process_time()
    found = [search(queries[i : i + 1]) for i in range(len(queries))]
    return len(queries) / (time.process_time() - begun), np.concatenate(found)


def bandwidth() -> float:
    """Bytes per second of reading memory."""
    array = np.ones(2**27, np.int64)
    seconds = []
    for _ in range(4):
        begun = time.process_time()
        array.max()
        seconds.append(time.process_time() - begun)
    return array.nbytes / min(seconds)


def int8_search(vectors: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Whole numbers with one scale per vector, products by torch, the best 100 scored again in half precision."""
    scales = np.abs(vectors).max(axis=1, keepdims=True).astype(np.float32) / 127
    codes = torch.from_numpy(np.round(vectors.astype(np.float32) / scales).astype(np.int8))
    factors = torch.from_numpy(scales[:, 0])

    def search(query: np.ndarray) -> np.ndarray:
        scale = np.abs(query).max() / 127
        code = torch.from_numpy(np.round(query / scale).astype(np.int8)).T.contiguous()
        rough = torch._int_mm(codes, code)[:, 0] * factors
        rows = torch.topk(rough, 100).indices.numpy()
        scores = vectors[rows].astype(np.float32) @ query[0]
        return rows[np.argsort(-scores)[:K]][None]

    return search


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    for name, default in {"entries": 500_000, "queries": 200, "exact_queries": 20, "hnsw": 1}.items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=int, default=default)
    options = parser.parse_args()
    threads = int(os.environ.get("OMP_NUM_THREADS", os.cpu_count() or 1))
    faiss.omp_set_num_threads(threads)
    torch.set_num_threads(threads)
    rng = np.random.default_rng(0)
    centres = rng.standard_normal((options.entries // 50, WIDTH), dtype=np.float32)
    centres /= np.linalg.norm(centres, axis=1, keepdims=True)
    vectors, queries = clustered(rng, options.entries, centres), clustered(rng, options.queries, centres)
    speed = bandwidth()
    print(f"{options.entries} entries, {threads} threads, memory {speed / 1e9:.1f} GB/s", flush=True)
    _, truth = top_k(queries, vectors, K)

    def report(name: str, per_second: float, found: np.ndarray, build: float, size: float, share: float = 0) -> None:
        measured = {
            "entries": options.entries,
            "threads": threads,
            "method": name,
            "recall_at_10": recall(found, truth[: len(found)]),
            "queries_per_second": per_second,
            "build_s": build,
            "bytes_per_entry": size,
            "share_of_bandwidth": share,
        }
        print({key: round(v, 4) if isinstance(v, float) else v for key, v in measured.items()}, flush=True)
        append_row("database", measured, packages=["numpy", "torch", "faiss-cpu", "pylance"])

    def exact(name: str, search: Callable[[np.ndarray], np.ndarray], size: int, build: float = 0.0) -> None:
        rate, found = one_by_one(search, queries[: options.exact_queries])
        report(name, rate, found, build, size, rate * size * options.entries / speed)

    def batch(name: str, search: Callable[[np.ndarray], np.ndarray], size: int) -> None:
        begun = time.process_time()
        found = search(queries)
        report(name, len(queries) / (time.process_time() - begun), found, 0.0, size)

    half = vectors.astype(np.float16)
    exact("exact fp32, single", lambda q: top_k(q, vectors, K)[1], 4 * WIDTH)
    exact("exact fp16 + re-scoring, single", lambda q: top_k(q, half, K)[1], 2 * WIDTH)
    exact("int8 + re-scoring of 100, single", int8_search(half), WIDTH)
    flat = faiss.IndexFlatIP(WIDTH)
    flat.add(vectors)
    exact("FAISS flat, single", lambda q: flat.search(q, K)[1], 4 * WIDTH)
    batch("exact fp32, batch", lambda q: top_k(q, vectors, K)[1], 4 * WIDTH)
    batch("exact fp16, batch", lambda q: top_k(q, half, K)[1], 2 * WIDTH)
    batch("FAISS flat, batch", lambda q: flat.search(q, K)[1], 4 * WIDTH)

    partitions = int(np.sqrt(options.entries))
    begun = time.process_time()
    inverted = faiss.IndexIVFScalarQuantizer(
        faiss.IndexFlatIP(WIDTH), WIDTH, partitions, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT
    )
    inverted.train(vectors[: 40 * partitions])
    inverted.add(vectors)
    build = time.process_time() - begun
    for probes in (4, 16, 64):
        inverted.nprobe = probes
        rate, found = one_by_one(lambda q: inverted.search(q, K)[1], queries)
        report(f"FAISS IVF fp16, {probes} probes", rate, found, build, 2 * WIDTH + 8)

    with tempfile.TemporaryDirectory() as place:
        path = str(Path(place) / "v.lance")
        column = pa.FixedSizeListArray.from_arrays(pa.array(half.reshape(-1)), WIDTH)
        data = lance.write_dataset(pa.table({"protein": column}), path)
        for kind, settings in (
            ("IVF_FLAT", {}),
            ("IVF_PQ", {"num_sub_vectors": 64}),
        ):
            before = _size(place)
            begun = time.process_time()
            data.create_index(
                "protein", kind, metric="dot", num_partitions=partitions, replace=True, sample_rate=40, **settings
            )
            build = time.process_time() - begun
            for probes in (4, 16, 64):
                rate, found = one_by_one(lambda q, p=probes, k=kind: _lance(data, q, p, k), queries)
                report(f"Lance {kind}, {probes} probes", rate, found, build, (_size(place) - before) / options.entries)

    if options.hnsw:
        begun = time.process_time()
        graph = faiss.IndexHNSWFlat(WIDTH, 16, faiss.METRIC_INNER_PRODUCT)
        graph.hnsw.efConstruction = 60
        graph.add(vectors)
        build = time.process_time() - begun
        for effort in (32, 128):
            graph.hnsw.efSearch = effort
            rate, found = one_by_one(lambda q: graph.search(q, K)[1], queries)
            report(f"FAISS HNSW 16, efSearch {effort}", rate, found, build, 4 * WIDTH + 2 * 16 * 4)


def _lance(data: lance.LanceDataset, query: np.ndarray, probes: int, kind: str) -> np.ndarray:
    refine = {"refine_factor": 5} if kind == "IVF_PQ" else {}
    nearest = {"column": "protein", "q": query[0].astype(np.float16), "k": K, "nprobes": probes, **refine}
    return data.scanner(columns=["_distance"], nearest=nearest, with_row_id=True).to_table()["_rowid"].to_numpy()[None]


def _size(place: str) -> int:
    return sum(file.stat().st_size for file in Path(place).rglob("*") if file.is_file())


if __name__ == "__main__":
    main()
