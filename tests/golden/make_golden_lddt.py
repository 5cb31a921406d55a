"""Write data/lddt.json: what biotite's lddt gives for made-up structures.

Needs biotite 1.2 or later (1.6.0 was used). Run from this folder:

    python make_golden_lddt.py

biotite knows no symmetric side chains. In the case "names exchanged" it gets the right names, and the file holds the
same model with the names of some symmetric atoms exchanged.
"""

import json
from pathlib import Path

import biotite.structure as bs
import numpy as np
from biotite.structure.info import residue

THREE = dict(A="ALA", R="ARG", N="ASN", D="ASP", E="GLU", G="GLY", K="LYS", L="LEU", F="PHE", W="TRP", Y="TYR", V="VAL")
EXCHANGED = dict(R="NH1 NH2", D="OD1 OD2", E="OE1 OE2", L="CD1 CD2", V="CG1 CG2", F="CD1 CD2 CE1 CE2")


def protein(letters: str, rng: np.random.Generator) -> bs.AtomArray:
    """Residues of the chemical component dictionary, each turned at random, along a compact walk."""
    place, residues = np.zeros(3), []
    for number, letter in enumerate(letters):
        atoms = residue(THREE[letter])
        atoms = atoms[(atoms.element != "H") & (atoms.atom_name != "OXT")]
        turn, _ = np.linalg.qr(rng.normal(size=(3, 3)))
        centred = atoms.coord - atoms.coord[atoms.atom_name == "CA"]
        atoms.coord = centred @ (turn * np.sign(np.linalg.det(turn))) + place
        atoms.res_id[:] = number + 1
        residues.append(atoms)
        step = rng.normal(size=3) - 0.2 * place
        place = place + 3.8 * step / np.linalg.norm(step)
    whole = bs.concatenate(residues)
    whole.coord = whole.coord.round(3)
    return whole


def case(name: str, letters: str, noise: float, missing: float, exchange: bool, rng: np.random.Generator) -> dict:
    reference = protein(letters, rng)
    model = reference.copy()
    model.coord = (model.coord + rng.normal(scale=noise, size=model.coord.shape)).round(3)
    lost = (rng.uniform(size=len(model)) < missing) & (model.atom_name != "CA")
    model.coord[lost] = np.nan
    only_ca = reference.atom_name == "CA"
    names = model.atom_name.tolist()
    for k, (atom, number) in enumerate(zip(model.atom_name, model.res_id, strict=True)):
        pairs = EXCHANGED.get(letters[number - 1], "").split() if exchange and number % 2 else []
        if atom in pairs:
            names[k] = pairs[pairs.index(atom) ^ 1]
    return {
        "name": name,
        "letters": letters,
        "residue": (reference.res_id - 1).tolist(),
        "reference_names": reference.atom_name.tolist(),
        "reference": _rounded(reference.coord),
        "kept": np.flatnonzero(~lost).tolist(),
        "model_names": [names[k] for k in np.flatnonzero(~lost)],
        "model": _rounded(model.coord[~lost]),
        "expected": {
            "total": float(bs.lddt(reference, model)),
            "residue": bs.lddt(reference, model, aggregation="residue").tolist(),
            "ca": bs.lddt(reference[only_ca], model[only_ca], aggregation="residue").tolist(),
        },
    }


def _rounded(coords: np.ndarray) -> list[list[float]]:
    return coords.astype(np.float64).round(3).tolist()


def main() -> None:
    rng = np.random.default_rng(6)
    plain, symmetric = "".join(rng.choice(list("ANGKW"), size=29)), "".join(rng.choice(list("RDELFVAG"), size=31))
    cases = [
        case("small errors", plain, 0.4, 0.0, False, rng),
        case("large errors", plain, 2.0, 0.0, False, rng),
        case("atoms missing", plain, 0.8, 0.2, False, rng),
        case("names exchanged", symmetric, 0.15, 0.0, True, rng),
    ]
    text = json.dumps(cases).replace('{"name"', '\n{"name"')
    (Path(__file__).parent / "data" / "lddt.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
