"""translation/pronunciation: how English words are spoken, from their letters to phones.

An example is a ``source``, the letters of a word, and its ``target``, phones in ARPAbet with blanks between them and
with the stress behind vowels. ``references`` are all pronunciations of the word, and ``family`` is the shortest of its
relatives.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import pyarrow as pa
from pydantic import Field
from pydantic.dataclasses import dataclass

from unroll.baselines import translation_memory, word_dictionary
from unroll.features.tokens import Tokens
from unroll.fields.translation import pictures, splits
from unroll.fields.translation.splits import Split
from unroll.metrics import translation as metrics
from unroll.params import STRICT, Count, Name, Train
from unroll.patterns import translator
from unroll.patterns.translator import Translator, TranslatorModel
from unroll.reports.exhibits import Exhibit
from unroll.sources import pronouncing

SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("source", pa.string()),
        ("target", pa.string()),
        ("references", pa.list_(pa.string())),
        ("family", pa.string()),
    ]
)


@dataclass(frozen=True, config=STRICT)
class Pronunciation:
    """``source``: a dictionary in the form of CMUdict. ``valid`` and ``test``: words validated and tested on."""

    source: str
    valid: Count
    test: Count
    tokens: Tokens
    translator: translator.Settings
    train: Train
    models: Annotated[dict[Name, TranslatorModel], Field(min_length=1)]
    baselines: dict[
        Name, Annotated[translation_memory.Settings | word_dictionary.Settings, Field(discriminator="method")]
    ]


def prepare(settings: Pronunciation, seed: int) -> Iterator[Split]:
    """The words of a dictionary, families apart: a row per pronunciation to train on, a row per word otherwise."""
    spoken = pronouncing.read(Path(settings.source))
    words = list(spoken)
    groups = splits.families(words)
    side = splits.drawn(groups, settings.valid, settings.test, seed, settings.source)
    shortest: dict[int, str] = {}
    for word, group in sorted(zip(words, groups, strict=True), key=lambda pair: (len(pair[0]), pair[0])):
        shortest.setdefault(group, word)
    for split in splits.SPLITS:
        rows = (
            _row(word, variant, spoken[word], shortest[group])
            for word, group, own in zip(words, groups, side, strict=True)
            if own == split
            for variant in range(len(spoken[word]) if split == "train" else 1)
        )
        yield split, SCHEMA, rows


def _row(word: str, variant: int, references: list[str], family: str) -> dict[str, Any]:
    name = f"{word}({variant + 1})" if variant else word
    return {"id": name, "source": word, "target": references[variant], "references": references, "family": family}


def measure(rows: Sequence[Mapping[str, Any]], seconds: float) -> dict[str, float]:
    """Error rates of predicted rows against the nearest pronunciation, which took ``seconds`` to predict."""
    rates = metrics.spoken_error_rates([row["prediction"].text for row in rows], [row["references"] for row in rows])
    return {name: round(rate, 6) for name, rate in rates.items()} | {
        "predict_seconds_per_word": round(seconds / len(rows), 6)
    }


def as_lines(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """A line per word: how it is spoken, and how it was said to be."""
    return [
        {
            "id": row["id"],
            "word": row["source"],
            "spoken": " | ".join(row["references"]),
            "predicted": row["prediction"].text,
            "log_prob": round(row["prediction"].log_prob, 4),
        }
        for row in rows
    ]


def exhibits(
    rows: Sequence[Mapping[str, Any]], patterns: Mapping[str | None, Translator], folder: Path
) -> list[Exhibit]:
    """Which phones were taken for which, attention maps and words to look at; their files are written to ``folder``."""
    return pictures.pronunciation(rows, patterns, folder)
