"""Translations to look at, from the best to the worst, with where they looked; errors by length and by phone."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from unroll.metrics import translation as metrics
from unroll.metrics.error_rates import confusions
from unroll.patterns.translator import Translator
from unroll.reports import charts, figures
from unroll.reports.exhibits import Exhibit

EACH = 3  # of the best, of the middling and of the worst
FEWEST_WORDS = 4  # of a string that is shown: shorter ones are mostly right, and say little
MOST_SYMBOLS = 36  # on either side of a picture of attention
MOST_BARS = 20

Rows = Sequence[Mapping[str, Any]]
Patterns = Mapping[str | None, Translator]


def interface(rows: Rows, patterns: Patterns, folder: Path) -> list[Exhibit]:
    """BLEU by the length of the source; strings of high, of middling and of low chrF, with their attention."""
    hypotheses, references = _texts(rows)
    scores = metrics.bleu_by_words([row["words"] for row in rows], hypotheses, references)
    names = [name.replace("_words", " words").replace("over_", "over ").replace("_", "–") for name in scores]
    figures.bars(folder / "length.png", names, list(scores.values()), "bleu")
    caption = f"By the number of words of the source. {metrics.signatures(references)}."
    shown = Exhibit("Errors", "BLEU by length", caption, "length.png")
    long = [row for row in rows if row["words"] >= FEWEST_WORDS] or rows
    order = sorted(long, key=lambda row: (-metrics.chrf(*_texts([row])), -row["words"]))
    return [shown, *_examples(order, patterns, folder)]


def pronunciation(rows: Rows, patterns: Patterns, folder: Path) -> list[Exhibit]:
    """Which phones are taken for which; words with few, with some and with many wrong ones, with their attention."""
    hypotheses, references = _texts(rows)
    nearest = [metrics.nearest(*pair) for pair in zip(hypotheses, references, strict=True)]
    pairs = confusions(nearest, hypotheses)
    wrong = [
        (pair, count) for pair, count in sorted(pairs.items(), key=lambda one: (-one[1], one[0])) if len({*pair}) > 1
    ]
    shown = []
    if wrong:
        names = [" → ".join(phone or "(nothing)" for phone in pair) for pair, _ in wrong[:MOST_BARS]]
        figures.bars(folder / "phones.png", names, [count for _, count in wrong[:MOST_BARS]], "times")
        caption = f"In {len(rows):,} words, against the nearest pronunciation; digits are the stress of vowels."
        shown = [Exhibit("Errors", "Which phone was taken for which", caption, "phones.png")]
    order = sorted(rows, key=lambda row: (_wrong_phones(row), -len(row["source"])))
    return [*shown, *_examples(order, patterns, folder)]


def _texts(rows: Rows) -> tuple[list[str], list[list[str]]]:
    return [row["prediction"].text for row in rows], [row["references"] for row in rows]


def _wrong_phones(row: Mapping[str, Any]) -> float:
    return metrics.spoken_error_rates(*_texts([row]))["phone_error_rate"]


def _examples(order: Rows, patterns: Patterns, folder: Path) -> list[Exhibit]:
    """The first few of the rows, those in the middle and the last, from the best to the worst."""
    middle, last = max(EACH, len(order) // 2), max(EACH, len(order) - EACH)
    chosen = [*order[:EACH], *order[middle : min(middle + EACH, last)], *order[last:]]
    return [_example(row, patterns[row["fold"]], f"example-{i}.png", folder) for i, row in enumerate(chosen, start=1)]


def _example(row: Mapping[str, Any], pattern: Translator, image: str, folder: Path) -> Exhibit:
    found, references = row["prediction"], row["references"]
    lines = [
        ("source", row["source"]),
        ("reference" if len(references) == 1 else "references", " | ".join(references)),
        ("written", found.text or "(nothing)"),
    ]
    drawn = found.attention is not None and max(found.attention.shape) <= MOST_SYMBOLS
    if drawn:
        charts.attention(folder / image, pattern.source_symbols(row["source"]), found.symbols, found.attention)
    caption = "Below each symbol of the source, how much of the attention of those written it had." if drawn else ""
    right = found.text in references
    return Exhibit("Examples", row["id"], caption, image if drawn else None, None, lines, right)
