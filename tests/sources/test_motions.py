import json
from pathlib import Path

import numpy as np
import pytest

from unroll.errors import UserError
from unroll.sources import motions
from unroll.sources.motions import JOINTS, RETURN, TURNS, between

UPRIGHT = [1.0, 0, 0, 0]


def frame(seconds: float, height: float = 0.9, root: list[float] = UPRIGHT, knee: float = 0.0, away: float = 0.0):
    """The 44 numbers of a pose that is straight but for what is given."""
    legs = [*UPRIGHT, knee, *UPRIGHT, *UPRIGHT, 0.0]
    return [seconds, away, height, 0.0, *root, *UPRIGHT, *UPRIGHT, *legs, *UPRIGHT, 0.0, *UPRIGHT, *UPRIGHT, 0.0]


def around(degrees: float, length: float = 1.0) -> list[float]:
    """The quaternion w, x, y, z of a turn about the upright axis."""
    half = np.radians(degrees) / 2
    return [length * np.cos(half), 0.0, length * np.sin(half), 0.0]


@pytest.fixture
def written(tmp_path):
    def write(*frames: list[float], loop: str = "none", name: str = "humanoid3d_bow.txt") -> Path:
        path = tmp_path / name
        path.write_text(json.dumps({"Loop": loop, "Frames": frames}))
        return path

    return write


def test_a_pose_is_a_height_and_thirteen_joints():
    assert JOINTS["root"] == slice(1, 5)
    assert JOINTS["right_knee"] == slice(17, 18)
    assert JOINTS["left_elbow"] == slice(40, 41)
    assert len(TURNS) == 9


def test_the_poses_are_read_by_time_with_the_root_held_in_place(written):
    path = written(frame(0.5, 1.0), frame(0.25, 2.0, knee=-1.0, away=7.0), frame(0, 3.0, knee=-3.0, away=9.0))
    motion = motions.read(path)
    assert motion.name == "bow"
    assert not motion.loops
    np.testing.assert_allclose(motion.times, [0, 0.5, 0.75])
    assert motion.period == 0.75 + RETURN
    poses = motion.at(np.array([0.25, 0.5, 0.625]))
    np.testing.assert_allclose(poses[:, 0], [1.5, 2.0, 2.5])
    np.testing.assert_allclose(poses[:, JOINTS["right_knee"]].ravel(), [-0.5, -1.0, -2.0])
    assert poses.shape == (3, 41)


def test_quaternions_are_x_y_z_w_of_length_one_whatever_the_file_has(written):
    motion = motions.read(written(frame(1.0, root=around(0, 1.2)), frame(0, root=around(90, 0.8))))
    turns = motion.at(np.linspace(0, 1, 9))[:, JOINTS["root"]]
    np.testing.assert_allclose(np.linalg.norm(turns, axis=1), 1)
    np.testing.assert_allclose(turns[4], [0, np.sin(np.pi / 8), 0, np.cos(np.pi / 8)], atol=1e-12)


def test_a_joint_turns_by_the_shorter_way(written):
    other_sign = [-number for number in around(60)]
    motion = motions.read(written(frame(1.0, root=around(20)), frame(0, root=other_sign)))
    _, y, _, w = motion.at(np.array([0.5]))[0, JOINTS["root"]]
    assert 2 * np.degrees(np.arctan2(y, w)) == pytest.approx(40)


def test_a_motion_that_does_not_loop_goes_back_to_its_first_pose_in_time(written):
    motion = motions.read(written(frame(1.0, 1.0), frame(0, 2.0)))
    heights = motion.at(np.array([1.0, 1.0 + RETURN / 2, 1.0 + RETURN, 2.0 + RETURN - 1e-9]))[:, 0]
    np.testing.assert_allclose(heights, [2, 1.5, 1, 2], atol=1e-6)


def test_what_a_looping_motion_misses_of_its_beginning_is_spread_over_it(written):
    frames = [frame(1.0, 1.0, around(0)), frame(1.0, 1.5, around(10)), frame(0, 1.2, around(40))]
    motion = motions.read(written(*frames, loop="wrap"))
    assert motion.period == 2
    poses = motion.at(np.array([0.0, 1.0, 2 - 1e-9, 2.0, 4.0]))
    np.testing.assert_allclose(poses[:, 0], [1, 1.4, 1, 1, 1], atol=1e-6)
    turns = 2 * np.degrees(np.arctan2(poses[:, 2], poses[:, 4]))
    np.testing.assert_allclose(turns, [0, -10, 0, 0, 0], atol=1e-5)


def test_poses_between_two_begin_and_end_with_them(written):
    poses = motions.read(written(frame(1.0, 1.0, around(0)), frame(0, 2.0, around(120)))).poses
    first, second = np.repeat(poses[:1], 2, 0), np.repeat(poses[1:], 2, 0)
    np.testing.assert_allclose(between(first, second, np.array([0.0, 1.0])), poses, atol=1e-12)


@pytest.mark.parametrize(
    ("frames", "said"),
    [
        ([frame(1.0)], "two or more lists of 44 numbers"),
        ([frame(1.0)[:-1], frame(1.0)[:-1]], "two or more lists of 44 numbers"),
        ([frame(1.0), frame(1.0)[:-1]], "no motion in the form of DeepMimic"),
        ([frame(0.0), frame(1.0)], "every frame but the last take time"),
        ([frame(float("nan")), frame(1.0)], "every number should be finite"),
        ([frame(1.0, root=[0.0, 0, 0, 0]), frame(1.0)], "far from length one"),
    ],
)
def test_a_broken_recording_is_refused_by_name(written, frames, said):
    with pytest.raises(UserError, match=f"humanoid3d_bow.txt.*{said}"):
        motions.read(written(*frames))


def test_other_files_are_refused_by_name(tmp_path):
    with pytest.raises(UserError, match=r"walk\.txt is missing"):
        motions.read(tmp_path / "walk.txt")
    (tmp_path / "walk.txt").write_bytes(b"\xff\xfe%PDF")
    with pytest.raises(UserError, match=r"walk\.txt is no motion"):
        motions.read(tmp_path / "walk.txt")
    (tmp_path / "walk.txt").write_text("[1, 2]")
    with pytest.raises(UserError, match=r"walk\.txt is no motion"):
        motions.read(tmp_path / "walk.txt")
