"""What the featurizers of sound share: tables of recordings in, tables of frames out."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import torch
from tqdm import tqdm

from unroll import examples
from unroll.errors import UserError
from unroll.sources import audio

Transform = Callable[[np.ndarray], np.ndarray]


class Featurizer(Protocol):
    """The settings of a featurizer of sound, which know how to apply themselves."""

    sample_rate: int
    features: int
    frame_seconds: float

    def transform(self) -> Transform:
        """A function from float32 samples (N,) to float32 frames (T, D)."""


def featurize(table: pa.Table, name: str, settings: Featurizer) -> tuple[pa.Schema, Iterator[Mapping[str, Any]]]:
    """Schema and rows of a table with its recordings' ``frames`` (a matrix) and length in ``seconds``.

    The recordings' paths are in the column ``audio``. Frames that came with the examples, made by their distributor,
    are kept; ``UserError`` when they are of another width. The schema's metadata hold the featurizer's name and
    settings, so that a model can be handed a raw recording later.
    """
    kept = [field for field in table.schema if field.name != "frames"]
    metadata = {"featurizer": name, "settings": json.dumps(asdict(settings), sort_keys=True)}
    made = [("seconds", pa.float32()), ("frames", examples.matrix_type(settings.features))]
    schema = pa.schema([*kept, *made], metadata)
    plain = table.select([field.name for field in kept]).to_pylist()
    frames = _given(table, settings.features) if "frames" in table.column_names else _made(table, settings)
    return schema, (
        {**row, "seconds": len(values) * settings.frame_seconds, "frames": values}
        for row, values in zip(plain, frames, strict=True)
    )


def _given(table: pa.Table, features: int) -> list[np.ndarray]:
    frames = examples.matrices(table["frames"])
    if frames and frames[0].shape[1] != features:
        width = frames[0].shape[1]
        raise UserError(f"the examples come with {width} features a frame, params.yaml asks for {features}")
    return frames


def _made(table: pa.Table, settings: Featurizer) -> Iterator[np.ndarray]:
    transform = settings.transform()
    for path in tqdm(table["audio"].to_pylist(), "featurize", unit=" recordings", mininterval=1):
        yield transform(audio.read(Path(path), settings.sample_rate))


def padded(transform: torch.nn.Module, n_fft: int) -> Transform:
    """``transform`` from samples (N,) to frames (D, T) as a function of numpy arrays, to frames (T, D).

    A recording too short to be reflected at its ends is padded with silence first.
    """

    @torch.no_grad()
    def frames(samples: np.ndarray) -> np.ndarray:
        wave = torch.from_numpy(np.pad(samples, (0, max(0, n_fft // 2 + 1 - len(samples)))))
        return transform(wave).T.contiguous().numpy()

    return frames
