"""What each input adds to the interaction-site model: python tools/sites_table.py DATA WORK -o table.json

Trains the recipe `sites` with each set of inputs and each seed, five networks each (WORK keeps the runs, so that a
stopped table goes on), and gives mean and standard deviation over the seeds: out of fold on the training chains, and of
the mean of the five networks on the test sets.
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
from jaxtyping import Bool, Float64
from spread import spread

from foldglass.metrics.binary import average_precision
from foldglass.metrics.classification import auroc
from foldglass.models.site_inputs import SiteInputs
from foldglass.train.recipe import read_recipe
from foldglass.train.site_data import TESTS, TRAINING, SiteChains, load_site_chains
from foldglass.train.site_examples import GraphExamples, residue_inputs
from foldglass.train.site_members import fit_members
from foldglass.train.sites import predict

RECIPE = Path(__file__).parents[1] / "src" / "foldglass" / "recipes" / "sites.toml"
SHAPE = ["letters", "geometry", "surface", "patch"]
VARIANTS = {
    "letters": ["letters"],
    "letters, geometry": ["letters", "geometry"],
    "letters, geometry, surface": SHAPE,
    "letters, geometry, surface, sequence encoder": [*SHAPE, "sequence"],
    "letters, geometry, surface, score network": [*SHAPE, "score"],
    "letters, geometry, surface, structure tower": [*SHAPE, "structure"],
}
NETWORKS = 5
Inputs = list[dict[str, np.ndarray]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("-o", "--out", type=Path, required=True)
    parser.add_argument("--variants", nargs="+", choices=VARIANTS, default=list(VARIANTS))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--tests", nargs="*", default=[], choices=TESTS, help="look at these too")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    arguments.work.mkdir(parents=True, exist_ok=True)
    subsets = [TRAINING, *arguments.tests]
    chains = {subset: load_site_chains(arguments.data, subset) for subset in subsets}
    needed = SiteInputs(dict.fromkeys(name for variant in arguments.variants for name in VARIANTS[variant]))
    made = {
        subset: residue_inputs(own, needed, arguments.work / f"{subset}.safetensors", progress=print)
        for subset, own in chains.items()
    }
    runs = [
        _run(variant, seed, chains, made, arguments.work) for variant in arguments.variants for seed in arguments.seeds
    ]
    table = {
        "schema": "foldglass-sites-table/1",
        "networks": NETWORKS,
        "summary": [_summary(variant, [run for run in runs if run["variant"] == variant]) for variant in VARIANTS],
        "runs": runs,
    }
    arguments.out.write_text(json.dumps(table, indent=1) + "\n")


def _run(variant: str, seed: int, chains: dict[str, SiteChains], made: dict[str, Inputs], work: Path) -> dict[str, Any]:
    recipe = read_recipe(RECIPE)
    assert recipe.sites is not None
    config = replace(recipe.sites, inputs=VARIANTS[variant], members=NETWORKS)
    recipe = replace(recipe, sites=config, loop=replace(recipe.loop, seed=seed, accelerator="cpu"))
    own = {subset: [{name: one[name] for name in config.inputs} for one in inputs] for subset, inputs in made.items()}
    folder = work / f"{variant}-{seed}"
    members = fit_members(recipe, config, chains[TRAINING], own[TRAINING], folder, partial(print, variant, seed))
    run: dict[str, Any] = {"variant": variant, "seed": seed}
    run[TRAINING] = _figures(members.held_out, chains[TRAINING])
    for subset in own.keys() - {TRAINING}:
        examples = GraphExamples(chains[subset], own[subset], count=config.neighbours)
        answers = [
            np.mean([predict(network, examples, [chain]) for network in members.networks], axis=0)
            for chain in range(len(examples))
        ]
        run[subset] = _figures(answers, chains[subset])
    print(variant, seed, json.dumps(run), flush=True)
    return run


def _figures(probability: list[Float64[np.ndarray, " _"]], chains: SiteChains) -> dict[str, float]:
    scores: Float64[np.ndarray, " R"] = np.concatenate(probability)
    positive: Bool[np.ndarray, " R"] = np.concatenate(chains.labels)
    return {"auprc": average_precision(scores, positive), "auroc": auroc(scores, positive)}


def _summary(variant: str, runs: list[dict[str, Any]]) -> dict[str, Any]:
    values: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for run in runs:
        for subset in run.keys() - {"variant", "seed"}:
            for name, value in run[subset].items():
                values[subset][name].append(value)
    return {
        "variant": variant,
        "seeds": len(runs),
        **{subset: {name: spread(each) for name, each in found.items()} for subset, found in values.items()},
    }


if __name__ == "__main__":
    main()
