import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.testing import assert_close

from unroll.layers.convolution import Convolutions, kept, spread


def made(inputs: int = 1, width: int = 7, channels: tuple[int, ...] = (3, 4), halvings: int = 2) -> Convolutions:
    torch.manual_seed(0)
    layers = Convolutions(inputs, width, list(channels), halvings)
    for level in layers.levels:  # as after training
        nn.init.uniform_(level.scale.weight, 0.5, 1.5)
        nn.init.normal_(level.scale.bias)
        nn.init.normal_(level.scale.running_mean)
        nn.init.uniform_(level.scale.running_var, 0.5, 1.5)
    return layers


def test_a_level_literally():
    """The sum over 3 × 3 pixels, of which the largest of 2 × 2 is taken, normalised, and no less than zero."""
    layers = made(1, 4, [1], 1).eval()
    (level,) = layers.levels
    nn.init.ones_(level.kernel.weight)
    nn.init.zeros_(level.kernel.bias)
    level.scale.weight.data[:], level.scale.bias.data[:] = 2, 1
    level.scale.running_mean[:], level.scale.running_var[:] = 10, 4
    picture = torch.tensor([[1.0, 2, 3, 4], [5, 6, 7, 8], [9, 10, 11, 12]])
    # Sums over 3 × 3: [14 24 30 22], [33 54 63 45], [30 48 54 38].
    found = layers(picture[None, None])
    assert_close(found, torch.tensor([[[44.0 + 1, 53 + 1], [38 + 1, 44 + 1]]]), atol=1e-3, rtol=0)


def test_it_is_what_the_modules_say():
    layers = made(2, 6, [3, 5], 1).eval()
    x = torch.randn(4, 2, 9, 6)
    expected = x
    for level, pool in zip(layers.levels, [(2, 2), (1, 2)], strict=True):
        expected = functional.max_pool2d(level.kernel(expected), pool, ceil_mode=True)
        scale = level.scale
        args = scale.running_mean, scale.running_var, scale.weight, scale.bias
        expected = functional.batch_norm(expected, *args).relu()
    assert expected.shape == (4, 5, 5, 2)
    found = layers(x)
    assert layers.outputs == 10
    assert_close(found, expected.permute(0, 2, 3, 1).flatten(2))


@pytest.mark.parametrize("halvings", [0, 1, 2])
@pytest.mark.parametrize("width", [7, 1])
@pytest.mark.parametrize("training", [False, True])
def test_padding_changes_nothing(training, width, halvings):
    layers = made(2, width, halvings=halvings).train(training)
    lengths = torch.tensor([9, 4, 1, 12])
    x = torch.randn(4, 2, 12, width, requires_grad=True)
    y = layers(x, lengths)
    left = -(-lengths // 2**halvings)
    assert y.shape == (4, 12 // 2**halvings, layers.outputs)
    for row, length in zip(y, left.tolist(), strict=True):
        assert not row[length:].any()
    y.square().sum().backward()
    gradients = [weight.grad.clone() for weight in layers.parameters()]
    assert all(not row[:, length:].any() for row, length in zip(x.grad, lengths.tolist(), strict=True))
    layers.zero_grad()
    dirt = torch.arange(17) >= lengths[:, None]
    soiled = functional.pad(x.detach(), (0, 0, 0, 5)).masked_fill(dirt[:, None, :, None], 1e3)
    again = layers(soiled, lengths)
    assert_close(again[:, : y.shape[1]], y)
    assert not again[:, y.shape[1] :].any()
    again.square().sum().backward()
    for gradient, weight in zip(gradients, layers.parameters(), strict=True):
        assert_close(weight.grad, gradient, rtol=1e-4, atol=1e-4)


def test_company_changes_nothing_in_use():
    layers = made().eval()
    lengths = [11, 5, 2, 8]
    rows = [torch.randn(1, length, 7) for length in lengths]
    x = torch.zeros(4, 1, 12, 7)
    for line, row in zip(x, rows, strict=True):
        line[:, : row.shape[1]] = row
    together = layers(x, torch.tensor(lengths))
    for found, row in zip(together, rows, strict=True):
        alone = layers(row[None], torch.tensor([row.shape[1]]))[0]
        assert_close(found[: len(alone)], alone)


def test_the_statistics_are_of_the_real_steps():
    layers = made(channels=[3], halvings=1).train()
    x, lengths = torch.randn(2, 1, 8, 7) + 3, torch.tensor([8, 4])
    layers(x, lengths)
    kernel = layers.levels[0].kernel
    masked = torch.stack([x[0], torch.cat((x[1, :, :4], torch.zeros(1, 4, 7)), 1)])
    pooled = functional.max_pool2d(kernel(masked), 2, ceil_mode=True).transpose(1, 2)
    real = torch.cat((pooled[0], pooled[1, :2]))
    again = made(channels=[3], halvings=1).train().levels[0].scale
    again(real.transpose(1, 2).flatten(0, 1))
    assert_close(layers.levels[0].scale.running_mean, again.running_mean)
    assert_close(layers.levels[0].scale.running_var, again.running_var)


def test_what_is_kept_is_spread_again():
    steps = torch.arange(1.0, 13).view(2, 3, 2)
    lengths = torch.tensor([1, 3])
    real = kept(steps, lengths)
    assert real.tolist() == [[1, 2], [7, 8], [9, 10], [11, 12]]
    assert spread(real, lengths, 4).tolist() == [
        [[1, 2], [0, 0], [0, 0], [0, 0]],
        [[7, 8], [9, 10], [11, 12], [0, 0]],
    ]
