from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from unroll.errors import UserError
from unroll.fields.video import own


@pytest.fixture
def films(tmp_path):
    """Makes files at the paths given, in a folder; what is in them is different."""

    def make(*names: str) -> Path:
        for name in names:
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(name)
        return tmp_path

    return make


def ucf101(label: str, films: int, clips: int) -> list[str]:
    return [f"{label}/v_{label}_g{film:02}_c{clip:02}.avi" for film in range(films) for clip in range(clips)]


def test_clips_of_one_film_stay_on_one_side(films):
    sides = own.split(films(*ucf101("Punch", 10, 3), *ucf101("Walk", 20, 2)), seed=1)
    assert Counter(clip.label for clip in sides["test"]) == {"Punch": 3, "Walk": 4}
    assert Counter(clip.label for clip in sides["valid"]) == {"Punch": 3, "Walk": 4}
    assert Counter(clip.label for clip in sides["train"]) == {"Punch": 24, "Walk": 32}
    groups = [{own.group(clip, own.CLIPS) for clip in clips} for clips in sides.values()]
    assert [len(group) for group in groups] == [24, 3, 3]
    assert len(set.union(*groups)) == 30


def test_copies_of_a_file_stay_on_one_side(films):
    folder = films(*(f"{label}/{number}.mp4" for label in ("nod", "wave") for number in range(5)))
    (folder / "nod/copy.avi").write_bytes((folder / "nod/2.mp4").read_bytes())
    for seed in range(8):
        sides = own.split(folder, seed)
        (side,) = (ids for clips in sides.values() if "nod/copy.avi" in (ids := {clip.id for clip in clips}))
        assert "nod/2.mp4" in side


def test_the_seed_deals(films):
    folder = films(*ucf101("Punch", 10, 1), *ucf101("Walk", 10, 1))
    assert own.split(folder, 1) == own.split(folder, 1)
    assert own.split(folder, 1) != own.split(folder, 2)


def test_folders_for_the_splits_are_kept_to(films):
    names = [f"{split}/{label}/{split}.mp4" for split in ("train", "valid", "test") for label in ("nod", "wave")]
    sides = own.split(films(*names, "train/nod/notes.txt"), seed=1)
    assert {split: [clip.label for clip in clips] for split, clips in sides.items()} == {
        "train": ["nod", "wave"],
        "valid": ["nod", "wave"],
        "test": ["nod", "wave"],
    }
    assert all(clip.path.stem == split for split, clips in sides.items() for clip in clips)


def test_rows_are_the_clips_frames_with_no_camera_known(films, monkeypatch):
    folder = films("nod/a.mp4")
    monkeypatch.setattr(own.videos, "read", lambda path, rate, size, most: np.full((5, size, size), rate, np.uint8))
    (row,) = own.read([own.Clip(folder / "nod/a.mp4", "nod")], 12, 4)
    assert (row["id"], row["label"], row["yaw"]) == ("nod/a.mp4", "nod", None)
    assert row["frames"].shape == (5, 16)
    assert (row["frames"] == 12).all()


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ([], "has no clips"),
        (["a.mp4", "b.mp4"], "has no clips"),
        (ucf101("Punch", 10, 1), "clips of one action only, Punch"),
        (
            ucf101("Punch", 1, 4) + ucf101("Walk", 3, 1),
            "Punch: 4 clips are taken for those of v_Punch_g00 alone: a clip's film is all of its name before _c",
        ),
        (
            ucf101("Punch", 3, 1) + ucf101("Walk", 2, 2),
            "Walk: 4 clips are taken for those of v_Walk_g0[01] and v_Walk_g0[01] alone",
        ),
        (["train/a/1.avi", "train/b/2.avi"], "beside train a folder valid is missing"),
        (
            ["train/a/1.avi", "train/b/2.avi", "valid/a/3.avi", "test/c/4.avi"],
            "no clip of c is left to learn from",
        ),
        (["train/a/1.avi", "train/b/2.avi", "valid/a/3.avi", "test/a/notes.txt"], "test has no clips: add some"),
    ],
)
def test_a_folder_that_cannot_be_learned_from_is_refused(films, names, said):
    with pytest.raises(UserError, match=said):
        own.split(films(*names), seed=1)


def test_a_missing_folder_is_refused(tmp_path):
    with pytest.raises(UserError, match="nowhere is no folder"):
        own.split(tmp_path / "nowhere", seed=1)
