"""The score network: sizes, presets, reach of its feature map, masks and norms."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from foldglass.errors import ModelError
from foldglass.models.noise import NoiseLevels
from foldglass.models.pair_input import ResidueWindow
from foldglass.models.score import ScoreConfig, ScoreNetwork, pair_mask

PRESETS = ("paper", "reference-code", "foldglass")


def window(length: int, *, maps: int = 1) -> ResidueWindow:
    generator = torch.Generator().manual_seed(length)
    letters = torch.randint(21, (maps, length), generator=generator)
    position = torch.arange(length).expand(maps, length)
    return ResidueWindow(letters, position, torch.ones(maps, length, dtype=torch.bool))


def randomised(config: ScoreConfig, seed: int = 0) -> ScoreNetwork:
    """With weights of ordinary size everywhere; freshly made, every branch is near 0."""
    torch.manual_seed(seed)
    network = ScoreNetwork(config)
    for name, parameter in network.named_parameters():
        if parameter.ndim > 1 and "scale" not in name:
            nn.init.normal_(parameter, 0.0, 0.5 / parameter[0].numel() ** 0.5)
    return network.eval()


def tiny(name: str) -> ScoreConfig:
    return replace(ScoreConfig.preset(name), channels=8, bottleneck=3, blocks=4, levels=5)


@pytest.mark.parametrize(("name", "count"), [("reference-code", 611_393), ("paper", 429_505)])
def test_number_of_parameters_is_the_published_one(name, count):
    assert sum(p.numel() for p in ScoreNetwork(ScoreConfig.preset(name)).parameters()) == count


def test_presets_are_what_they_say():
    paper, code, ours = (ScoreConfig.preset(name) for name in PRESETS)
    assert (paper.channels, paper.bottleneck, paper.blocks, paper.dilations) == (64, 16, 32, (1, 3, 5, 9))
    assert (paper.norm, paper.block, paper.lift, paper.gradient) == ("batch", "preactivation", "convolution", "paper")
    assert paper.noise == NoiseLevels(32, 10.0, 0.01)
    assert code == replace(paper, levels=61, gradient="reference-code")
    assert (ours.norm, ours.outputs, paper.outputs, code.outputs) == ("channel", 2, 1, 1)
    assert ours.noise == NoiseLevels(32, 10.0, 0.1)


def test_unknown_preset_names_those_that_exist():
    with pytest.raises(
        ModelError, match=r"^score preset 'glass': no such preset; expected one of paper, reference-code, foldglass$"
    ):
        ScoreConfig.preset("glass")


def test_blocks_that_break_the_cycle_of_dilations_are_refused():
    with pytest.raises(ModelError, match=r"^score network: 6 blocks; expected a multiple of the 4 dilations$"):
        ScoreNetwork(ScoreConfig(blocks=6))


def test_dilations_are_cycled():
    network = ScoreNetwork(ScoreConfig.preset("paper"))
    assert [block.mix.layer.dilation[0] for block in network.blocks] == [1, 3, 5, 9] * 8


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize(
    ("name", "first", "reach"),
    [("paper", "lift.convolution", 145), ("foldglass", "blocks.0", 36)],
)
def test_reach_of_the_feature_map(axis, name, first, reach):
    """One entry of the feature map depends on the input up to `reach` away, and on nothing beyond."""
    network = randomised(ScoreConfig.preset(name)).double()
    if name == "foldglass":
        network.lift.float()
    seen = []

    def capture(module, inputs):
        seen.append(inputs[0].detach().double().requires_grad_())
        return (seen[0], *inputs[1:])

    network.get_submodule(first).register_forward_pre_hook(capture)
    length, middle = 2 * reach + 15, reach + 5
    shape = (length, 1) if axis == 0 else (1, length)
    row, column = (window(size) for size in shape)
    distance = torch.linspace(1.0, 60.0, length).reshape(1, *shape)
    pair, embedding = network(row, column, distance, torch.tensor([2]))
    for value, far in ((embedding, reach), (pair, reach + 1)):
        (gradient,) = torch.autograd.grad(value.reshape(length, -1)[middle].sum(), seen[0], retain_graph=True)
        felt = gradient.reshape(length, -1).abs().amax(1).nonzero().flatten()
        assert (felt.min().item(), felt.max().item()) == (middle - far, middle + far)


@pytest.mark.parametrize("name", PRESETS)
def test_shapes_of_a_window(name):
    network = ScoreNetwork(tiny(name)).eval()
    pair, embedding = network(window(7, maps=2), window(11, maps=2), torch.rand(2, 7, 11), torch.tensor([1, 4]))
    assert pair.shape == (2, 7, 11, 2 if name == "foldglass" else 1)
    assert embedding.shape == (2, 7, 11, 8)


@pytest.mark.parametrize("name", PRESETS)
def test_embedding_depends_on_distance_letters_position_and_level(name):
    network = randomised(tiny(name))
    row, distance, level = window(7), torch.rand(1, 7, 7) * 20, torch.tensor([2])
    base = network(row, row, distance, level)[1]
    other = replace(row, letters=(row.letters + 1) % 20)
    shifted = replace(row, position=row.position + 5)
    for changed in (
        network(row, row, distance + 1.0, level),
        network(other, row, distance, level),
        network(row, other, distance, level),
        network(shifted, row, distance, level),
        network(row, shifted, distance, level),
        network(row, row, distance, torch.tensor([3])),
    ):
        assert (changed[1] - base).abs().max() > 1e-3


@pytest.mark.parametrize("name", PRESETS)
def test_untrained_network_tells_no_pair_from_another(name):
    """The weights of every branch start at or next to 0."""
    torch.manual_seed(0)
    network = ScoreNetwork(tiny(name)).eval()
    pair, _ = network(window(7), window(7), torch.rand(1, 7, 7) * 20, torch.tensor([2]))
    assert pair.std((1, 2)).max() < 1e-3
    assert pair.abs().max() < 0.2


def test_batch_norm_shares_running_statistics_over_levels():
    """In training the statistics are those of the batch; in use they are the running ones, whatever the batch."""
    network = randomised(tiny("paper"))
    row, distance = window(7, maps=3), torch.rand(3, 7, 7, generator=torch.Generator().manual_seed(0)) * 40
    levels = torch.tensor([0, 2, 4])
    one = ResidueWindow(row.letters[:1], row.position[:1], row.mask[:1])

    def alone_and_together():
        together = network(row, row, distance, levels)[1][:1]
        return network(one, one, distance[:1], levels[:1])[1], together

    torch.testing.assert_close(*alone_and_together())
    before = network.norm.batch.running_mean.clone()
    network.train()
    alone, together = alone_and_together()
    assert (alone - together).abs().max() > 0.01
    assert (network.norm.batch.running_mean - before).abs().max() > 0.001
    assert network.norm.batch.running_mean.shape == (8,)
    network.eval()
    torch.testing.assert_close(*alone_and_together())


def test_channel_norm_has_no_state_and_is_the_same_in_training():
    network = randomised(tiny("foldglass"))
    assert not list(network.buffers())
    row, distance = window(7), torch.rand(1, 7, 7) * 20
    quiet = network(row, row, distance, torch.tensor([1]))[1]
    assert torch.equal(network.train()(row, row, distance, torch.tensor([1]))[1], quiet)


def test_pair_mask_is_none_where_all_residues_are_real():
    full = torch.ones(2, 3, dtype=torch.bool)
    assert pair_mask(full, torch.ones(2, 5, dtype=torch.bool)) is None
    part = torch.tensor([[True, True, False], [True, True, True]])
    mask = pair_mask(part, torch.ones(2, 5, dtype=torch.bool))
    assert mask.shape == (2, 3, 5, 1)
    assert mask[..., 0].sum((1, 2)).tolist() == [10, 15]
    assert (mask[0, 2] == 0).all()
