import torch
from torch.testing import assert_close

from unroll.layers.reverse import reverse


def test_literal_values():
    x = torch.tensor([[1, 2, 3, 0], [4, 5, 6, 7], [8, 0, 0, 0], [9, 9, 9, 9]]).unsqueeze(-1).float()
    reversed_ = reverse(x, torch.tensor([3, 4, 1, 0])).squeeze(-1).tolist()
    assert reversed_ == [[3, 2, 1, 0], [7, 6, 5, 4], [8, 0, 0, 0], [9, 9, 9, 9]]


def test_keeps_the_features_of_a_step_together():
    x = torch.arange(12.0).view(1, 4, 3)
    assert reverse(x, torch.tensor([2])).tolist() == [[[3, 4, 5], [0, 1, 2], [6, 7, 8], [9, 10, 11]]]


def test_twice_is_the_identity_for_batch_major_and_time_major_memory():
    lengths = torch.tensor([5, 0, 3, 4])
    for x in (torch.randn(4, 5, 2), torch.randn(5, 4, 2).transpose(0, 1)):
        assert_close(reverse(reverse(x, lengths), lengths), x, rtol=0, atol=0)


def test_the_gradient_is_reversed_too():
    x = torch.randn(2, 4, 3, requires_grad=True)
    grad = torch.randn(2, 4, 3)
    lengths = torch.tensor([4, 2])
    reverse(x, lengths).backward(grad)
    assert_close(x.grad, reverse(grad, lengths), rtol=0, atol=0)
