"""The most similar source of the training data with its translation, as translators' tools recall it.

Similar are texts whose n-grams of letters, weighted by TF-IDF, have a small angle (Salton & Buckley 1988, "Term
weighting approaches in automatic text retrieval").
"""

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
import pyarrow as pa
from pydantic.dataclasses import dataclass

from unroll.baselines.translations import Sides, Translations, texts
from unroll.params import STRICT, Count
from unroll.patterns import translator

PATTERN = "translator"
TOGETHER = 100  # sources that are looked up at once: as many rows of a matrix with a column per training source
LEAST = 1e-9  # similarity, whose logarithm is still a number


@dataclass(frozen=True, config=STRICT)
class Settings:
    """``order``: letters in the longest n-gram; all shorter ones count too."""

    method: Literal["translation_memory"]
    order: Count


class Baseline(Translations):
    """The sources of the training data as sparse vectors of length 1, beside their targets."""

    def __init__(self, sides: Sides, settings: Settings, known: Sequence[tuple[str, str]]) -> None:
        from sklearn.feature_extraction.text import TfidfVectorizer  # slow to import, and only needed here

        super().__init__(sides)
        sources, self.targets = zip(*known, strict=True)
        # Words are padded with blanks, so that an n-gram knows whether it begins or ends one.
        self.vectorizer = TfidfVectorizer(
            analyzer="char_wb", ngram_range=(1, settings.order), sublinear_tf=True, dtype=np.float32
        )
        self.memory = self.vectorizer.fit_transform(sources)

    @classmethod
    def for_examples(cls, table: pa.Table, task: translator.Settings, settings: Settings, seed: int) -> "Baseline":
        """Remembers the training ``table``; nothing of it is random."""
        sides = Sides.of(table)
        return cls(sides, settings, texts(table, sides))

    @property
    def parameters(self) -> int:
        """The numbers in the vectors of the sources."""
        return self.memory.nnz

    def translate(self, sources: Sequence[str]) -> list[tuple[str, float]]:
        """The target of the nearest source, the first of equally near ones; sure is the cosine of their angle."""
        found = []
        for first in range(0, len(sources), TOGETHER):
            wanted = self.vectorizer.transform(sources[first : first + TOGETHER])
            cosines = (wanted @ self.memory.T).toarray()
            found += zip(cosines.argmax(1).tolist(), cosines.max(1).tolist(), strict=True)
        return [(self.targets[place], math.log(max(LEAST, min(1.0, cosine)))) for place, cosine in found]
