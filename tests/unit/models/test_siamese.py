"""The Siamese network's presets, against sizes worked out by hand from the published description."""

from dataclasses import replace

import pytest
import torch

from foldglass.errors import ModelError
from foldglass.models.siamese import SiameseConfig, SiameseNetwork, SummaryPooling, WholeBranch

ATTENTION = 4 * (512 * 512 + 512)  # query, key, value and output maps
FEEDFORWARD = (512 * 2048 + 2048) + (2048 * 512 + 512)
LAYER = ATTENTION + FEEDFORWARD + 2 * 2 * 512  # and two LayerNorms
PROJECTION = 1024 * 512 + 512
OUTPUT = 512 * 512 + 512
POOLING = (512 * 256 + 256) + (256 + 1)
REFERENCE_CODE = PROJECTION + 2 * LAYER + OUTPUT + POOLING


def build(name: str) -> SiameseNetwork:
    return SiameseNetwork(SiameseConfig.preset(name, input_dim=1024))


def count(network: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def test_reference_code_has_the_published_number_of_parameters():
    assert count(build("reference-code")) == REFERENCE_CODE == 7_223_809


def test_paper_adds_one_layer_norm():
    assert count(build("paper")) == REFERENCE_CODE + 2 * 512


def test_reference_code_is_the_paper_without_input_norm_and_output_relu():
    paper, code = (SiameseConfig.preset(name, input_dim=1024) for name in ("paper", "reference-code"))
    changed = {key for key, value in vars(paper).items() if value != getattr(code, key)}
    assert changed == {"input_norm", "output_relu"}
    kinds = [[type(layer).__name__ for layer in build(name).project] for name in ("paper", "reference-code")]
    assert kinds == [["Linear", "LayerNorm", "Dropout"], ["Linear"]]
    ends = [[type(layer).__name__ for layer in build(name).output] for name in ("paper", "reference-code")]
    assert ends == [["Linear", "ReLU"], ["Linear", "Identity"]]


def test_output_relu_leaves_no_negative_cosine():
    torch.manual_seed(1)
    x, mask, whole = torch.randn(3, 11, 1024), torch.ones(3, 11, dtype=torch.bool), torch.zeros(3, 5)
    with torch.no_grad():
        assert build("paper").eval()(x, mask, whole)[0].min() >= 0
        assert build("reference-code").eval()(x, mask, whole)[0].min() < -0.05


def test_published_layers_have_no_positions_and_ours_do():
    torch.manual_seed(1)
    x, mask, whole = torch.randn(1, 11, 1024), torch.ones(1, 11, dtype=torch.bool), torch.zeros(1, 5)
    order = torch.randperm(11)
    with torch.no_grad():
        for name, position in (("paper", False), ("reference-code", False), ("foldglass", True)):
            network = build(name).eval()
            difference = (network(x[:, order], mask, whole)[1] - network(x, mask, whole)[1]).abs().max()
            assert (difference > 1e-4) == position, name


def test_dropout_acts_in_training_only():
    network, given = build("paper"), (torch.randn(1, 11, 1024), torch.ones(1, 11, dtype=torch.bool), torch.zeros(1, 5))
    with torch.no_grad():
        assert not torch.equal(network(*given)[1], network(*given)[1])
        network.eval()
        assert torch.equal(network(*given)[1], network(*given)[1])


def test_weights_are_drawn_from_xavier_uniform():
    weight = build("reference-code").project[0].weight
    bound = (6 / (1024 + 512)) ** 0.5
    assert weight.abs().max() <= bound
    assert weight.std().item() == pytest.approx(bound / 3**0.5, rel=0.01)


def test_summary_pooling_knows_the_length():
    torch.manual_seed(1)
    pool, x = SummaryPooling(7, 13), torch.ones(2, 5, 7)
    short = torch.arange(5) < torch.tensor([[2], [5]])
    one, other = pool(x, short)
    assert (one - other).abs().max() > 0.01


def test_unknown_preset_lists_the_known_ones():
    with pytest.raises(ModelError, match=r"'papr': no such preset; expected one of paper, reference-code, foldglass$"):
        SiameseConfig.preset("papr", input_dim=7)


def test_whole_branch_standardises_by_the_proteins_it_was_fitted_on():
    torch.manual_seed(1)
    branch, seen = WholeBranch(3, 7, 11, 0.0), torch.tensor([3.0, -50.0, 0.1]) + torch.randn(500, 3)
    branch.fit(seen)
    torch.testing.assert_close(branch.mean, seen.mean(dim=0))
    shifted = WholeBranch(3, 7, 11, 0.0)
    shifted.layers.load_state_dict(branch.layers.state_dict())
    torch.testing.assert_close(branch(seen[:5]), shifted((seen[:5] - seen.mean(dim=0)) / (seen.std(dim=0) + 1e-3)))
    outside = torch.tensor([[1e6, 0.0, 0.0], [1e9, 0.0, 0.0]])
    torch.testing.assert_close(*branch(outside))


def test_network_with_a_whole_branch_starts_with_it_alone():
    config = replace(SiameseConfig.preset("foldglass", input_dim=7), whole_dim=5)
    network, mask = SiameseNetwork(config).eval(), torch.ones(2, 11, dtype=torch.bool)
    whole = torch.randn(1, 5).expand(2, 5)
    with torch.no_grad():
        one, other = network(torch.randn(2, 11, 7), mask, whole)[1]
    torch.testing.assert_close(one, other)


def test_branch_with_a_sketch_keeps_apart_what_only_the_sketch_tells_apart() -> None:
    branch = WholeBranch(3, 7, 11, 0.0, sketch=11)
    known = torch.randn(3).expand(2, 3)
    sketch = torch.eye(11)[:2]
    first, second = branch(torch.cat([known, sketch], dim=1))
    expected = branch.gain[1] * (sketch[0] - sketch[1])
    torch.testing.assert_close(first - second, expected, atol=1e-6, rtol=0)


def test_linear_map_of_a_branch_is_weighed_against_its_network() -> None:
    branch, known = WholeBranch(3, 7, 11, 0.0, linear=True), torch.randn(5, 3)
    assert branch.linear is not None
    with torch.no_grad():
        branch.gain.fill_(0.4)
    unit = torch.nn.functional.normalize
    expected = unit(branch.layers(known), dim=-1) + 0.4 * unit(branch.linear(known), dim=-1)
    torch.testing.assert_close(branch(known), expected)


def test_branch_without_a_sketch_ignores_it() -> None:
    branch = WholeBranch(3, 7, 11, 0.0)
    known = torch.randn(2, 3)
    torch.testing.assert_close(branch(torch.cat([known, torch.randn(2, 11)], dim=1)), branch(known))
