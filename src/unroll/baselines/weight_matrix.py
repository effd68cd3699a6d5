"""Position weight matrix of a motif (Stormo et al. 1982): how much more often each base stands at each place."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np
import pyarrow as pa
from Bio import motifs
from pydantic.dataclasses import dataclass

from unroll.baselines.classes import Classes, examples_of, features_of
from unroll.errors import UserError
from unroll.features.kmers import ALPHABETS, Kmers
from unroll.params import STRICT, Positive
from unroll.patterns import classifier

if TYPE_CHECKING:
    from sklearn.linear_model import LogisticRegression

PATTERN = "classifier"


@dataclass(frozen=True, config=STRICT)
class Settings:
    """``motif``: the label of the sequences that have it; ``pseudocount``: added to each count of a base."""

    method: Literal["weight_matrix"]
    motif: str
    pseudocount: Positive


class Baseline(Classes):
    """The log-odds of a window's bases under the motif and under the composition of the others, summed over places.

    Platt (1999) scaling turns the sum into a probability.

    Arguments:
        labels: that of the others, and that of the motif.
        features: what the codes stand for.
        matrix: float64 (L, A + 1), the log-odds of each letter at each place, in bits; the last column, of a letter
            that is unknown or begins no k-mer, is 0.
        scaling: from scores (B, 1) to probabilities.
    """

    def __init__(self, labels: list[str], features: Kmers, matrix: np.ndarray, scaling: "LogisticRegression") -> None:
        self.labels, self.features, self.matrix, self.scaling = labels, features, matrix, scaling
        self.parameters = matrix[:, :-1].size + 2

    @classmethod
    def for_examples(cls, table: pa.Table, task: classifier.Settings, settings: Settings, seed: int) -> "Baseline":
        """Fitted to the training ``table``, which has two labels and windows of one length, else ``UserError``."""
        from sklearn.linear_model import LogisticRegression  # slow to import, and only needed here

        features, examples = features_of(table), examples_of(table)
        labels = sorted({example.label for example in examples}, key=lambda label: (label == settings.motif, label))
        if len(labels) != 2 or labels[1] != settings.motif:
            raise UserError(f"weight_matrix.motif: {settings.motif}: should be one of two labels; there are {labels}")
        letters = _letters([example.inputs for example in examples], features)
        positive = np.array([example.label == settings.motif for example in examples])
        matrix = _log_odds(letters[positive], letters[~positive], ALPHABETS[features.alphabet], settings.pseudocount)
        scaling = LogisticRegression().fit(_scores(letters, matrix), positive)
        return cls(labels, features, matrix, scaling)

    def probabilities(self, rows: Sequence[np.ndarray]) -> np.ndarray:
        """float64 (B, 2)."""
        return self.scaling.predict_proba(_scores(_letters(rows, self.features), self.matrix))


def _letters(codes: Sequence[np.ndarray], features: Kmers) -> np.ndarray:
    """int64 (B, L): the first letter of each k-mer, the alphabet's size where it is unknown."""
    lengths = sorted({len(row) for row in codes})
    if len(lengths) > 1:
        raise UserError(f"weight_matrix: the sequences should be of one length; here are {lengths[0]} and {lengths[1]}")
    return np.stack(codes).astype(np.int64) // len(ALPHABETS[features.alphabet]) ** (features.k - 1)


def _log_odds(motif: np.ndarray, others: np.ndarray, alphabet: str, pseudocount: float) -> np.ndarray:
    """float64 (L, A + 1) of the letters (B, L) with the motif and of those without."""
    names = np.array([*alphabet, "?"])
    counts = motifs.create(["".join(row) for row in names[motif]], alphabet=alphabet).counts
    composition = np.bincount(others.ravel(), minlength=len(names))[:-1]
    background = dict(zip(alphabet, composition / composition.sum(), strict=True))
    matrix = counts.normalize(pseudocounts=pseudocount).log_odds(background)
    return np.column_stack([*(matrix[letter] for letter in alphabet), np.zeros(motif.shape[1])])


def _scores(letters: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """float64 (B, 1)."""
    return matrix[np.arange(letters.shape[1]), letters].sum(1, keepdims=True)
