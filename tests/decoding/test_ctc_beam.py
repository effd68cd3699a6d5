from collections import defaultdict
from itertools import groupby, product
from math import exp, log

import pytest
import torch

from unroll.decoding.ctc import Hypothesis, beam_search
from unroll.decoding.ngram import NGram

FRAMES, SYMBOLS = 5, 3
EVERYTHING = 100  # more than there are strings of up to five symbols that five frames can spell
MODEL = NGram.fit([[1, 2, 1], [1, 1], [2, 2, 1, 2]], order=3, size=SYMBOLS)


def random_log_probs(*shape: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return (2 * torch.randn(*shape, generator=generator, dtype=torch.float64)).log_softmax(-1)


def posterior(log_probs: torch.Tensor) -> dict[tuple[int, ...], float]:
    """The log probability of every string, by adding up all its paths."""
    sums = defaultdict(float)
    for path in product(range(log_probs.shape[1]), repeat=len(log_probs)):
        string = tuple(symbol for symbol, _ in groupby(path) if symbol)
        sums[string] += exp(sum(log_probs[t, symbol].item() for t, symbol in enumerate(path)))
    return {string: log(p) for string, p in sums.items()}


def searched(log_probs: torch.Tensor, width: int = EVERYTHING, **fusion) -> list[Hypothesis]:
    """The hypotheses of one sequence (T, V)."""
    return beam_search(log_probs[None], torch.tensor([len(log_probs)]), width, **fusion)[0]


@pytest.mark.parametrize("seed", range(5))
def test_a_wide_beam_is_exact(seed):
    log_probs = random_log_probs(FRAMES, SYMBOLS, seed=seed)
    expected = posterior(log_probs)
    found = searched(log_probs)
    assert len(found) == len(expected)
    assert {h.symbols: h.score for h in found} == pytest.approx(expected)
    assert [h.symbols for h in found] == sorted(expected, key=expected.get, reverse=True)


@pytest.mark.parametrize("seed", range(5))
def test_a_wide_beam_is_exact_with_a_language_model(seed):
    log_probs = random_log_probs(FRAMES, SYMBOLS, seed=seed)
    expected = {
        string: score + 0.7 * MODEL.score(string) + 0.3 * len(string) for string, score in posterior(log_probs).items()
    }
    found = searched(log_probs, language_model=MODEL, weight=0.7, bonus=0.3)
    assert {h.symbols: h.score for h in found} == pytest.approx(expected)
    assert [h.symbols for h in found] == sorted(expected, key=expected.get, reverse=True)


def test_bonus_alone():
    log_probs = random_log_probs(FRAMES, SYMBOLS)
    expected = {string: score - 1.5 * len(string) for string, score in posterior(log_probs).items()}
    assert {h.symbols: h.score for h in searched(log_probs, bonus=-1.5)} == pytest.approx(expected)


def test_finds_a_string_that_no_single_path_favours():
    # Graves et al. (2006), figure 2: the best path is blank twice (0.36), the best string is "1" (0.64).
    log_probs = torch.tensor([[0.6, 0.4], [0.6, 0.4]]).log()
    first, second = searched(log_probs, width=2)
    assert first == Hypothesis((1,), pytest.approx(log(0.64), rel=1e-5))
    assert second == Hypothesis((), pytest.approx(log(0.36), rel=1e-5))


def test_a_repeat_needs_a_blank_between():
    sure = torch.tensor([[0.0, 1.0], [1.0, 0.0], [0.0, 1.0]]).log()
    assert searched(sure, width=4) == [Hypothesis((1, 1), 0.0)]
    assert searched(sure[[0, 0, 2]], width=4) == [Hypothesis((1,), 0.0)]


def test_language_model_turns_a_close_call():
    log_probs = torch.tensor([[0.02, 0.52, 0.46], [0.96, 0.02, 0.02], [0.02, 0.46, 0.52]]).log()
    ones = NGram.fit([[1, 1]] * 20, order=2, size=SYMBOLS)
    twos = NGram.fit([[2, 2]] * 20, order=2, size=SYMBOLS)
    assert searched(log_probs, width=4)[0].symbols == (1, 2)
    assert searched(log_probs, width=4, language_model=ones, weight=1.0)[0].symbols == (1, 1)
    assert searched(log_probs, width=4, language_model=twos, weight=1.0)[0].symbols == (2, 2)


def textbook(log_probs: torch.Tensor, width: int, model: NGram, weight: float, bonus: float) -> list[tuple]:
    """Prefix beam search over dictionaries, one sequence: slow and plain, in probabilities."""

    def score(prefix: tuple[int, ...], parts: tuple[float, float]) -> float:
        return log(sum(parts)) + weight * model.log_probs(prefix)[:-1].sum().item() + bonus * len(prefix)

    beam = {(): (1.0, 0.0)}
    for frame in log_probs.exp().tolist():
        after = defaultdict(lambda: [0.0, 0.0])
        for prefix, (blank, symbol) in beam.items():
            after[prefix][0] += (blank + symbol) * frame[0]
            if prefix:
                after[prefix][1] += symbol * frame[prefix[-1]]
            for added in range(1, len(frame)):
                repeats = prefix and prefix[-1] == added
                after[(*prefix, added)][1] += (blank if repeats else blank + symbol) * frame[added]
        possible = ((prefix, parts) for prefix, parts in after.items() if sum(parts) > 0)
        beam = dict(sorted(possible, key=lambda item: score(*item), reverse=True)[:width])
    ends = {prefix: weight * model.log_probs(prefix)[-1].item() for prefix in beam}
    return sorted(((score(*item) + ends[item[0]], item[0]) for item in beam.items()), reverse=True)


@pytest.mark.parametrize("width", [1, 2, 5, 16])
@pytest.mark.parametrize(("weight", "bonus"), [(0.0, 0.0), (0.8, 0.9)])
def test_a_narrow_beam_keeps_what_the_textbook_keeps(width, weight, bonus):
    log_probs = random_log_probs(30, 6, seed=width)
    model = NGram.fit([[1, 2, 3, 4, 5], [5, 1, 1], [3, 3, 4, 2, 1]], order=3, size=6)
    found = searched(log_probs, width, language_model=model, weight=weight, bonus=bonus)
    expected = textbook(log_probs, width, model, weight, bonus)
    assert [h.symbols for h in found] == [symbols for _, symbols in expected]
    assert [h.score for h in found] == pytest.approx([score for score, _ in expected])


@pytest.mark.parametrize("fusion", [{}, {"language_model": MODEL, "weight": 0.5, "bonus": 0.2}])
def test_ragged_batch_equals_one_by_one(fusion):
    log_probs = random_log_probs(5, 9, SYMBOLS)
    lengths = torch.tensor([4, 9, 0, 1, 7])
    log_probs[0, 4:] = float("nan")  # padding is never looked at
    together = beam_search(log_probs, lengths, 8, **fusion)
    for row, length, found in zip(log_probs, lengths.tolist(), together, strict=True):
        alone = searched(row[:length], 8, **fusion)
        assert [h.symbols for h in found] == [h.symbols for h in alone]
        assert [h.score for h in found] == pytest.approx([h.score for h in alone])


def test_no_frames_mean_the_empty_string():
    assert searched(random_log_probs(0, SYMBOLS)) == [Hypothesis((), 0.0)]
    (only,) = searched(random_log_probs(0, SYMBOLS), language_model=MODEL, weight=2.0)
    assert only == Hypothesis((), pytest.approx(2 * MODEL.score([])))


def test_refuses_a_language_model_of_another_alphabet():
    with pytest.raises(ValueError, match="knows 3 symbols, the network 4"):
        searched(random_log_probs(2, 4), language_model=MODEL, weight=1.0)
