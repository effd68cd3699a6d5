"""What the baselines of the classifier share."""

import json
from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from unroll import params
from unroll.features.kmers import Kmers
from unroll.patterns.classifier import Class, Example
from unroll.patterns.inputs import rows_of


class Classes(ABC):
    """Tells the label of the classifier's examples from their inputs; ``labels`` are in the order of probabilities."""

    labels: list[str]

    @abstractmethod
    def probabilities(self, rows: Sequence[np.ndarray]) -> np.ndarray:
        """float64 (B, V): those of the labels of B sequences of codes (N,) or frames (N, D)."""

    def examples(self, table: pa.Table) -> list[Example]:
        """Those of the classifier."""
        return examples_of(table)

    def predict(self, examples: Sequence[Example]) -> list[Class]:
        """The most probable label of each example, and how probable all are."""
        found = self.probabilities([example.inputs for example in examples])
        rows = zip(found.argmax(1), found.tolist(), strict=True)
        return [Class(self.labels[best], dict(zip(self.labels, row, strict=True))) for best, row in rows]


def examples_of(table: pa.Table) -> list[Example]:
    """The rows of a featurized table, as the classifier reads them."""
    rows = (table["id"].to_pylist(), rows_of(table), table["label"].to_pylist())
    return [Example(*row) for row in zip(*rows, strict=True)]


def features_of(table: pa.Table) -> Kmers:
    """What the codes of a featurized table stand for."""
    return params.check(Kmers, json.loads(table.schema.metadata[b"settings"]), "kmers")
