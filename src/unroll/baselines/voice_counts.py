"""Counts of what a voice does, given what it did, what the voices above it do in the same step, and the clock.

Interpolated back-off in the manner of Witten & Bell (1991, method C; see ``unroll.decoding.ngram``), from the fullest
context to the empty one. Where a context h was seen n(h) times, followed by k(h) different codes, h' is the next
shorter context and d is ``novelty``:

    p(c | h) = (n(h c) + d k(h) p(c | h')) / (n(h) + d k(h))

and p(c | h) = p(c | h') where h was never seen; below the empty context all codes are equally likely. With a for the
voice's own last code and v1 ... vk for the codes of the voices above, the contexts are, one after the other,

    (clock, a, v1 ... vk), (a, v1 ... vk), (a, v1 ... vk-1), ..., (a, v1), (clock, a), (a), ()
"""

from typing import Literal, NamedTuple

import numpy as np
import pyarrow as pa
from pydantic.dataclasses import dataclass
from scipy import sparse

from unroll.baselines.counts import Counts, clock_with_end, in_their_key
from unroll.params import STRICT, Positive
from unroll.patterns import language_model
from unroll.patterns.language_model import Codes, examples_of

PATTERN = "language_model"


@dataclass(frozen=True, config=STRICT)
class Settings:
    """``novelty``: how much each different code seen in a context counts for those not seen; 1 is method C itself."""

    method: Literal["voice_counts"]
    novelty: Positive


class Seen(NamedTuple):
    """How often each code came in each of C contexts: sorted ``keys`` (C,) and ``counts`` (C, V + 1)."""

    keys: np.ndarray
    counts: sparse.csr_array

    @classmethod
    def of(cls, contexts: np.ndarray, codes: np.ndarray, outcomes: int) -> "Seen":
        """Counted from a context and a code (N,) each."""
        keys, rows = np.unique(contexts, return_inverse=True)
        ones = np.ones(len(codes), np.float32)
        return cls(keys, sparse.coo_array((ones, (rows, codes)), (len(keys), outcomes)).tocsr())

    def after(self, contexts: np.ndarray) -> np.ndarray:
        """float64 (N, V + 1): the counts in each of the contexts (N,), zeros where one was never seen."""
        rows = np.searchsorted(self.keys, contexts).clip(max=len(self.keys) - 1)
        return self.counts[rows].toarray() * (self.keys[rows] == contexts)[:, None].astype(np.float64)


class Baseline(Counts):
    """The counts of every stream by context; what a stream remembers is its last code."""

    def __init__(self, codes: Codes, settings: Settings) -> None:
        super().__init__(codes)
        self.novelty = settings.novelty
        self.seen: list[list[Seen]] = []  # of each stream, from the fullest context to the empty one

    @classmethod
    def for_examples(cls, table: pa.Table, task: language_model.Settings, settings: Settings, seed: int) -> "Baseline":
        """Counted in the training ``table``."""
        new = cls(Codes.of(table), settings)
        pieces = examples_of(in_their_key(table))
        end = np.full((1, new.codes.streams), new.end)
        codes = np.concatenate([np.append(piece.codes, end, axis=0) for piece in pieces]).astype(np.int64)
        last = np.concatenate([np.append(end, piece.codes, axis=0) for piece in pieces]).astype(np.int64)
        clock = np.concatenate([clock_with_end(piece) for piece in pieces])
        for k in range(new.codes.streams):
            told = (codes[:, k] != new.end) | (k == 0)  # the end is the first stream's to tell
            contexts = new._contexts(last[told, k], codes[told, :k], clock[told])
            new.seen.append([Seen.of(context, codes[told, k], new.codes.size + 1) for context in contexts])
        return new

    @property
    def parameters(self) -> int:
        """Counts that are not zero."""
        return sum(seen.counts.nnz for stream in self.seen for seen in stream)

    def first(self, stream: int) -> int:
        """The start."""
        return self.start

    def after(self, stream: int, memory: np.ndarray, codes: np.ndarray) -> np.ndarray:
        """The last code."""
        return codes

    def log_probs(self, stream: int, memory: np.ndarray, known: np.ndarray, clock: np.ndarray) -> np.ndarray:
        """float64 (N, V + 1)."""
        outcomes = self.codes.size + (stream == 0)
        probs = np.zeros((len(memory), self.codes.size + 1))
        probs[:, :outcomes] = 1 / outcomes
        contexts = self._contexts(memory, known, clock)
        for seen, context in reversed(list(zip(self.seen[stream], contexts, strict=True))):
            counts = seen.after(context)
            novel = self.novelty * np.count_nonzero(counts, axis=1, keepdims=True)
            total = counts.sum(1, keepdims=True)
            probs = np.where(total > 0, (counts + novel * probs) / np.maximum(1, total + novel), probs)
        with np.errstate(divide="ignore"):  # a stream that cannot end has the log probability -inf of it
            return np.log(probs)

    def _contexts(self, last: np.ndarray, known: np.ndarray, clock: np.ndarray) -> list[np.ndarray]:
        """Those that are backed off to, from the fullest on, each as one number (N,) for every row."""
        digits = np.column_stack([last, known])  # in the base V + 1
        powers = (self.codes.size + 1) ** np.arange(digits.shape[1])
        alone = [digits[:, :many] @ powers[:many] for many in range(digits.shape[1], 0, -1)]
        timed = [clock + (self.codes.clocks + 1) * context for context in (alone[0], alone[-1])]
        if not known.shape[1]:
            return [timed[0], *alone, np.zeros_like(last)]
        return [timed[0], *alone[:-1], timed[1], alone[-1], np.zeros_like(last)]
