"""The examples of video/actions and video/events, few and small, from the fetched motions."""

import json
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import pyarrow as pa
import pytest

from unroll import examples
from unroll.errors import UserError
from unroll.fields.video import actions, events, sentences
from unroll.fields.video.scenes import Cameras
from unroll.fields.video.sentences import Done
from unroll.params import check

CAMERAS = Cameras(held_out=[(30.0, 60.0), (210.0, 240.0)], pitch=(0.0, 20.0), distance=(2.5, 3.3))
ACTIONS = {"train": 16, "valid": 2, "test": 6, "frames": 4, "frames_per_second": 6, "size": 16}
EVENTS = {"train": 15, "valid": 2, "test": 3, "shortest": 16, "longest": 32, "frames_per_second": 4, "size": 16}


@dataclass(frozen=True)
class Settings:
    """The part of a task's settings that ``prepare`` reads."""

    source: str
    clips: actions.Clips | events.Clips
    cameras: Cameras = CAMERAS


def rows(task, settings, seed: int = 1) -> dict[str, list]:
    return {split: list(own) for split, _, own in task.prepare(settings, seed)}


@pytest.fixture(scope="module")
def acted(raw) -> Settings:
    return Settings(str(raw("pybullet")), check(actions.Clips, ACTIONS, "clips"))


@pytest.fixture(scope="module")
def happened(raw) -> Settings:
    return Settings(str(raw("pybullet")), check(events.Clips, EVENTS, "clips"))


@pytest.fixture(scope="module")
def clips(happened) -> dict[str, list]:
    return rows(events, happened)


def test_every_action_is_in_every_split_that_has_room_for_it(acted):
    found = rows(actions, acted)
    assert {split: len(own) for split, own in found.items()} == {"train": 16, "valid": 2, "test": 6}
    labels = [row["label"] for row in found["train"]]
    assert sorted(set(labels)) == sorted(sentences.PHRASES)
    assert max(map(labels.count, labels)) - min(map(labels.count, labels)) <= 1
    ids = [row["id"] for own in found.values() for row in own]
    assert len(set(ids)) == len(ids)
    frames = [row["frames"] for own in found.values() for row in own]
    assert all(one.shape == (4, 256) and one.dtype == np.uint8 for one in frames)
    assert len({one.tobytes() for one in frames}) == len(frames)
    assert all((30 < row["yaw"] < 60) or (210 < row["yaw"] < 240) for row in found["test"])


def test_a_clip_depends_on_the_seed_and_its_number_alone(acted):
    fewer = Settings(acted.source, check(actions.Clips, ACTIONS | {"train": 3}, "clips"))
    first, again, other = rows(actions, acted), rows(actions, fewer), rows(actions, fewer, seed=2)
    for one, same, different in zip(first["train"][:3], again["train"], other["train"], strict=True):
        np.testing.assert_array_equal(one["frames"], same["frames"])
        assert (one["frames"] != different["frames"]).any()


@pytest.mark.parametrize("task", [actions, events])
def test_the_rows_fit_their_schema_and_give_the_same_bytes(task, acted, happened, tmp_path):
    settings = acted if task is actions else happened
    for name in ("first", "second"):
        for split, schema, own in task.prepare(settings, 1):
            examples.write(tmp_path / name / f"{split}.arrow", schema, own)
    for split in ("train", "valid", "test"):
        paths = [tmp_path / name / f"{split}.arrow" for name in ("first", "second")]
        assert paths[0].read_bytes() == paths[1].read_bytes()
    table = examples.read(tmp_path / "first/test.arrow")
    assert json.loads(table.schema.metadata[b"shape"]) == [1, 16, 16]
    assert table.schema.metadata[b"frames_per_second"] == str(settings.clips.frames_per_second).encode()
    assert examples.matrices(table["frames"])[0].dtype == np.uint8


def test_clips_of_several_actions_have_a_label_for_each_frame(clips, happened):
    names = sorted(sentences.PHRASES)
    for row in [row for own in clips.values() for row in own]:
        assert 16 <= len(row["frames"]) == len(row["labels"]) <= 32
        assert [names[label] for label, _ in groupby(row["labels"])] == row["actions"]
        assert 2 <= len(row["actions"]) <= 4
        assert len(set(row["actions"])) == len(row["actions"])
    assert {action for row in clips["train"] for action in row["actions"]} == set(names)
    assert {times for row in clips["train"] for times in row["times"]} == {1, 2}
    schema = events.schema(happened.clips)
    assert json.loads(schema.metadata[b"labels"]) == names
    assert schema.field("labels").type == pa.large_list(pa.int8())


def test_every_wording_of_a_clip_says_what_is_done_in_it(clips):
    for row in [row for own in clips.values() for row in own]:
        done = [Done(*pair) for pair in zip(row["actions"], row["times"], strict=True)]
        assert row["target"] == row["references"][0]
        assert len(set(row["references"])) == events.REFERENCES
        assert all(sentences.told(said) == done for said in row["references"])


def test_clips_too_short_for_two_actions_are_refused():
    with pytest.raises(UserError, match="longest should be at least 8 seconds and twice the shortest"):
        check(events.Clips, EVENTS | {"frames_per_second": 5}, "clips")


def test_clips_of_ones_own_are_read_from_folders(tmp_path):
    import av

    for label in ("nod", "wave"):
        for number in range(3):
            path = tmp_path / label / f"{number}.avi"
            path.parent.mkdir(exist_ok=True)
            with av.open(str(path), "w") as container:
                stream = container.add_stream("mjpeg", rate=6)
                stream.width, stream.height, stream.pix_fmt = 32, 24, "yuvj420p"
                for step in range(9):
                    picture = np.full((24, 32), 20 * step + number, np.uint8)
                    for packet in stream.encode(av.VideoFrame.from_ndarray(picture, format="gray")):
                        container.mux(packet)
                for packet in stream.encode():
                    container.mux(packet)
    settings = Settings(str(tmp_path), check(actions.Clips, ACTIONS, "clips"))
    found = rows(actions, settings)
    assert {split: sorted(row["label"] for row in own) for split, own in found.items()} == {
        split: ["nod", "wave"] for split in ("train", "valid", "test")
    }
    frames = found["test"][0]["frames"]
    assert frames.shape == (9, 256)
    assert abs(frames[8].mean() - 160) < 8
