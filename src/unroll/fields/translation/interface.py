"""translation/interface: the strings of programs, from English to French.

An example is a ``source`` and its ``target``, both without accelerators and with single blanks between words and plain
apostrophes, for the packages that the strings come from write those in several ways. ``references`` are all the
translations of the source, which has so many ``words``. The seven packages of the default hold 21,007 pairs of 20,581
strings (60 % of them of one to five words) in 12,800 groups of near-duplicates. Of the strings tested on, 1 % are more
than 0.8 similar to one trained on, placeholders included; mostly, the placeholder is what they share.

Left out are strings without letters, those longer than ``longest_words`` on either side, those of more than two words
that are their own translation, and names with underscores inside, which are no text.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import pyarrow as pa
from pydantic import Field
from pydantic.dataclasses import dataclass

from unroll.baselines import translation_memory, word_dictionary
from unroll.errors import UserError
from unroll.features import placeholders
from unroll.features.tokens import Tokens
from unroll.fields.translation import pictures, splits
from unroll.fields.translation.splits import Split
from unroll.metrics import translation as metrics
from unroll.params import STRICT, Count, Name, Train
from unroll.patterns import translator
from unroll.patterns.translator import Translator, TranslatorModel
from unroll.reports.exhibits import Exhibit
from unroll.sources import gettext_catalogues
from unroll.sources.gettext_catalogues import Message

LANGUAGE = "fr"  # that the strings which are fetched are translated to
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


@dataclass(frozen=True, config=STRICT)
class Interface:
    """``source``: what ``gettext_catalogues`` reads, such as a folder with a folder of catalogues for each package.

    ``longest_words``: of a string on either side; ``valid`` and ``test``: strings validated and tested on, where the
    files do not state it.
    """

    source: str
    longest_words: Count
    valid: Count
    test: Count
    tokens: Tokens
    translator: translator.Settings
    train: Train
    models: Annotated[dict[Name, TranslatorModel], Field(min_length=1)]
    baselines: dict[
        Name, Annotated[translation_memory.Settings | word_dictionary.Settings, Field(discriminator="method")]
    ]


class Pair(NamedTuple):
    """A message as it is learned, and where it comes from."""

    id: str
    package: str
    source: str
    target: str
    split: str


def prepare(settings: Interface, seed: int) -> Iterator[Split]:
    """The pairs of all sources; near-duplicates are on one side, whichever package they come from.

    Of parallel files that state their splits, those. A row per pair to train on, a row per source otherwise.
    """
    pairs = list(_pairs(Path(settings.source), settings.longest_words))
    if not pairs:
        raise UserError(
            f"{settings.source}: no pair is left of those with letters, translated, and of {settings.longest_words}"
            " words at the most on either side: add some, or raise longest_words"
        )
    translations: dict[str, dict[str, Pair]] = {}
    for pair in pairs:
        translations.setdefault(pair.source, {}).setdefault(pair.target, pair)
    side = _sides(pairs, list(translations), settings, seed)
    for split in splits.SPLITS:
        rows = [
            _row(pair, list(own))
            for source, own in translations.items()
            if side[source] == split
            for pair in list(own.values())[: None if split == "train" else 1]
        ]
        if not rows:
            raise UserError(f"{settings.source}: no pairs for the split {split}: add more")
        yield split, SCHEMA, iter(rows)


def _sides(pairs: Sequence[Pair], sources: Sequence[str], settings: Interface, seed: int) -> dict[str, str]:
    """The split of each source. One that the files state for several is tested on rather than trained on."""
    stated = {pair.source: pair.split for name in splits.SPLITS for pair in pairs if pair.split == name}
    if stated:
        return stated
    masked = [placeholders.mask(source)[0] for source in sources]
    groups = splits.near_duplicates(masked, settings.source)
    drawn = splits.drawn(groups, settings.valid, settings.test, seed, settings.source)
    return dict(zip(sources, drawn, strict=True))


def _pairs(source: Path, longest: int) -> Iterator[Pair]:
    for number, message in enumerate(gettext_catalogues.read(source)):
        pair = _pair(message, number)
        if _is_text(pair, longest):
            yield pair


def _pair(message: Message, number: int) -> Pair:
    source, target = (" ".join(text.replace("’", "'").split()) for text in (message.source, message.target))
    name = f"{message.package}-{number}"
    return Pair(name, message.package, *placeholders.without_accelerators(source, target), message.split)


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


def measure(rows: Sequence[Mapping[str, Any]], seconds: float) -> dict[str, float]:
    """BLEU, chrF, kept placeholders and exact matches of predicted rows, which took ``seconds`` to predict.

    Then BLEU by the number of words of the source.
    """
    hypotheses = [row["prediction"].text for row in rows]
    references = [row["references"] for row in rows]
    scores = {
        "bleu": metrics.bleu(hypotheses, references),
        "chrf": metrics.chrf(hypotheses, references),
        "placeholder_fidelity": metrics.placeholder_fidelity(
            [placeholders.find(row["source"]) for row in rows], list(map(placeholders.find, hypotheses))
        ),
        "exact_match": metrics.exact_match(hypotheses, references),
        **{
            f"bleu_{name}": score
            for name, score in metrics.bleu_by_words([row["words"] for row in rows], hypotheses, references).items()
        },
        "predict_seconds_per_string": seconds / len(rows),
    }
    return {name: round(score, 6) for name, score in scores.items()}


def as_lines(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """A line per string: its translations by people and by the model."""
    return [
        {
            "id": row["id"],
            "source": row["source"],
            "reference": " | ".join(row["references"]),
            "predicted": row["prediction"].text,
            "log_prob": round(row["prediction"].log_prob, 4),
        }
        for row in rows
    ]


def exhibits(
    rows: Sequence[Mapping[str, Any]], patterns: Mapping[str | None, Translator], folder: Path
) -> list[Exhibit]:
    """BLEU by length, attention maps and strings to look at; their files are written to ``folder``."""
    return pictures.interface(rows, patterns, folder)
