"""Ink: what a pen did, stroke by stroke, as files of InkML or JSON hold it.

JSON is in the spirit of UNIPEN (Guyon et al. 1994), the strokes of one sample with what was written::

    {"label": "a", "strokes": [[[x, y], [x, y], ...], ...]}

``label`` is optional, a point may have a time or more behind x and y, which is passed over, and y grows downwards.
"""

import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from unroll.errors import UserError
from unroll.sources import inkml

SUFFIXES = (".inkml", ".json")
MOST_BYTES = 2**24  # of a file, a million points or so


class Ink(NamedTuple):
    """``label``: what was written, None where the file does not say; ``strokes``: float64 (N, 2) each, N > 0.

    The rows of a stroke are its points in the order of time: x to the right and y downwards, in the file's own unit.
    """

    label: str | None
    strokes: list[np.ndarray]


def read_ink(path: Path) -> Ink:
    """The ink in a file of InkML (W3C 2011) or JSON, by its ending; ``UserError`` naming the file and what is wrong."""
    if path.suffix.lower() not in SUFFIXES:
        raise UserError(f"{path}: the ending says the format: one of {', '.join(SUFFIXES)}")
    if not path.is_file():
        raise UserError(f"{path} is missing, or no file: check the name")
    if (size := path.stat().st_size) > MOST_BYTES:
        raise UserError(f"{path} has {size} bytes, more than {MOST_BYTES}: write each sample to a file of its own")
    parse = inkml.parse if path.suffix.lower() == ".inkml" else _json
    label, strokes = parse(path.read_bytes(), str(path))
    points = [np.asarray(stroke, np.float64) for stroke in strokes if stroke]
    if not points:
        raise UserError(f"{path} has no stroke with a point: write one, or take the file out")
    return Ink(label, points)


def _json(content: bytes, where: str) -> inkml.Strokes:
    try:
        sample = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise UserError(f"{where} is not JSON ({error}): write one object with strokes and a label") from None
    match sample:
        case {"strokes": list(strokes)} if isinstance(sample.get("label"), str | None):
            numbered = enumerate(strokes, 1)
            return sample.get("label"), [_stroke(stroke, f"{where}, stroke {number}") for number, stroke in numbered]
    raise UserError(f'{where}: no ink: write {{"label": "a", "strokes": [[[x, y], ...], ...]}}')


def _stroke(points: Any, where: str) -> list[tuple[float, float]]:
    if not isinstance(points, list):
        raise UserError(f"{where}: not a list of points: write [[x, y], ...]")
    return [_point(point, f"{where}, point {number}") for number, point in enumerate(points, 1)]


def _point(point: Any, where: str) -> tuple[float, float]:
    match point:
        case [int() | float() as x, int() | float() as y, *_] if abs(x) <= inkml.LARGEST and abs(y) <= inkml.LARGEST:
            return float(x), float(y)
    raise UserError(f"{where}: {str(point)[:40]} are no two numbers: write [x, y]")
