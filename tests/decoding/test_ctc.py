from itertools import groupby, product
from math import exp

import pytest
import torch

from unroll.decoding.ctc import Span, align, greedy


def random_log_probs(*shape: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return (2 * torch.randn(*shape, generator=generator, dtype=torch.float64)).log_softmax(-1)


def path_of(symbols: list[int], size: int) -> torch.Tensor:
    """One row of log probabilities in which each frame has 0.9 on the given symbol."""
    probs = torch.full((1, len(symbols), size), 0.1 / (size - 1))
    probs[0, torch.arange(len(symbols)), torch.tensor(symbols, dtype=torch.long)] = 0.9
    return probs.log()


def collapsed(path: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(symbol for symbol, _ in groupby(path) if symbol)


@pytest.mark.parametrize(
    ("path", "string"),
    [
        ([1, 1, 1], [1]),
        ([1, 0, 1], [1, 1]),
        ([0, 0, 2, 2, 1, 0, 1, 1, 0], [2, 1, 1]),
        ([3, 2, 1], [3, 2, 1]),
        ([0, 0], []),
    ],
)
def test_greedy_merges_repeats_then_drops_blanks(path, string):
    assert greedy(path_of(path, 4), torch.tensor([len(path)])) == [string]


def test_greedy_ignores_padding():
    log_probs = path_of([1, 2, 0, 3], 4).repeat(5, 1, 1)
    assert greedy(log_probs, torch.arange(5)) == [[], [1], [1, 2], [1, 2], [1, 2, 3]]


def test_greedy_is_the_best_of_all_paths():
    log_probs = random_log_probs(3, 5, 3)
    for row, string in zip(log_probs, greedy(log_probs, torch.full((3,), 5)), strict=True):
        best = max(product(range(3), repeat=5), key=lambda path: sum(row[t, s].item() for t, s in enumerate(path)))
        assert tuple(string) == collapsed(best)


@pytest.mark.parametrize("symbols", [(1,), (1, 2), (1, 1), (2, 1, 2), (1, 2, 2), (1, 1, 1)])
@pytest.mark.parametrize("seed", range(5))
def test_align_follows_the_best_path_for_the_string(symbols, seed):
    log_probs = random_log_probs(6, 3, seed=seed)
    paths = (path for path in product(range(3), repeat=6) if collapsed(path) == symbols)
    best = max(paths, key=lambda path: sum(log_probs[t, s].item() for t, s in enumerate(path)))
    expected, frame = [], 0
    for symbol, run in groupby(best):
        stop = frame + len(list(run))
        if symbol:
            mean = sum(exp(log_probs[t, symbol].item()) for t in range(frame, stop)) / (stop - frame)
            expected.append(Span(frame, stop, pytest.approx(mean)))
        frame = stop
    assert align(log_probs, symbols) == expected


def test_align_literally():
    log_probs = torch.tensor([[0.5, 0.25, 0.25], [0.0625, 0.75, 0.1875], [0.25, 0.5, 0.25], [0.25, 0.25, 0.5]]).log()
    assert align(log_probs, [1, 2]) == [Span(1, 3, pytest.approx(0.625)), Span(3, 4, pytest.approx(0.5))]


def test_align_of_nothing_is_nothing():
    assert align(random_log_probs(4, 3), []) == []
    assert align(random_log_probs(0, 3), []) == []


def test_align_refuses_too_few_frames():
    assert len(align(random_log_probs(4, 3), [1, 1, 2])) == 3
    with pytest.raises(ValueError, match="3 symbols need at least 4 frames, there are 3"):
        align(random_log_probs(3, 3), [1, 1, 2])
