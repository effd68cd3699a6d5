"""Words as codes beside the letters that they are written in, and their tags as numbers.

The most frequent words of the training table have a code each, as they are in small letters with 0 for every digit;
capitals are told apart from that (Collobert et al. 2011, "Natural language processing (almost) from scratch"). So the
names of people and places, most of which training never shows, are known by how they are written.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from pydantic.dataclasses import dataclass as checked

from unroll.examples import matrix_type
from unroll.params import STRICT, Count

CAPITALS = 5  # ways of writing a word: none, the first letter, others, the first and others, all
TAGS = pa.list_(pa.string())
UNSEEN = -1  # the number of a tag that does not occur in the training table


@checked(frozen=True, config=STRICT)
class Words:
    """Settings: the size of the ``vocabulary``, at most, and how many ``letters`` of a word are read.

    Of a longer word they are the first and the last ones.
    """

    vocabulary: Count
    letters: Count


Settings = Words


@dataclass(frozen=True)
class Vocabulary:
    """The words that have a code, 0 and up, and the letters that have one, 1 and up; the code behind means unknown.

    ``longest``: letters of a word that are read.
    """

    symbols: tuple[str, ...]
    letters: str
    longest: int

    @classmethod
    def learn(cls, words: Sequence[str], settings: Words) -> "Vocabulary":
        """The most frequent of ``words``, among the equally frequent by the alphabet, and all their letters."""
        counts = Counter(map(_folded, words))
        symbols = sorted(counts, key=lambda word: (-counts[word], word))[: settings.vocabulary]
        return cls(tuple(symbols), "".join(sorted(set().union(*words))), settings.letters)

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> "Vocabulary":
        """The vocabulary that :meth:`plain` wrote down."""
        return cls(tuple(plain["symbols"]), plain["letters"], plain["longest"])

    def plain(self) -> dict[str, Any]:
        """Lists, strings and numbers alone, as JSON and ``torch.save`` like them."""
        return {"symbols": list(self.symbols), "letters": self.letters, "longest": self.longest}

    def encode(self, words: Sequence[str]) -> np.ndarray:
        """int32 (N, 2 + L): the code of each word, its capitals (see ``CAPITALS``) and its letters, then zeros."""
        found = np.zeros((len(words), 2 + self.longest), np.int32)
        for row, word in zip(found, words, strict=True):
            read = _ends(word, self.longest)
            row[:2] = self._codes.get(_folded(word), len(self.symbols)), _capitals(word)
            row[2 : 2 + len(read)] = [self._letters.get(letter, len(self.letters) + 1) for letter in read]
        return found

    @cached_property
    def _codes(self) -> dict[str, int]:
        return {word: code for code, word in enumerate(self.symbols)}

    @cached_property
    def _letters(self) -> dict[str, int]:
        return {letter: code for code, letter in enumerate(self.letters, 1)}


class Learned(NamedTuple):
    """The vocabulary, and of each kind of tag the names, in the order of their numbers."""

    vocabulary: Vocabulary
    labels: dict[str, list[str]]


def learn(table: pa.Table, settings: Words) -> Learned:
    """The words and the tags of a training table: a kind of tag is every column of lists of strings but ``words``."""
    words = [word for row in table["words"].to_pylist() for word in row]
    kinds = [field.name for field in table.schema if field.type == TAGS and field.name != "words"]
    labels = {kind: sorted({tag for row in table[kind].to_pylist() for tag in row}) for kind in kinds}
    return Learned(Vocabulary.learn(words, settings), labels)


def featurize(table: pa.Table, settings: Words, learned: Learned) -> tuple[pa.Schema, Iterator[Mapping[str, Any]]]:
    """Schema and rows of a table with ``codes`` and ``labels`` of its column ``words``.

    ``codes`` is an int32 matrix (N, 2 + L), see :meth:`Vocabulary.encode`, ``labels`` an int16 one with a column per
    kind of tag, -1 where the tag is unseen; without tags there is none. The metadata hold the featurizer's name and
    settings, the vocabulary and, by kind, the names of the labels.
    """
    made = {
        "featurizer": "words",
        "settings": json.dumps(asdict(settings), sort_keys=True),
        "vocabularies": json.dumps({"text": learned.vocabulary.plain()}),
    }
    columns = [("codes", matrix_type(2 + settings.letters, pa.int32()))]
    if learned.labels:
        made["labels"] = json.dumps(learned.labels)
        columns.append(("labels", matrix_type(len(learned.labels), pa.int16())))
    metadata = {key.decode(): value.decode() for key, value in (table.schema.metadata or {}).items()} | made
    return pa.schema([*table.schema, *columns], metadata), _rows(table, learned)


def _rows(table: pa.Table, learned: Learned) -> Iterator[Mapping[str, Any]]:
    numbers = {kind: {name: number for number, name in enumerate(names)} for kind, names in learned.labels.items()}
    for row in table.to_pylist():
        labels = np.empty((len(row["words"]), len(numbers)), np.int16)
        for column, (kind, known) in zip(labels.T, numbers.items(), strict=True):
            column[:] = [known.get(tag, UNSEEN) for tag in row[kind]]
        yield {**row, "codes": learned.vocabulary.encode(row["words"]), "labels": labels}


def _folded(word: str) -> str:
    """A word as it is looked up."""
    return re.sub(r"\d", "0", word.lower())


def _capitals(word: str) -> int:
    first, others = word[:1].isupper(), any(map(str.isupper, word[1:]))
    return CAPITALS - 1 if others and word.isupper() else first + 2 * others


def _ends(word: str, longest: int) -> str:
    """A word, if it is not longer, or else its beginning and its end."""
    last = longest // 2
    return word if len(word) <= longest else word[: longest - last] + word[len(word) - last :]
