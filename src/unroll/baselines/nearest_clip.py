"""The sentence of the most alike training clip: what can be written without a sense of order.

Clips are alike whose pictures have, over time, the same means and deviations.
"""

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
import pyarrow as pa
from pydantic.dataclasses import dataclass

from unroll.examples import matrices
from unroll.params import STRICT
from unroll.patterns import translator
from unroll.patterns.translator import Translation

PATTERN = "translator"
LEAST = 1e-9  # similarity, whose logarithm is still a number


@dataclass(frozen=True, config=STRICT)
class Settings:
    """Nothing to choose."""

    method: Literal["nearest_clip"]


class Example(NamedTuple):
    """A row: ``frames`` (T, D) is a view of the mapped table."""

    id: str
    frames: np.ndarray


class Baseline:
    """Training clips as vectors of length 1, beside their sentences.

    Arguments:
        known: float32 (N, 2D), the summaries of the training clips.
        targets: their N sentences.
    """

    def __init__(self, known: np.ndarray, targets: Sequence[str]) -> None:
        self.mean, self.deviation = known.mean(0), known.std(0) + 1e-6
        self.memory, self.targets = self._scaled(known), list(targets)

    @classmethod
    def for_examples(cls, table: pa.Table, task: translator.Settings, settings: Settings, seed: int) -> "Baseline":
        """Remembers the training ``table``; nothing of it is random."""
        return cls(_summaries(matrices(table["frames"])), table["target"].to_pylist())

    @property
    def parameters(self) -> int:
        """The numbers in the vectors of the training clips."""
        return self.memory.size

    def examples(self, table: pa.Table) -> list[Example]:
        """The rows of a featurized table."""
        return [Example(*row) for row in zip(table["id"].to_pylist(), matrices(table["frames"]), strict=True)]

    def predict(self, examples: Sequence[Example]) -> list[Translation]:
        """The sentence of the nearest clip, the first of equally near ones; sure is the cosine of their angle."""
        cosines = self._scaled(_summaries([example.frames for example in examples])) @ self.memory.T
        found = []
        for place, cosine in zip(cosines.argmax(1).tolist(), cosines.max(1).tolist(), strict=True):
            text, sure = self.targets[place], math.log(max(LEAST, min(1.0, cosine)))
            found.append(Translation(text, sure, [(text, sure)], [], None))
        return found

    def _scaled(self, summaries: np.ndarray) -> np.ndarray:
        """Every number as far from the training mean as is usual for it, and every row of length 1."""
        scaled = (summaries - self.mean) / self.deviation
        return scaled / np.maximum(1e-6, np.linalg.norm(scaled, axis=1, keepdims=True))


def _summaries(clips: Sequence[np.ndarray]) -> np.ndarray:
    """float32 (N, 2D): the mean and the deviation over time of the numbers of each clip (T, D)."""
    return np.stack([np.concatenate((clip.mean(0, dtype=np.float32), clip.std(0, dtype=np.float32))) for clip in clips])
