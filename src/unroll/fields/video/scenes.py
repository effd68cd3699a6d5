"""A scene that an action is filmed in: camera, light, background, and how the person stands out from it.

Everything is drawn anew for each clip. Cameras of the test stand in sectors around the person where none of training
and validation ever stands. Half of the clips are mirrored: the person is left-handed, so to speak.
"""

import json
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
from jaxtyping import Float, UInt8
from pydantic import Field
from pydantic.dataclasses import dataclass

from unroll.errors import UserError
from unroll.params import STRICT, Finite, Positive
from unroll.sources import motions
from unroll.sources.motions import Motion
from unroll.sources.renderer import Camera, Light, Renderer

MOTIONS = Path("pybullet_data/data/motions")  # inside the wheel
APART = 45, 110  # grey levels between the person and the background
Range = tuple[Finite, Finite]
Sector = tuple[Annotated[Finite, Field(ge=0, le=360)], Annotated[Finite, Field(ge=0, le=360)]]


@dataclass(frozen=True, config=STRICT)
class Cameras:
    """Where cameras stand: see ``unroll.sources.renderer.Camera``.

    ``held_out``: sectors of the yaw, from and to (degrees), for the test alone; the others are for training.
    ``pitch`` (degrees) and ``distance`` (m): from and to.
    """

    held_out: Annotated[list[Sector], Field(min_length=1)]
    pitch: Range
    distance: tuple[Positive, Positive]

    def __post_init__(self) -> None:
        edges = [edge for sector in self.held_out for edge in sector]
        if edges != sorted(set(edges)):
            raise ValueError("held_out should be sectors that ascend and do not touch")
        if self.pitch[0] > self.pitch[1] or self.distance[0] > self.distance[1]:
            raise ValueError("pitch and distance should be from and to, the smaller number first")

    def sectors(self, split: str) -> list[Sector]:
        """The sectors of the yaw that the cameras of a split stand in."""
        if split == "test":
            return self.held_out
        edges = [0.0, *(edge for sector in self.held_out for edge in sector), 360.0]
        return list(zip(edges[::2], edges[1::2], strict=True))


class Scene(NamedTuple):
    """How one clip is filmed.

    ``background``: float32 (S, S) grey levels; ``tone``: the person's, ``relief``: how much light and shade change it;
    ``noise``: deviation of each pixel of each frame, in grey levels.
    """

    camera: Camera
    light: Light
    mirrored: bool
    background: Float[np.ndarray, "S S"]
    tone: float
    relief: float
    noise: float


def read_motions(source: Path) -> dict[str, Motion]:
    """The recordings of people in the fetched wheel, by name."""
    paths = sorted((source / MOTIONS).glob("humanoid3d_*.txt"))
    if len(paths) < 2:
        raise UserError(f"{source / MOTIONS} has no motions: run `python -m unroll.stages.fetch pybullet`")
    found = [motions.read(path) for path in paths]
    return {motion.name: motion for motion in found}


def metadata(size: int, frames_per_second: int) -> dict[str, str]:
    """What a table of clips says of their frames: one channel of ``size`` × ``size`` pixels, and how fast they are."""
    return {"shape": json.dumps([1, size, size]), "frames_per_second": str(frames_per_second)}


def draw(rng: np.random.Generator, cameras: Cameras, split: str, size: int) -> Scene:
    """A scene for a clip of a split, in pictures of ``size`` pixels."""
    sectors = cameras.sectors(split)
    widths = np.array([stop - start for start, stop in sectors])
    start, stop = sectors[rng.choice(len(sectors), p=widths / widths.sum())]
    camera = Camera(rng.uniform(start, stop), rng.uniform(*cameras.pitch), rng.uniform(*cameras.distance))
    light = Light(rng.uniform(0, 360), rng.uniform(20, 80), rng.uniform(0.3, 0.7))
    background = _background(rng, size)
    level, apart = float(background.mean()), rng.uniform(*APART)
    brighter = rng.random() < 0.5 if 140 > level > 115 else level < 128
    return Scene(
        camera,
        light,
        bool(rng.random() < 0.5),
        background,
        tone=level + apart if brighter else level - apart,
        relief=rng.uniform(0.2, 0.5),
        noise=rng.uniform(1, 6),
    )


def film(
    renderer: Renderer, poses: Float[np.ndarray, "T 41"], scene: Scene, rng: np.random.Generator
) -> UInt8[np.ndarray, "T S S"]:
    """The grey frames of a person in these poses; ``rng`` draws the noise."""
    shades, person = renderer.frames(poses, scene.camera, scene.light)
    if scene.mirrored:
        shades, person = shades[:, :, ::-1], person[:, :, ::-1]
    body = scene.tone + scene.relief * (shades.astype(np.float32) - 180)
    frames = np.where(person, body, scene.background)
    frames += np.float32(scene.noise) * rng.standard_normal(frames.shape, np.float32)
    return np.clip(np.rint(frames), 0, 255).astype(np.uint8)


def _background(rng: np.random.Generator, size: int) -> np.ndarray:
    """float32 (S, S): a slope of grey with spots of some size on it, as a wall or a meadow out of focus."""
    slope = rng.uniform(-30, 30, 2) @ (np.mgrid[:size, :size].reshape(2, -1) / size - 0.5)
    spots = int(rng.integers(2, 10))
    ways = _stretch(spots, size)
    texture = ways @ rng.normal(0, rng.uniform(0, 20), (spots, spots)) @ ways.T
    return (rng.uniform(50, 205) + slope.reshape(size, size) + texture).astype(np.float32)


def _stretch(few: int, many: int) -> np.ndarray:
    """The matrix (many, few) that interpolates linearly between a few numbers."""
    places = np.linspace(0, few - 1, many)
    return np.maximum(0, 1 - np.abs(places[:, None] - np.arange(few)))
