"""Batches of examples of like length, so that little of a padded batch is padding, or of examples read in parts."""

from collections.abc import Iterator, Sequence
from itertools import chain, count

import numpy as np


def in_order(lengths: Sequence[int], batch_steps: int) -> list[np.ndarray]:
    """Every example once, shortest first: arrays of row numbers, each at most ``batch_steps`` steps when padded.

    An example longer than ``batch_steps`` is a batch of its own.
    """
    return _cut(np.argsort(lengths, kind="stable"), np.asarray(lengths), batch_steps)


def endless(lengths: Sequence[int], batch_steps: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Epoch after epoch: examples shuffled, those of like length put together, the batches in random order.

    Lengths are blurred by a tenth before sorting, so that the same examples do not always meet.
    """
    lengths = np.asarray(lengths)
    while True:
        blurred = lengths * rng.uniform(0.9, 1.1, len(lengths))
        batches = _cut(np.argsort(blurred, kind="stable"), lengths, batch_steps)
        for i in rng.permutation(len(batches)):
            yield batches[i]


def lanes(parts: Sequence[int], width: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Examples read part by part, ``width`` of them side by side, epoch after epoch: the next part of each.

    Example ``i`` has ``parts[i]`` of them; they are numbered through, those of the first example first. Where one ends,
    the next of the shuffled examples begins in its place in the batch.
    """
    ends = np.cumsum(parts)
    # One supply for all: whichever lane comes to an end takes the next example.
    shuffled = (range(ends[i] - parts[i], ends[i]) for _ in count() for i in rng.permutation(len(parts)))
    return map(np.array, zip(*(chain.from_iterable(shuffled) for _ in range(width)), strict=True))


def _cut(order: np.ndarray, lengths: np.ndarray, batch_steps: int) -> list[np.ndarray]:
    batches, start, longest = [], 0, 0
    for stop, row in enumerate(order):
        longest = max(longest, lengths[row])
        if stop > start and longest * (stop + 1 - start) > batch_steps:
            batches.append(order[start:stop])
            start, longest = stop, lengths[row]
    return [*batches, order[start:]] if len(order) else []
