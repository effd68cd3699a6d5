import numpy as np
import pytest

from unroll.errors import UserError
from unroll.fields.video import scenes
from unroll.fields.video.scenes import Cameras
from unroll.params import check

CAMERAS = {"held_out": [[30, 60], [200, 260]], "pitch": [5, 10], "distance": [2.5, 3.0]}


class Stage:
    """In place of the renderer: the left half is the person, as bright as the pose's height."""

    def frames(self, poses, camera, light):
        shades = np.broadcast_to(poses[:, :1, None], (len(poses), 8, 8)).astype(np.uint8)
        return shades, np.broadcast_to(np.arange(8) < 4, shades.shape)


def cameras(**changed) -> Cameras:
    return check(Cameras, CAMERAS | changed, "cameras")


def draws(split: str, count: int = 200) -> list[scenes.Scene]:
    rng = np.random.default_rng(1)
    return [scenes.draw(rng, cameras(), split, 8) for _ in range(count)]


def test_cameras_of_the_test_stand_where_no_others_do():
    assert cameras().sectors("test") == [(30, 60), (200, 260)]
    assert cameras().sectors("train") == cameras().sectors("valid") == [(0, 30), (60, 200), (260, 360)]
    yaws = np.array([scene.camera.yaw for scene in draws("test")])
    inside = ((yaws > 30) & (yaws < 60)) | ((yaws > 200) & (yaws < 260))
    assert inside.all()
    assert 0.2 < (yaws < 60).mean() < 0.5  # a third of what the sectors span
    for split in ("train", "valid"):
        others = np.array([scene.camera.yaw for scene in draws(split)])
        assert not (((others > 30) & (others < 60)) | ((others > 200) & (others < 260))).any()


def test_a_scene_keeps_to_its_ranges_and_a_person_stands_out():
    found = draws("train")
    assert all(5 <= scene.camera.pitch <= 10 and 2.5 <= scene.camera.distance <= 3 for scene in found)
    apart = np.array([scene.tone - scene.background.mean() for scene in found])
    assert (np.abs(apart) >= 45).all()
    assert 0.3 < (apart > 0).mean() < 0.7
    assert 0.3 < np.mean([scene.mirrored for scene in found]) < 0.7
    assert len({scene.background.tobytes() for scene in found}) == len(found)


def test_a_film_shows_person_and_background_and_half_of_them_are_mirrored():
    scene = draws("train", 1)[0]._replace(background=np.full((8, 8), 100.0), tone=150.0, relief=0.5, noise=0.0)
    poses = np.zeros((2, 41))
    poses[:, 0] = [180, 200]
    plain = scenes.film(Stage(), poses, scene._replace(mirrored=False), np.random.default_rng(1))
    assert plain.dtype == np.uint8
    assert plain[0, 0].tolist() == [150] * 4 + [100] * 4
    assert plain[1, 0].tolist() == [160] * 4 + [100] * 4
    mirrored = scenes.film(Stage(), poses, scene._replace(mirrored=True), np.random.default_rng(1))
    np.testing.assert_array_equal(mirrored, plain[:, :, ::-1])


def test_noise_is_of_the_seed_and_stays_within_the_greys():
    scene = draws("train", 1)[0]._replace(background=np.full((8, 8), 254.0), noise=6.0)
    first, again, other = (scenes.film(Stage(), np.zeros((5, 41)), scene, np.random.default_rng(s)) for s in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    free = 3 if scene.mirrored else 5  # a column without the person
    assert 230 < first[:, :, free].min() < first[:, :, free].max() == 255


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"held_out": [[60, 30]]}, "sectors that ascend"),
        ({"held_out": [[30, 60], [50, 80]]}, "sectors that ascend"),
        ({"held_out": [[30, 400]]}, "less than or equal to 360"),
        ({"held_out": []}, "at least 1 item"),
        ({"pitch": [10, 5]}, "the smaller number first"),
        ({"distance": [0, 5]}, "greater than 0"),
        ({"yaw": 3}, "unknown key"),
    ],
)
def test_impossible_cameras_are_refused(changed, said):
    with pytest.raises(UserError, match=said):
        cameras(**changed)


def test_a_folder_without_motions_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"has no motions: run .*fetch pybullet"):
        scenes.read_motions(tmp_path)
