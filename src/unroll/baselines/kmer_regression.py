"""Logistic regression on how often each k-mer occurs, wherever it does: what composition alone tells of a sequence."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pyarrow as pa
from pydantic.dataclasses import dataclass
from scipy import sparse

from unroll.baselines.classes import Classes, examples_of, features_of
from unroll.features.kmers import Kmers
from unroll.params import STRICT, Positive
from unroll.patterns import classifier

PATTERN = "classifier"
ROUNDS = 2000  # of the optimiser, at most


@dataclass(frozen=True, config=STRICT)
class Settings:
    """``penalty``: how strongly large weights count against the fit (L2)."""

    method: Literal["kmer_regression"]
    penalty: Positive


class Baseline(Classes):
    """The frequencies of the k-mers, each scaled to the deviation 1, and multinomial logistic regression on them."""

    def __init__(self, task: classifier.Settings, settings: Settings, features: Kmers, seed: int) -> None:
        from sklearn.linear_model import LogisticRegression  # slow to import, and only needed here
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import Normalizer, StandardScaler

        self.task, self.features = task, features
        self.model = make_pipeline(
            Normalizer("l1"),
            StandardScaler(with_mean=False),  # the counts stay sparse
            LogisticRegression(C=1 / settings.penalty, max_iter=ROUNDS, random_state=seed),
        )

    @classmethod
    def for_examples(cls, table: pa.Table, task: classifier.Settings, settings: Settings, seed: int) -> "Baseline":
        """Fitted to the training ``table``, with the classifier's weights of rare labels where it balances them."""
        new = cls(task, settings, features_of(table), seed)
        examples = examples_of(table)
        labels, numbers, counts = np.unique(
            [example.label for example in examples], return_inverse=True, return_counts=True
        )
        weights = counts[numbers] ** -0.5 if task.balance else np.ones(len(examples))
        new.labels = labels.tolist()
        inputs = new._counts([example.inputs for example in examples])
        new.model.fit(inputs, numbers, logisticregression__sample_weight=weights / weights.mean())
        return new

    @property
    def parameters(self) -> int:
        """Weights and biases."""
        regression = self.model[-1]
        return regression.coef_.size + regression.intercept_.size

    def probabilities(self, rows: Sequence[np.ndarray]) -> np.ndarray:
        """float64 (B, V)."""
        return self.model.predict_proba(self._counts(rows))

    def _counts(self, codes: Sequence[np.ndarray]) -> sparse.csr_array:
        """float64 (B, K): how often each of the K k-mers occurs; what is unknown counts for nothing."""
        rows = np.repeat(np.arange(len(codes)), [len(row) for row in codes])
        columns = np.concatenate(codes).astype(np.int64)
        ones = np.ones(len(columns))
        shape = (len(codes), self.features.codes)
        return sparse.coo_array((ones, (rows, columns)), shape).tocsr()[:, : self.features.unknown]
