"""Recordings of a moving person in the form of DeepMimic (Peng et al. 2018, SIGGRAPH): a JSON file of poses.

A file is ``{"Loop": "wrap" or "none", "Frames": [...]}``. A frame is 44 numbers: how many seconds it lasts, the place
of the root x, y, z (m, y upwards), then the joints of ``SIZES`` in their order: those with four numbers as the
quaternion w, x, y, z of their turn against the parent's, those with one as an angle in radians.
"""

import json
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from unroll.errors import UserError

SIZES = {
    "root": 4,
    "chest": 4,
    "neck": 4,
    "right_hip": 4,
    "right_knee": 1,
    "right_ankle": 4,
    "right_shoulder": 4,
    "right_elbow": 1,
    "left_hip": 4,
    "left_knee": 1,
    "left_ankle": 4,
    "left_shoulder": 4,
    "left_elbow": 1,
}
# Where a joint stands in a pose, float64 (41,): the height of the root (m), then quaternions x, y, z, w and angles.
JOINTS = {
    name: slice(1 + stop - size, 1 + stop)
    for (name, size), stop in zip(SIZES.items(), accumulate(SIZES.values()), strict=True)
}
TURNS = [place for name, place in JOINTS.items() if SIZES[name] == 4]  # those that are quaternions
NUMBERS = 1 + sum(SIZES.values())
RETURN = 0.4  # s that a motion which does not loop takes back to its first pose
MOST_BYTES = 2**24


class Motion(NamedTuple):
    """A recording: ``poses`` (F, 41) at the ``times`` (F,) in seconds from 0; ``loops``: its end is its beginning.

    The root stays where it is but for its height, since how far a person gets gives away what they do.
    """

    name: str
    times: Float[np.ndarray, " F"]
    poses: Float[np.ndarray, "F 41"]
    loops: bool

    @property
    def period(self) -> float:
        """Seconds until it begins anew."""
        return float(self.times[-1]) + (0 if self.loops else RETURN)

    def at(self, times: Float[np.ndarray, " T"]) -> Float[np.ndarray, "T 41"]:
        """The poses at any times (s): by time between those recorded, periodically."""
        known, poses = self.times, self.poses
        if not self.loops:
            known, poses = np.append(known, self.period), np.concatenate([poses, poses[:1]])
        times = np.mod(times, self.period)
        after = np.clip(np.searchsorted(known, times, side="right"), 1, len(known) - 1)
        shares = (times - known[after - 1]) / (known[after] - known[after - 1])
        return between(poses[after - 1], poses[after], shares)


def between(
    first: Float[np.ndarray, "T 41"], second: Float[np.ndarray, "T 41"], shares: Float[np.ndarray, " T"]
) -> Float[np.ndarray, "T 41"]:
    """Poses on the way from the ``first`` (share 0) to the ``second`` (1), every joint turning by the shorter way."""
    second = second.copy()
    for turn in TURNS:  # a quaternion and its negative are the same turn
        apart = (first[:, turn] * second[:, turn]).sum(1) < 0
        second[apart, turn] *= -1
    poses = first + shares[:, None] * (second - first)
    for turn in TURNS:
        poses[:, turn] /= np.linalg.norm(poses[:, turn], axis=1, keepdims=True)
    return poses


def read(path: Path) -> Motion:
    """The recording in a file; ``UserError`` naming the file where it is none, or broken."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise UserError(f"{path} is larger than {MOST_BYTES // 2**20} MiB: no recording of a few seconds")
        content = json.loads(path.read_text(encoding="utf-8"))
        frames, loop = np.array(content["Frames"], np.float64), content["Loop"]
    except FileNotFoundError:
        raise UserError(f"{path} is missing: run `python -m unroll.stages.fetch pybullet`") from None
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path} is no motion in the form of DeepMimic ({type(error).__name__}: {error})") from None
    _check(path, frames)
    times = np.concatenate([[0], np.cumsum(frames[:-1, 0])])
    poses = frames[:, [2, *range(4, 4 + NUMBERS - 1)]]
    for turn in TURNS:
        poses[:, turn] = np.roll(poses[:, turn], -1, axis=1)  # w, x, y, z → x, y, z, w
    poses = between(poses, poses, np.zeros(len(poses)))  # of length one
    if loop == "wrap":
        poses = _closed(poses, times / times[-1])
    return Motion(path.stem.removeprefix("humanoid3d_"), times, poses, loop == "wrap")


def _check(path: Path, frames: np.ndarray) -> None:
    if frames.ndim != 2 or frames.shape[1] != 3 + NUMBERS or len(frames) < 2:
        raise UserError(f"{path}: Frames should be two or more lists of {3 + NUMBERS} numbers, not {frames.shape}")
    if not np.isfinite(frames).all() or not (frames[:-1, 0] > 0).all():
        raise UserError(f"{path}: every number should be finite and every frame but the last take time")
    lengths = [np.linalg.norm(frames[:, turn.start + 3 : turn.stop + 3], axis=1) for turn in TURNS]
    if np.abs(np.array(lengths) - 1).max() > 0.5:
        raise UserError(f"{path}: a joint's quaternion is far from length one")


def _closed(poses: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Poses (F, 41) of which the last is the first: what is missing to that is spread over all, as ``shares`` rise.

    A person hardly faces the same way after a cycle: uncorrected, every cycle would begin with a jerk.
    """
    from scipy.spatial.transform import Rotation

    closed = poses + shares[:, None] * (poses[:1] - poses[-1:])  # the height and the angles
    for turn in TURNS:
        turned = Rotation.from_quat(poses[:, turn])
        missing = (turned[0] * turned[-1].inv()).as_rotvec()
        closed[:, turn] = (Rotation.from_rotvec(shares[:, None] * missing) * turned).as_quat()
    return closed
