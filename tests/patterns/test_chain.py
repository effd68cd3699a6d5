from math import log

import pytest
import torch
from torch.testing import assert_close

from unroll.patterns.chain import Chain

SPANS = ["B-x", "I-x", "O"]
LENGTHS = torch.tensor([3])


def scores(*steps: list[float]) -> torch.Tensor:
    return torch.tensor([steps]).log()


def test_each_step_for_itself():
    chain = Chain(SPANS, linked=False)
    given = scores([0.2, 0.5, 0.3], [0.1, 0.2, 0.7], [0.6, 0.3, 0.1])
    assert not list(chain.parameters())
    assert not chain.state_dict()
    assert chain.best(given, LENGTHS).tolist() == [[1, 2, 0]]
    assert_close(chain.probabilities(given, LENGTHS), given.exp())
    loss = chain.loss(given, torch.tensor([[0, -1, 1]]), LENGTHS)
    assert loss.item() == pytest.approx(-log(0.2) - log(0.3))


def test_linked_steps_of_spans_are_in_order():
    """Behind ``O`` there is no ``I-x``: of the nine pairs eight are left."""
    chain = Chain(SPANS, linked=True)
    given, lengths = scores([0.2, 0.1, 0.7], [0.1, 0.6, 0.3]), torch.tensor([2])
    assert chain.best(given, lengths).tolist() == [[2, 2]]
    total = 1 - 0.7 * 0.6
    expected = torch.tensor([[[0.2, 0.1, 0.7 * 0.4], [0.1, 0.3 * 0.6, 0.3]]]) / total
    assert_close(chain.probabilities(given, lengths), expected)
    loss = chain.loss(given, torch.tensor([[0, 1]]), lengths)
    assert loss.item() == pytest.approx(-log(0.2 * 0.6 / total), rel=1e-5)


def test_what_is_forbidden_is_not_learned():
    chain = Chain(SPANS, linked=True)
    chain.loss(torch.zeros(1, 3, 3), torch.tensor([[2, 0, 1]]), LENGTHS).backward()
    moved = chain.transitions.grad != 0
    assert moved.tolist() == [[True, True, True], [True, True, True], [True, False, True]]
    assert list(chain.state_dict()) == ["transitions"]


def test_other_names_forbid_nothing():
    chain = Chain(["NN", "I-x", "O"], linked=True)
    assert not chain.forbidden.any()
    given = scores([0.2, 0.1, 0.7], [0.1, 0.6, 0.3])
    assert chain.best(given, torch.tensor([2])).tolist() == [[2, 1]]
