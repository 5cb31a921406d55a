"""What embeddings add to the judge of structure models: python tools/quality_table.py DATA WORK -o table.json

Trains each variant with each seed (WORK keeps the runs, so that a stopped table goes on), then measures all of them on
one split of the published models, next to the baselines. Every variant sees the same models in the same order. Our
network is measured twice, with other models of the protein beside each and alone.
"""

import argparse
import json
from collections import Counter, defaultdict
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from foldglass.models.consensus import without_consensus
from foldglass.models.quality_input import QualityInputConfig, narrowed
from foldglass.models.quality_model import graph_maker, predictions
from foldglass.models.quality_network import QualityNetwork
from foldglass.train.loop import BEST, load_weights, train
from foldglass.train.quality import DecoyGraphs, QualityTask
from foldglass.train.quality_data import Decoy
from foldglass.train.quality_measures import QualityMeasures, measure
from foldglass.train.quality_report import predictor_json
from foldglass.train.quality_runs import baseline_measures, decoys_by_split, graphs_of
from foldglass.train.recipe import Recipe, read_recipe

RECIPES = Path(__file__).parents[1] / "src" / "foldglass" / "recipes"
VARIANTS: dict[str, tuple[str, dict[str, Any]]] = {
    "graphqa": ("quality-graphqa", {}),
    "graphqa+score": ("quality-graphqa", {"score": True}),
    "none": ("quality", {"inverse": False}),
    "sequence": ("quality", {"inverse": False, "sequence": True}),
    "structure": ("quality", {"inverse": False, "score": True}),
    "inverse": ("quality", {}),
    "all": ("quality", {"sequence": True, "score": True}),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("-o", "--out", type=Path, help="JSON; without it the models are only trained")
    parser.add_argument("--variants", nargs="+", default=list(VARIANTS))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--split", default="validation")
    parser.add_argument("--steps", type=int, help="of our network, in place of the recipe's")
    parser.add_argument("--published-only", action="store_true", help="train without decoys made from natives")
    parser.add_argument("--per-target", type=int, help="train on so many published models of each target")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    recipes = {name: _recipe(name, arguments.steps, arguments.published_only) for name in arguments.variants}
    inputs = [recipe.quality.inputs for recipe in recipes.values() if recipe.quality]
    full = QualityInputConfig(
        radius=inputs[0].radius,
        sigma=inputs[0].sigma,
        sequence=any(one.sequence for one in inputs),
        score=any(one.score for one in inputs),
        inverse=any(one.inverse for one in inputs),
    )
    maker = graph_maker(full)
    width = maker.encoder.dim if full.sequence and maker.encoder else 0
    some = next((one.quality for one in recipes.values() if one.quality and one.quality.preset == "foldglass"), None)
    some = some or next(iter(recipes.values())).quality
    assert some is not None
    roles = ("train", "validation", *({arguments.split} - {"validation"} if arguments.out else ()))
    decoys = decoys_by_split(arguments.data, some, roles, print)
    if arguments.per_target:
        decoys["train"] = _first(decoys["train"], arguments.per_target)
    graphs = {role: graphs_of(maker, decoys[role], role, print) for role in roles}

    rows: dict[str, list[QualityMeasures]] = defaultdict(list)
    for name, recipe in recipes.items():
        assert recipe.quality is not None
        own = {
            role: DecoyGraphs(part.decoys, [narrowed(g, recipe.quality.inputs, sequence=width) for g in part.graphs])
            for role, part in graphs.items()
        }
        for seed in arguments.seeds:
            torch.manual_seed(seed)
            task = QualityTask(replace(recipe, loop=replace(recipe.loop, seed=seed)), own)
            folder = arguments.work / f"{name}-{seed}"
            train(task, replace(recipe.loop, seed=seed), folder, progress=partial(print, name, seed))
            tensors, facts = load_weights(folder / BEST)
            print(name, seed, json.dumps(facts), flush=True)
            if arguments.out:
                task.network.load_state_dict(tensors)
                network, judged = task.network.eval(), own[arguments.split]
                seen = {name: judged.graphs}
                if isinstance(network, QualityNetwork):
                    seen[f"{name}, alone"] = [without_consensus(graph) for graph in judged.graphs]
                for title, found in seen.items():
                    row = measure(
                        f"{title}-{seed}", f"{title}, seed {seed}", judged.decoys, *predictions(network, found)
                    )
                    rows[title].append(row)
    if arguments.out:
        baselines = baseline_measures(decoys["train"], decoys[arguments.split], print)
        table = {
            "schema": "foldglass-quality-table/1",
            "split": arguments.split,
            "n_models": len(decoys[arguments.split]),
            "n_targets": len({decoy.target for decoy in decoys[arguments.split]}),
            "seeds": arguments.seeds,
            "variants": {name: _summary(found) for name, found in rows.items()},
            "runs": [predictor_json(row) for found in rows.values() for row in found],
            "baselines": [predictor_json(row) for row in baselines],
        }
        arguments.out.write_text(json.dumps(table, indent=1) + "\n")


def _recipe(name: str, steps: int | None, published_only: bool) -> Recipe:
    stem, changes = VARIANTS[name]
    recipe = read_recipe(RECIPES / f"{stem}.toml")
    assert recipe.quality is not None
    quality = replace(recipe.quality, inputs=replace(recipe.quality.inputs, **changes))
    if published_only:
        quality = replace(quality, made_share=0.0)
    loop = replace(
        recipe.loop, accelerator="cpu", steps=steps if steps and quality.preset == "foldglass" else recipe.loop.steps
    )
    return replace(recipe, quality=quality, loop=loop)


def _first(decoys: list[Decoy], count: int) -> list[Decoy]:
    """The first models of each target; made decoys stay."""
    met: Counter[str] = Counter()
    kept = []
    for decoy in decoys:
        met[decoy.target] += 1
        if decoy.made or met[decoy.target] <= count:
            kept.append(decoy)
    return kept


def _summary(rows: list[QualityMeasures]) -> dict[str, dict[str, float]]:
    """Mean and sample standard deviation over the seeds of every figure."""
    values = {
        "rmse": [row.rmse["gdt_ts"].value for row in rows],
        "pearson": [row.pearson["gdt_ts"].value for row in rows],
        **{
            key: [getattr(row, key).value for row in rows]
            for key in ("per_target", "z", "first", "five", "local_rmse", "local_pearson", "local_spearman")
        },
        "local_per_model": [row.local_per_model.value for row in rows],
    }
    return {
        key: {"mean": round(float(np.mean(v)), 4), "sd": round(float(np.std(v, ddof=1)), 4) if len(v) > 1 else 0.0}
        for key, v in values.items()
    }


if __name__ == "__main__":
    main()
