"""What embeddings add to the judge of structure models: python tools/quality_table.py DATA WORK -o table.json

Trains the networks of each variant, each with a seed and a held-out fold of its own (WORK keeps the runs, so that a
stopped table goes on), and measures them on the folds held out; with --test each network, and the mean of all, also on
the test models, next to the baselines. Our network is measured twice, with other models of the protein beside each and
alone.
"""

import argparse
import json
from collections import defaultdict
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from foldglass.models.consensus import without_consensus
from foldglass.models.quality_input import QualityInputConfig, narrowed
from foldglass.models.quality_model import graph_maker, mean_of_networks, predictions
from foldglass.models.quality_network import QualityNetwork
from foldglass.train.quality import DecoyGraphs
from foldglass.train.quality_data import Decoy
from foldglass.train.quality_held_out import HeldOut
from foldglass.train.quality_measures import QualityMeasures, measure
from foldglass.train.quality_report import predictor_json
from foldglass.train.quality_runs import baseline_measures, decoys_of, graphs_of, train_member
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
    parser.add_argument("-o", "--out", type=Path, required=True, help="JSON")
    parser.add_argument("--variants", nargs="+", default=list(VARIANTS))
    parser.add_argument("--members", type=int, default=5, help="networks of each variant")
    parser.add_argument("--test", action="store_true", help="look at the test models too")
    parser.add_argument("--steps", type=int, help="of our network, in place of the recipe's")
    parser.add_argument("--published-only", action="store_true", help="train without decoys made from natives")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    recipes = {name: _recipe(name, arguments.steps, arguments.published_only) for name in arguments.variants}
    configs = [recipe.quality for recipe in recipes.values() if recipe.quality]
    inputs = [config.inputs for config in configs]
    full = QualityInputConfig(
        radius=inputs[0].radius,
        sigma=inputs[0].sigma,
        sequence=any(one.sequence for one in inputs),
        score=any(one.score for one in inputs),
        inverse=any(one.inverse for one in inputs),
    )
    maker = graph_maker(full)
    width = maker.encoder.dim if full.sequence and maker.encoder else 0
    made = next((config for config in configs if config.made_share), configs[0])
    decoys = {"train": decoys_of(arguments.data, made, "train", print)}
    if arguments.test:
        decoys["test"] = decoys_of(arguments.data, made, "test", print)
    graphs = {role: graphs_of(maker, own, print) for role, own in decoys.items()}

    held_out: list[QualityMeasures] = []
    tested: dict[str, list[QualityMeasures]] = defaultdict(list)
    together: list[QualityMeasures] = []
    for name, recipe in recipes.items():
        assert recipe.quality is not None
        own = {
            role: DecoyGraphs(part.decoys, [narrowed(g, recipe.quality.inputs, sequence=width) for g in part.graphs])
            for role, part in graphs.items()
        }
        members = [
            train_member(
                recipe, own["train"], number, arguments.work / f"{name}-{number}", partial(print, name, number)
            )
            for number in range(arguments.members)
        ]
        reads_consensus = isinstance(members[0], QualityNetwork)
        for row in HeldOut.of(members, own["train"]).figures()[: 1 + reads_consensus]:
            title = f"{name}, {row.title}" if reads_consensus else name
            held_out.append(replace(row, key=f"{name}, {row.key}", title=title))
            print(json.dumps(predictor_json(held_out[-1])), flush=True)
        if not arguments.test:
            continue
        seen = {name: own["test"].graphs}
        if reads_consensus:
            seen[f"{name}, alone"] = [without_consensus(graph) for graph in own["test"].graphs]
        for title, found in seen.items():
            answers = [predictions(network, found) for network in members]
            tested[title] = [
                measure(f"{title}-{number}", f"{title}, network {number}", decoys["test"], *answer)
                for number, answer in enumerate(answers)
            ]
            mean = mean_of_networks(answers)
            together.append(measure(f"{title}-mean", f"{title}, mean of networks", decoys["test"], *mean))
    baselines = baseline_measures(decoys["train"], decoys["test"], print) if arguments.test else []
    table = {
        "schema": "foldglass-quality-table/2",
        "counts": {role: _counts(own) for role, own in decoys.items()},
        "networks": arguments.members,
        "variants": {name: _summary(found) for name, found in tested.items()},
        "held_out": [predictor_json(row) for row in held_out],
        "together": [predictor_json(row) for row in together],
        "runs": [predictor_json(row) for found in tested.values() for row in found],
        "baselines": [predictor_json(row) for row in baselines],
    }
    arguments.out.write_text(json.dumps(table, indent=1) + "\n")


def _counts(decoys: list[Decoy]) -> dict[str, int]:
    published = [decoy for decoy in decoys if not decoy.made]
    return {
        "n_models": len(published),
        "n_targets": len({decoy.target for decoy in published}),
        "n_groups": len({decoy.group for decoy in published}),
    }


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


def _summary(rows: list[QualityMeasures]) -> dict[str, dict[str, float]]:
    """Mean and sample standard deviation over the networks of every figure."""
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
