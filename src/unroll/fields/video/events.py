"""video/events: what a person does when, in a clip of several actions in a row.

An example is a clip: uint8 ``frames`` (T, S * S) as in ``unroll.fields.video.actions``; ``labels``, for each frame the
number of its action; the ``actions`` in their order, and how many ``times`` each is done in a row; a sentence that says
so, ``target``, and all the ``references``, wordings of the same, with it; and ``yaw``. One action passes into the next
in less than half a second, and the label changes in the middle of it.
"""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np
import pyarrow as pa
from jaxtyping import Float
from pydantic import Field
from pydantic.dataclasses import dataclass

from unroll.baselines import frame_regression
from unroll.errors import UserError
from unroll.examples import matrix_type
from unroll.features.pixels import Pixels
from unroll.fields.video import scenes, sentences
from unroll.fields.video.scenes import Cameras
from unroll.fields.video.sentences import LABELS, Done
from unroll.fields.video.splits import SPLITS, Split
from unroll.params import STRICT, Count, Name, Train
from unroll.patterns import tagger
from unroll.patterns.tagger import TaggerModel
from unroll.sources.motions import RETURN, Motion, between
from unroll.sources.renderer import Renderer

SPEEDS = 1.0, 1.4  # of the recordings: a little fast, so that more happens
ACTIONS = 2, 4  # in a clip, at least and at most
SECONDS = 1.3, 2.5  # that an action lasts which goes on as long as one likes
CHANGE = 0.4  # s from one action to the next
REFERENCES = 24  # of which a right sentence in other words has nearly all n-grams
ONGOING = {"crawl", "dance_a", "dance_b", "run", "walk"}
REPEATED = {"backflip", "jump", "kick", "punch", "roll", "spinkick"}  # now and then done twice in a row


@dataclass(frozen=True, config=STRICT)
class Clips:
    """How many clips of each split, and their form: ``shortest`` to ``longest`` frames of ``size`` × ``size``."""

    train: Count
    valid: Count
    test: Count
    shortest: Count
    longest: Count
    frames_per_second: Count
    size: Count

    def __post_init__(self) -> None:
        if self.longest < 2 * self.shortest or self.longest < 8 * self.frames_per_second:
            raise ValueError("longest should be at least 8 seconds and twice the shortest: else few actions fit in")


@dataclass(frozen=True, config=STRICT)
class Events:
    """``source``: the fetched wheel."""

    source: str
    clips: Clips
    cameras: Cameras
    pixels: Pixels
    tagger: tagger.Settings
    train: Train
    models: Annotated[dict[Name, TaggerModel], Field(min_length=1)]
    baselines: dict[Name, frame_regression.Settings]


class Part(NamedTuple):
    """An action within a clip, from frame ``start`` to before ``stop``: ``speed`` times as fast as recorded."""

    motion: Motion
    times: int
    begin: float  # s, where in the recording
    speed: float
    start: int
    stop: int


def schema(clips: Clips) -> pa.Schema:
    """The columns of the examples, the names of the labels, and of which shape and how fast the frames are."""
    columns = [
        ("id", pa.string()),
        ("yaw", pa.float32()),
        ("labels", pa.large_list(pa.int8())),
        ("actions", pa.list_(pa.string())),
        ("times", pa.list_(pa.int8())),
        ("target", pa.string()),
        ("references", pa.list_(pa.string())),
        ("frames", matrix_type(clips.size**2, pa.uint8())),
    ]
    described = scenes.metadata(clips.size, clips.frames_per_second) | {"labels": json.dumps(LABELS)}
    return pa.schema(columns, described)


def prepare(settings: Events, seed: int) -> Iterator[Split]:
    """The clips of each split."""
    known = scenes.read_motions(Path(settings.source))
    missing = sorted(set(LABELS) ^ known.keys())
    if missing:
        raise UserError(f"{settings.source}: {missing[0]} is not both a motion and an action that has words for it")
    for number, split in enumerate(SPLITS):
        yield split, schema(settings.clips), _rendered(settings, known, split, [seed, number])


def _rendered(settings: Events, known: dict[str, Motion], split: str, seed: list[int]) -> Iterator[dict[str, Any]]:
    """The clips of a split; each depends on the seed and its number alone."""
    clips = settings.clips
    with Renderer(Path(settings.source), clips.size) as renderer:
        for number in range(getattr(clips, split)):
            rng = np.random.default_rng([*seed, number])
            parts = _plan(rng, known, LABELS[number % len(LABELS)], clips)
            scene = scenes.draw(rng, settings.cameras, split, clips.size)
            done = [Done(part.motion.name, part.times) for part in parts]
            said = sentences.wordings(rng, done, REFERENCES)
            frames = scenes.film(renderer, _poses(parts, clips.frames_per_second), scene, rng)
            yield {
                "id": f"{split}-{number}",
                "yaw": scene.camera.yaw,
                "labels": np.repeat([LABELS.index(one.action) for one in done], [p.stop - p.start for p in parts]),
                "actions": [one.action for one in done],
                "times": [one.times for one in done],
                "target": said[0],
                "references": said,
                "frames": frames.reshape(len(frames), -1),
            }


def _plan(rng: np.random.Generator, known: dict[str, Motion], wanted: str, clips: Clips) -> list[Part]:
    """Actions in a row that make a clip of the right length, with the ``wanted`` one among them, no two alike."""
    others = [name for name in LABELS if name != wanted]
    while True:
        count = int(rng.integers(ACTIONS[0], ACTIONS[1] + 1))
        names = [wanted, *(others[at] for at in rng.permutation(len(others))[: count - 1])]
        parts: list[Part] = []
        for at in rng.permutation(count):
            start = parts[-1].stop if parts else 0
            parts.append(_part(rng, known[names[at]], start, clips.frames_per_second))
        if clips.shortest <= parts[-1].stop <= clips.longest:
            return parts


def _part(rng: np.random.Generator, motion: Motion, start: int, frames_per_second: int) -> Part:
    """An action from the frame ``start`` on: for a while, or all of it, once or twice."""
    speed = rng.uniform(*SPEEDS)
    if motion.name in ONGOING:
        begin, times, seconds = rng.uniform(0, motion.period), 1, rng.uniform(*SECONDS)
    else:
        times = 2 if motion.name in REPEATED and rng.random() < 0.4 else 1
        begin, seconds = 0.0, (times * motion.period - (0 if motion.loops else RETURN)) / speed
    return Part(motion, times, begin, speed, start, start + round(seconds * frames_per_second))


def _poses(parts: Sequence[Part], frames_per_second: int) -> Float[np.ndarray, "T 41"]:
    """The poses of a clip: each action's own, and between two actions those on the way from one to the other."""
    frames = np.arange(parts[-1].stop)
    poses = _moving(parts[0], frames, frames_per_second)
    for part in parts[1:]:
        way = np.clip((frames - part.start + 0.5) / (CHANGE * frames_per_second) + 0.5, 0, 1)
        poses = between(poses, _moving(part, frames, frames_per_second), way * way * (3 - 2 * way))
    return poses


def _moving(part: Part, frames: np.ndarray, frames_per_second: int) -> np.ndarray:
    """The poses (T, 41) of one action at any frames; what is done once is still before and after."""
    if part.motion.name not in ONGOING:
        frames = np.clip(frames, part.start, part.stop - 1)
    return part.motion.at(part.begin + part.speed * (frames - part.start) / frames_per_second)
