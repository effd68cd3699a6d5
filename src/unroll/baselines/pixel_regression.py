"""Logistic regression on the numbers of the steps: what can be told of pictures or sensors without a memory."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pyarrow as pa
from pydantic.dataclasses import dataclass

from unroll.baselines.classes import Classes, examples_of
from unroll.params import STRICT, Positive
from unroll.patterns import classifier

PATTERN = "classifier"
ROUNDS = 500  # of the optimiser, at most


@dataclass(frozen=True, config=STRICT)
class Settings:
    """``pool``: what it reads of the steps: ``all`` of them, side by side, as far as the longest one learned from and
    followed by zeros where there are fewer; the ``mean`` and the deviation of each number over the steps, which tell
    nothing of their order; or a ``single`` step, the middle one.

    ``penalty``: how strongly large weights count against the fit (L2).
    """

    method: Literal["pixel_regression"]
    pool: Literal["all", "mean", "single"]
    penalty: Positive


class Baseline(Classes):
    """What is read of the steps, each number scaled to the deviation 1, and multinomial logistic regression on it."""

    def __init__(self, settings: Settings, longest: int, seed: int) -> None:
        from sklearn.linear_model import LogisticRegression  # slow to import, and only needed here
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        self.settings, self.longest = settings, longest
        regression = LogisticRegression(C=1 / settings.penalty, max_iter=ROUNDS, random_state=seed)
        self.model = make_pipeline(StandardScaler(), regression)

    @classmethod
    def for_examples(cls, table: pa.Table, task: classifier.Settings, settings: Settings, seed: int) -> "Baseline":
        """Fitted to the training ``table``, with the classifier's weights of rare labels where it balances them."""
        examples = examples_of(table)
        new = cls(settings, max(len(example.inputs) for example in examples), seed)
        labels, numbers, counts = np.unique(
            [example.label for example in examples], return_inverse=True, return_counts=True
        )
        weights = counts[numbers] ** -0.5 if task.balance else np.ones(len(examples))
        new.labels = labels.tolist()
        inputs = new._pooled([example.inputs for example in examples])
        new.model.fit(inputs, numbers, logisticregression__sample_weight=weights / weights.mean())
        return new

    @property
    def parameters(self) -> int:
        """Weights and biases."""
        regression = self.model[-1]
        return regression.coef_.size + regression.intercept_.size

    def probabilities(self, rows: Sequence[np.ndarray]) -> np.ndarray:
        """float64 (B, V): those of the labels of B sequences of steps (T, D)."""
        return self.model.predict_proba(self._pooled(rows))

    def _pooled(self, rows: Sequence[np.ndarray]) -> np.ndarray:
        """float32 (B, F): what is read of each row."""
        match self.settings.pool:
            case "mean":
                return np.stack([np.concatenate([row.mean(0), row.std(0)]) for row in rows]).astype(np.float32)
            case "single":
                return np.stack([row[len(row) // 2] for row in rows]).astype(np.float32)
        pooled = np.zeros((len(rows), self.longest, rows[0].shape[1]), np.float32)
        for line, row in zip(pooled, rows, strict=True):
            line[: len(row)] = row[: self.longest]
        return pooled.reshape(len(rows), -1)
