"""What the report shows of video, on predictions written out."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pytest
from PIL import Image

from unroll.fields import video
from unroll.fields.video import pictures, sentences
from unroll.patterns.classifier import Class
from unroll.patterns.inputs import Inputs
from unroll.patterns.tagger import Tagged
from unroll.patterns.translator import Translation

LABELS = ["dance_a", "kick", "walk"]


class Clip(NamedTuple):
    """What a classifier reads."""

    inputs: np.ndarray


class Window(NamedTuple):
    """What a tagger reads."""

    labels: np.ndarray


class Model:
    """Takes everything for the first label, and knows the labels of steps."""

    labels = sentences.LABELS
    inputs = Inputs("pixels", {}, [1, 2, 2], frames_per_second=6.0)

    def batch(self, examples: Sequence[Clip]) -> list[np.ndarray]:
        """The frames."""
        return [example.inputs for example in examples]

    def predict(self, rows: Sequence[np.ndarray]) -> list[Class]:
        """The first label."""
        return [said(LABELS[0], 0.5) for _ in rows]

    def truth(self, example: Window) -> np.ndarray:
        """The labels of a window."""
        return example.labels


def said(label: str, sure: float) -> Class:
    return Class(label, {name: sure if name == label else (1 - sure) / 2 for name in LABELS})


def filmed(frames: int = 6) -> dict:
    noise = np.random.default_rng(frames).integers(0, 256, (frames, 8 * 8)).astype(np.uint8)
    return {"frames": noise, "frames_per_second": 12.0}


def clip(label: str, found: str, sure: float) -> dict:
    example = Clip(np.zeros((3, 4), np.uint8))
    return filmed() | {"id": f"{label}/1", "label": label, "example": example, "prediction": said(found, sure)}


WRONG = [clip("dance_a", "kick", 0.6), clip("dance_a", "walk", 0.9), clip("kick", "walk", 0.7)]
RIGHT = [clip("walk", "walk", 0.9), clip("walk", "walk", 0.5), clip("kick", "kick", 0.99)]


def test_telling_clips_of_each_label_come_first(tmp_path):
    shown = video.exhibits("actions", WRONG + RIGHT, {None: Model()}, tmp_path)
    assert [one.image for one in shown[:2]] == ["confusions.png", "early.png"]
    loops = [(one.title, one.lines[0], one.verdict) for one in shown[2:]]
    assert loops == [
        ("dance a", ("found", "walk (90%)"), False),
        ("kick", ("found", "walk (70%)"), False),
        ("dance a", ("found", "kick (60%)"), False),
        ("walk", ("found", "walk (50%)"), True),
        ("kick", ("found", "kick (99%)"), True),
        ("walk", ("found", "walk (90%)"), True),
    ]
    for one in shown[2:]:
        with Image.open(tmp_path / one.image) as loop:
            assert (loop.format, loop.n_frames, loop.size) == ("GIF", 6, (8, 8))


def test_as_many_clips_are_shown_as_a_page_bears(tmp_path):
    shown = video.exhibits("actions_imagenet", 20 * WRONG + 20 * RIGHT, {None: Model()}, tmp_path)
    assert [one.verdict for one in shown] == [None] * 2 + [False] * 6 + [True] * 6


def test_how_early_is_measured_on_some_of_many(tmp_path):
    early = video.exhibits("actions", 70 * (WRONG + RIGHT), {None: Model()}, tmp_path)[1]
    assert early.caption == "How often the model is right when it is given the beginning alone. 210 examples."


def test_that_a_background_was_taken_out_is_said_where_it_was(tmp_path):
    class Moving(Model):
        inputs = Inputs("pixels", {"background": True}, [1, 2, 2], frames_per_second=6.0)

    early = video.exhibits("actions", WRONG + RIGHT, {None: Moving()}, tmp_path)[1]
    assert "What stands still was taken out of the pictures" in early.caption


def test_how_early_is_in_seconds_of_the_clip(tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(pictures.figures, "lines", lambda to, panels, label: drawn.append((panels[0].lines, label)))
    pictures.actions(WRONG + RIGHT, Model(), tmp_path)
    (curve, guessing), label = drawn[0]
    assert label == "seconds seen"
    assert curve.x == pytest.approx([1 / 6, 2 / 6, 3 / 6])  # three steps, six a second
    assert curve.y == pytest.approx([2 / 6] * 3)
    assert guessing.y == [1 / 3, 1 / 3]


def test_windows_are_shown_by_what_was_felt(tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(pictures.figures, "lines", lambda to, panels, label: drawn.append((to.name, panels)))
    felt = np.arange(24, dtype=np.float32).reshape(4, 6)
    rows = [row | {"example": Clip(felt), "recording": f"person 1, {row['label']}, left"} for row in WRONG + RIGHT[:1]]
    shown = video.exhibits("exercises", rows, {None: Model()}, tmp_path)
    assert [(one.title, one.caption, one.verdict) for one in shown[2:]] == [
        ("dance a", "person 1, dance_a, left", False),
        ("kick", "person 1, kick, left", False),
        ("dance a", "person 1, dance_a, left", False),
        ("walk", "person 1, walk, left", True),
    ]
    name, (acceleration, turning) = drawn[1]
    assert (name, [line.label for line in turning.lines]) == ("wrong-1.png", ["x", "y", "z"])
    assert acceleration.lines[0].x == pytest.approx([0, 1 / 6, 2 / 6, 3 / 6])
    assert turning.lines[2].y.tolist() == [5, 11, 17, 23]


def window(name: str, truth: Sequence[int], found: Sequence[int]) -> dict:
    known = np.eye(15, dtype=np.float32)[list(found)]
    example = Window(np.array(truth, np.int8))
    film = {"frames": np.zeros((len(truth), 64), np.uint8), "frames_per_second": 8.0}
    return film | {"id": name, "example": example, "prediction": Tagged(known, np.array(found, np.int8))}


def test_timelines_run_from_the_worst_clip_to_the_best(tmp_path):
    rows = [
        window("right", [0] * 5 + [4] * 5, [0] * 4 + [4] * 6),
        window("wrong", [0] * 5 + [4] * 5, [9] * 10),
        window("half", [0] * 5 + [4] * 5, [0] * 5 + [2, 4, 2, 4, 2]),
    ]
    shown = video.exhibits("events", rows, {None: Model()}, tmp_path)
    assert shown[0].image == "confusions.png"
    assert [one.title for one in shown[1:]] == ["backflip → dance b"] * 5
    assert [(shown[number].caption, shown[number].verdict) for number in (1, 3, 5)] == [
        ("0% of its frames are right; actions found: punch.", False),
        ("70% of its frames are right; actions found: backflip.", False),
        ("90% of its frames are right; actions found: backflip → dance b.", True),
    ]
    assert all((tmp_path / one.image).is_file() for one in shown)


def told(written: str, log_prob: float, looked: bool) -> dict:
    symbols = [*written.split(), "■"]
    attention = np.full((len(symbols), 3), 1 / 3, np.float32) if looked else None
    return filmed() | {
        "id": written,
        "actions": ["walk", "dance_a"],
        "times": [1, 1],
        "references": ["a person walks, then dances bending low"],
        "prediction": Translation(written, log_prob, [(written, log_prob)], symbols, attention),
    }


def test_sentences_stand_under_their_clips(tmp_path):
    right = told("a person walks, then dances bending low", -1.0, looked=True)
    shown = video.exhibits("captions", [right, told("someone walks", -0.1, looked=True)], {}, tmp_path)
    assert [(one.section, one.verdict) for one in shown] == [
        ("Clips", False),
        ("Clips", True),
        ("Where each word looked", False),
        ("Where each word looked", True),
    ]
    assert shown[0].title == "walk → dance a"
    assert shown[0].lines == [
        ("written", "someone walks"),
        ("reference", "a person walks, then dances bending low"),
    ]
    assert all((tmp_path / one.image).is_file() for one in shown)


def test_what_attends_to_nothing_has_no_picture_of_it(tmp_path):
    shown = video.exhibits("captions", [told("", -3.0, looked=False)], {}, tmp_path)
    assert [(one.section, one.lines[0]) for one in shown] == [("Clips", ("written", "(nothing)"))]
