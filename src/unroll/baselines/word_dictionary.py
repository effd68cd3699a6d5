"""Word for word, each by the translation that a dictionary learned from the pairs alone: IBM model 1.

Brown, Della Pietra, Della Pietra & Mercer (1993), "The mathematics of statistical machine translation", section 4.1:
any word of the source, or none, may have become any word of the target; expectation and maximisation in turn find
which did. Where a code is a letter or a phone, it is the word.
"""

import math
import re
from collections.abc import Sequence
from functools import partial
from typing import Literal

import numpy as np
import pyarrow as pa
from pydantic.dataclasses import dataclass

from unroll.baselines.translations import Sides, Translations, texts
from unroll.features.tokens import Unit
from unroll.params import STRICT, Count
from unroll.patterns import translator

PATTERN = "translator"
NONE = ""  # the word that stands beside every source for what comes from none of its own
WORDS: dict[Unit, str] = {"characters": r"\S", "words": r"\S+", "bpe": r"[^\W\d_]+"}


@dataclass(frozen=True, config=STRICT)
class Settings:
    """``rounds`` of expectation and maximisation."""

    method: Literal["word_dictionary"]
    rounds: Count


class Baseline(Translations):
    """A dictionary: for each word of the training sources the most probable word of the targets, and how probable."""

    def __init__(self, sides: Sides, settings: Settings, known: Sequence[tuple[str, str]]) -> None:
        super().__init__(sides)
        units = sides.source.units, sides.target.units
        self.pattern = re.compile(WORDS[units[0]])
        self.glue = " " if units == ("characters", "words") else ""
        self.prose = units[0] == "bpe"
        others = re.compile(WORDS[units[1]])
        pairs = [([NONE, *self._words(self.pattern, one)], self._words(others, other)) for one, other in known]
        self.best, self.parameters = dictionary(pairs, settings.rounds)

    @classmethod
    def for_examples(cls, table: pa.Table, task: translator.Settings, settings: Settings, seed: int) -> "Baseline":
        """Learned from the training ``table``; nothing of it is random."""
        sides = Sides.of(table)
        return cls(sides, settings, texts(table, sides))

    def translate(self, sources: Sequence[str]) -> list[tuple[str, float]]:
        """Each word replaced where it stands; words never met stay, as do signs and placeholders."""
        return [self._translated(source) for source in sources]

    def _translated(self, source: str) -> tuple[str, float]:
        sure: list[float] = []
        text = self.pattern.sub(partial(self._replaced, sure=sure), source).strip()
        if self.prose and source[:1].isupper():
            text = text[:1].upper() + text[1:]
        return text, sum(sure)

    def _replaced(self, word: re.Match, sure: list[float]) -> str:
        found, probability = self.best.get(self._key(word[0]), (word[0], 1.0))
        sure.append(math.log(probability))
        return found + self.glue

    def _words(self, pattern: re.Pattern, text: str) -> list[str]:
        return [self._key(word) for word in pattern.findall(text)]

    def _key(self, word: str) -> str:
        """A word of prose without its capital where it has one: Page is page, but URL stays."""
        return word.lower() if self.prose and word.istitle() else word


def dictionary(pairs: Sequence[tuple[list[str], list[str]]], rounds: int) -> tuple[dict[str, tuple[str, float]], int]:
    """For each word of the sources its most probable target with t(target | source), and how many of these there are.

    The table has an entry for any two words that stand in one pair; at first, all are equally probable.
    """
    source_words, sources = _numbered([source for source, _ in pairs])
    target_words, targets = _numbered([target for _, target in pairs])
    # A row for each target word of each pair and each source word beside it.
    left = np.concatenate([np.tile(source, len(target)) for source, target in zip(sources, targets, strict=True)])
    right = np.concatenate([np.repeat(target, len(source)) for source, target in zip(sources, targets, strict=True)])
    beside = np.repeat([len(source) for source in sources], [len(target) for target in targets])
    place = np.repeat(np.arange(len(beside)), beside)
    entries, entry = np.unique(left * len(target_words) + right, return_inverse=True)
    owner, target = np.divmod(entries, len(target_words))
    table = np.ones(len(entries))
    for _ in range(rounds):
        shares = table[entry]
        shares /= np.bincount(place, shares)[place]
        counts = np.bincount(entry, shares)
        table = counts / np.bincount(owner, counts)[owner]
    order = np.lexsort((target, -table, owner))
    owners, first = np.unique(owner[order], return_index=True)
    best = order[first]
    found = zip(owners.tolist(), target[best].tolist(), table[best].tolist(), strict=True)
    return {source_words[one]: (target_words[other], probability) for one, other, probability in found}, len(table)


def _numbered(texts: Sequence[list[str]]) -> tuple[list[str], list[np.ndarray]]:
    """The different words in their order, and each text as their numbers."""
    words, numbers = np.unique([word for text in texts for word in text], return_inverse=True)
    return words.tolist(), np.split(numbers, np.cumsum([len(text) for text in texts])[:-1])
