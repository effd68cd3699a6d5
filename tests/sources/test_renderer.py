"""The renderer of the fetched wheel; what needs it fetches it once."""

import numpy as np
import pytest

from unroll.errors import UserError
from unroll.sources.motions import JOINTS, NUMBERS, TURNS
from unroll.sources.renderer import Camera, Light, Renderer

LIGHT = Light(yaw=40, pitch=50, ambient=0.5)
FRONT, RIGHT = Camera(0, 0, 3.0), Camera(90, 0, 3.0)


@pytest.fixture(scope="module")
def renderer(raw):
    with Renderer(raw("pybullet"), 48) as made:
        yield made


def pose(**angles: float) -> np.ndarray:
    """A person who stands straight, but for joints turned by so many degrees to the front or back."""
    numbers = np.zeros(NUMBERS)
    numbers[0] = 0.9
    for turn in TURNS:
        numbers[turn.stop - 1] = 1
    for name, degrees in angles.items():
        half = np.radians(degrees) / 2
        numbers[JOINTS[name]] = [0, 0, np.sin(half), np.cos(half)] if JOINTS[name] in TURNS else [2 * half]
    return numbers


def extent(person: np.ndarray) -> tuple[int, int, int, int]:
    """Top, bottom, left and right of the pixels that show the person."""
    rows, columns = np.nonzero(person)
    return rows.min(), rows.max(), columns.min(), columns.max()


def test_a_person_stands_upright_in_the_middle(renderer):
    shades, person = renderer.frames(pose()[None], FRONT, LIGHT)
    assert shades.shape == person.shape == (1, 48, 48)
    assert (shades.dtype, person.dtype) == (np.uint8, np.bool_)
    top, bottom, left, right = extent(person[0])
    assert bottom - top > 30
    assert right - left < 20
    assert abs(left + right - 47) <= 2


def test_the_poses_numbers_reach_their_joints(renderer):
    straight, kicking = renderer.frames(np.stack([pose(), pose(right_hip=90)]), RIGHT, LIGHT)[1]
    assert extent(kicking)[3] >= extent(straight)[3] + 10  # forwards is to the right of one who stands at the right
    knee = renderer.frames(pose(right_knee=-90)[None], RIGHT, LIGHT)[1][0]
    assert extent(knee)[2] <= extent(straight)[2] - 5  # a shin goes backwards
    fallen = renderer.frames(pose(root=-90)[None], RIGHT, LIGHT)[1][0]
    assert fallen.any(0).sum() > fallen.any(1).sum()


def test_joints_do_not_keep_what_an_earlier_pose_set(renderer):
    first = renderer.frames(pose()[None], RIGHT, LIGHT)
    renderer.frames(pose(root=-90, neck=30, left_knee=-60, right_elbow=80)[None], FRONT, LIGHT)
    again = renderer.frames(pose()[None], RIGHT, LIGHT)
    np.testing.assert_array_equal(first[0], again[0])
    np.testing.assert_array_equal(first[1], again[1])


def test_light_comes_from_where_it_says(renderer):
    for yaw, side in ((90, "left"), (-90, "right")):  # of the picture: the person's right is on our left
        shades, person = renderer.frames(pose()[None], FRONT, Light(yaw, 10, 0.2))
        left, right = (shades[0][:, half][person[0][:, half]].mean() for half in (np.s_[:24], np.s_[24:]))
        assert (left > right + 5) == (side == "left")
        assert (right > left + 5) == (side == "right")


def test_nothing_is_written_past_python(raw, capfd):
    with Renderer(raw("pybullet"), 16):
        pass
    assert capfd.readouterr() == ("", "")


def test_a_folder_without_the_wheel_is_refused_with_the_remedy(tmp_path):
    with pytest.raises(UserError, match=r"has no pybullet for Python 3\.\d+ on \w+ .*stages\.fetch pybullet"):
        Renderer(tmp_path, 16)
