"""translation/interface: the strings of programs, from English to French.

An example is a ``source`` and its ``target``, both without accelerators and with single blanks between words and plain
apostrophes, for the packages that the strings come from write those in several ways. The seven packages of the default
hold PAIRS_STATED.
``references`` are all the translations of the source; its ``words`` are counted by its blanks.

Left out are strings without letters, those longer than ``longest_words`` on either side, those of more than two words
that are their own translation, and names with underscores inside, which are no text.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from unroll.errors import UserError
from unroll.features import placeholders
from unroll.fields.translation import splits
from unroll.fields.translation.splits import Split
from unroll.sources import gettext_catalogues
from unroll.sources.gettext_catalogues import Message

MOST_SAME = 2  # words that may be their own translation: names, terms
SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("package", pa.string()),
        ("source", pa.string()),
        ("target", pa.string()),
        ("references", pa.list_(pa.string())),
        ("words", pa.int32()),
    ]
)
_NAME = re.compile(r"\S*\w_\w\S*")


class Pair(NamedTuple):
    """A message as it is learned, and where it comes from."""

    id: str
    package: str
    source: str
    target: str
    split: str


def prepare(settings: Any, seed: int) -> Iterator[Split]:
    """The pairs of all sources; near-duplicates are on one side, whichever package they come from.

    Of parallel files that state their splits, those. A row per pair to train on, a row per source otherwise.
    """
    pairs = list(dict.fromkeys(_pairs(settings.source, settings.longest_words)))
    translations: dict[str, list[str]] = {}
    for pair in pairs:
        known = translations.setdefault(pair.source, [])
        if pair.target not in known:
            known.append(pair.target)
    side = _sides(pairs, list(translations), settings, seed)
    for split in splits.SPLITS:
        own = [pair for pair in pairs if side[pair.source] == split]
        one_each = {(pair.source, pair.target if split == "train" else ""): pair for pair in reversed(own)}
        rows = [_row(pair, translations[pair.source]) for pair in reversed(one_each.values())]
        if not rows:
            raise UserError(f"{', '.join(settings.source)}: no pairs for the split {split}: add more")
        yield split, SCHEMA, iter(rows)


def _sides(pairs: Sequence[Pair], sources: Sequence[str], settings: Any, seed: int) -> dict[str, str]:
    """The split of each source. One that the files state for several is tested on rather than trained on."""
    stated = {pair.source: pair.split for name in splits.SPLITS for pair in pairs if pair.split == name}
    if stated:
        return stated
    masked = [placeholders.mask(source)[0] for source in sources]
    groups = splits.near_duplicates(masked)
    drawn = splits.drawn(groups, settings.valid, settings.test, seed, ", ".join(settings.source))
    return dict(zip(sources, drawn, strict=True))


def _pairs(paths: Sequence[str], longest: int) -> Iterator[Pair]:
    for path in map(Path, paths):
        for number, message in enumerate(gettext_catalogues.read(path)):
            pair = _pair(message, f"{path.stem}-{number}", path.stem)
            if _is_text(pair, longest):
                yield pair


def _pair(message: Message, name: str, package: str) -> Pair:
    source, target = (" ".join(text.replace("’", "'").split()) for text in (message.source, message.target))
    return Pair(name, package, *placeholders.without_accelerators(source, target), message.split)


def _is_text(pair: Pair, longest: int) -> bool:
    masked, slots = placeholders.mask(pair.source)
    sides = (masked, placeholders.mask(pair.target, slots)[0])
    untranslated = sides[0] == sides[1] and len(masked.split()) > MOST_SAME
    return (
        all(re.search(r"[^\W\d_]", text) and len(text.split()) <= longest for text in sides)
        and not untranslated
        and not _NAME.fullmatch(masked)
    )


def _row(pair: Pair, references: list[str]) -> dict[str, Any]:
    return {
        "id": pair.id,
        "package": pair.package,
        "source": pair.source,
        "target": pair.target,
        "references": references,
        "words": len(pair.source.split()),
    }
