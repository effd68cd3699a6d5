"""handwriting/digits_by_row and digits_by_pixel: one glyph, read as a sequence of rows or of single pixels.

An example is a ``label`` and ``frames``, uint8 with ink high: from the top down a row of the picture each, or row by
row a pixel each. The digits of MNIST come in its own splits: 50,000 to train on, 10,000 of the same writers to validate
on and 10,000 of others to test on. Pictures of one's own are scaled and centred as those are.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from math import isqrt
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import pyarrow as pa
from pydantic import Field
from pydantic.dataclasses import dataclass

from unroll.baselines import pixel_regression
from unroll.examples import matrix_type
from unroll.features.pixels import Pixels
from unroll.fields.handwriting import folders, glyphs, labels
from unroll.fields.handwriting.digit_lines import ARCHIVE
from unroll.fields.handwriting.splits import Name as SplitName
from unroll.fields.handwriting.splits import Split
from unroll.params import STRICT, Name, Train
from unroll.patterns import classifier
from unroll.patterns.classifier import ClassifierModel
from unroll.reports import drawings
from unroll.reports.drawings import Cell
from unroll.reports.exhibits import Exhibit
from unroll.sources import line_folder, mnist

HARDEST = 32  # shown


@dataclass(frozen=True, config=STRICT)
class Digits:
    """``source``: the fetched data set, or a folder with a folder of pictures for each label.

    ``size``: pictures are shrunk to so many pixels by as many; ``step``: what is read of them at a time.
    """

    source: str
    size: Annotated[int, Field(gt=0, le=glyphs.SIDE)]
    step: Literal["row", "pixel"]
    pixels: Pixels
    classifier: classifier.Settings
    train: Train
    models: Annotated[dict[Name, ClassifierModel], Field(min_length=1)]
    baselines: dict[Name, pixel_regression.Settings]


def prepare(settings: Digits, seed: int) -> Iterator[Split]:
    """The digits of MNIST, or the pictures of a folder."""
    features = settings.size if settings.step == "row" else 1
    fields = [("id", pa.string()), ("label", pa.string()), ("frames", matrix_type(features, pa.uint8()))]
    schema = pa.schema(fields, {"shape": json.dumps([1, 1, features]), "frames_per_second": "0"})
    for split, rows in pictures(Path(settings.source), seed).items():
        yield split, schema, (_example(*row, settings.size, features) for row in rows)


def pictures(source: Path, seed: int) -> dict[SplitName, Iterator[tuple[str, str, np.ndarray]]]:
    """By split the id, the label and the picture uint8 (28, 28), ink high, of each glyph of a source."""
    if (source / ARCHIVE).is_file():
        return {split: _of_mnist(split, *digits) for split, digits in mnist.read(source / ARCHIVE).items()}
    files = folders.read(source, line_folder.SUFFIXES, seed)
    return {split: ((file.id, file.label, glyphs.read(file.path)) for file in own) for split, own in files.items()}


def _of_mnist(split: str, images: np.ndarray, digits: np.ndarray) -> Iterator[tuple[str, str, np.ndarray]]:
    return ((f"{split}-{i}", str(digit), image) for i, (digit, image) in enumerate(zip(digits, images, strict=True)))


def _example(name: str, label: str, picture: np.ndarray, size: int, features: int) -> dict[str, Any]:
    return {"id": name, "label": label, "frames": glyphs.shrunk(picture, size).reshape(-1, features)}


def measure(rows: Sequence[Mapping[str, Any]], seconds: float) -> dict[str, float]:
    """Accuracy, errors and the mean F1 of the labels of predicted rows, which took ``seconds`` to predict."""
    return labels.measure(rows, seconds, "image")


def as_lines(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """A line per picture: its true and its predicted label."""
    return labels.as_lines(rows)


def exhibits(rows: Sequence[Mapping[str, Any]], folder: Path) -> list[Exhibit]:
    """What was taken for what, and the hardest pictures."""
    cells = [_cell(row) for row in labels.hardest(rows, HARDEST)]
    drawings.grid(folder / "hardest.png", cells)
    caption = "Those whose true label the model found least probable: true → predicted."
    return [*labels.confusions(rows, folder), Exhibit("Errors", "The hardest of all", caption, "hardest.png")]


def _cell(row: Mapping[str, Any]) -> Cell:
    frames, found = row["example"].inputs, row["prediction"].label
    return Cell(f"{row['label']} → {found}", found == row["label"], frames.reshape(isqrt(frames.size), -1))
