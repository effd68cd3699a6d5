"""What the baselines of the translator share: its examples as texts, and texts as its predictions."""

import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import NamedTuple

import pyarrow as pa

from unroll.features import placeholders
from unroll.features.tokens import Vocabulary
from unroll.patterns.translator import Example, Translation, examples_of


class Sides(NamedTuple):
    """The vocabularies of a table's sources and targets."""

    source: Vocabulary
    target: Vocabulary

    @classmethod
    def of(cls, table: pa.Table) -> "Sides":
        """As the metadata of a featurized table have them."""
        known = json.loads(table.schema.metadata[b"vocabularies"])
        return cls(Vocabulary.of(known["source"]), Vocabulary.of(known["target"]))


class Translations(ABC):
    """Translates the translator's examples as texts, in which placeholders are slots."""

    def __init__(self, sides: Sides) -> None:
        self.sides = sides

    @abstractmethod
    def translate(self, sources: Sequence[str]) -> list[tuple[str, float]]:
        """The target of each source, and the natural logarithm of how sure it is, from 0 to 1."""

    def examples(self, table: pa.Table) -> list[Example]:
        """Those of the translator."""
        return examples_of(table)

    def predict(self, examples: Sequence[Example]) -> list[Translation]:
        """The translation of each example, with the placeholders of its own source."""
        found = self.translate([self.sides.source.decode(example.source) for example in examples])
        texts = [placeholders.restore(text, own.slots) for (text, _), own in zip(found, examples, strict=True)]
        return [Translation(text, sure, [(text, sure)], [], None) for text, (_, sure) in zip(texts, found, strict=True)]


def texts(table: pa.Table, sides: Sides) -> list[tuple[str, str]]:
    """The source and the target of each row of a featurized table."""
    return [(sides.source.decode(row.source), sides.target.decode(row.target)) for row in examples_of(table)]
