"""video/actions: what a person does in a short clip.

An example is a clip: uint8 ``frames`` (T, S * S), grey, row by row of the picture; its ``label``, the action; and
``yaw``, from how many degrees around the person it was filmed (not known of clips of one's own). The clips are rendered
from recordings of motion capture, one of each action, so a clip differs from others of its action by camera, speed,
phase, light, background, noise and by being mirrored; the cameras of the test stand where none of training stands.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pyarrow as pa
from pydantic import Field
from pydantic.dataclasses import dataclass

from unroll.baselines import pixel_regression
from unroll.examples import matrix_type
from unroll.features.frames import Frames
from unroll.features.pixels import Pixels
from unroll.fields.video import own, scenes
from unroll.fields.video.scenes import Cameras
from unroll.fields.video.splits import SPLITS, Split
from unroll.params import STRICT, Count, Name, Train
from unroll.patterns import classifier
from unroll.patterns.classifier import ClassifierModel
from unroll.sources.motions import Motion
from unroll.sources.renderer import Renderer

SPEEDS = 0.8, 1.25  # of the recordings
EARLY = 1 / 3  # the part of a motion that does not loop in which a clip begins


@dataclass(frozen=True, config=STRICT)
class Clips:
    """How many clips of each split, and their form: ``frames`` of ``size`` × ``size`` pixels."""

    train: Count
    valid: Count
    test: Count
    frames: Count
    frames_per_second: Count
    size: Count


@dataclass(frozen=True, config=STRICT)
class Actions:
    """``source``: the fetched wheel, or a folder of one's own with a folder of clips for each action.

    Of clips of one's own, ``clips`` says size and frames per second only.
    """

    source: str
    clips: Clips
    cameras: Cameras
    pixels: Pixels
    classifier: classifier.Settings
    train: Train
    models: Annotated[dict[Name, ClassifierModel], Field(min_length=1)]
    baselines: dict[Name, pixel_regression.Settings]


@dataclass(frozen=True, config=STRICT)
class ActionsImagenet:
    """The same examples through a network that learned from photographs."""

    frames: Frames
    classifier: classifier.Settings
    train: Train
    models: Annotated[dict[Name, ClassifierModel], Field(min_length=1)]


def schema(clips: Clips) -> pa.Schema:
    """The columns of the examples, and of which shape and how fast the frames are."""
    columns = [
        ("id", pa.string()),
        ("label", pa.string()),
        ("yaw", pa.float32()),
        ("frames", matrix_type(clips.size**2, pa.uint8())),
    ]
    return pa.schema(columns, scenes.metadata(clips.size, clips.frames_per_second))


def prepare(settings: Actions, seed: int) -> Iterator[Split]:
    """The clips of each split: rendered, or those of a folder."""
    source, clips = Path(settings.source), settings.clips
    if (source / scenes.MOTIONS).is_dir():
        known = scenes.read_motions(source)
        for number, split in enumerate(SPLITS):
            yield split, schema(clips), _rendered(settings, known, split, [seed, number])
    else:
        for split, rows in own.split(source, seed).items():
            yield split, schema(clips), own.read(rows, clips.frames_per_second, clips.size)


def _rendered(settings: Actions, known: dict[str, Motion], split: str, seed: list[int]) -> Iterator[dict[str, Any]]:
    """The clips of a split, an action after the other; each depends on the seed and its number alone."""
    clips = settings.clips
    with Renderer(Path(settings.source), clips.size) as renderer:
        for number in range(getattr(clips, split)):
            rng = np.random.default_rng([*seed, number])
            motion = list(known.values())[number % len(known)]
            poses = motion.at(_times(rng, motion, clips))
            scene = scenes.draw(rng, settings.cameras, split, clips.size)
            yield {
                "id": f"{motion.name}-{split}-{number}",
                "label": motion.name,
                "yaw": scene.camera.yaw,
                "frames": scenes.film(renderer, poses, scene, rng).reshape(clips.frames, -1),
            }


def _times(rng: np.random.Generator, motion: Motion, clips: Clips) -> np.ndarray:
    """Where in the recording (s) each frame of a clip is: from anywhere in a cycle on, else from early in it."""
    begin = rng.uniform(0, motion.period if motion.loops else EARLY * motion.period)
    return begin + rng.uniform(*SPEEDS) * np.arange(clips.frames) / clips.frames_per_second
