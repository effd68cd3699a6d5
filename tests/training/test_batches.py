from itertools import islice, pairwise

import numpy as np
import pytest

from unroll.training.batches import endless, in_order, lanes


def random_lengths(count: int, seed: int = 0) -> list[int]:
    return np.random.default_rng(seed).integers(1, 60, count).tolist()


def padded_steps(batch: np.ndarray, lengths: list[int]) -> int:
    return len(batch) * max(lengths[i] for i in batch)


def epoch(batches, count: int) -> list[np.ndarray]:
    """The batches up to the one that completes ``count`` examples."""
    found = []
    while sum(map(len, found)) < count:
        found.append(next(batches))
    return found


def test_in_order_literally():
    assert [batch.tolist() for batch in in_order([5, 2, 9, 2, 4, 3], 10)] == [[1, 3, 5], [4, 0], [2]]
    assert [batch.tolist() for batch in in_order([3, 3, 3, 3, 3], 6)] == [[0, 1], [2, 3], [4]]


def test_an_example_longer_than_the_budget_is_alone():
    assert [batch.tolist() for batch in in_order([20, 1, 1, 30], 10)] == [[1, 2], [0], [3]]


def test_nothing_makes_no_batch():
    assert in_order([], 10) == []


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("budget", [1, 59, 200, 10**6])
def test_in_order_gives_every_example_once_within_the_budget(seed, budget):
    lengths = random_lengths(100, seed)
    batches = in_order(lengths, budget)
    assert sorted(np.concatenate(batches)) == list(range(100))
    assert all(padded_steps(batch, lengths) <= budget or len(batch) == 1 for batch in batches)
    assert [lengths[i] for batch in batches for i in batch] == sorted(lengths)
    # None could have taken the next one too.
    for batch, following in pairwise(batches):
        assert padded_steps([*batch, following[0]], lengths) > budget


@pytest.mark.parametrize("seed", range(5))
def test_every_epoch_has_every_example_once_within_the_budget(seed):
    lengths = random_lengths(100, seed)
    batches = endless(lengths, 200, np.random.default_rng(seed))
    for _ in range(4):
        found = epoch(batches, 100)
        assert sorted(np.concatenate(found)) == list(range(100))
        assert all(padded_steps(batch, lengths) <= 200 for batch in found)


def test_examples_of_like_length_are_together_but_not_always_the_same():
    lengths = random_lengths(1000)
    batches = endless(lengths, 600, np.random.default_rng(0))
    first, second = epoch(batches, 1000), epoch(batches, 1000)
    padded = sum(padded_steps(batch, lengths) for batch in first)
    assert padded < 1.2 * sum(lengths)
    assert {tuple(batch) for batch in first}.isdisjoint(tuple(batch) for batch in second)
    sizes = [len(batch) for batch in first]
    assert sizes != sorted(sizes, reverse=True)


def test_a_seed_decides_the_order():
    def drawn(seed):
        return [batch.tolist() for batch in islice(endless(range(1, 50), 100, np.random.default_rng(seed)), 60)]

    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(2)


def test_lanes_literally():
    """Examples of 3, 1 and 2 parts, which the seed shuffles: first 1, 2, 0 and then 0, 2, 1."""
    found = [batch.tolist() for batch in islice(lanes([3, 1, 2], 2, np.random.default_rng(5)), 3)]
    assert found == [[3, 4], [0, 5], [1, 0]]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("width", [1, 7, 40])
def test_a_lane_reads_the_parts_of_an_example_in_order_and_then_another(seed, width):
    parts = np.random.default_rng(seed).integers(1, 9, 30)
    starts = np.cumsum(parts) - parts
    owners = np.repeat(np.arange(30), parts)
    batches = np.stack(list(islice(lanes(parts, width, np.random.default_rng(seed)), 60)))
    assert batches.shape == (60, width)
    for lane in batches.T:
        for before, after in pairwise(lane):
            ended = before + 1 == starts[owners[before]] + parts[owners[before]]
            assert after in starts if ended else after == before + 1
    assert set(batches[0]) <= set(starts)


@pytest.mark.parametrize("width", [1, 4])
def test_lanes_take_every_example_once_in_an_epoch(width):
    taken = list(islice(lanes([2] * 12, width, np.random.default_rng(0)), 48 // width))
    begun = [part // 2 for batch in taken for part in batch.tolist() if part % 2 == 0]
    assert sorted(begun[:12]) == sorted(begun[12:]) == list(range(12))
    assert begun[:12] != begun[12:]


def test_a_seed_decides_the_lanes():
    def drawn(seed):
        return [batch.tolist() for batch in islice(lanes(range(1, 20), 4, np.random.default_rng(seed)), 60)]

    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(2)
