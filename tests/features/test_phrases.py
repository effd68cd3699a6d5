import tracemalloc
from itertools import pairwise

import numpy as np
import pytest

from unroll.features.phrases import MARGIN, PAUSE, WINDOW, Phrase, windows

RATE = 8000
GRID = 0.05  # seconds: how finely loud and quiet are told apart


def recording(seconds: float, *bursts: tuple[float, float], level: float = 0.5, floor: float = 1e-4) -> np.ndarray:
    """A tone at the given seconds (from, to), over a faint noise."""
    at = np.arange(round(seconds * RATE)) / RATE
    samples = np.random.default_rng(0).normal(0, floor, len(at))
    for start, stop in bursts:
        inside = (at >= start) & (at < stop)
        samples[inside] += level * np.sin(2 * np.pi * 440 * at[inside])
    return samples.astype(np.float32)


def cut(samples: np.ndarray, size: int) -> list[np.ndarray]:
    return [samples[i : i + size] for i in range(0, len(samples), size)]


def phrases(samples: np.ndarray, block: int = 65536) -> list[Phrase]:
    return [phrase for window in windows(cut(samples, block), RATE) for phrase in window]


def spans(found: list[Phrase]) -> list[tuple[float, float]]:
    return [(phrase.start, phrase.start + len(phrase.samples) / RATE) for phrase in found]


def assert_spans(found: list[Phrase], *bursts: tuple[float, float]) -> None:
    """Each burst is one phrase, with a margin, and none of it is lost."""
    assert len(found) == len(bursts)
    for (start, stop), (first, last) in zip(spans(found), bursts, strict=True):
        assert max(0, first - MARGIN - GRID) <= start <= first
        assert last <= stop <= last + MARGIN + GRID


@pytest.mark.parametrize("first", [0.0, 0.2, 1.0])
def test_pauses_part_phrases(first):
    bursts = [(first, first + 0.7), (first + 1.2, first + 1.5), (first + 2.5, first + 4.0)]
    assert_spans(phrases(recording(6, *bursts)), *bursts)


def test_a_short_pause_parts_nothing():
    assert_spans(phrases(recording(3, (0.5, 1.0), (1.0 + 0.7 * PAUSE, 2.0))), (0.5, 2.0))


def test_a_phrase_holds_the_samples_of_its_place():
    samples = recording(4, (0.5, 1.0), (2.0, 3.0))
    for phrase in phrases(samples):
        first = round(phrase.start * RATE)
        np.testing.assert_array_equal(phrase.samples, samples[first : first + len(phrase.samples)], strict=True)


def test_a_phrase_that_reaches_the_end_of_a_window_is_kept_whole():
    bursts = [(5.0, 6.0), (WINDOW - 2, WINDOW + 3), (WINDOW + 5, WINDOW + 6), (2 * WINDOW - 0.1, 2 * WINDOW + 0.1)]
    assert_spans(phrases(recording(2.5 * WINDOW, *bursts)), *bursts)


@pytest.mark.parametrize("block", [997, 4096, 160_000, 10**7])
def test_the_size_of_the_blocks_changes_nothing(block):
    rng = np.random.default_rng(1)
    starts = np.cumsum(rng.uniform(0.6, 4.0, 30))
    samples = recording(starts[-1] + 2, *((start, start + rng.uniform(0.1, 3.0)) for start in starts))
    expected, found = phrases(samples), phrases(samples, block)
    assert len(expected) > 10
    assert spans(found) == spans(expected)
    assert all(np.array_equal(a.samples, b.samples) for a, b in zip(found, expected, strict=True))


@pytest.mark.parametrize("lead", [0.0, 7.3])
def test_a_long_tone_is_cut_without_losing_or_doubling_a_sample(lead):
    found = phrases(recording(lead + 3.2 * WINDOW, (lead, lead + 3.2 * WINDOW)))
    assert max(len(phrase.samples) for phrase in found) == WINDOW * RATE
    for (_, stop), (start, _) in pairwise(spans(found)):
        assert start == pytest.approx(stop, abs=1e-9)
    assert spans(found)[0][0] <= lead
    assert spans(found)[-1][1] == pytest.approx(lead + 3.2 * WINDOW, abs=1e-9)


def test_every_burst_of_many_is_found_once():
    rng = np.random.default_rng(2)
    starts = np.arange(60) * 1.5 + rng.uniform(0, 0.2, 60)
    bursts = [(start, start + rng.uniform(0.2, 0.8)) for start in starts]
    assert_spans(phrases(recording(95, *bursts)), *bursts)


@pytest.mark.parametrize("seconds", [1 / RATE, 0.01, 1, 45])
def test_silence_gives_none(seconds):
    assert phrases(recording(seconds)) == []
    assert phrases(recording(seconds, floor=0)) == []


def test_nothing_gives_none():
    assert list(windows([], RATE)) == []
    assert list(windows([np.zeros(0, np.float32)], RATE)) == []


def test_a_single_sample_is_a_phrase():
    assert spans(phrases(np.ones(1, np.float32))) == [(0.0, 1 / RATE)]


def most_held(second: np.ndarray, seconds: int) -> int:
    """Bytes held at most while the phrases of a second, repeated, are found and let go."""
    tracemalloc.start()
    for window in windows((second for _ in range(seconds)), RATE):
        assert all(len(phrase.samples) <= WINDOW * RATE for phrase in window)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak


@pytest.mark.parametrize("second", [recording(1), recording(1, (0, 1)), recording(1, (0.1, 0.5))])
def test_memory_does_not_grow_with_the_recording(second):
    most_held(second, 50)  # what the libraries keep from a first call
    assert most_held(second, 600) < 1.1 * most_held(second, 60)
