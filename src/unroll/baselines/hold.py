"""Everything goes on: a note is held and a rest lasts, as likely as in training, whatever the music."""

from typing import Literal

import numpy as np
import pyarrow as pa
from pydantic.dataclasses import dataclass

from unroll.baselines.counts import Counts, in_their_key
from unroll.params import STRICT
from unroll.patterns import language_model
from unroll.patterns.language_model import Codes, examples_of

PATTERN = "language_model"


@dataclass(frozen=True, config=STRICT)
class Settings:
    """Nothing to choose."""

    method: Literal["hold"]


class Baseline(Counts):
    """Of each stream, how often its last code goes on, and how often each other code comes when it does not.

    With g(a) the code that goes on after a (``unroll.features.notes``: a note that began is held), h the share of
    steps at which that happens and q(c) the share of code c at all other steps, both counted from one:

        p(c | a) = h where c = g(a), else (1 - h) q(c) / (1 - q(g(a)))
    """

    def __init__(self, codes: Codes) -> None:
        super().__init__(codes)
        self.table = np.empty((codes.streams, codes.size + 1, codes.size + 1))  # K, the last code or the start, V + 1

    @classmethod
    def for_examples(cls, table: pa.Table, task: language_model.Settings, settings: Settings, seed: int) -> "Baseline":
        """Counted in the training ``table``."""
        new = cls(Codes.of(table))
        pieces = [example.codes for example in examples_of(in_their_key(table))]
        for stream in range(new.codes.streams):
            new.table[stream] = new._log_table(stream, [piece[:, stream].astype(np.int64) for piece in pieces])
        return new

    @property
    def parameters(self) -> int:
        """How likely a stream goes on, and what comes instead."""
        return self.codes.streams * (self.codes.size + 1)

    def first(self, stream: int) -> int:
        """The start."""
        return self.start

    def after(self, stream: int, memory: np.ndarray, codes: np.ndarray) -> np.ndarray:
        """The last code."""
        return codes

    def log_probs(self, stream: int, memory: np.ndarray, known: np.ndarray, clock: np.ndarray) -> np.ndarray:
        """float64 (N, V + 1)."""
        return self.table[stream, memory]

    def _log_table(self, stream: int, pieces: list[np.ndarray]) -> np.ndarray:
        """float64 (V + 1, V + 1): of each code and the end, after each code and the start."""
        size, can_end = self.codes.size, stream == 0
        before = np.concatenate([np.append(self.start, piece)[: len(piece) + can_end] for piece in pieces])
        codes = np.concatenate([np.append(piece, self.end)[: len(piece) + can_end] for piece in pieces])
        lasts = (codes == going_on(before)) & (before != self.start)
        share = (lasts.sum() + 1) / ((before != self.start).sum() + 2)
        others = np.bincount(codes[~lasts], minlength=size + 1) + 1.0
        others[size] *= can_end
        others /= others.sum()
        table = np.tile(others, (size + 1, 1))
        past = np.arange(size)
        table[past] *= (1 - share) / (1 - others[going_on(past)])[:, None]
        table[past, going_on(past)] = share
        with np.errstate(divide="ignore"):  # a stream that cannot end has the log probability -inf of it
            return np.log(table)


def going_on(codes: np.ndarray) -> np.ndarray:
    """What each code becomes where nothing happens: odd codes, notes that begin, are followed by the same note held."""
    return codes + codes % 2
