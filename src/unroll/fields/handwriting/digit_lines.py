"""handwriting/digit_lines: what a line of handwriting says, read column by column.

An example is a line: its ``text`` and its picture as ``frames``, uint8 (T, H), a step per column of pixels from left to
right, ink high. The lines are drawn from single digits of MNIST, pen-written by some 500 people (``drawing``), so their
digits are real and what joins them is not; or they are those of a folder of one's own (``own``), whatever their
alphabet. MNIST's own split is kept: no digit of a test line, nor any writer of one, occurs in training.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pyarrow as pa
from pydantic import Field
from pydantic.dataclasses import dataclass

from unroll import examples
from unroll.baselines import glyph_regression
from unroll.errors import UserError
from unroll.features.frames import Frames
from unroll.features.pixels import Pixels
from unroll.fields.handwriting import drawing, own, pictures
from unroll.fields.handwriting.splits import SPLITS, Split
from unroll.metrics.error_rates import confusions, error_rates, grouped
from unroll.params import STRICT, Count, Name, Train
from unroll.patterns import transcriber
from unroll.patterns.transcriber import Transcriber, TranscriberModel
from unroll.reports.exhibits import Exhibit
from unroll.sources import line_folder, mnist

ARCHIVE = Path("mnist/data/mnist.pkl.gz")  # inside the wheel


@dataclass(frozen=True, config=STRICT)
class Lines:
    """How many lines are drawn for each split, and from how many digits on and up to."""

    train: Count
    valid: Count
    test: Count
    shortest: Count
    longest: Count


@dataclass(frozen=True, config=STRICT)
class Reading:
    """What every task of reading lines says: its models and how they are fitted."""

    transcriber: transcriber.Settings
    train: Train
    models: Annotated[dict[Name, TranscriberModel], Field(min_length=1)]


@dataclass(frozen=True, config=STRICT)
class DigitLines(Reading):
    """``source``: the fetched data set, or a folder of one's own; ``height``: pixels that lines are scaled to."""

    source: str
    lines: Lines
    height: Annotated[int, Field(ge=8, le=256)]
    pixels: Pixels
    baselines: dict[Name, glyph_regression.Settings]


@dataclass(frozen=True, config=STRICT)
class DigitLinesImagenet(Reading):
    """The lines of handwriting/digit_lines, seen through a network that learned from photographs."""

    frames: Frames


def prepare(settings: DigitLines, seed: int) -> Iterator[Split]:
    """The lines drawn from the digits of MNIST, or those of a folder with texts."""
    source = Path(settings.source)
    frames = examples.matrix_type(settings.height, pa.uint8())
    schema = pa.schema(
        [("id", pa.string()), ("text", pa.string()), ("frames", frames)],
        {"shape": f"[1, {settings.height}, 1]", "frames_per_second": "0"},
    )
    if (source / ARCHIVE).is_file():
        digits = mnist.read(source / ARCHIVE)
        for number, split in enumerate(SPLITS):
            yield split, schema, _drawn(split, *digits[split], settings, np.random.default_rng([seed, number]))
    elif line_folder.has_texts(source):
        for split, found in own.lines(source, seed).items():
            yield split, schema, own.rows(found, settings.height)
    else:
        raise UserError(
            f"params.yaml: handwriting.digit_lines.source: {source} has neither {ARCHIVE.name} nor pictures of lines"
            f" with their texts beside them, *{line_folder.TEXT}"
        )


def _drawn(
    split: str, digits: np.ndarray, labels: np.ndarray, settings: DigitLines, rng: np.random.Generator
) -> Iterator[Mapping[str, Any]]:
    """Lines of digits (N, 28, 28) with labels (N,), all drawn at random."""
    lines = settings.lines
    if lines.shortest > lines.longest:
        raise UserError("params.yaml: handwriting.digit_lines.lines: shortest should be at most longest")
    for number in range(getattr(lines, split)):
        chosen = rng.integers(len(digits), size=rng.integers(lines.shortest, lines.longest + 1))
        text = "".join(map(str, labels[chosen]))
        yield {"id": f"{split}-{number}", "text": text, "frames": drawing.draw(rng, digits[chosen], settings.height)}


def measure(rows: Sequence[Mapping[str, Any]], seconds: float) -> dict[str, float]:
    """Error rates of characters and of whole lines, then of characters by kind and by the length of the line."""
    rates = error_rates(*_spelled(rows))
    scores = {"character_error_rate": rates["word_error_rate"], "line_error_rate": rates["sentence_error_rate"]}
    scores |= {name: rates[name] for name in ("substitutions", "deletions", "insertions")}
    scores |= {
        f"character_error_rate_{length.replace('–', '_to_')}_characters": rate
        for length, rate in _by_length(rows).items()
    }
    scores["predict_seconds_per_line"] = seconds / len(rows)
    return {name: round(score, 6) for name, score in scores.items()}


def as_lines(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """A line per line: what is written, what was read, and how sure that is."""
    return [
        {
            "id": row["id"],
            "written": row["text"],
            "read": row["prediction"].text,
            "confidence": round(row["prediction"].confidence, 4),
        }
        for row in rows
    ]


def exhibits(
    rows: Sequence[Mapping[str, Any]], patterns: Mapping[str | None, Transcriber], folder: Path
) -> list[Exhibit]:
    """What was taken for what, errors by length, and lines with the reading below; files go to ``folder``."""
    return [
        *pictures.confusions(confusions(*_spelled(rows)), folder),
        pictures.by_length(_by_length(rows), folder),
        *(pictures.line(row, patterns[row["fold"]], folder) for row in pictures.telling(rows)),
    ]


def _spelled(rows: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    """What is written and what was read, with a word for each character, so that errors of words are of those."""
    sides = [row["text"] for row in rows], [row["prediction"].text for row in rows]
    return [[" ".join(text.replace(" ", "␣")) for text in texts] for texts in sides]


def _by_length(rows: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """The error rate of the characters of lines that have so many of them: 1, 2, 3–4, 5–8, 9–16 and so on."""
    longest = [1 << (len(row["text"]) - 1).bit_length() for row in rows]  # of its range
    rates = grouped(*_spelled(rows), longest)
    return {f"{int(most) // 2 + 1}–{most}" if int(most) > 2 else most: rate for most, rate in rates.items()}
