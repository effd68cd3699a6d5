"""Translations of one's own texts, however long, and pronunciations of one's own words."""

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

from unroll.errors import UserError
from unroll.features import placeholders
from unroll.features.tokens import UNKNOWN
from unroll.patterns.translator import Translator

_WORD = re.compile(r"\S{1,100}\s*")  # what is longer, such as a line without blanks, counts as several
_LINE = re.compile(r"(^\s+|(?<!\s)\s*\n\s*|(?<!\s)\s+$)")
_SENTENCE = re.compile(r"(?<=[.!?…])(\s+)")
_UNNAMED = re.compile(r"%(?!\(|\d+\$|%)|\{\}")  # a placeholder that is filled by its place among the others
SYMBOLS = 4  # in which a word is written, more often than not with room to spare
Way = tuple[str, float]  # a translation, or phones, and the natural logarithm of its probability


def translate(pattern: Translator, texts: Sequence[str], count: int = 1) -> list[list[Way]]:
    """For each text the ``count`` best ways to translate it, those that keep every placeholder first.

    A text of several lines, or of more words than :func:`most_words`, is translated in the pieces of :func:`cut`, each
    in the best way, so there is one. What has no letters stays as it is. There are no more ways than the beam is wide.
    """
    longest = most_words(pattern)
    cuts = [cut(text, longest) for text in texts]
    pieces = list(dict.fromkeys(piece for own in cuts for piece in own if has_letters(piece)))
    found = pattern.translate([_plain(piece) for piece in pieces], n_best=pattern.settings.beam.width)
    ways = {piece: _faithful_first(piece, one.alternatives) for piece, one in zip(pieces, found, strict=True)}
    return [_joined([ways.get(piece, [(piece, 0.0)]) for piece in own])[:count] for own in cuts]


def most_words(pattern: Translator) -> int:
    """The words that are translated at a time: so few that a pattern can write them out."""
    return max(1, pattern.settings.longest // SYMBOLS)


def cut(text: str, longest: int) -> list[str]:
    """The text in pieces that are translated at a time, with the blanks between them: joined, they are the text.

    A piece is a line. One of more than ``longest`` words is cut into sentences, and a sentence that is still longer
    into parts of about equal length. Placeholders stay whole.
    """
    masked, slots = placeholders.mask(text)
    pieces = []
    for line in _LINE.split(masked):
        for sentence in [line] if len(_WORD.findall(line)) <= longest else _SENTENCE.split(line):
            pieces += _parts(sentence, longest)
    return [placeholders.restore(piece, slots) for piece in pieces if piece]


def has_letters(text: str) -> bool:
    """Whether there is anything to translate in a text, its placeholders apart."""
    return any(letter.isalpha() for letter in placeholders.mask(text)[0])


def is_foreign(pattern: Translator, text: str) -> bool:
    """Whether the model never met more than a third of a text's letters, as where the text is in another script."""
    masked = placeholders.mask(text)[0]
    letters, met = (sum(map(str.isalpha, said)) for said in (masked, "".join(pattern.source_symbols(masked))))
    return 3 * met < 2 * letters


def keeps_placeholders(source: str, target: str) -> bool:
    """Whether a program can fill in the target as it would the source.

    It needs the same placeholders, those without a name in the same order, and no stray sign of a format.
    """
    both = [placeholders.find(text) for text in (source, target)]
    wanted, found = ((Counter(own), [one for one in own if _UNNAMED.match(one)]) for own in both)
    signs, written = ([text.count(sign) for sign in "%{}"] for text in (source, target))
    return wanted == found and signs == written


def is_faithful(source: str, target: str) -> bool:
    """Whether the target keeps the placeholders and line ends of the source, and every letter of it was written."""
    ends, own_ends = ((text.startswith("\n"), text.endswith("\n")) for text in (source, target))
    return keeps_placeholders(source, target) and ends == own_ends and UNKNOWN not in target


def pronounce(pattern: Translator, word: str, count: int = 1) -> list[Way]:
    """The ``count`` most probable pronunciations of a word, as phones with blanks between.

    Letters lose accents that the model does not know; ``UserError`` names what it has no letter for, and words with
    more letters than the model writes phones.
    """
    spelling = word.lower().replace("’", "'")
    if len(spelling) > (most := pattern.settings.longest):
        said = f"{word[:most]!r}… has {len(spelling):,} letters"
        raise UserError(f"{said}: the model pronounces words of {most} at the most")
    if UNKNOWN in pattern.source_symbols(spelling):
        spelling = "".join(each for each in unicodedata.normalize("NFKD", spelling) if not unicodedata.combining(each))
    if strange := [letter for letter in dict.fromkeys(spelling) if UNKNOWN in pattern.source_symbols(letter)]:
        raise UserError(f"{word!r}: the model never met {', '.join(map(repr, strange))}: spell it with letters alone")
    (found,) = pattern.translate([spelling], n_best=pattern.settings.beam.width)
    return found.alternatives[:count]


def _plain(text: str) -> str:
    """A text as those that were learned from: single blanks, plain apostrophes, no accelerator."""
    return placeholders.without_accelerator(" ".join(text.replace("’", "'").split()))


def _parts(sentence: str, longest: int) -> list[str]:
    words = _WORD.findall(sentence)
    if len(words) <= longest:
        return [sentence]
    count = -(-len(words) // longest)
    edges = [len(words) * number // count for number in range(count + 1)]
    parts = ["".join(words[start:stop]) for start, stop in pairwise(edges)]
    return [piece for part in parts for piece in (part.rstrip(), part[len(part.rstrip()) :])]


def _faithful_first(source: str, ways: Sequence[Way]) -> list[Way]:
    return sorted(ways, key=lambda way: not is_faithful(source, way[0]))


def _joined(pieces: Sequence[list[Way]]) -> list[Way]:
    if len(pieces) == 1:
        return pieces[0]
    return [("".join(ways[0][0] for ways in pieces), sum(ways[0][1] for ways in pieces))]
