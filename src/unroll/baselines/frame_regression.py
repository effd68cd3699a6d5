"""Logistic regression on single frames, smoothed over time: what can be told without a memory."""

import json
from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
import pyarrow as pa
from pydantic.dataclasses import dataclass

from unroll.examples import matrices, vectors
from unroll.params import STRICT, Count, Positive
from unroll.patterns import tagger
from unroll.patterns.tagger import Tagged

PATTERN = "tagger"
ROUNDS = 500  # of the optimiser, at most


@dataclass(frozen=True, config=STRICT)
class Settings:
    """``penalty``: how strongly large weights count against the fit (L2).

    ``every``: of so many training frames in a row one is learned from, for neighbours are much alike; ``smooth``: over
    so many frames the median of a probability is taken.
    """

    method: Literal["frame_regression"]
    penalty: Positive
    every: Count
    smooth: Count


class Example(NamedTuple):
    """A row, whole: views of the mapped table, ``frames`` (T, D) and int8 ``labels`` (T,)."""

    id: str
    frames: np.ndarray
    labels: np.ndarray


class Baseline:
    """The numbers of a frame, each scaled to the deviation 1, and multinomial logistic regression on them."""

    def __init__(self, settings: Settings, labels: Sequence[str], seed: int) -> None:
        from sklearn.linear_model import LogisticRegression  # slow to import, and only needed here
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        self.settings, self.labels = settings, list(labels)
        regression = LogisticRegression(C=1 / settings.penalty, max_iter=ROUNDS, random_state=seed)
        self.model = make_pipeline(StandardScaler(), regression)

    @classmethod
    def for_examples(cls, table: pa.Table, task: tagger.Settings, settings: Settings, seed: int) -> "Baseline":
        """Fitted to the training ``table``, whose metadata name the labels."""
        new = cls(settings, json.loads(table.schema.metadata[b"labels"]), seed)
        rows = new.examples(table)
        frames = np.concatenate([row.frames[:: settings.every] for row in rows])
        new.model.fit(frames.astype(np.float32), np.concatenate([row.labels[:: settings.every] for row in rows]))
        return new

    @property
    def parameters(self) -> int:
        """Weights and biases."""
        regression = self.model[-1]
        return regression.coef_.size + regression.intercept_.size

    def examples(self, table: pa.Table) -> list[Example]:
        """The rows of a featurized table."""
        rows = (table["id"].to_pylist(), matrices(table["frames"]), vectors(table["labels"]))
        return [Example(*row) for row in zip(*rows, strict=True)]

    def truth(self, example: Example) -> np.ndarray:
        """int8 (T,): the true labels, as the tagger says them of its own examples."""
        return example.labels

    def predict(self, examples: Sequence[Example]) -> list[Tagged]:
        """The label of every frame, and the probabilities of all labels, smoothed; those never met have none."""
        return [self._tagged(example.frames) for example in examples]

    def _tagged(self, frames: np.ndarray) -> Tagged:
        from scipy.ndimage import median_filter

        found = self.model.predict_proba(frames.astype(np.float32))
        smooth = median_filter(found, (self.settings.smooth, 1), mode="nearest")
        probabilities = np.zeros((len(frames), len(self.labels)), np.float32)
        # All may be 0 where the frames of a window agree on nothing.
        probabilities[:, self.model.classes_] = (smooth + 1e-9) / (smooth + 1e-9).sum(1, keepdims=True)
        return Tagged(probabilities, probabilities.argmax(1).astype(np.int8))
