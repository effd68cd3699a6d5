from collections import Counter
from itertools import accumulate
from math import exp

import pytest
import torch
from scipy.stats import chisquare

from unroll.decoding.greedy import greedy
from unroll.decoding.sampling import Sampling, adjusted, sample
from unroll.errors import UserError
from unroll.params import check

PLAIN = Sampling(temperature=1.0, top_k=0, top_p=1.0, repetition=1.0)
SETTINGS = [
    PLAIN,
    Sampling(temperature=0.6, top_k=0, top_p=1.0, repetition=1.0),
    Sampling(temperature=1.5, top_k=2, top_p=1.0, repetition=1.0),
    Sampling(temperature=1.0, top_k=0, top_p=0.8, repetition=1.0),
    Sampling(temperature=1.0, top_k=0, top_p=1.0, repetition=1.7),
    Sampling(temperature=0.8, top_k=3, top_p=0.9, repetition=1.3),
]
SOME = torch.tensor([[0.5, 0.1, 0.25, 0.15]], dtype=torch.float64)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def probabilities(settings: Sampling, written: list[bool] | None = None) -> list[float]:
    """What the settings make of SOME, whose scores have a constant too much."""
    mask = torch.tensor([written]) if written else None
    return adjusted(SOME.log() + 9, settings, mask).softmax(1)[0].tolist()


def by_hand(weights: list[float], settings: Sampling, written: tuple[int, ...]) -> list[float]:
    """The adjusted distribution in plain words."""
    total = sum(weights)
    weights = [
        (p / total) ** ((settings.repetition if code in written else 1) / settings.temperature)
        for code, p in enumerate(weights)
    ]
    order = sorted(range(len(weights)), key=weights.__getitem__, reverse=True)[: settings.top_k or None]
    reached = list(accumulate(weights[code] / sum(weights[code] for code in order) for code in order))
    nucleus = order[: 1 + sum(share < settings.top_p for share in reached[:-1])]
    return [p / sum(weights[i] for i in nucleus) if code in nucleus else 0.0 for code, p in enumerate(weights)]


def test_plain_settings_change_nothing():
    scores = SOME.log() + 9
    assert adjusted(scores, PLAIN) is scores


def test_temperature():
    expected = [p**2 / (0.25 + 0.01 + 0.0625 + 0.0225) for p in (0.5, 0.1, 0.25, 0.15)]
    assert probabilities(Sampling(0.5, 0, 1.0, 1.0)) == pytest.approx(expected)
    smallest = adjusted(SOME.float().log(), Sampling(1e-40, 0, 1.0, 1.0))
    assert smallest.softmax(1).tolist() == [[1, 0, 0, 0]]


def test_top_k():
    assert probabilities(Sampling(1.0, 1, 1.0, 1.0)) == [1, 0, 0, 0]
    assert probabilities(Sampling(1.0, 3, 1.0, 1.0)) == pytest.approx([0.5 / 0.9, 0, 0.25 / 0.9, 0.15 / 0.9])
    assert probabilities(Sampling(1.0, 9, 1.0, 1.0)) == pytest.approx([0.5, 0.1, 0.25, 0.15])


def test_top_k_of_codes_alike_keeps_k():
    assert adjusted(torch.zeros(2, 7), Sampling(1.0, 3, 1.0, 1.0)).isfinite().sum(1).tolist() == [3, 3]


def test_top_p():
    assert probabilities(Sampling(1.0, 0, 0.01, 1.0)) == [1, 0, 0, 0]
    assert probabilities(Sampling(1.0, 0, 0.49, 1.0)) == [1, 0, 0, 0]
    assert probabilities(Sampling(1.0, 0, 0.51, 1.0)) == pytest.approx([2 / 3, 0, 1 / 3, 0])
    assert probabilities(Sampling(1.0, 0, 0.95, 1.0)) == pytest.approx([0.5, 0.1, 0.25, 0.15])
    assert probabilities(Sampling(1.0, 2, 0.7, 1.0)) == pytest.approx([2 / 3, 0, 1 / 3, 0])
    assert probabilities(Sampling(1.0, 2, 0.66, 1.0)) == [1, 0, 0, 0]


def test_repetition_is_a_power_of_what_was_written():
    expected = [p / (0.25 + 0.1 + 0.25 + 0.0225) for p in (0.25, 0.1, 0.25, 0.0225)]
    assert probabilities(Sampling(1.0, 0, 1.0, 2.0), [True, False, False, True]) == pytest.approx(expected)
    assert probabilities(Sampling(1.0, 0, 1.0, 2.0)) == pytest.approx([0.5, 0.1, 0.25, 0.15])


def exact(model, kind: int, longest: int, settings: Sampling, allowed: dict[int, list[int]]) -> dict[tuple, float]:
    """The probability of every sequence that may be drawn."""
    found = {}
    for codes in model.everything(kind, longest):
        probability = 1.0
        for position, code in enumerate(codes):
            log_probs = model.log_probs(kind, codes[:position])
            possible = allowed.get(position, range(len(log_probs)))
            weights = [exp(told) if other in possible else 0.0 for other, told in enumerate(log_probs)]
            probability *= by_hand(weights, settings, codes[:position])[code]
        if probability:
            found[codes] = probability
    return found


@pytest.mark.parametrize("allowed", [{}, {0: [0, 2], 1: [1, 2, 3]}], ids=["all", "some"])
@pytest.mark.parametrize("settings", SETTINGS)
def test_frequencies_are_those_of_the_exact_distribution(automaton, settings, allowed):
    model, draws, longest = automaton(1), 10_000, 3
    kinds = [4] * draws
    masks = {position: torch.tensor([code in codes for code in range(4)]) for position, codes in allowed.items()}
    start, state = model.starts(kinds), model.begin(kinds)
    found = sample(model.step, state, start, model.end, longest, settings, generator(), masks.get)
    expected = exact(model, 4, longest, settings, allowed)
    assert sum(expected.values()) == pytest.approx(1)
    counts = Counter((*written.codes, *[model.end] * written.ended) for written in found)
    assert counts.keys() <= expected.keys()
    frequent = [codes for codes, probability in expected.items() if probability * draws >= 5]
    observed = [counts[codes] for codes in frequent]
    wanted = torch.tensor([expected[codes] for codes in frequent], dtype=torch.float64)
    assert len(frequent) > 2
    assert sum(observed) > 0.98 * draws
    assert chisquare(observed, wanted / wanted.sum() * sum(observed)).pvalue > 0.005


def test_tells_the_models_own_probability(automaton):
    model, kinds = automaton(), list(range(50))
    found = sample(model.step, model.begin(kinds), model.starts(kinds), model.end, 5, SETTINGS[-1], generator())
    for kind, written in zip(kinds, found, strict=True):
        assert written.log_prob == pytest.approx(model.everything(kind, 5)[(*written.codes, *[3] * written.ended)])


def test_a_code_takes_one_number_of_the_generator(automaton):
    model, kinds = automaton(), [1, 2, 3]
    found = sample(model.step, model.begin(kinds), model.starts(kinds), model.end, 5, PLAIN, generator(8))
    numbers = torch.rand(5, 3, generator=generator(8), dtype=torch.float64)
    for kind, uniform, written in zip(kinds, numbers.T.tolist(), found, strict=True):
        codes = ()
        while len(codes) < 5 and model.end not in codes:
            reached = accumulate(exp(told) for told in model.log_probs(kind, codes))
            codes += (sum(share <= uniform[len(codes)] for share in reached),)
        assert [code for code in codes if code != model.end] == written.codes


def test_what_a_row_draws_does_not_depend_on_its_neighbours(automaton):
    model = automaton()

    def second(kinds: list[int], longest: list[int]):
        start, state = model.starts(kinds), model.begin(kinds)
        return sample(model.step, state, start, model.end, torch.tensor(longest), SETTINGS[-1], generator(3))[1]

    assert second([1, 7, 2], [5, 5, 5]) == second([30, 7, 40], [1, 5, 9]) == second([9, 7, 9], [0, 5, 0])


def test_the_seed_decides(automaton):
    model, kinds = automaton(end=-1), [1]
    drawn = [
        sample(model.step, model.begin(kinds), model.starts(kinds), -1, 60, PLAIN, generator(seed))
        for seed in (1, 1, 2)
    ]
    assert drawn[0] == drawn[1] != drawn[2]
    assert [len(written.codes) for (written,) in drawn] == [60, 60, 60]
    assert not drawn[0][0].ended


@pytest.mark.parametrize(
    "settings", [Sampling(1.0, 1, 1.0, 1.0), Sampling(1.0, 0, 1e-9, 1.0), Sampling(1e-9, 0, 1.0, 1.0)]
)
def test_the_narrowest_settings_are_greedy(automaton, settings):
    model, kinds = automaton(), list(range(30))
    found = sample(model.step, model.begin(kinds), model.starts(kinds), model.end, 6, settings, generator())
    assert found == greedy(model.step, model.begin(kinds), model.starts(kinds), model.end, 6)


@pytest.mark.parametrize("number", [0.0, 0.5, 1 - 2**-53])
def test_never_draws_the_impossible(monkeypatch, number):
    rows, codes = 500, 9
    scores = torch.randn(rows, codes, generator=generator())
    scores[:, [0, 4, 8]] = -torch.inf
    monkeypatch.setattr(torch, "rand", lambda size, dtype, **_: torch.full(size, number, dtype=dtype))
    start = torch.zeros(rows, dtype=torch.int64)
    found = sample(lambda last, state: (scores, state), None, start, -1, 1, PLAIN, generator())
    drawn = {written.codes[0] for written in found}
    assert drawn == {0.0: {1}, 0.5: {1, 2, 3, 5, 6, 7}, 1 - 2**-53: {7}}[number]


@pytest.mark.parametrize(
    "wrong",
    [{"temperature": 0.0}, {"top_k": -1}, {"top_p": 0.0}, {"top_p": 1.1}, {"repetition": 0.9}, {"repetition": True}],
)
def test_refuses_settings_that_mean_nothing(wrong):
    with pytest.raises(UserError, match=f"sampling: {next(iter(wrong))}: "):
        check(Sampling, {"temperature": 1, "top_k": 0, "top_p": 1, "repetition": 1} | wrong, "sampling")
