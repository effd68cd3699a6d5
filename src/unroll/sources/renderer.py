"""Pictures of a moving person: the humanoid of the wheel pybullet (Coumans & Bai, zlib) and its software renderer.

The extension module is loaded from the fetched files of the wheel by its path; nothing is installed.
"""

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.machinery import EXTENSION_SUFFIXES
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from platform import machine, system
from types import ModuleType
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, UInt8

from unroll.errors import UserError
from unroll.sources.motions import JOINTS

FIELD_OF_VIEW = 40.0  # degrees, both ways
WAIST = 0.85  # m above the ground: what the camera looks at
_SCALE = 0.25  # the humanoid is drawn four times as large as the recordings are
_HUMANOID = Path("pybullet_data/humanoid/humanoid.urdf")


class Camera(NamedTuple):
    """Where it stands and looks at the person's waist from.

    ``yaw``: degrees around the person, 0 in front (of how the recording begins), 90 at the person's right;
    ``pitch``: degrees above the waist; ``distance``: m.
    """

    yaw: float
    pitch: float
    distance: float


class Light(NamedTuple):
    """Where it comes from (``yaw`` and ``pitch`` in degrees, as the camera's) and how much of it is everywhere."""

    yaw: float
    pitch: float
    ambient: float


class Renderer:
    """The humanoid in the folder of the fetched wheel, in square grey pictures of ``size`` pixels; a context manager.

    Raises ``UserError`` where the wheel is not there or not built for this platform.
    """

    def __init__(self, folder: Path, size: int) -> None:
        self._bullet = _extension(folder)
        self._size = size
        with _silence():
            self._client = self._bullet.connect(self._bullet.DIRECT)
            self._body = self._loaded(folder / _HUMANOID)
        self._projection = self._bullet.computeProjectionMatrixFOV(FIELD_OF_VIEW, 1.0, 0.1, 20.0)
        numbers = {self._bullet.getJointInfo(self._body, at, self._client)[1].decode(): at for at in range(15)}
        self._moved = {numbers[name]: place for name, place in JOINTS.items() if name != "root"}

    def __enter__(self) -> "Renderer":
        return self

    def __exit__(self, *problem: object) -> None:
        self._bullet.disconnect(self._client)

    def frames(
        self, poses: Float[np.ndarray, "T 41"], camera: Camera, light: Light
    ) -> tuple[UInt8[np.ndarray, "T S S"], Bool[np.ndarray, "T S S"]]:
        """How bright each pixel is in each pose, 0 to 255, and which of them show the person."""
        from_waist = _direction(camera.yaw, camera.pitch) * camera.distance
        waist = np.array([0.0, WAIST, 0.0])
        view = self._bullet.computeViewMatrix((waist + from_waist).tolist(), waist.tolist(), [0.0, 1.0, 0.0])
        shape = (len(poses), self._size, self._size)
        shades, person = np.empty(shape, np.uint8), np.empty(shape, np.bool_)
        for at, pose in enumerate(poses):
            self._pose(pose)
            shades[at], person[at] = self._picture(view, light)
        return shades, person

    def _loaded(self, path: Path) -> int:
        if not path.is_file():
            raise UserError(f"{path} is missing: run `python -m unroll.stages.fetch pybullet`")
        bullet = self._bullet
        return bullet.loadURDF(
            str(path),
            useFixedBase=True,
            flags=bullet.URDF_MAINTAIN_LINK_ORDER,
            globalScaling=_SCALE,
            physicsClientId=self._client,
        )

    def _pose(self, pose: np.ndarray) -> None:
        place, turn = [0.0, float(pose[0]), 0.0], pose[JOINTS["root"]].tolist()
        self._bullet.resetBasePositionAndOrientation(self._body, place, turn, self._client)
        values = [pose[place].tolist() for place in self._moved.values()]
        self._bullet.resetJointStatesMultiDof(self._body, list(self._moved), values, physicsClientId=self._client)

    def _picture(self, view: list[float], light: Light) -> tuple[np.ndarray, np.ndarray]:
        """The grey picture (S, S), and where in it the person is."""
        bullet = self._bullet
        _, _, colours, _, owners = bullet.getCameraImage(
            self._size,
            self._size,
            view,
            self._projection,
            lightDirection=_direction(light.yaw, light.pitch).tolist(),
            lightAmbientCoeff=light.ambient,
            lightDiffuseCoeff=1 - light.ambient,
            lightSpecularCoeff=0.0,
            shadow=0,
            renderer=bullet.ER_TINY_RENDERER,
            physicsClientId=self._client,
        )
        return colours[..., 0], owners >= 0  # a white body: its red is its grey


def _direction(yaw: float, pitch: float) -> np.ndarray:
    """The unit vector (3,) from the person to where something at these angles in degrees is; x is forwards, y up."""
    yaw, pitch = np.radians([yaw, pitch])
    return np.array([np.cos(pitch) * np.cos(yaw), np.sin(pitch), np.cos(pitch) * np.sin(yaw)])


def _extension(folder: Path) -> ModuleType:
    """The module ``pybullet`` from the file of the wheel that is built for this Python and platform."""
    for suffix in EXTENSION_SUFFIXES:
        path = folder / f"pybullet{suffix}"
        if path.is_file():
            spec = spec_from_file_location("pybullet", path)
            with _silence():
                module = module_from_spec(spec)
                spec.loader.exec_module(module)
            return module
    where = f"Python {sys.version_info.major}.{sys.version_info.minor} on {system()} {machine()}"
    raise UserError(
        f"{folder} has no pybullet for {where}: run `python -m unroll.stages.fetch pybullet`; if that has none either,"
        " use clips of your own"
    )


@contextmanager
def _silence() -> Iterator[None]:
    """What the library writes past Python, warnings on joints without an axis that none of ours uses, goes nowhere."""
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    kept = [os.dup(number) for number in (1, 2)]
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        for number in (1, 2):
            os.dup2(nowhere, number)
        yield
        ctypes.CDLL(None).fflush(None)  # what the C library still holds back
    finally:
        for number, old in zip((1, 2), kept, strict=True):
            os.dup2(old, number)
            os.close(old)
        os.close(nowhere)
