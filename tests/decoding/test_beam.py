from math import log

import pytest
import torch

from unroll.decoding.beam import Beam, beam_search
from unroll.decoding.greedy import greedy
from unroll.decoding.writing import Written

EVERYTHING = 200  # more than the candidates of any step of an automaton that writes up to four codes


def ranked(model, kind: int, longest: int, alpha: float) -> list[Written]:
    """Every sequence: by score those that end, then those that do not."""
    return _sorted(model, model.everything(kind, longest).items(), alpha)


def _sorted(model, sequences, alpha: float) -> list[Written]:
    def rank(item) -> tuple[bool, float]:
        codes, log_prob = item
        return model.end in codes, log_prob / ((5 + len(codes)) / 6) ** alpha

    return [
        Written([code for code in codes if code != model.end], pytest.approx(log_prob), model.end in codes)
        for codes, log_prob in sorted(sequences, key=rank, reverse=True)
    ]


def textbook(model, kind: int, longest: int, settings: Beam, n_best: int, allowed=None) -> list[Written]:
    """Beam search over tuples, one sentence, never stopping early."""
    beam, finished = [((), 0.0)], []
    for position in range(longest):
        candidates = [
            ((*codes, code), total + log_prob)
            for codes, total in beam
            for code, log_prob in enumerate(model.log_probs(kind, codes))
            if code in (allowed or {}).get(position, range(99))
        ]
        candidates.sort(key=lambda item: item[1], reverse=True)
        finished += [item for item in candidates[: settings.width] if item[0][-1] == model.end]
        beam = [item for item in candidates if item[0][-1] != model.end][: settings.width]
    return _sorted(model, finished + beam, settings.length_penalty)[:n_best]


def searched(model, kinds: list[int], longest, settings: Beam, n_best: int = 1, allowed=None) -> list[list[Written]]:
    start, state = model.starts(kinds), model.begin(kinds)
    return beam_search(model.step, state, start, model.end, longest, settings, n_best, allowed)


@pytest.mark.parametrize("n_best", [1, 4, 500])
@pytest.mark.parametrize("alpha", [0.0, 0.6, 1.0, 3.0])
def test_a_wide_beam_is_exhaustive(automaton, alpha, n_best):
    kinds = [1, 2, 3, 4, 5]
    for seed in range(3):
        model = automaton(seed)
        found = searched(model, kinds, 4, Beam(EVERYTHING, alpha), n_best)
        assert found == [ranked(model, kind, 4, alpha)[:n_best] for kind in kinds]


@pytest.mark.parametrize("settings", [Beam(1, 0.7), Beam(2, 0.0), Beam(3, 1.0), Beam(4, 0.6), Beam(9, 2.0)])
@pytest.mark.parametrize("n_best", [1, 3])
def test_a_narrow_beam_keeps_what_the_textbook_keeps(automaton, settings, n_best):
    model, kinds = automaton(11, codes=7), list(range(12))
    found = searched(model, kinds, 9, settings, n_best)
    assert found == [textbook(model, kind, 9, settings, n_best) for kind in kinds]


def test_width_one_without_penalty_is_greedy(automaton):
    model, kinds = automaton(), list(range(40))
    expected = greedy(model.step, model.begin(kinds), model.starts(kinds), model.end, 6)
    for (found,), written in zip(searched(model, kinds, 6, Beam(1, 0.0)), expected, strict=True):
        assert found == written._replace(log_prob=pytest.approx(written.log_prob))


def test_a_sentence_does_not_depend_on_its_neighbours(automaton):
    model, kinds, longest = automaton(2, codes=6), list(range(8)), [7, 0, 1, 9, 2, 5, 9, 3]
    together = searched(model, kinds, torch.tensor(longest), Beam(3, 0.8), 3)
    for kind, most, found in zip(kinds, longest, together, strict=True):
        assert searched(model, [kind], most, Beam(3, 0.8), 3) == [found]
        assert found == textbook(model, kind, most, Beam(3, 0.8), 3)
    assert together[1] == [Written([], 0.0, False)]


def test_writes_only_what_is_allowed_but_tells_the_models_own_probability(automaton):
    model, kinds = automaton(4), list(range(20))
    allowed = {0: [1, 2], 1: [0, 1, 2], 3: [0, 3]}
    masks = {position: torch.tensor([code in codes for code in range(4)]) for position, codes in allowed.items()}
    found = searched(model, kinds, 5, Beam(3, 0.6), 2, masks.get)
    assert found == [textbook(model, kind, 5, Beam(3, 0.6), 2, allowed) for kind in kinds]
    assert all(written.codes[0] in (1, 2) and len(written.codes) > 1 for row in found for written in row)
    with pytest.raises(ValueError, match="no code is allowed at position 1"):
        searched(model, kinds, 5, Beam(3, 0.6), 1, {1: torch.zeros(4, dtype=torch.bool)}.get)


def test_without_an_end_the_best_of_the_longest(automaton):
    model = automaton(end=-1)
    found = searched(model, [3, 4], 3, Beam(EVERYTHING, 0.6), 64)
    assert found == [ranked(model, kind, 3, 0.6) for kind in (3, 4)]
    assert {(len(written.codes), written.ended) for row in found for written in row} == {(3, False)}


def test_the_rows_of_a_sentence_stay_side_by_side(automaton):
    model, kinds, asked = automaton(codes=6), [5, 6, 7], []

    def step(codes, state):
        asked.append((state.beside[0].tolist(), state.steps))
        return model.step(codes, state)

    longest = torch.tensor([2, 5, 4])
    beam_search(step, model.begin(kinds), model.starts(kinds), model.end, longest, Beam(2, 1.0), 50)
    assert asked == [([5, 5, 6, 6, 7, 7], steps) for steps in range(5)]


def always(probabilities: list[float], asked: list[int]):
    """A step with the same distribution whatever came before."""

    def step(codes, state):
        asked.append(len(codes))
        return torch.tensor([probabilities], dtype=torch.float64).log().expand(len(codes), -1), state

    return step


def test_stops_when_nothing_open_can_win():
    asked = []
    ((best,),) = beam_search(always([0.1, 0.9], asked), None, torch.tensor([0]), 1, 1000, Beam(2, 0.0))
    assert best == Written([], pytest.approx(log(0.9)), True)
    assert asked == [2]  # of log 0.1 nothing gets better than log 0.9
    asked.clear()
    ((best, second),) = beam_search(always([0.1, 0.9], asked), None, torch.tensor([0]), 1, 1000, Beam(2, 0.0), 2)
    assert (best.codes, second) == ([], Written([0], pytest.approx(log(0.09)), True))
    assert asked == [2, 2]


def test_goes_on_while_a_longer_one_can_win():
    # With alpha 1 the scores of n codes are log(0.3) / 1 for one, (log(0.7) (n - 1) + log(0.3)) 6 / (5 + n) for n.
    ((best,),) = beam_search(always([0.7, 0.3], []), None, torch.tensor([0]), 1, 3, Beam(2, 1.0))
    assert best == Written([], pytest.approx(log(0.3)), True)
    ((best,),) = beam_search(always([0.9, 0.1], []), None, torch.tensor([0]), 1, 4, Beam(2, 1.0))
    assert best == Written([0, 0, 0], pytest.approx(3 * log(0.9) + log(0.1)), True)


def test_one_cut_off_comes_after_all_that_ended():
    ((first, second, third),) = beam_search(
        always([0.6, 0.399, 0.001], []), None, torch.tensor([0]), 2, 1, Beam(3, 0.0), 3
    )
    assert first == Written([], pytest.approx(log(0.001)), True)
    assert second == Written([0], pytest.approx(log(0.6)), False)
    assert third == Written([1], pytest.approx(log(0.399)), False)


def test_never_writes_the_impossible():
    found = beam_search(always([0.0, 0.5, 0.0, 0.5], []), None, torch.tensor([0]), 3, 2, Beam(5, 0.0), 9)
    assert [[written.codes for written in row] for row in found] == [[[], [1], [1, 1]]]


def test_one_code_and_no_rows(automaton):
    found = beam_search(always([1.0], []), None, torch.tensor([0]), -1, 3, Beam(4, 1.0), 2)
    assert found == [[Written([0, 0, 0], 0.0, False)]]
    assert beam_search(always([1.0], []), None, torch.tensor([0]), 0, 3, Beam(4, 1.0)) == [[Written([], 0.0, True)]]
    assert searched(automaton(), [], 5, Beam(3, 0.0)) == []
