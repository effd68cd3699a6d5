from math import log

import pytest
import torch

from unroll.decoding.greedy import greedy
from unroll.decoding.writing import Written


def by_hand(model, kind: int, longest: int, allowed=None) -> Written:
    """The argmax unrolled."""
    codes, total = (), 0.0
    for position in range(longest):
        log_probs = model.log_probs(kind, codes)
        code = max((allowed or {}).get(position, range(len(log_probs))), key=log_probs.__getitem__)
        total += log_probs[code]
        if code == model.end:
            return Written(list(codes), pytest.approx(total), True)
        codes += (code,)
    return Written(list(codes), pytest.approx(total), False)


@pytest.mark.parametrize("seed", range(5))
def test_writes_the_argmax_of_every_row_until_its_end(automaton, seed):
    model, kinds = automaton(seed), list(range(40))
    found = greedy(model.step, model.begin(kinds), model.starts(kinds), model.end, 6)
    assert found == [by_hand(model, kind, 6) for kind in kinds]
    assert {written.ended for written in found} == {True, False}
    assert len({len(written.codes) for written in found}) > 4


def test_every_row_may_have_its_own_longest(automaton):
    model, kinds = automaton(), [5, 6, 7, 8, 9]
    longest = [0, 1, 2, 3, 9]
    found = greedy(model.step, model.begin(kinds), model.starts(kinds), model.end, torch.tensor(longest))
    assert found == [by_hand(model, *row) for row in zip(kinds, longest, strict=True)]
    assert found[0] == Written([], 0.0, False)


def test_writes_only_what_is_allowed_but_tells_the_models_own_probability(automaton):
    model, kinds = automaton(), list(range(20))
    allowed = {0: [1, 2], 2: [0], 3: [3]}
    masks = {position: torch.tensor([code in codes for code in range(4)]) for position, codes in allowed.items()}
    found = greedy(model.step, model.begin(kinds), model.starts(kinds), model.end, 4, masks.get)
    assert found == [by_hand(model, kind, 4, allowed) for kind in kinds]
    assert any(len(written.codes) == 3 and written.ended for written in found)
    assert all(written.codes[0] in (1, 2) for written in found)


def test_without_an_end_every_row_is_as_long_as_it_may_be(automaton):
    model, kinds = automaton(end=-1), [1, 2, 3]
    found = greedy(model.step, model.begin(kinds), model.starts(kinds), -1, 7)
    assert found == [by_hand(model, kind, 7) for kind in kinds]
    assert [len(written.codes) for written in found] == [7, 7, 7]


def test_of_two_alike_the_smaller_number():
    def step(codes, state):
        return torch.tensor([[1.0, 4.0, 4.0, 1.0]]).expand(len(codes), 4), state

    (written,) = greedy(step, None, torch.tensor([0]), 3, 2)
    probability = 1 / (2 + 2 * 2.718281828**-3)
    assert written == Written([1, 1], pytest.approx(2 * log(probability), rel=1e-5), False)


def test_stops_asking_when_every_row_is_done():
    calls = []

    def step(codes, state):
        calls.append(codes.tolist())
        return torch.eye(4)[[3 if state == 1 else 1, 3 if state == 2 else 2]] * 50, state + 1

    found = greedy(step, 0, torch.tensor([0, 0]), 3, 1000)
    assert [written.codes for written in found] == [[1], [2, 2]]
    assert calls == [[0, 0], [1, 2], [0, 2]]  # the row that is done reads its start again


def test_no_rows_are_no_work(automaton):
    model = automaton()
    assert greedy(model.step, model.begin([]), torch.zeros(0, dtype=torch.int64), model.end, 5) == []
