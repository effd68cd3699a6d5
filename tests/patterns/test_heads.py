import numpy as np
import pytest
import torch
from scipy import stats
from torch.nn.functional import softplus

from unroll.patterns.heads import QuantileHead, StudentHead

LEVELS = [0.1, 0.5, 0.9]


def test_pinball_losses_by_hand():
    head = QuantileHead(LEVELS)
    losses = head.losses(torch.tensor([[[1.0, 2.0, 5.0], [0.0, 0.0, 0.0]]]), torch.tensor([[3.0, -1.0]]))
    expected = [0.1 * 2 + 0.5 * 1 + 0.1 * 2, 0.9 + 0.5 + 0.1]
    torch.testing.assert_close(losses, torch.tensor([expected]))


def test_crossed_quantiles_are_sorted():
    quantiles = QuantileHead(LEVELS).quantiles(torch.tensor([[[3.0, 1.0, 2.0]]]))
    assert quantiles.dtype == np.float64
    assert quantiles.tolist() == [[[1, 2, 3]]]


def test_students_t_is_that_of_scipy():
    torch.manual_seed(0)
    raw, targets = torch.randn(4, 3, 3), 2 * torch.randn(4, 3)
    location, scale, freedom = raw[..., 0], 1e-3 + softplus(raw[..., 1]), 2 + softplus(raw[..., 2])
    head = StudentHead(LEVELS)
    expected = -stats.t.logpdf(targets, freedom, location, scale)
    np.testing.assert_allclose(head.losses(raw, targets).numpy(), expected, rtol=1e-4)
    expected = stats.t.ppf(LEVELS, freedom[..., None].numpy(), location[..., None].numpy(), scale[..., None].numpy())
    np.testing.assert_allclose(head.quantiles(raw), expected, rtol=1e-4)


@pytest.mark.parametrize("kind", [QuantileHead, StudentHead])
def test_fitted_to_noise_the_quantiles_are_those_of_the_noise(kind):
    torch.manual_seed(0)
    head = kind(LEVELS)
    targets = 1 + 0.5 * torch.randn(2000, 1)
    raw = torch.zeros(1, 1, head.outputs, requires_grad=True)
    optimizer = torch.optim.Adam([raw], 0.03)
    for _ in range(250):
        optimizer.zero_grad()
        head.losses(raw.expand(2000, 1, -1), targets).mean().backward()
        optimizer.step()
    found = head.quantiles(raw.detach())[0, 0]
    np.testing.assert_allclose(found, stats.norm.ppf(LEVELS, 1, 0.5), atol=0.05)
