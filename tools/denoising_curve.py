"""How well does a score network remove noise? RMSD and lDDT of held-out chains before and after, next to baselines.

    python tools/denoising_curve.py MODEL DATA -o curve.json [--chains 40] [--seeds 3]

Gaussian noise of 0.5, 1, 2 and 4 angstrom is added to every coordinate of native C-alpha traces, one chain of each
superfamily group, and removed again by annealed Langevin dynamics from that level. The baselines do nothing, or replace
each C-alpha by a moving average, whose weights are chosen on validation chains for each level of noise. `one step` is
the network's estimate of the mean, x + sigma^2 score. Choose the parameters of the dynamics with `--role validation`;
the default, held-out superfamilies, is for the report. Writes the JSON, and a figure beside it as .svg and .png.
"""

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from foldglass.io.atomic import replacing
from foldglass.metrics.lddt import lddt
from foldglass.metrics.regression import bootstrap_interval
from foldglass.metrics.superposition import kabsch
from foldglass.models.registry import load_score
from foldglass.models.score_model import ScoreModel
from foldglass.protein import Structure
from foldglass.tasks.denoise import STEP, STEPS, denoise
from foldglass.train.data import PairData, load_pair_data
from foldglass.train.splits import ROLES, VALIDATION, fraction
from foldglass.typing import Coordinates

NOISE = (0.5, 1.0, 2.0, 4.0)
WINDOWS = (1, 3, 5, 7, 9)
MIX = (0.25, 0.5, 0.75, 1.0)
"""How far a C-alpha goes to the average of its window."""
LENGTHS = (40, 250)
TITLES = {
    "nothing": ("before", "#8a929b"),
    "average": ("moving average", "#E69F00"),
    "one step": ("network, one step", "#56B4E9"),
    "network": ("network", "#0072B2"),
}
MEASURES = {"rmsd": "C-alpha RMSD to native (A)", "lddt": "C-alpha lDDT to native"}
Method = Callable[[Structure, Coordinates, float, int], Coordinates]
"""Structure, noisy coordinates, sigma and seed; gives coordinates with less noise."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="a score network: its name or folder")
    parser.add_argument("data", type=Path)
    parser.add_argument("-o", "--out", type=Path, required=True)
    parser.add_argument("--role", choices=("validation", "superfamily"), default="superfamily")
    parser.add_argument("--chains", type=int, default=40)
    parser.add_argument("--validation-chains", type=int, default=100)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--noise", type=float, nargs="+", default=NOISE)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--step", type=float, default=STEP)
    parser.add_argument("--temperature", type=float, default=0.0)
    options = parser.parse_args()
    model, data = load_score(options.model), load_pair_data(options.data)
    validation = chosen(data, VALIDATION, options.validation_chains)
    averages = {sigma: best_average(validation, sigma) for sigma in options.noise}
    dynamics = {name: getattr(options, name) for name in ("steps", "step", "temperature")}
    methods: dict[str, Method] = {
        "nothing": lambda structure, ca, sigma, seed: ca,
        "average": lambda structure, ca, sigma, seed: averaged(ca, *averages[sigma]),
        "one step": lambda structure, ca, sigma, seed: one_step(model, structure, ca, sigma),
        "network": lambda structure, ca, sigma, seed: (
            denoise(model, moved(structure, ca), sigma=sigma, seed=seed, **dynamics).structure.ca
        ),
    }
    test = chosen(data, ROLES.index(options.role), options.chains)
    points = [measured(test, sigma, options.seeds, methods) for sigma in options.noise]
    found = {
        "model": model.id,
        "role": options.role,
        "chains": [structure.id for structure in test],
        "residues": sum(map(len, test)),
        "seeds": options.seeds,
        **dynamics,
        "validation_chains": len(validation),
        "average": {f"{sigma:g}": {"window": w, "mix": m} for sigma, (w, m) in averages.items()},
        "points": points,
    }
    with replacing(options.out) as part:
        part.write_text(json.dumps(found, indent=2) + "\n")
    draw(points, options.out)
    for point in points:
        print(point["sigma"], {name: point[name]["rmsd"]["mean"] for name in methods})


def chosen(data: PairData, role: int, count: int) -> list[Structure]:
    """One chain of each superfamily group of a role, in an order that depends on nothing but the ids."""
    rows = [i for i in np.flatnonzero(data.roles == role) if LENGTHS[0] <= len(data.structures[i]) <= LENGTHS[1]]
    rows.sort(key=lambda i: fraction("denoising", data.structures[i].id))
    first = {data.superfamily[i]: i for i in reversed(rows)}
    kept = sorted(first.values(), key=lambda i: fraction("denoising", data.structures[i].id))[:count]
    return [data.structures[i] for i in kept]


def perturbed(structure: Structure, sigma: float, seed: int) -> Coordinates:
    """The native with noise that depends on the chain, the level and the seed."""
    rng = np.random.default_rng(int(fraction("noise", structure.id, sigma, seed) * 2**53))
    return np.asarray(structure.ca + rng.normal(0, sigma, structure.ca.shape), np.float32)


def moved(structure: Structure, ca: Coordinates) -> Structure:
    """The structure at other coordinates."""
    return Structure(structure.id, structure.letters, ca=ca.astype(np.float32))


def one_step(model: ScoreModel, structure: Structure, ca: Coordinates, sigma: float) -> Coordinates:
    """Mean of what the noisy structure may have been, as the network has it (Robbins 1956; Efron 2011)."""
    level = float(model.noise.sigma[model.level(sigma)])
    return np.asarray(ca + level**2 * model.gradient(moved(structure, ca), sigma=level))


def averaged(ca: Coordinates, window: int, mix: float) -> Coordinates:
    """Each C-alpha moved towards the mean of a window along the chain, which is shorter at the ends."""
    half = window // 2
    total = np.concatenate([np.zeros((1, 3)), np.cumsum(ca, axis=0, dtype=np.float64)])
    place = np.arange(len(ca))
    reach = np.minimum(half, np.minimum(place, len(ca) - 1 - place))
    mean = (total[place + reach + 1] - total[place - reach]) / (2 * reach + 1)[:, None]
    return np.asarray(ca + mix * (mean - ca))


def best_average(chains: list[Structure], sigma: float) -> tuple[int, float]:
    """Window and mix with the lowest mean RMSD on the chains."""
    noisy = [(structure.ca, perturbed(structure, sigma, 0)) for structure in chains]
    choices = [(1, 1.0), *((window, mix) for window in WINDOWS[1:] for mix in MIX)]
    return min(choices, key=lambda choice: float(np.mean([rmsd(n, averaged(x, *choice)) for n, x in noisy])))


def rmsd(native: Coordinates, ca: Coordinates) -> float:
    """RMSD in angstrom after superposition."""
    rotation, translation = kabsch(native, ca)
    return float(np.sqrt(((ca @ rotation + translation - native) ** 2).sum(axis=1).mean()))


def measured(chains: list[Structure], sigma: float, seeds: int, methods: dict[str, Method]) -> dict[str, Any]:
    """Mean of each measure over the chains, with 95 % intervals; a chain counts once, as the mean of its seeds."""
    values = {name: {measure: np.zeros(len(chains)) for measure in MEASURES} for name in methods}
    for i, structure in enumerate(chains):
        for seed in range(seeds):
            noisy = perturbed(structure, sigma, seed)
            for name, method in methods.items():
                ca = np.asarray(method(structure, noisy, sigma, seed), np.float64)
                values[name]["rmsd"][i] += rmsd(structure.ca, ca) / seeds
                values[name]["lddt"][i] += np.nanmean(lddt(structure.ca, ca.astype(np.float32))) / seeds
    better = {name: float(np.mean(v["rmsd"] < values["nothing"]["rmsd"])) for name, v in values.items()}
    summary: dict[str, Any] = {"sigma": sigma}
    for name, by_measure in values.items():
        summary[name] = {"chains_improved": better[name]}
        for measure, each in by_measure.items():
            interval = bootstrap_interval(each, np.arange(len(each)), n=1000)
            facts = {"mean": interval.value, "low": interval.low, "high": interval.high, "each": each.tolist()}
            summary[name][measure] = facts
    return summary


def draw(points: list[dict[str, Any]], out: Path) -> None:
    """One panel per measure, a line per method, with 95 % intervals."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot as plt

    style: dict[Any, Any] = {
        "axes.spines.top": False,
        "axes.spines.right": False,
        "legend.frameon": False,
        "svg.hashsalt": "foldglass",
    }
    with plt.rc_context(style):
        figure, panels = plt.subplots(1, 2, figsize=(8.4, 3.4), layout="constrained")
        sigma = np.array([point["sigma"] for point in points], float)
        for axes, (measure, label) in zip(panels, MEASURES.items(), strict=True):
            for name, (title, colour) in TITLES.items():
                facts = [point[name][measure] for point in points]
                mean, low, high = (np.array([fact[key] for fact in facts]) for key in ("mean", "low", "high"))
                axes.errorbar(sigma, mean, [mean - low, high - mean], color=colour, marker="o", ms=4, label=title)
            axes.set(xscale="log", xlabel="noise added to each coordinate (A)", ylabel=label)
            axes.set_xticks(sigma, [f"{value:g}" for value in sigma])
            axes.minorticks_off()
            axes.set_ylim(bottom=0)
        panels[0].legend()
        for suffix in (".svg", ".png"):
            with replacing(out.with_suffix(suffix)) as part:
                metadata = {"Date": None} if suffix == ".svg" else None
                figure.savefig(part, format=suffix[1:], dpi=160, metadata=metadata)
        plt.close(figure)


if __name__ == "__main__":
    main()
