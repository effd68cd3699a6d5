"""The contexts of every symbol in a corpus, numbered: what an n-gram model counts."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np


class Contexts(NamedTuple):
    """The ``N`` targets of a corpus (its symbols and ends, in order) and the contexts they were seen in.

    Contexts are numbered from the empty one, 0, to the longest: those of ``length`` symbols are
    ``bounds[length] ... bounds[length + 1] - 1``. Arrays are int64.
    """

    size: int
    targets: np.ndarray  # (N,); the number `size` is the end
    of_length: list[np.ndarray]  # for each length below the order (N,): the context before the target, -1: none
    shorter: np.ndarray  # (S,): a context without its oldest symbol
    bounds: list[int]

    @property
    def count(self) -> int:
        """The number of contexts ``S``."""
        return self.bounds[-1]


def contexts_of(sequences: Iterable[Sequence[int]], order: int, size: int) -> Contexts:
    """The contexts of up to ``order - 1`` symbols, a silent start counted as one, in sequences of ``0 ... size - 1``.

    Raises ValueError when a symbol is out of range or there is no sequence.
    """
    tokens, age = _joined(sequences, size)
    at = np.flatnonzero(age)
    of_length = [np.zeros(len(at), np.int64)]
    shorter = [np.zeros(1, np.int64)]
    bounds = [0, 1]
    for length in range(1, order):
        reaches = age[at] >= length
        oldest = tokens[at[reaches] - length]
        keys, number = np.unique(of_length[-1][reaches] * (size + 2) + oldest, return_inverse=True)
        states = np.full(len(at), -1)
        states[reaches] = bounds[-1] + number
        of_length.append(states)
        shorter.append(keys // (size + 2))
        bounds.append(bounds[-1] + len(keys))
    return Contexts(size, tokens[at], of_length, np.concatenate(shorter), bounds)


def _joined(sequences: Iterable[Sequence[int]], size: int) -> tuple[np.ndarray, np.ndarray]:
    """All sequences in a row, each with a start (size + 1) and an end (size); and each token's age in its own."""
    end, start = [size], [size + 1]
    parts, ages = [], []
    for sequence in sequences:
        symbols = np.asarray(sequence, np.int64)
        if symbols.size and not (symbols.min() >= 0 and symbols.max() < size):
            raise ValueError(f"symbols must lie between 0 and {size - 1}: found {symbols.min()} to {symbols.max()}")
        parts += [start, symbols, end]
        ages.append(np.arange(len(symbols) + 2))
    if not parts:
        raise ValueError("an n-gram model needs at least one sequence to count")
    return np.concatenate(parts), np.concatenate(ages)
