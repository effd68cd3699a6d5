"""Pictures as a convolutional network sees them that learned elsewhere, from photographs: EfficientNet-lite0.

Of a video, each picture is a step: the mean and the largest value of each of the network's features in it. A line of
writing is one picture, and each column of the network's map of it is a step: its features from top to bottom. How
steps and their shapes are written is said in ``unroll.examples``.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pyarrow as pa
import torch
from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor
from torch.nn import functional

from unroll import examples
from unroll.errors import UserError
from unroll.features import efficientnet
from unroll.params import STRICT, Count

BATCH = 64  # pictures


@dataclass(frozen=True, config=STRICT)
class Frames:
    """Settings.

    ``weights``: the file of the network's weights; ``stages``: the first so many of its seven stages are used;
    ``size``: the height in pixels that a picture is scaled to, and its width where it is no line; ``reduce``: only
    every so many-th step is kept.
    """

    weights: str
    stages: Annotated[int, Field(ge=1, le=len(efficientnet.STAGES))]
    size: Count
    reduce: Count


Settings = Frames


def encode(frames: np.ndarray, shape: Sequence[int], settings: Frames) -> tuple[np.ndarray, list[int]]:
    """The features float32 (T', F) of steps uint8 (T, H * W) of the shape (1, H, W), and their own shape (F, 1, 1).

    Steps of one column are those of a line, others are pictures; ``UserError`` for what is neither.
    """
    channels, height, width = shape
    if channels != 1 or height == 1 or frames.dtype != np.uint8:
        raise UserError(
            f"frames reads grey pictures and lines of writing, not {frames.dtype} steps of the shape {list(shape)}:"
            " use pixels"
        )
    network = efficientnet.load(Path(settings.weights), settings.stages)
    pictures = torch.from_numpy(frames.reshape(-1, 1, height, width).copy())  # a view of a mapped file is read-only
    of = _of_line if width == 1 else _of_pictures
    with torch.inference_mode():
        features = of(network, pictures, settings).numpy()
    return features, [features.shape[1], 1, 1]


def featurize(table: pa.Table, settings: Frames) -> tuple[pa.Schema, Iterator[Mapping[str, Any]]]:
    """Schema and rows of a table with the features of its ``frames`` in their place; ``labels`` of steps stay beside.

    The schema's metadata, with what they were, hold the featurizer's name and settings and the new shape and rate.
    """
    metadata = {key.decode(): value.decode() for key, value in table.schema.metadata.items()}
    shape = json.loads(metadata["shape"])
    _, features = encode(np.zeros((1, np.prod(shape)), np.uint8), shape, settings)  # a blank one tells the shape
    made = {
        "featurizer": "frames",
        "settings": json.dumps(asdict(settings), sort_keys=True),
        "shape": json.dumps(features),
        "frames_per_second": f"{float(metadata['frames_per_second']) / settings.reduce:g}",
    }
    where = table.schema.get_field_index("frames")
    schema = table.schema.set(where, pa.field("frames", examples.matrix_type(features[0])))
    return schema.with_metadata(metadata | made), _rows(table, shape, settings)


def _rows(table: pa.Table, shape: Sequence[int], settings: Frames) -> Iterator[Mapping[str, Any]]:
    labels = examples.vectors(table["labels"]) if "labels" in table.column_names else None
    frames = examples.matrices(table["frames"])
    others = [name for name in table.column_names if name not in ("frames", "labels")]
    for number, row in enumerate(table.select(others).to_pylist()):
        of_steps = {"labels": labels[number][:: settings.reduce]} if labels else {}
        yield {**row, **of_steps, "frames": encode(frames[number], shape, settings)[0]}


def _of_pictures(network: efficientnet.EfficientNetLite0, pictures: Tensor, settings: Frames) -> Tensor:
    """float32 (T', 2C): the mean and the maximum of each of the C features over each picture, uint8 (T, 1, H, W)."""
    found = []
    for batch in pictures[:: settings.reduce].split(BATCH):
        maps = network(_scaled(batch, settings.size, settings.size))
        found.append(torch.cat((maps.mean((2, 3)), maps.amax((2, 3))), dim=1))
    return torch.cat(found)


def _of_line(network: efficientnet.EfficientNetLite0, columns: Tensor, settings: Frames) -> Tensor:
    """float32 (T', C * I): the columns of the map (C, I, T') of the line whose pixels are uint8 (T, 1, H, 1)."""
    line = columns.permute(3, 1, 2, 0)
    width = max(1, round(line.shape[3] * settings.size / line.shape[2]))
    (found,) = network(_scaled(line, settings.size, width))
    return found.permute(2, 0, 1).flatten(1)[:: settings.reduce]


def _scaled(pictures: Tensor, height: int, width: int) -> Tensor:
    """Grey pictures uint8 (B, 1, H, W) as the network reads them: scaled, and grey in each of the three colours."""
    scaled = functional.interpolate(pictures.float(), (height, width), mode="bilinear", antialias=True)
    return scaled.expand(-1, 3, -1, -1)
