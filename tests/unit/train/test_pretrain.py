"""Masked-residue pre-training: what is hidden, what is held out, and what is asked."""

import math
from collections import Counter

import numpy as np
import polars as pl
import pytest
import torch

from foldglass.constants import AMINO_ACIDS
from foldglass.encoders.builtin import MASK_TOKEN, SequenceEncoderConfig, tokenize
from foldglass.errors import InputError, NotFoundError
from foldglass.train.pretrain import PretrainTask, read_letters
from foldglass.train.recipe import LoopConfig, PretrainConfig, Recipe


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    rng = np.random.default_rng(1)
    letters = ["".join(rng.choice(list(AMINO_ACIDS + "X"), int(n))) for n in rng.integers(3, 90, 301)]
    path = tmp_path_factory.mktemp("pretrain") / "sequences.parquet"
    pl.DataFrame({"sequence": letters + letters[:7]}).write_parquet(path)
    return path, letters


def recipe(path, **changes) -> Recipe:
    config = {"crop": 37, "tokens": 2000, "validation": 60, **changes}
    return Recipe(
        task="pretrain",
        loop=LoopConfig(steps=1),
        sequence=SequenceEncoderConfig(dim=24, layers=1, heads=3, feedforward=29),
        pretrain=PretrainConfig(sequences=[str(path)], **config),
    )


@pytest.fixture(scope="module")
def task(table):
    torch.manual_seed(1)
    return PretrainTask(recipe(table[0]))


class Spy(torch.nn.Module):
    """Keeps what the network is shown and answers at random."""

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(()))

    def forward(self, tokens, mask, hidden):
        self.tokens, self.mask, self.hidden = tokens, mask, hidden
        return torch.zeros(int(hidden.sum()), len(AMINO_ACIDS)) + self.weight


def shown(task, steps=20):
    spies = []
    for step in range(steps):
        spies.append(Spy())
        task.loss(spies[-1], step)
    return spies


def test_about_fifteen_in_a_hundred_known_residues_are_hidden(task):
    hidden = known = 0
    for spy in shown(task):
        hidden += int(spy.hidden.sum())
        known += int(spy.mask.sum())
        assert not (spy.hidden & ~spy.mask).any()
        assert not (spy.tokens[spy.hidden] == 20).any() or (spy.tokens == 20).any()
    assert hidden / known == pytest.approx(0.15 * 20 / 21, abs=0.01)


def test_hidden_residues_are_masked_replaced_or_kept(task):
    """Eight in ten show the mask; a batch of the same step without hiding tells what the others were."""
    counts: Counter[str] = Counter()
    for step, spy in enumerate(shown(task)):
        rng = np.random.default_rng((task.seed, step))
        crops = task._batch(task._train, rng)
        for row, crop in enumerate(crops):
            own = spy.tokens[row, : len(crop)].numpy()
            where = spy.hidden[row, : len(crop)].numpy()
            np.testing.assert_array_equal(own[~where], crop[~where])
            assert (crop[where] < 20).all()
            for now, before in zip(own[where], crop[where], strict=True):
                counts["mask" if now == MASK_TOKEN else "same" if now == before else "other"] += 1
    total = sum(counts.values())
    assert counts["mask"] / total == pytest.approx(0.8, abs=0.03)
    assert counts["same"] / total == pytest.approx(0.1 + 0.1 / 20, abs=0.03)
    assert counts["other"] / total == pytest.approx(0.1 * 19 / 20, abs=0.03)


def test_batch_keeps_to_its_budget_and_crops(task):
    for spy in shown(task, 5):
        lengths = spy.mask.sum(dim=1)
        assert lengths.max() <= 37
        assert 2000 - 37 <= int(lengths.sum()) <= 2000


def test_guessing_costs_the_logarithm_of_twenty(task):
    loss, parts = task.loss(Spy(), 0)
    assert loss.item() == pytest.approx(math.log(20), rel=1e-5)
    assert 0 <= parts["accuracy"] < 0.2


def test_untrained_network_is_near_guessing_and_learns(task):
    before, _ = task.loss(task.module, 3)
    assert abs(before.item() - math.log(20)) < 0.5
    optimizer = torch.optim.SGD(task.module.parameters(), lr=0.5)
    for _ in range(5):
        optimizer.zero_grad()
        loss, _ = task.loss(task.module, 3)
        loss.backward()
        optimizer.step()
    assert task.loss(task.module, 3)[0] < before - 0.01


def test_same_step_gives_the_same_loss(task):
    task.module.eval()
    assert task.loss(task.module, 7)[0] == task.loss(task.module, 7)[0]
    assert task.loss(task.module, 7)[0] != task.loss(task.module, 8)[0]
    assert task.validate(task.module) == task.validate(task.module)


def test_validation_sequences_are_not_trained_on(task, table):
    training = {tuple(own.tolist()) for own in task._train}
    validation = {tuple(own.tolist()) for own in task._validation}
    assert not training & validation
    assert training | validation == {tuple(tokenize(own).tolist()) for own in table[1]}
    assert 40 < len(validation) < 80


def test_held_out_sequences_are_used_nowhere(table):
    path, letters = table
    task = PretrainTask(recipe(path), held_out=frozenset(letters[:30]))
    used = {tuple(own.tolist()) for own in [*task._train, *task._validation]}
    assert not used & {tuple(tokenize(own).tolist()) for own in letters[:30]}
    assert len(used) == len(set(letters[30:]))


def test_sequences_are_read_once_and_sorted(table):
    path, letters = table
    assert read_letters([path, path]) == sorted(set(letters))


def test_missing_table_is_named(tmp_path):
    with pytest.raises(NotFoundError, match=r"none.parquet: no such table; expected a Parquet table with a column"):
        read_letters([tmp_path / "none.parquet"])


def test_too_few_sequences_are_refused(table):
    with pytest.raises(InputError, match=r"0 to train on and \d+ to validate on; expected some of both; give more"):
        PretrainTask(recipe(table[0], validation=1000))
