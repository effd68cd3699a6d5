from typing import NamedTuple

import pytest
import torch

from unroll.decoding.writing import Written, limits, permitted, select, write


class Pair(NamedTuple):
    h: torch.Tensor
    c: torch.Tensor


def test_selects_rows_through_any_nest():
    h, c = torch.arange(6.0).view(3, 2), torch.arange(3)
    found = select((Pair(h, c), (None, 7), (h,)), torch.tensor([2, 0, 0, 2]))
    assert type(found) is tuple
    assert type(found[0]) is Pair
    assert found[0].h.tolist() == [[4, 5], [0, 1], [0, 1], [4, 5]]
    assert found[0].c.tolist() == [2, 0, 0, 2]
    assert found[1] == (None, 7)
    assert found[2][0].tolist() == [[4, 5], [0, 1], [0, 1], [4, 5]]


@pytest.mark.parametrize("state", [None, 3, (), (1, None, (2,))])
def test_a_state_without_rows_stays_as_it_is(state):
    assert select(state, torch.tensor([0, 0])) == state


@pytest.mark.parametrize("part", [[torch.zeros(2)], {"h": torch.zeros(2)}, "h"])
def test_refuses_what_it_would_not_reorder(part):
    with pytest.raises(TypeError, match=f"not of {type(part).__name__}"):
        select((torch.zeros(2), part), torch.tensor([1, 0]))


def test_nothing_is_kept_for_gradients():
    weight = torch.zeros(3, requires_grad=True)
    asked = []

    def step(codes, state):
        asked.append((weight + codes[:, None]).requires_grad)
        return weight.expand(len(codes), -1), state

    write(step, (), torch.tensor([0, 0]), -1, 2, lambda log_probs: log_probs.argmax(1))
    assert asked == [False, False]


def test_one_longest_for_all_or_one_for_each():
    start = torch.tensor([8, 8, 8])
    assert limits(5, start).tolist() == [5, 5, 5]
    assert limits(torch.tensor([1, 0, 2]), start).tolist() == [1, 0, 2]


def test_forbidden_codes_get_no_score():
    scores = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    masks = {1: torch.tensor([True, False, True]), 2: torch.zeros(3, dtype=torch.bool)}
    assert permitted(scores, None, 1) is scores
    assert permitted(scores, masks.get, 0) is scores
    assert permitted(scores, masks.get, 1).tolist() == [[1, -torch.inf, 3], [4, -torch.inf, 6]]
    with pytest.raises(ValueError, match="no code is allowed at position 2"):
        permitted(scores, masks.get, 2)


def test_writes_what_is_chosen():
    wanted = iter([[0, 1], [2, 1], [1, 2]])
    seen = []

    def step(codes, state):
        seen.append((codes.tolist(), state))
        return torch.tensor([[0.5, 0.25, 0.25]]).log().expand(2, 3), state + 1

    found = write(step, 0, torch.tensor([1, 1]), 2, 9, lambda log_probs: torch.tensor(next(wanted)))
    assert found == [
        Written([0], pytest.approx(-3 * 0.6931472), True),
        Written([1, 1], pytest.approx(-6 * 0.6931472), True),
    ]
    assert seen == [([1, 1], 0), ([0, 1], 1), ([1, 1], 2)]


def test_a_row_that_is_full_keeps_no_other_waiting():
    seen = []

    def step(codes, state):
        seen.append(codes.tolist())
        return torch.zeros(2, 3), state

    choices = iter([[0, 0], [0, 2]])
    start, longest = torch.tensor([1, 1]), torch.tensor([1, 9])
    found = write(step, None, start, 2, longest, lambda log_probs: torch.tensor(next(choices)))
    assert [(written.codes, written.ended) for written in found] == [([0], False), ([0], True)]
    assert seen == [[1, 1], [1, 0]]


def test_learns_nothing():
    weight = torch.zeros(1, 3, requires_grad=True)
    asked = []

    def step(codes, state):
        scores = weight + 1
        asked.append(scores.requires_grad)
        return scores, state

    write(step, None, torch.tensor([0]), 2, 2, lambda log_probs: torch.tensor([1]))
    assert asked == [False, False]
