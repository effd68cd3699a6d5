"""handwriting/strokes: which glyph a pen writes, from its movements.

An example is a ``label`` and ``frames``, float32 (T, 4), a step of the pen each (``pen``). MNIST holds pictures only,
so its strokes are recovered from them (``sources.tracing``) and not recorded: what is learned is how digits run, not
how fast or in which order people wrote them. A folder of one's own holds real ink.

MNIST's own splits are kept; of each, so many digits are drawn at random, for the first half of its test split is
easier than the second.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pyarrow as pa
from pydantic import Field
from pydantic.dataclasses import dataclass

from unroll.baselines import pixel_regression
from unroll.errors import UserError
from unroll.examples import matrix_type
from unroll.features.pixels import Pixels
from unroll.fields.handwriting import folders, labels, pen, unfolding
from unroll.fields.handwriting.digit_lines import ARCHIVE
from unroll.fields.handwriting.folders import Labelled
from unroll.fields.handwriting.splits import SPLITS, Split
from unroll.params import STRICT, Count, Name, Positive, Train
from unroll.patterns import classifier
from unroll.patterns.classifier import Classifier, ClassifierModel
from unroll.reports import drawings
from unroll.reports.drawings import Cell
from unroll.reports.exhibits import Exhibit
from unroll.sources import ink, mnist, tracing

HARDEST = 32  # shown
EXAMPLES = 3  # shown of those read rightly, and of those read wrongly


@dataclass(frozen=True, config=STRICT)
class Traced:
    """Of how many pictures of each split the strokes are recovered."""

    train: Count
    valid: Count
    test: Count


@dataclass(frozen=True, config=STRICT)
class Strokes:
    """``source``: the fetched data set, or a folder with a folder of ink for each label: InkML or JSON.

    ``traced``: how much of the data set is used; ``spacing``: the length of a step, in heights of the writing.
    """

    source: str
    traced: Traced
    spacing: Positive
    pixels: Pixels
    classifier: classifier.Settings
    train: Train
    models: Annotated[dict[Name, ClassifierModel], Field(min_length=1)]
    baselines: dict[Name, pixel_regression.Settings]


def prepare(settings: Strokes, seed: int) -> Iterator[Split]:
    """The strokes recovered from MNIST's digits, or those of a folder."""
    source = Path(settings.source)
    frames = matrix_type(int(np.prod(pen.SHAPE)))
    schema = pa.schema(
        [("id", pa.string()), ("label", pa.string()), ("frames", frames)],
        {"shape": json.dumps(pen.SHAPE), "frames_per_second": "0"},
    )
    if (source / ARCHIVE).is_file():
        digits = mnist.read(source / ARCHIVE)
        for number, split in enumerate(SPLITS):
            rng = np.random.default_rng([seed, number])
            yield split, schema, _traced(split, *digits[split], settings, rng)
    else:
        for split, files in folders.read(source, ink.SUFFIXES, seed).items():
            yield split, schema, _recorded(files, settings.spacing)


def _traced(
    split: str, images: np.ndarray, digits: np.ndarray, settings: Strokes, rng: np.random.Generator
) -> Iterator[Mapping[str, Any]]:
    wanted = getattr(settings.traced, split)
    if wanted > len(images):
        raise UserError(f"params.yaml: handwriting.strokes.traced.{split}: {settings.source} has {len(images)} digits")
    for number in np.sort(rng.permutation(len(images))[:wanted]):
        steps = pen.steps(tracing.trace(images[number]), settings.spacing)
        yield {"id": f"{split}-{number}", "label": str(digits[number]), "frames": steps}


def _recorded(files: Sequence[Labelled], spacing: float) -> Iterator[Mapping[str, Any]]:
    for file in files:
        written = ink.read_ink(file.path)
        if written.label not in (None, file.label):
            raise UserError(
                f"{file.path} says that it is {written.label!r}, but lies in the folder {file.label}: move it to"
                f" {written.label}, or mend its label"
            )
        yield {"id": file.id, "label": file.label, "frames": pen.steps(written.strokes, spacing)}


def measure(rows: Sequence[Mapping[str, Any]], seconds: float) -> dict[str, float]:
    """Accuracy, errors and the mean F1 of the labels of predicted rows, which took ``seconds`` to predict."""
    return labels.measure(rows, seconds, "glyph")


def as_lines(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """A line per glyph: its true and its predicted label."""
    return labels.as_lines(rows)


def exhibits(rows: Sequence[Mapping[str, Any]], pattern: Classifier, folder: Path) -> list[Exhibit]:
    """What was taken for what, the hardest strokes, how early glyphs are known, and some as they unfold."""
    drawings.grid(folder / "hardest.png", [_cell(row) for row in labels.hardest(rows, HARDEST)])
    caption = "Those whose true label the model found least probable: true → predicted. A colour per stroke, in order."
    return [
        *labels.confusions(rows, folder),
        Exhibit("Errors", "The hardest of all", caption, "hardest.png"),
        unfolding.early(rows, pattern, folder),
        *(unfolding.example(row, pattern, folder) for row in _telling(rows)),
    ]


def _cell(row: Mapping[str, Any]) -> Cell:
    found = row["prediction"].label
    return Cell(f"{row['label']} → {found}", found == row["label"], pen.strokes(row["example"].inputs))


def _telling(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Of those read wrongly the surest, and of those read rightly the ones with most strokes; a label once each."""
    wrong = [row for row in rows if row["prediction"].label != row["label"]]
    right = [row for row in rows if row["prediction"].label == row["label"]]
    wrong.sort(key=lambda row: -max(row["prediction"].probabilities.values()))
    right.sort(key=lambda row: -len(pen.strokes(row["example"].inputs)))
    return [row for group in (wrong, right) for row in _of_different_labels(group)[:EXAMPLES]]


def _of_different_labels(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    first: dict[str, Mapping[str, Any]] = {}
    for row in rows:
        first.setdefault(row["label"], row)
    return list(first.values())
