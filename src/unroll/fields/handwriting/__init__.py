"""Handwriting: pictures and strokes of a pen to examples, and how what is read of them is judged and shown.

Each task has a module of its own, with ``prepare``, ``measure``, ``as_lines`` and ``exhibits``, whose docstring says
what an example holds: lines in ``digit_lines``, drawn by ``drawing``, shown by ``pictures``; single glyphs in
``digits_by_row``, row by row or pixel by pixel; the movements of the pen in ``strokes``. ``own`` reads lines of one's
own.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
from pydantic.dataclasses import dataclass

from unroll.fields.handwriting import digit_lines, digits_by_row, strokes
from unroll.fields.handwriting.digit_lines import DigitLines, DigitLinesImagenet
from unroll.fields.handwriting.digits_by_row import Digits
from unroll.fields.handwriting.splits import Split
from unroll.fields.handwriting.strokes import Strokes
from unroll.params import STRICT
from unroll.reports.exhibits import Exhibit

TITLE = "Handwriting"
ABOUT = (
    "A line of writing is a sequence too: a convolutional network sees each place of it, a recurrent one reads along"
    " the line in both directions, and connectionist temporal classification (CTC) turns what they see into text, with"
    " nobody saying where one letter ends and the next begins."
)
TASKS = {
    "digit_lines": (
        "Lines of three to eight digits, read along their columns of pixels. The digits are real, pen on paper, of"
        " MNIST, those of a line by different hands; how they stand in a row is drawn: their spacing, which may be"
        " touching, slant, size, weight and baseline, and the noise of paper and scanner. No writer of a digit of the"
        " test wrote any that is trained on. The headline is the character error rate: wrong, missing and surplus"
        " digits by those written; a line is wrong when any digit of it is. With and without recurrence, models learn"
        " for the same time."
    ),
    "digit_lines_imagenet": (
        "The same lines, seen through the first layers of EfficientNet-lite0, which learned from photographs of things"
        " (ImageNet) and learns nothing here: what recurrence makes of features that know no writing."
    ),
    "digits_by_row": (
        "Single digits of MNIST, read as 28 rows from top to bottom, as scanners send them. The test is MNIST's own,"
        " 10,000 digits of writers that were not trained on."
    ),
    "digits_by_pixel": (
        "The same digits at 14 × 14, pixel by pixel: 196 steps, the first of which matter as much as the last. What a"
        " layer forgets on the way it cannot use. Models learn for about the same time, a quick one in more steps, so"
        " this shows which of them learns most of memory in a short training, not which could remember longest."
        " Logistic regression on all pixels at once, which need remember nothing, stands beside them."
    ),
    "strokes": (
        "Single digits as the movements of a pen: where to and how far at each step, and when it is lifted. MNIST has"
        " pictures only, so the strokes are recovered from them, by thinning the ink to a skeleton and tracing it; the"
        " true order and direction of the strokes are not known."
    ),
}


@dataclass(frozen=True, config=STRICT)
class Params:
    """The block ``handwriting`` of ``params.yaml``."""

    digit_lines: DigitLines
    digit_lines_imagenet: DigitLinesImagenet
    digits_by_row: Digits
    digits_by_pixel: Digits
    strokes: Strokes


_MODULES = {
    "digit_lines": digit_lines,
    "digit_lines_imagenet": digit_lines,
    "digits_by_row": digits_by_row,
    "digits_by_pixel": digits_by_row,
    "strokes": strokes,
}


def prepare(task: str, settings: DigitLines | Digits | Strokes, seed: int) -> Iterator[Split]:
    """The splits of a task's examples; digit_lines_imagenet reads those of digit_lines."""
    return _MODULES[task].prepare(settings, seed)


def measure(
    task: str, rows: Sequence[Mapping[str, Any]], seconds: float, models: Mapping[str | None, Any], train: pa.Table
) -> dict[str, float]:
    """Metrics of predicted rows, which took ``seconds`` to predict."""
    return _MODULES[task].measure(rows, seconds)


def as_lines(task: str, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Predictions as lines of a table for people."""
    return _MODULES[task].as_lines(rows)


def exhibits(
    task: str, rows: Sequence[Mapping[str, Any]], patterns: Mapping[str | None, Any], folder: Path
) -> list[Exhibit]:
    """Error analysis of predicted rows and some to look at; their files are written to ``folder``."""
    if _MODULES[task] is digit_lines:
        return digit_lines.exhibits(rows, patterns, folder)
    if task == "strokes":
        return strokes.exhibits(rows, patterns[None], folder)
    return _MODULES[task].exhibits(rows, folder)
