"""What embeddings add to DeepPPISP: python tools/deepppisp_table.py DATA WORK -o docs/results/deepppisp.json

Trains each variant with each seed (WORK keeps what is done, so that a stopped table goes on) and gives, per variant,
mean and standard deviation over the seeds of the figures on the published test proteins and on those of them that have
coordinates. The threshold is that of the validation proteins; beside it the best one on the test set, as published.
"""

import argparse
import json
from collections.abc import Iterable
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool
from spread import spread

from foldglass.metrics.binary import average_precision, best_threshold, decisions
from foldglass.metrics.classification import auroc
from foldglass.train.recipe import Recipe, SitesTrainConfig, read_recipe
from foldglass.train.site_published import Answers, PublishedData, fit_published, published_data

RECIPE = Path(__file__).parents[1] / "src" / "foldglass" / "recipes" / "sites-deepppisp.toml"
VARIANTS: dict[str, tuple[bool, dict[str, Any]]] = {
    "none": (False, {}),
    "sequence": (False, {"embeddings": "sequence"}),
    "none, coordinates": (True, {}),
    "sequence, coordinates": (True, {"embeddings": "sequence"}),
    "structure, coordinates": (True, {"embeddings": "structure"}),
    "none, dense": (False, {"dense": True}),
}
"""Whether to train on proteins with coordinates alone, and what differs from the recipe."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("-o", "--out", type=Path, required=True)
    parser.add_argument(
        "--variants", nargs="+", choices=VARIANTS, default=[name for name in VARIANTS if "dense" not in name]
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    recipe = read_recipe(RECIPE)
    assert recipe.sites is not None
    arguments.work.mkdir(parents=True, exist_ok=True)
    for name in arguments.variants:
        coordinates, changes = VARIANTS[name]
        config = replace(recipe.sites, **changes)
        left = [seed for seed in arguments.seeds if not _kept(arguments.work, name, seed).is_file()]
        if left:
            data = published_data(config, arguments.data, print, coordinates=coordinates)
            placed = _with_coordinates(config, arguments.data)
            for seed in left:
                row = _run(recipe, config, data, placed, seed, arguments.work / f"{name}-{seed}", name)
                _kept(arguments.work, name, seed).write_text(json.dumps(row))
    runs = [json.loads(path.read_text()) for path in sorted(arguments.work.glob("*.json"))]
    groups = sorted({(row["variant"], key) for row in runs for key in row["figures"]})
    table = {
        "schema": "foldglass-deepppisp-table/1",
        "sites": asdict(recipe.sites),
        "steps": recipe.loop.steps,
        "summary": [
            {"variant": name, "proteins": key, **_summary([row for row in runs if row["variant"] == name], key)}
            for name, key in groups
        ],
        "runs": runs,
    }
    arguments.out.write_text(json.dumps(table, indent=1) + "\n")


def _kept(work: Path, name: str, seed: int) -> Path:
    return work / f"{name}-{seed}.json"


def _with_coordinates(config: SitesTrainConfig, folder: Path) -> set[tuple[str, str]]:
    chains = published_data(replace(config, embeddings="none"), folder, print, coordinates=True).tests
    return {(subset, chain.id) for subset, chain in zip(chains.subset, chains.chains, strict=True)}


def _run(
    recipe: Recipe,
    config: SitesTrainConfig,
    data: PublishedData,
    placed: set[tuple[str, str]],
    seed: int,
    folder: Path,
    name: str,
) -> dict[str, Any]:
    torch.manual_seed(seed)
    loop = replace(recipe.loop, seed=seed, accelerator="cpu")
    validation, tests = fit_published(replace(recipe, loop=loop), config, data, folder, partial(print, name, seed))
    scores, positive = np.concatenate(validation.probability), np.concatenate(validation.positive)
    threshold = best_threshold(scores, positive)
    known = np.array(
        [(subset, chain.id) in placed for subset, chain in zip(data.tests.subset, data.tests.chains, strict=True)]
    )
    chosen = {str(len(known)): np.ones_like(known), str(known.sum()): known}
    return {
        "variant": name,
        "seed": seed,
        "training_proteins": len(data.training) - len(validation.positive),
        "validation": {"proteins": len(validation.positive), "auprc": average_precision(scores, positive)},
        "figures": {key: _figures(tests, which, threshold) for key, which in chosen.items()},
    }


def _figures(tests: Answers, which: Bool[np.ndarray, " P"], threshold: float) -> dict[str, Any]:
    rows = np.flatnonzero(which).tolist()
    scores = np.concatenate([tests.probability[i] for i in rows])
    positive = np.concatenate([tests.positive[i] for i in rows])
    return {
        "auroc": auroc(scores, positive),
        "auprc": average_precision(scores, positive),
        **{f"validation_{key}": value for key, value in asdict(decisions(scores, positive, threshold)).items()},
        **{
            f"test_{key}": value
            for key, value in asdict(decisions(scores, positive, best_threshold(scores, positive))).items()
        },
    }


def _summary(rows: Iterable[dict[str, Any]], key: str) -> dict[str, Any]:
    """Mean and sample standard deviation over the seeds."""
    found = [row["figures"][key] for row in rows]
    values = {name: [own[name] for own in found] for name in found[0]}
    return {
        "seeds": len(found),
        **{name: spread(v) for name, v in values.items()},
    }


if __name__ == "__main__":
    main()
