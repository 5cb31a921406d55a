"""Measure how often unrelated proteins reach a cosine, and write that into a model's calibration.

    python tools/calibrate_unrelated.py DATA MODEL_FOLDER

Pairs are all against all of the validation proteins that SCOP or CATH puts in different folds (`train.unrelated`).
Weights, and so the model's short hash, stay as they are. Then the E-values are checked on held-out superfamilies: a
query with N unrelated entries should find one of them with an E-value of 1 or less, and 0.1 with 0.1.
"""

import argparse
import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from foldglass.io.atomic import replacing
from foldglass.models.calibration import Calibration
from foldglass.models.registry import load
from foldglass.train.calibrate import tail_knots
from foldglass.train.splits import SUPERFAMILY
from foldglass.train.unrelated import unrelated_cosines, unrelated_pairs

EVALUES = (10.0, 1.0, 0.1, 0.01)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("model", type=Path, help="a model folder")
    options = parser.parse_args()
    model = load(str(options.model))
    before = model.calibration
    found = unrelated_pairs(options.data)
    if found is None:
        parser.error(f"{options.data}: its structures have no labels")
    pairings = dict(before.pairings)
    for kinds, cosine in unrelated_cosines(model, found).items():
        pairings[kinds] = replace(pairings[kinds], unrelated=tail_knots(cosine))
        print(f"{kinds}: {len(cosine):,} pairs; knots {pairings[kinds].unrelated}", flush=True)
    after = Calibration(pairings)
    config = json.loads((options.model / "config.json").read_text())
    config["calibration"] = after.to_json()
    with replacing(options.model / "config.json") as part:
        part.write_text(json.dumps(config, indent=2) + "\n")
    test = unrelated_pairs(options.data, SUPERFAMILY)
    if test is None:
        return
    print(f"check: {len(test.proteins)} proteins of held-out superfamilies, unrelated hits of a query by E-value")
    entries = 2 * len(test.one) / len(test.proteins)
    for kinds, cosine in unrelated_cosines(model, test).items():
        for name, calibration in (("before", before), ("after", after)):
            evalue = entries * calibration.p_unrelated(cosine, kinds=kinds)
            hits = [f"{entries * np.mean(evalue <= least):.3f} with E <= {least:g}" for least in EVALUES]
            identical = float(calibration.p_unrelated(np.ones(1), kinds=kinds)[0])
            print(f"{kinds}, {name}: {', '.join(hits)}; a cosine of 1: {identical:.1e} x entries", flush=True)


if __name__ == "__main__":
    main()
