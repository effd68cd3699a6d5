"""Metrics and lines of clips, of their frames and of recordings, on predictions written out."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pytest

from unroll.baselines.classes import Classes
from unroll.fields import video
from unroll.fields.video import measures
from unroll.patterns.classifier import Class
from unroll.patterns.tagger import Tagged

NAMES = ["jump", "kick", "walk"]


class Clip(NamedTuple):
    """What a classifier reads."""

    inputs: np.ndarray


class Window(NamedTuple):
    """What a tagger reads."""

    labels: np.ndarray


class Counter:
    """Recognises a clip if it is given enough frames, and knows the labels of steps."""

    def __init__(self, least: int = 0) -> None:
        self.least, self.asked = least, []

    def batch(self, examples: Sequence[Clip]) -> list[np.ndarray]:
        """The frames."""
        return [example.inputs for example in examples]

    def predict(self, rows: Sequence[np.ndarray]) -> list[Class]:
        """The label that stands in the frames, if there are enough of them, else the first."""
        self.asked.append([len(row) for row in rows])
        return [said(NAMES[int(row[0, 0])] if len(row) >= self.least else NAMES[0]) for row in rows]

    def truth(self, example: Window) -> np.ndarray:
        """The labels of a window."""
        return example.labels


def said(label: str, sure: float = 0.8) -> Class:
    return Class(label, {name: sure if name == label else (1 - sure) / 2 for name in NAMES})


def clip(label: str, found: str, frames: int = 24, **columns) -> dict:
    inputs = np.full((frames, 4), NAMES.index(label), np.uint8)
    return {"id": f"{label}-{found}", "label": label, "example": Clip(inputs), "prediction": said(found), **columns}


CLIPS = [clip("jump", "jump"), clip("jump", "kick"), clip("kick", "kick"), clip("walk", "walk", frames=12)]


def test_actions_are_measured_literally():
    model = Counter(least=12)
    assert video.measure("actions", CLIPS, 4.2, {None: model}, None) == {
        "accuracy": 0.75,
        "macro_f1": pytest.approx((2 / 3 + 2 / 3 + 1) / 3, abs=1e-6),
        "accuracy_after_6_frames": 0.5,  # both of the first label, which it then guesses
        "accuracy_after_12_frames": 1.0,
        "accuracy_after_18_frames": 1.0,
        "predict_seconds_per_frame": 0.05,
    }
    assert model.asked == [[6, 6, 6, 6], [12, 12, 12, 12], [18, 18, 18, 12]]
    assert next(iter(video.measure("actions_imagenet", CLIPS, 4.2, {None: model}, None))) == "accuracy"


@pytest.mark.parametrize(("frames", "parts", "ends"), [(24, 4, [6, 12, 18, 24]), (3, 4, [1, 2, 3]), (1, 8, [1])])
def test_beginnings_end_with_the_whole_of_the_longest(frames, parts, ends):
    assert measures.beginnings([clip("jump", "jump", frames=2), clip("jump", "jump", frames=frames)][1:], parts) == ends


def test_a_baseline_reads_beginnings_too():
    class First(Classes):
        labels = NAMES

        def probabilities(self, rows: Sequence[np.ndarray]) -> np.ndarray:
            """Sure of what stands in the first frame."""
            return np.eye(3)[[row[0, 0] for row in rows]]

    assert measures.accuracy_after(CLIPS, 3, First()) == 1.0


def test_many_beginnings_are_read_some_at_a_time():
    model = Counter()
    assert measures.accuracy_after(50 * CLIPS, 24, model) == 1.0
    assert [len(asked) for asked in model.asked] == [64, 64, 64, 8]


def test_a_class_that_is_never_there_does_not_count():
    rows = [clip("jump", "jump"), clip("kick", "walk")]
    assert measures.recognised(rows) == {"accuracy": 0.5, "macro_f1": 0.5}


def test_a_recording_is_judged_by_the_mean_of_its_windows():
    rows = [
        clip("jump", "kick", recording="a") | {"prediction": said("kick", 0.4)},
        clip("kick", "walk", recording="b"),
        clip("jump", "jump", recording="a") | {"prediction": said("jump", 0.9)},
    ]
    assert measures.votes(rows) == [("jump", "jump"), ("kick", "walk")]
    found = video.measure("exercises", rows, 0.3, {}, None)
    assert found == {
        "accuracy": pytest.approx(1 / 3, abs=1e-6),
        "macro_f1": pytest.approx(1 / 3, abs=1e-6),
        "recording_accuracy": 0.5,
        "predict_seconds_per_window": 0.1,
    }


def test_clips_and_windows_are_listed_with_what_was_found():
    assert video.as_lines("actions", CLIPS[1:2]) == [
        {"id": "jump-kick", "label": "jump", "predicted": "kick", "probability": 0.8}
    ]
    assert video.as_lines("exercises", []) == []


def window(name: str, truth: Sequence[int], found: Sequence[int], actions: Sequence[str] = ()) -> dict:
    known = np.eye(15, dtype=np.float32)[list(found)]
    tagged = Tagged(known, np.array(found, np.int8))
    return {"id": name, "actions": list(actions), "example": Window(np.array(truth, np.int8)), "prediction": tagged}


def test_events_are_measured_over_whole_clips():
    rows = [
        window("a", [0] * 6, [0] * 6),  # the windows of a clip are one again
        window("a", [0] * 2 + [4] * 4, [0] * 3 + [4] * 3, ["backflip", "dance_b"]),
        window("b", [4] * 8, [4] * 2 + [9] * 6, ["dance_b"]),
    ]
    rows[0]["actions"] = ["backflip", "dance_b"]
    train = pa.table({}, pa.schema([], {"frames_per_second": "8"}))
    assert video.measure("events", rows, 0.2, {None: Counter()}, train) == {
        "frame_f1": pytest.approx((16 / 17 + 2 * 5 / (12 + 5)) / 2, abs=1e-6),
        "frame_accuracy": 0.65,
        "segment_f1": pytest.approx(2 * 2 / (3 + 4), abs=1e-6),
        "edit_score": 0.75,
        "order_exact_match": 0.5,
        "predict_seconds_per_frame": 0.01,
    }


def test_events_are_listed_by_the_order_of_their_actions():
    rows = [
        window("a", [], [0] * 4, ["backflip", "dance_b"]),
        window("a", [], [9] + [4] * 2, ["backflip", "dance_b"]),
        window("b", [], [4] * 3 + [0] * 4, ["backflip", "dance_b"]),
    ]
    rows = [row | {"frames": np.zeros((14, 4)), "frames_per_second": 16.0} for row in rows]  # two of a label
    assert video.as_lines("events", rows) == [
        {"id": "a", "actions": "backflip → dance_b", "found": "backflip → dance_b", "in_order": True},
        {"id": "b", "actions": "backflip → dance_b", "found": "dance_b → backflip", "in_order": False},
    ]


def test_what_is_too_short_does_not_count_as_a_stretch():
    found = [9] + [0] * 3 + [4] + [4] * 3 + [9]
    train = pa.table({}, pa.schema([], {"frames_per_second": "8"}))
    row = window("a", [0] * 4 + [4] * 5, found, ["backflip", "dance_b"])
    scores = video.measure("events", [row], 0.9, {None: Counter()}, train)
    assert scores["frame_accuracy"] == pytest.approx(7 / 9, abs=1e-6)
    assert (scores["segment_f1"], scores["edit_score"], scores["order_exact_match"]) == (1, 1, 1)
