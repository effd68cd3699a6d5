"""video/exercises: which exercise somebody does, as a watch on the wrist feels it.

An example is a window of a recording: float32 ``frames`` (T, 6), the sensors of ``unroll.sources.watch``; its
``label``, the exercise; the ``recording`` that it was cut from; and the ``person``, who is in one split alone.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np
import pyarrow as pa
from pydantic import Field
from pydantic.dataclasses import dataclass

from unroll.baselines import pixel_regression
from unroll.examples import matrix_type
from unroll.features.pixels import Pixels
from unroll.fields.video import own
from unroll.fields.video.splits import SPLITS, Name, Split
from unroll.params import STRICT, Positive, Train, Whole
from unroll.params import Name as Key
from unroll.patterns import classifier
from unroll.patterns.classifier import ClassifierModel
from unroll.sources import watch
from unroll.sources.watch import SENSORS

FILE = Path("seglearn/data/watch_dataset.npy")
VALID, TEST = 1, 2  # people
TURNED = np.radians(10)  # deviation of how else a watch may sit on the wrist
LOUDER = 0.1  # deviation of the logarithm of how much stronger somebody else moves
# Left becomes right: what points along the forearm changes its sign, and so does turning around the other two axes.
MIRROR = np.array([-1, 1, 1, 1, -1, -1], np.float32)


@dataclass(frozen=True, config=STRICT)
class Windows:
    """The stretches that recordings are read in.

    ``readings_per_second``: of the sensors; ``seconds``: of a window; ``every``: seconds from one window to the next in
    training, elsewhere none overlap; ``copies``: of each window in training, as if others wore the watch otherwise.
    """

    readings_per_second: Positive
    seconds: Positive
    every: Positive
    copies: Whole


@dataclass(frozen=True, config=STRICT)
class Exercises:
    """``source``: the fetched data set, or a folder of one's own with a folder of CSV files for each exercise."""

    source: str
    windows: Windows
    pixels: Pixels
    classifier: classifier.Settings
    train: Train
    models: Annotated[dict[Key, ClassifierModel], Field(min_length=1)]
    baselines: dict[Key, pixel_regression.Settings]


class Recording(NamedTuple):
    """What a ``person`` did: ``readings`` float32 (T, 6)."""

    id: str
    person: str
    label: str
    readings: np.ndarray


def schema(windows: Windows) -> pa.Schema:
    """The columns of the examples, and of which shape and how fast the readings are."""
    texts = [(name, pa.string()) for name in ("id", "recording", "person", "label")]
    described = {"shape": json.dumps([len(SENSORS), 1, 1]), "frames_per_second": f"{windows.readings_per_second:g}"}
    return pa.schema([*texts, ("frames", matrix_type(len(SENSORS)))], described)


def prepare(settings: Exercises, seed: int) -> Iterator[Split]:
    """The windows of each split: of ten people, two of them held out for the test, or of a folder."""
    source, windows = Path(settings.source), settings.windows
    if (source / FILE).is_file():
        sides = _of_people(source / FILE, windows.readings_per_second, seed)
    else:
        sides = {
            split: [_read(clip, windows.readings_per_second) for clip in clips]
            for split, clips in own.split(source, seed, own.RECORDINGS).items()
        }
    for split, recordings in sides.items():
        apart = _rows(recordings, windows, windows.seconds)
        yield split, schema(windows), _with_copies(recordings, windows, seed) if split == "train" else apart


def cut(readings: np.ndarray, windows: Windows, every: float) -> list[np.ndarray]:
    """The windows of a recording (T, 6), one every so many seconds; what is shorter than a window is one."""
    size, step = (max(1, round(seconds * windows.readings_per_second)) for seconds in (windows.seconds, every))
    return [readings[start : start + size] for start in range(0, max(1, len(readings) - size + 1), step)]


def worn_otherwise(rng: np.random.Generator, readings: np.ndarray) -> np.ndarray:
    """Readings (T, 6) as if somebody else had moved so: on the other arm half of the time, the watch a little turned.

    Um et al. 2017, "Data augmentation of wearable sensor data for Parkinson's disease monitoring using convolutional
    neural networks", section 3: rotation and scaling.
    """
    from scipy.spatial.transform import Rotation

    turn = Rotation.from_rotvec(rng.normal(0, TURNED, 3)).as_matrix().T
    mirrored = readings * MIRROR if rng.random() < 0.5 else readings
    stronger = np.exp(rng.normal(0, LOUDER, 2)).repeat(3)
    return (np.hstack([mirrored[:, :3] @ turn, mirrored[:, 3:] @ turn]) * stronger).astype(np.float32)


def _of_people(path: Path, rate: float, seed: int) -> dict[Name, list[Recording]]:
    found = watch.read(path, rate)
    people = np.random.default_rng(seed).permutation(sorted({each.person for each in found})).tolist()
    of = {"test": people[:TEST], "valid": people[TEST : TEST + VALID], "train": people[TEST + VALID :]}
    return {
        split: [
            Recording(f"{person}, {exercise}, {arm}", person, exercise, readings)
            for person, arm, exercise, readings in found
            if person in of[split]
        ]
        for split in SPLITS
    }


def _read(clip: own.Clip, rate: float) -> Recording:
    return Recording(clip.id, own.group(clip, own.RECORDINGS), clip.label, watch.read_csv(clip.path, rate))


def _rows(recordings: Sequence[Recording], windows: Windows, every: float) -> Iterator[Mapping[str, Any]]:
    for recording in recordings:
        for number, frames in enumerate(cut(recording.readings, windows, every), start=1):
            known = {"recording": recording.id, "person": recording.person, "label": recording.label}
            yield {"id": f"{recording.id}, {number}", **known, "frames": frames}


def _with_copies(recordings: Sequence[Recording], windows: Windows, seed: int) -> Iterator[Mapping[str, Any]]:
    """The windows to learn from, each with its copies."""
    rng = np.random.default_rng(seed)
    for row in _rows(recordings, windows, windows.every):
        yield row
        for number in range(1, windows.copies + 1):
            yield {**row, "id": f"{row['id']}, copy {number}", "frames": worn_otherwise(rng, row["frames"])}
