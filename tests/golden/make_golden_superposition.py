"""Write data/superposition.json: what TM-align and TM-score print for made-up chains.

Needs the Debian package tm-align (programs TMalign and TMscore). Run from this folder:

    python make_golden_superposition.py
"""

import json
import re
import subprocess
import tempfile
from pathlib import Path

import numpy as np

BOND = 3.8
ANGLES = {"H": (91.0, 52.0), "E": (122.0, -170.0)}
LETTERS = "ACDEFGHIKLMNPQRSTVWY"
NAMES = "ALA CYS ASP GLU PHE GLY HIS ILE LYS LEU MET ASN PRO GLN ARG SER THR VAL TRP TYR"
THREE = {letter: NAMES[4 * k : 4 * k + 3] for k, letter in enumerate(LETTERS)}
# TMalign 20190822 and the later version in tmtools 0.3.0 end in different optima here (TM-score 0.4515 and 0.4497).
VERSIONS_DIFFER = {"mixed, noise 2.5"}


def chain(pattern: str, rng: np.random.Generator) -> np.ndarray:
    """A C-alpha trace from virtual bond angles and torsions: H helix, E strand, anything else random."""
    points = [np.zeros(3), np.array([BOND, 0, 0]), np.array([BOND, BOND, 0])]
    for kind in pattern[3:]:
        angle, torsion = ANGLES.get(kind, (rng.uniform(90, 140), rng.uniform(-180, 180)))
        angle, torsion = np.radians([angle + rng.normal(scale=2), torsion + rng.normal(scale=4)])
        b, c = points[-2] - points[-3], points[-1] - points[-2]
        along = c / np.linalg.norm(c)
        normal = np.cross(b, along)
        normal /= np.linalg.norm(normal)
        side = np.cross(normal, along)
        local = BOND * np.array([-np.cos(angle), np.sin(angle) * np.cos(torsion), np.sin(angle) * np.sin(torsion)])
        points.append(points[-1] + local[0] * along + local[1] * side + local[2] * normal)
    return np.array(points)


def turned(points: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    rotation, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    return points @ (rotation * np.sign(np.linalg.det(rotation))) + rng.normal(scale=20, size=3)


def pdb(points: np.ndarray, letters: str, numbers: list[int], path: Path) -> None:
    lines = [
        f"ATOM  {k:5d}  CA  {THREE[letter]} A{number:4d}    {x:8.3f}{y:8.3f}{z:8.3f}  1.00  0.00           C"
        for k, ((x, y, z), letter, number) in enumerate(zip(points, letters, numbers, strict=True), start=1)
    ]
    path.write_text("\n".join([*lines, "TER", "END", ""]))


def tmalign(query: Path, target: Path) -> dict[str, object]:
    text = subprocess.run(["TMalign", query, target], capture_output=True, text=True, check=True).stdout
    scores = re.findall(r"TM-score= ([\d.]+) \(if normalized by length of Chain_(\d)", text)
    aligned, marks, other = re.search(r'\(":".*\n(.*)\n(.*)\n(.*)\n', text).groups()
    i = j = -1
    pairs = []
    for a, mark, b in zip(aligned, marks, other, strict=True):
        i, j = i + (a != "-"), j + (b != "-")
        if a != "-" and b != "-" and mark in ":.":
            pairs.append([i, j])
    n, rmsd = re.search(r"Aligned length= *(\d+), RMSD= *([\d.]+)", text).groups()
    return {
        "tm_query": float(scores[0][0]),
        "tm_target": float(scores[1][0]),
        "n_aligned": int(n),
        "rmsd": float(rmsd),
        "alignment": pairs,
    }


def tmscore(model: Path, reference: Path) -> dict[str, float]:
    text = subprocess.run(["TMscore", model, reference], capture_output=True, text=True, check=True).stdout
    find = {
        "rmsd": r"RMSD of  the common residues= *([\d.]+)",
        "tm_score": r"TM-score    = ([\d.]+)",
        "gdt_ts": r"GDT-TS-score= ([\d.]+)",
        "gdt_ha": r"GDT-HA-score= ([\d.]+)",
    }
    return {name: float(re.search(pattern, text).group(1)) for name, pattern in find.items()}


def main() -> None:
    rng = np.random.default_rng(20)
    helices = "HHHHHHHHHHHHHHHHCCCCHHHHHHHHHHHHHHHHHHCCCCHHHHHHHHHHHHHH"
    mixed = "EEEEEEECCCCEEEEEEECCHHHHHHHHHHHHCCCEEEEEEECCCHHHHHHHHHHHHHHHHCCCCEEEEEEECCCCCEEEEEE"
    strands = "EEEEEEEECCCEEEEEEEECCCCEEEEEEEECCCEEEEEEEE"
    a, b, c, long = (chain(p, rng) for p in (helices, mixed, strands, mixed + "CCC" + helices + "CC" + strands))
    hinge = long.copy()
    hinge[90:] = turned(long[90:], rng)
    hinge[90:] += long[90] - hinge[90]
    whole = {"helices": a, "mixed": b, "strands": c, "long": long}
    cases = []
    for name, points in whole.items():
        for scale in (0.3, 1.0, 2.5):
            cases.append((f"{name}, noise {scale}", points, points + rng.normal(scale=scale, size=points.shape), None))
    cases.append(("long with a hinge", long, hinge, None))
    smooth = np.cumsum(rng.normal(scale=0.35, size=long.shape), axis=0)
    cases.append(("long with a drift", long, long + smooth, None))
    cases.append(("mixed, every third residue missing", b, b, [k for k in range(len(b)) if k % 3]))
    cases.append(("long, one end missing and noisy", long, long + rng.normal(size=long.shape), list(range(60, 150))))
    cases.append(("unrelated", b[:42], c, None))
    cases.append(("eight residues", a[:8], a[:8] + rng.normal(scale=0.8, size=(8, 3)), None))
    pairs = [("mixed", b, "long", long), ("strands", c, "mixed", b), ("helices", a, "long", long[40:])]
    written: dict[str, list[object]] = {"correspondence": [], "alignment": []}
    with tempfile.TemporaryDirectory() as folder:
        first, second = Path(folder, "1.pdb"), Path(folder, "2.pdb")
        for name, reference, model, kept in cases:
            letters = "".join(rng.choice(list(LETTERS), size=len(reference)))
            kept = list(range(len(model))) if kept is None else kept
            reference, model = reference.round(3), turned(model, rng)[kept].round(3)
            pdb(model, "".join(letters[k] for k in kept), [k + 1 for k in kept], first)
            pdb(reference, letters, list(range(1, len(reference) + 1)), second)
            written["correspondence"].append(
                {
                    "name": name,
                    "reference": reference.tolist(),
                    "model": model.tolist(),
                    "kept": kept,
                    "expected": tmscore(first, second),
                }
            )
            if name not in VERSIONS_DIFFER:
                pairs.append((name, model, name, reference))
        for name, query, other, target in pairs:
            query, target = query.round(3), turned(target, rng).round(3)
            letters = ["".join(rng.choice(list(LETTERS), size=len(points))) for points in (query, target)]
            pdb(query, letters[0], list(range(1, len(query) + 1)), first)
            pdb(target, letters[1], list(range(1, len(target) + 1)), second)
            written["alignment"].append(
                {
                    "name": f"{name} / {other}",
                    "query": query.tolist(),
                    "target": target.tolist(),
                    "letters": letters,
                    "expected": tmalign(first, second),
                }
            )
    out = Path(__file__).parent / "data" / "superposition.json"
    out.parent.mkdir(exist_ok=True)
    lines = [f"{json.dumps(kind)}: [\n" + ",\n".join(map(json.dumps, rows)) + "\n]" for kind, rows in written.items()]
    out.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
