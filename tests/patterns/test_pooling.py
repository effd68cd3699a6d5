import pytest
import torch
from torch.testing import assert_close

from unroll.patterns.pooling import Pooling

LENGTHS = torch.tensor([3, 1])
X = torch.tensor(
    [
        [[1.0, 20.0], [5.0, 10.0], [3.0, 60.0]],
        [[-7.0, -8.0], [100.0, 100.0], [100.0, 100.0]],
    ]
)
KINDS = ["final", "mean", "max", "attention"]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("final", [[3.0, 60.0], [-7.0, -8.0]]),
        ("mean", [[3.0, 30.0], [-7.0, -8.0]]),
        ("max", [[5.0, 60.0], [-7.0, -8.0]]),
    ],
)
def test_literally(kind, expected):
    assert Pooling([kind], 2, bidirectional=False)(X, LENGTHS).tolist() == expected


def test_what_was_read_backward_ends_at_the_first_step():
    assert Pooling(["final"], 2, bidirectional=True)(X, LENGTHS).tolist() == [[3.0, 20.0], [-7.0, -8.0]]


def test_attention_is_a_mean_whose_weights_are_learned():
    pooling = Pooling(["attention"], 2, bidirectional=False)
    before, _, toward = pooling.resemblance
    with torch.no_grad():
        for weight in (before.weight, before.bias, toward.weight):
            weight.zero_()
    assert_close(pooling(X, LENGTHS), torch.tensor([[3.0, 30.0], [-7.0, -8.0]]))
    with torch.no_grad():  # resembles the sign of the first feature less 4: the second step stands out
        before.weight.copy_(torch.tensor([[100.0, 0.0], [0.0, 0.0]]))
        before.bias.copy_(torch.tensor([-400.0, 0.0]))
        toward.weight.copy_(torch.tensor([[20.0, 0.0]]))
    assert_close(pooling(X, LENGTHS), torch.tensor([[5.0, 10.0], [-7.0, -8.0]]))


def test_kinds_lie_side_by_side():
    pooling = Pooling(["max", "mean"], 2, bidirectional=True)
    assert pooling.outputs == 4
    assert pooling(X, LENGTHS).tolist() == [[5.0, 60.0, 3.0, 30.0], [-7.0, -8.0, -7.0, -8.0]]


@pytest.mark.parametrize("kind", KINDS)
def test_padding_changes_no_summary_and_no_gradient(kind):
    torch.manual_seed(0)
    pooling = Pooling([kind], 2, bidirectional=True)
    results = []
    for filling in (0.0, 1e3):
        x = X.clone()
        x[1, 1:] = filling
        x.requires_grad_()
        y = pooling(x, LENGTHS)
        results.append((y.detach(), *torch.autograd.grad(y.square().sum(), (x, *pooling.parameters()))))
    assert_close(results[0], results[1])
    assert results[0][1][0].any()
    assert not results[0][1][1, 1:].any()


@pytest.mark.parametrize("kind", KINDS)
def test_gradients(kind):
    torch.manual_seed(0)
    pooling = Pooling([kind], 4, bidirectional=True).double()
    x = torch.randn(2, 3, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda each: pooling(each, LENGTHS), x)
