"""Counts of the last few codes of a stream, with Witten–Bell smoothing (``unroll.decoding.ngram``)."""

from typing import Literal

import numpy as np
import pyarrow as pa
from pydantic.dataclasses import dataclass

from unroll.baselines.counts import Counts, in_their_key
from unroll.decoding.ngram import NGram
from unroll.params import STRICT, Count
from unroll.patterns import language_model
from unroll.patterns.language_model import Codes, examples_of

PATTERN = "language_model"


@dataclass(frozen=True, config=STRICT)
class Settings:
    """``order``: codes of an n-gram, so that one is told from the ``order - 1`` before it."""

    method: Literal["ngram_counts"]
    order: Count


class Baseline(Counts):
    """An n-gram model for each stream, which knows nothing of the others; it remembers the state of its automaton."""

    def __init__(self, codes: Codes, models: list[NGram]) -> None:
        super().__init__(codes)
        self.models = models
        self.moves = [model.next_state.numpy() for model in models]
        self.tables = [_without_end(model) if stream else model.log_prob.numpy() for stream, model in enumerate(models)]

    @classmethod
    def for_examples(cls, table: pa.Table, task: language_model.Settings, settings: Settings, seed: int) -> "Baseline":
        """Counted in the training ``table``."""
        codes = Codes.of(table)
        pieces = [example.codes for example in examples_of(in_their_key(table))]
        streams = range(codes.streams)
        return cls(
            codes, [NGram.fit([piece[:, k].tolist() for piece in pieces], settings.order, codes.size) for k in streams]
        )

    @property
    def parameters(self) -> int:
        """Log probabilities in the automata."""
        return sum(model.log_prob.numel() for model in self.models)

    def first(self, stream: int) -> int:
        """The state before the first code."""
        return self.models[stream].start

    def after(self, stream: int, memory: np.ndarray, codes: np.ndarray) -> np.ndarray:
        """The next states."""
        return self.moves[stream][memory, codes].astype(np.int64)

    def log_probs(self, stream: int, memory: np.ndarray, known: np.ndarray, clock: np.ndarray) -> np.ndarray:
        """float64 (N, V + 1)."""
        return self.tables[stream][memory].astype(np.float64)


def _without_end(model: NGram) -> np.ndarray:
    """float32 (S, V + 1): the distributions given that the sequence does not end, which another stream decides."""
    table = model.log_prob.numpy().copy()
    table -= np.log1p(-np.exp(table[:, -1:]))
    table[:, -1] = -np.inf
    return table
