"""Losses, against values worked out by hand."""

import pytest
import torch

from foldglass.train.losses import (
    agreement_loss,
    alignment_loss,
    glass_loss,
    global_loss,
    local_loss,
    relation_loss,
)


def t(*values: float) -> torch.Tensor:
    return torch.tensor(values, requires_grad=True)


def test_glass_loss_of_a_similar_pair_mixes_local_and_global():
    loss = glass_loss(t(0.9), torch.tensor([0.8]), [(t(0.5, 0.7, 1.0), torch.tensor([0.6, 0.9, 1.0]))])
    assert loss.item() == pytest.approx(0.7 * 0.1 + 0.3 * 0.1)  # local errors 0.1, 0.2, 0


def test_glass_loss_of_a_dissimilar_pair_is_global_alone_and_whole():
    loss = glass_loss(t(0.9), torch.tensor([0.6]), [(t(0.0), torch.tensor([1.0]))])
    assert loss.item() == pytest.approx(0.3)


def test_glass_loss_without_local_truth_is_global_alone():
    assert glass_loss(t(0.9), torch.tensor([0.8]), [None]).item() == pytest.approx(0.1)


def test_glass_loss_averages_over_the_pairs_that_are_kept():
    cosine, tm = t(0.0, 0.5, 1.0), torch.tensor([0.05, 0.3, 0.9])
    loss = glass_loss(cosine, tm, [None, None, (t(0.0), torch.tensor([1.0]))])
    assert loss.item() == pytest.approx((0.2 + 0.7 * 1.0 + 0.3 * 0.1) / 2)
    loss.backward()
    assert cosine.grad[0] == 0 and cosine.grad[1] > 0 and cosine.grad[2] > 0


def test_glass_thresholds_are_closed():
    pair = (t(0.0), torch.tensor([1.0]))
    assert glass_loss(t(0.5), torch.tensor([0.5]), [pair], tm_local=0.5).item() == pytest.approx(0.7)
    assert glass_loss(t(0.25), torch.tensor([0.125]), [None], tm_min=0.125).item() == pytest.approx(0.125)


def test_glass_loss_of_ignored_pairs_is_zero_and_keeps_the_graph():
    cosine = t(0.5, 0.9)
    loss = glass_loss(cosine, torch.tensor([0.01, 0.09]), [None, None])
    assert loss.item() == 0
    loss.backward()
    assert cosine.grad.tolist() == [0, 0]


def test_global_loss_is_quadratic_inside_and_linear_outside():
    tm = torch.tensor([0.5])
    assert global_loss(t(0.5), tm, width=0.1).item() == 0
    assert global_loss(t(0.54), tm, width=0.1).item() == pytest.approx(0.04**2 / 2 / 0.1, rel=1e-4)
    assert global_loss(t(0.9), tm, width=0.1).item() == pytest.approx(0.4 - 0.05, rel=1e-4)


def test_local_loss_is_the_mean_error_and_zero_for_none():
    assert local_loss(t(0.5, 1.0), torch.tensor([0.7, 0.6])).item() == pytest.approx(0.3)
    nothing = torch.zeros(0, requires_grad=True)
    assert local_loss(nothing, torch.zeros(0)).item() == 0


def test_alignment_loss_vanishes_where_partners_are_equal_and_others_orthogonal():
    vectors, pairs = torch.eye(7), torch.tensor([[0, 2], [1, 3], [4, 6]])
    target = torch.eye(7)[[5, 2, 0, 1, 3, 6, 4]]  # the partner of residue 0 stands at 2, and so on
    assert alignment_loss(vectors, target, pairs, temperature=0.02).item() == pytest.approx(0, abs=1e-6)
    swapped = alignment_loss(vectors, target, pairs.flip(0)[:, [0]].expand(-1, 2).contiguous(), temperature=0.02)
    assert swapped.item() > 10


def test_alignment_loss_of_equal_vectors_is_that_of_guessing():
    query, target = torch.ones(5, 3) / 3**0.5, torch.ones(11, 3) / 3**0.5
    loss = alignment_loss(query, target, torch.tensor([[0, 0], [4, 7]]))
    expected = (torch.log(torch.tensor(11.0)) + torch.log(torch.tensor(5.0))) / 2
    torch.testing.assert_close(loss, expected)


def test_alignment_loss_is_symmetric():
    torch.manual_seed(1)
    query, target = torch.randn(5, 3), torch.randn(11, 3)
    pairs = torch.tensor([[0, 1], [3, 7]])
    torch.testing.assert_close(alignment_loss(query, target, pairs), alignment_loss(target, query, pairs.flip(1)))


def test_agreement_loss_is_one_minus_cosine():
    student = torch.tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]])
    assert agreement_loss(student, torch.tensor([[1.0, 0.0]]).expand(3, 2)).item() == pytest.approx(1.0)
    assert agreement_loss(student, student).item() == 0


def test_relation_loss_is_zero_at_equality_only():
    torch.manual_seed(1)
    teacher = torch.nn.functional.normalize(torch.randn(7, 5), dim=-1)
    apart = ~torch.eye(7, dtype=torch.bool)
    assert relation_loss(teacher, teacher, apart).item() == pytest.approx(0, abs=1e-6)
    turned = teacher @ torch.linalg.qr(torch.randn(5, 5))[0]
    assert relation_loss(turned, teacher, apart).item() > 0.05  # same relations within, but not across
