"""The task `sites` from a table of chains to a model and to published networks' figures; its parts by hand."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from torch import nn

from foldglass.errors import InputError, NotFoundError
from foldglass.models.deepppisp import LONGEST
from foldglass.models.registry import load_sites
from foldglass.models.site_inputs import SiteInputs
from foldglass.protein import Structure
from foldglass.train.evaluation_sites import evaluate_sites, render_sites
from foldglass.train.recipe import SitesTrainConfig, read_recipe
from foldglass.train.runs import run_recipe
from foldglass.train.site_baselines import LogisticRegression, exposure, hydrophobicity
from foldglass.train.site_data import TESTS, TRAINING, load_site_chains
from foldglass.train.site_examples import AdjacencyExamples, GraphExamples, WindowExamples, residue_inputs
from foldglass.train.site_measures import interval, site_figures
from foldglass.train.site_members import fit_members
from foldglass.train.sites import SitesTask, predict

pytest.importorskip("lightning_fabric")


def half(values: np.ndarray) -> bytes:
    return values.astype("<f2").tobytes()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, make_structure: Callable[..., Structure]) -> Path:
    """Random chains whose tryptophans touch, with made-up published features."""
    made = tmp_path_factory.mktemp("sites")
    rng = np.random.default_rng(0)
    sets = [TRAINING] * 30 + [TESTS[0]] * 5 + ["deepppisp_dset72_train"] * 14 + ["deepppisp_dset72_test"] * 3
    rows, features = [], []
    for number, subset in enumerate(sets):
        chain = make_structure(int(rng.integers(25, 45)), number)
        length = len(chain)
        labels = "".join("1" if letter in "WFY" else "0" for letter in chain.letters)
        rows.append((f"c{number}", subset, chain.letters, labels, chain.ca.astype("<f4").tobytes()))
        width = 14 if subset in (TRAINING, *TESTS) else 9
        profile = rng.random((length, 20))
        features.append(
            (f"c{number}", subset, half(profile), half(profile), half(rng.random((length - 2, width))), width)
        )
    columns = ["id", "subset", "sequence", "labels", "ca_coords"]
    pl.DataFrame(rows, schema=columns, orient="row").write_parquet(made / "ppi_sites.parquet")
    columns = ["id", "subset", "pssm", "hmm", "dssp", "dssp_width"]
    pl.DataFrame(features, schema=columns, orient="row").write_parquet(made / "ppi_features.parquet")
    return made


def recipe(folder: Path, sites: str, *, steps: int = 30) -> Path:
    path = folder / "run.toml"
    path.write_text(
        f'task = "sites"\n[loop]\nsteps = {steps}\nlr = 1e-2\nwarmup = 2\nvalidate_every = 15\n[sites]\n{sites}\n'
    )
    return path


def test_our_network_learns_what_letters_tell(folder: Path, tmp_path: Path) -> None:
    text = 'inputs = ["letters"]\nmembers = 2\ndim = 16\nlayers = 1\nneighbours = 4\nresidues = 150\ndropout = 0.0'
    made = run_recipe(recipe(tmp_path, text, steps=60), tmp_path / "run", data=folder, name="toy")
    model = load_sites(str(made))
    assert (
        model.name == "toy" and len(model.members) == 2 and "30 chains of Train_335" in (made / "card.md").read_text()
    )
    evaluation = evaluate_sites(model, folder, TESTS[:1])
    own = next(result.figures for result in evaluation.results if not result.is_baseline)
    assert own.auprc > 0.9 > own.prevalence * 3 and own.decided.f1 > 0.7
    chance = next(result.figures for result in evaluation.results if result.key == "constant")
    assert chance.auprc == pytest.approx(chance.prevalence)
    assert "Test_60" in render_sites(evaluation)
    before = (made / "model.safetensors").read_bytes()
    run_recipe(tmp_path / "run.toml", tmp_path / "run", data=folder, name="toy")
    assert (made / "model.safetensors").read_bytes() == before


def test_the_sixth_network_leaves_out_the_first_fold_again(folder: Path, tmp_path: Path) -> None:
    chains = load_site_chains(folder, TRAINING)
    whole = read_recipe(recipe(tmp_path, 'inputs = ["patch"]\nmembers = 6\ndim = 8\nlayers = 1', steps=2))
    assert whole.sites is not None
    made = residue_inputs(chains, SiteInputs(["patch"]), tmp_path / "inputs.safetensors", progress=print)
    members = fit_members(whole, whole.sites, chains, made, tmp_path, print)
    examples, fold = GraphExamples(chains, made, count=whole.sites.neighbours), chains.folds()
    for number, left_out_by in ((0, (0, 5)), (1, (1,))):
        chain = int(np.flatnonzero(fold == number)[0])
        answers = [predict(members.networks[i], examples, [chain]) for i in left_out_by]
        np.testing.assert_allclose(members.held_out[chain], np.mean(answers, axis=0))
    assert all(len(found) == len(chain) for found, chain in zip(members.held_out, chains.chains, strict=True))


@pytest.mark.parametrize(
    ("text", "chains"),
    [
        ('network = "graphppis"\nfeatures = "blosum"\nresidues = 1', 5),
        ('network = "deepppisp"\nresidues = 100', 3),
        ('network = "deepppisp"\nembeddings = "sequence"\nresidues = 100', 3),
    ],
)
def test_published_networks_end_with_figures(folder: Path, tmp_path: Path, text: str, chains: int) -> None:
    made = run_recipe(recipe(tmp_path, text), tmp_path / "run", data=folder)
    figures = json.loads(made.read_text())
    assert figures["test"]["chains"] == chains and figures["validation"]["chains"] > 0
    assert figures["test"]["threshold"] == figures["validation"]["threshold"]
    assert figures["test"]["optimistic"]["f1"] >= figures["test"]["decided"]["f1"]


def test_features_are_as_published(folder: Path) -> None:
    chains = load_site_chains(folder, TRAINING)
    profiles = AdjacencyExamples(chains, folder, features="profiles")
    blosum = AdjacencyExamples(chains, folder, features="blosum")
    assert (profiles.channels, blosum.channels) == (54, 34)
    features, edges = blosum.batch([0])
    assert features[:, :20].min() >= 0 and features[:, :20].max() == 1 and edges.shape == (len(features),) * 2
    assert (features[-2:, 20:] == 0).all() and (features[-3, 20:] != 0).any()  # rows that DSSP lacks
    with pytest.raises(InputError, match="2 chains in a step; expected one"):
        profiles.batch([0, 1])
    with pytest.raises(NotFoundError, match=r"ppi_features\.parquet: no such table"):
        AdjacencyExamples(chains, folder / "none", features="blosum")


def test_deepppisp_reads_500_residues(folder: Path, make_structure: Callable[..., Structure]) -> None:
    chains = load_site_chains(folder, "deepppisp_dset72_test", coordinates=False)
    long = "A" * (LONGEST + 20)
    chains.chains[0] = type(chains.chains[0])(chains.chains[0].id, long)
    chains.labels[0] = np.zeros(len(long), bool)
    examples = WindowExamples(chains, folder, dense=False, embeddings=None)
    assert len(examples.labels(0)) == LONGEST == len(examples.batch([0]).windows)


def test_folds_keep_families_together_and_steps_use_every_chain_once(folder: Path) -> None:
    chains = load_site_chains(folder, TRAINING)
    chains.family[:10] = ["one"] * 10
    folds = chains.folds()
    assert len(set(folds[:10].tolist())) == 1 and len(set(folds.tolist())) == 5
    examples = AdjacencyExamples(chains, folder, features="blosum")
    rows = np.arange(len(chains))
    config = SitesTrainConfig(residues=100)
    task = SitesTask(nn.Identity(), examples, config=config, training=rows, validation=rows[:1], seed=0)
    drawn, step = [], 0
    while len(drawn) < len(chains):
        drawn += task._chains(step)
        step += 1
    assert sorted(drawn) == rows.tolist()
    assert task._chains(step) != task._chains(0)


def test_baselines_by_hand(make_structure: Callable[..., Structure]) -> None:
    ca = np.float32([[x, y, 0] for x in (0, 3.8) for y in (0, 3.8, 7.6)])
    toy = Structure("toy", "IIIDDD", ca=ca)
    assert hydrophobicity(toy) == pytest.approx([0.5] * 6)  # all six are near: (3 x 4.5 - 3 x 3.5) / 6
    assert (exposure(toy) <= 0).all()
    chains = [make_structure(60, seed) for seed in range(6)]
    labels = [np.array([letter in "WFY" for letter in chain.letters]) for chain in chains]
    fitted = LogisticRegression(chains, labels)
    assert fitted(chains[0])[labels[0]].min() > fitted(chains[0])[~labels[0]].max()


def test_intervals_resample_whole_chains() -> None:
    scores = [np.array([0.9, 0.1])] * 5 + [np.array([0.1, 0.9])] * 5
    true = [np.array([True, False])] * 10
    low, high = interval(lambda p, y: float((p > 0.5)[y].mean()), scores, true, resamples=300)
    assert low < 0.35 and high > 0.65
    assert site_figures(scores[:5], true[:5], 0.5, resamples=20).auprc_interval == (1.0, 1.0)
