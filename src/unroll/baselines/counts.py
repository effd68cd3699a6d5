"""What the baselines of the language model share: distributions looked up in counts, to read with and to write with."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch
from jaxtyping import Float, Int
from torch import Tensor

from unroll.patterns.language_model import Codes, Example, Reading, examples_of


class Writing(NamedTuple):
    """Between two codes: what each stream remembers of its past, the codes of the step under way, and the time."""

    memory: Int[Tensor, "N K"]
    known: tuple  # of Int[Tensor, "N"], one for each stream already written in this step
    clocks: Int[Tensor, "N T"]
    place: int  # codes asked for


class Counts(ABC):
    """Tells a code from what its own stream remembers, the streams before it in the same step, and the clock.

    Only the first stream can end, which is written as the code V of the V codes 0 ... V - 1.
    """

    def __init__(self, codes: Codes) -> None:
        self.codes = codes
        self.start = self.end = codes.size

    @abstractmethod
    def first(self, stream: int) -> int:
        """What a stream remembers before its first code."""

    @abstractmethod
    def after(self, stream: int, memory: np.ndarray, codes: np.ndarray) -> np.ndarray:
        """int64 (N,): what it remembers after ``codes`` (N,), having remembered ``memory`` (N,) before them."""

    @abstractmethod
    def log_probs(self, stream: int, memory: np.ndarray, known: np.ndarray, clock: np.ndarray) -> np.ndarray:
        """float64 (N, V + 1): of each next code and the end; ``known`` is int64 (N, ``stream``), ``clock`` (N,)."""

    def examples(self, table: pa.Table) -> list[Example]:
        """Those of the language model."""
        return examples_of(table)

    def predict(self, examples: Sequence[Example]) -> list[Reading]:
        """How surprising each code of each example is, and the most probable code instead."""
        return [self._read(example) for example in examples]

    def begin(self, rows: int, clocks: Int[Tensor, "T"] | None = None) -> Writing:
        """The state before the first code of ``rows`` sequences, in the ``clocks`` of the steps to come."""
        first = torch.tensor([self.first(stream) for stream in range(self.codes.streams)])
        shown = torch.zeros(0, dtype=torch.int) if clocks is None else clocks
        return Writing(first.repeat(rows, 1), (), shown.expand(rows, -1), 0)

    def step(self, codes: Int[Tensor, "N"], state: Writing) -> tuple[Float[Tensor, "N V+1"], Writing]:
        """The log probability of each next code after ``codes``, the start or those written last, and the new state.

        Raises IndexError where the clock ends.
        """
        memory, known, clocks, place = state
        if place:
            known = (*known, codes.clamp(max=self.codes.size - 1))  # a row that is done is given the start again
        if len(known) == self.codes.streams:
            own = [self.after(k, memory[:, k].numpy(), each.numpy()) for k, each in enumerate(known)]
            memory, known = torch.from_numpy(np.stack(own, 1)), ()
        stream, steps = len(known), place // self.codes.streams
        clock = clocks[:, steps].numpy() if self.codes.clocks else np.zeros(len(codes), np.int64)
        before = np.array([each.numpy() for each in known], np.int64).reshape(stream, len(codes)).T
        found = self.log_probs(stream, memory[:, stream].numpy(), before, clock)
        return torch.from_numpy(found).float(), Writing(memory, known, clocks, place + 1)

    def memories(self, codes: np.ndarray) -> np.ndarray:
        """int64 (T + 1, K): what each stream remembers before each of the steps ``codes`` (T, K) and after all."""
        found = np.empty((len(codes) + 1, self.codes.streams), np.int64)
        for stream in range(self.codes.streams):
            memory = np.array([self.first(stream)])
            for step, code in enumerate(codes[:, stream, None]):
                found[step, stream] = memory[0]
                memory = self.after(stream, memory, code)
            found[-1, stream] = memory[0]
        return found

    def _read(self, example: Example) -> Reading:
        steps, streams = example.codes.shape
        truth = np.append(example.codes.astype(np.int64), np.full((1, streams), self.end), axis=0)
        memory, clock = self.memories(example.codes), clock_with_end(example)
        nats = np.zeros((steps + 1, streams), np.float32)
        best = np.empty((steps, streams), np.int32)
        for k in range(streams):
            found = self.log_probs(k, memory[:, k], truth[:, :k], clock)
            nats[:, k] = -np.take_along_axis(found, truth[:, k, None], 1)[:, 0]
            best[:, k] = found[:-1, :-1].argmax(1)
        nats[-1, 1:] = 0
        return Reading(nats, best)


def clock_with_end(example: Example) -> np.ndarray:
    """int64 (T + 1,): the clock at each step and at the end; 0 where there is none."""
    return (example.clock if len(example.clock) else np.zeros(len(example.codes) + 1)).astype(np.int64)


def in_their_key(table: pa.Table) -> pa.Table:
    """The rows that are not transposed, where a table says so: counts of all keys at once would blur each of them."""
    return table.filter(pc.equal(table["transposition"], 0)) if "transposition" in table.column_names else table
