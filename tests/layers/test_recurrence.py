import torch
from torch.testing import assert_close

from unroll.layers.recurrence import linear_recurrence


def test_literal_values():
    a = torch.tensor([0.5, 2.0, 0.0]).view(3, 1, 1)
    b = torch.tensor([1.0, -1.0, 7.0]).view(3, 1, 1)
    h = linear_recurrence(a, b, torch.tensor([[4.0]]))
    assert h.flatten().tolist() == [3.0, 5.0, 7.0]


def test_literal_gradients():
    a = torch.tensor([0.5, 2.0]).view(2, 1, 1).requires_grad_()
    b = torch.tensor([1.0, -1.0]).view(2, 1, 1).requires_grad_()
    h0 = torch.tensor([[4.0]], requires_grad=True)
    linear_recurrence(a, b, h0)[-1].backward()  # h[1] = a[1] (a[0] h0 + b[0]) + b[1]
    assert a.grad.flatten().tolist() == [8.0, 3.0]
    assert b.grad.flatten().tolist() == [2.0, 1.0]
    assert h0.grad.item() == 1.0


def test_gradcheck():
    torch.manual_seed(0)
    for steps in (1, 2, 6):
        a, b = (torch.randn(steps, 2, 3, dtype=torch.double, requires_grad=True) for _ in range(2))
        h0 = torch.randn(2, 3, dtype=torch.double, requires_grad=True)
        assert torch.autograd.gradcheck(linear_recurrence, (a, b, h0))


def test_equals_the_loop_on_views_that_are_not_contiguous():
    torch.manual_seed(0)
    a, b = torch.rand(50, 4, 12, dtype=torch.double).requires_grad_().chunk(2, dim=2)
    h = h0 = torch.randn(4, 6, dtype=torch.double)
    expected = [h := a_t * h + b_t for a_t, b_t in zip(a, b, strict=True)]
    assert_close(linear_recurrence(a, b, h0), torch.stack(expected))
