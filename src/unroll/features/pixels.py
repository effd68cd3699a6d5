"""Pictures as the models read them: smaller, without what stands still, and with what moved.

That the median picture of a clip is taken for its background and subtracted is the classical way to find what moves
before a camera that does not (Piccardi 2004, "Background subtraction techniques: a review", section 2.2).
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
from pydantic.dataclasses import dataclass

from unroll.errors import UserError
from unroll.examples import matrices, matrix_type, vectors
from unroll.params import STRICT, Count, Whole


@dataclass(frozen=True, config=STRICT)
class Pixels:
    """Settings.

    ``size``: pictures are scaled to so many pixels by so many, each the mean of the area that it covers (0: left as
    they are); ``background``: the median picture of the clip is subtracted; ``difference``: further channels hold the
    difference from the picture before, as it is kept; ``reduce``: only every so many-th step is kept, the first one
    included. A difference d, from -255 to 255, is stored as d // 2 + 128.
    """

    size: Whole
    background: bool
    difference: bool
    reduce: Count


Settings = Pixels


def encode(frames: np.ndarray, shape: Sequence[int], settings: Pixels) -> tuple[np.ndarray, list[int]]:
    """The steps (T', D') that a model reads, and their shape, of steps (T, D) of a shape (C, H, W), D = C * H * W.

    The dtype stays. ``UserError`` when the settings ask for what is done to pictures, and the steps are none: numbers
    in float32 or, to be scaled, single rows or columns of pixels.
    """
    channels, height, width = _shape_made(shape, frames.dtype, settings)
    frames = frames[:: settings.reduce]
    if settings.size:
        frames = _scaled(frames.reshape(len(frames), *shape), settings.size)
    parts = [frames]
    if settings.background:
        parts = [_signed(frames - _background(frames))]
    if settings.difference:
        parts.append(_signed(np.diff(frames.astype(np.int16), axis=0, prepend=frames[:1])))
    joined = np.stack(parts, axis=1)  # a step's pictures, then its differences
    return joined.reshape(len(frames), channels * height * width), [channels, height, width]


def featurize(table: pa.Table, settings: Pixels) -> tuple[pa.Schema, Iterator[Mapping[str, Any]]]:
    """Schema and rows of a table with its ``frames``, and the ``labels`` of steps if there are any, as encoded.

    The schema's metadata, with what they were, hold the featurizer's name and settings, and the new ``shape`` and
    ``frames_per_second``.
    """
    metadata = {key.decode(): value.decode() for key, value in (table.schema.metadata or {}).items()}
    if "frames" not in table.column_names or "shape" not in metadata:
        raise UserError("pixels: the examples have no column of frames with a shape: use the featurizer of their kind")
    shape, dtype = json.loads(metadata["shape"]), table.schema.field("frames").type.value_type.value_type
    made = _shape_made(shape, np.dtype(dtype.to_pandas_dtype()), settings)
    metadata |= {
        "featurizer": "pixels",
        "settings": json.dumps(asdict(settings), sort_keys=True),
        "shape": json.dumps(made),
        "frames_per_second": f"{float(metadata['frames_per_second']) / settings.reduce:.12g}",
    }
    place = table.schema.get_field_index("frames")
    schema = table.schema.set(place, pa.field("frames", matrix_type(int(np.prod(made)), dtype)))
    return schema.with_metadata(metadata), _rows(table, shape, settings)


def _rows(table: pa.Table, shape: Sequence[int], settings: Pixels) -> Iterator[Mapping[str, Any]]:
    long = [name for name in table.column_names if pa.types.is_large_list(table.schema.field(name).type)]
    columns = {name: matrices(table[name]) if name == "frames" else vectors(table[name]) for name in long}
    for number, row in enumerate(table.drop_columns(long).to_pylist()):
        views = {name: column[number] for name, column in columns.items()}
        if "labels" in views:
            views["labels"] = views["labels"][:: settings.reduce]
        yield {**row, **views, "frames": encode(views["frames"], shape, settings)[0]}


def _shape_made(shape: Sequence[int], dtype: np.dtype, settings: Pixels) -> list[int]:
    """The shape of what is made; refuses what cannot be done to steps of such a shape and dtype."""
    channels, height, width = shape
    if dtype != np.uint8 and (settings.size or settings.background or settings.difference):
        raise UserError(f"pixels: the steps are {dtype}, no pictures: set size 0, background and difference false")
    if settings.size and 1 in (height, width):
        raise UserError(f"pixels: the steps are {height} × {width} pixels, no pictures that can be scaled: set size 0")
    side = [settings.size, settings.size] if settings.size else [height, width]
    return [channels * (1 + settings.difference), *side]


def _scaled(pictures: np.ndarray, size: int) -> np.ndarray:
    """uint8 (T, C, size, size) of uint8 (T, C, H, W)."""
    height, width = pictures.shape[-2:]
    means = _areas(height, size) @ pictures.astype(np.float32) @ _areas(width, size).T
    return np.rint(means).astype(np.uint8)


@cache
def _areas(length: int, size: int) -> np.ndarray:
    """float32 (size, length): the share that each of so many pixels has in each of ``size`` that cover them evenly."""
    edges = np.arange(size + 1)[:, None] * length / size
    pixels = np.arange(length)
    overlap = np.minimum(edges[1:], pixels + 1) - np.maximum(edges[:-1], pixels)
    return (overlap.clip(0) * size / length).astype(np.float32)


def _background(frames: np.ndarray) -> np.ndarray:
    """int16, one step: the median picture; a clip without a step has none."""
    if not len(frames):
        return np.zeros(frames.shape[1:], np.int16)
    return np.median(frames, axis=0).astype(np.int16)


def _signed(difference: np.ndarray) -> np.ndarray:
    return (difference // 2 + 128).astype(np.uint8)
