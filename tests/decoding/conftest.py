"""A tiny model that writes, and everything it may write, for the tests of the ways to write."""

from typing import NamedTuple

import pytest
import torch


class Memory(NamedTuple):
    """The state of :class:`Automaton`: a number for all that a row has read, and things that only travel along."""

    read: torch.Tensor
    steps: int
    beside: tuple[torch.Tensor, None]


class Automaton:
    """Codes 0, 1, 2 and an end, 3; the score of the next depends on all codes before it and on the row's ``kind``.

    A row begins with its kind as its memory. Scores are log-probabilities plus any constant.
    """

    start, end = 0, 3

    def __init__(self, seed: int = 0, codes: int = 4, end: int = 3) -> None:
        generator = torch.Generator().manual_seed(seed)
        self.table = 1.5 * torch.randn(997, codes, generator=generator, dtype=torch.float64) + 3
        self.end = end

    def begin(self, kinds: list[int]) -> Memory:
        return Memory(torch.tensor(kinds), 0, (torch.tensor(kinds), None))

    def starts(self, kinds: list[int]) -> torch.Tensor:
        return torch.full((len(kinds),), self.start)

    def step(self, codes: torch.Tensor, state: Memory) -> tuple[torch.Tensor, Memory]:
        assert self.end not in codes, "an end is nothing to go on from"
        assert not torch.is_grad_enabled()
        read = (7 * state.read + codes + 1) % len(self.table)
        return self.table[read], Memory(read, state.steps + 1, state.beside)

    def log_probs(self, kind: int, prefix: tuple[int, ...]) -> list[float]:
        """The natural logarithm of the probability of each code after ``prefix``, without any of the above."""
        for code in (self.start, *prefix):
            kind = (7 * kind + code + 1) % len(self.table)
        return self.table[kind].log_softmax(0).tolist()

    def everything(self, kind: int, longest: int, prefix: tuple[int, ...] = ()) -> dict[tuple[int, ...], float]:
        """Every sequence of at most ``longest`` codes, its end included, and its log-probability."""
        if len(prefix) == longest:
            return {prefix: 0.0}
        found = {}
        for code, log_prob in enumerate(self.log_probs(kind, prefix)):
            longer = (*prefix, code)
            goes_on = {longer: 0.0} if code == self.end else self.everything(kind, longest, longer)
            found |= {sequence: log_prob + rest for sequence, rest in goes_on.items()}
        return found


@pytest.fixture(scope="session")
def automaton() -> type[Automaton]:
    return Automaton
