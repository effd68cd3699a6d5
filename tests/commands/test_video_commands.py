"""``unroll recognise`` with a classifier that tells bright from dark."""

import json
import sys
from types import SimpleNamespace

import av
import numpy as np
import pytest
from torch import nn

from unroll import cli
from unroll.commands import video as commands
from unroll.fields.video import own
from unroll.fields.video.exercises import Windows
from unroll.patterns.classifier import Class, Classifier
from unroll.patterns.inputs import Inputs
from unroll.stages import settings, use

PLAIN = {"size": 0, "background": False, "difference": False, "reduce": 1}
BLOCKS = {
    "video/actions": SimpleNamespace(clips=SimpleNamespace(size=16), classifier=None),
    "video/actions_imagenet": SimpleNamespace(classifier=None),
    "video/exercises": SimpleNamespace(windows=Windows(8.0, seconds=1.0, every=1.0, copies=0), classifier=None),
}


class Brightness(Classifier):
    """Tells bright from dark by the mean of what it reads, and is 0.9 sure."""

    def __init__(self, shape: list[int]) -> None:
        nn.Module.__init__(self)
        self.inputs, self.labels = Inputs("pixels", PLAIN, shape, 8.0), ["bright", "dark"]

    def classify(self, rows: list[np.ndarray]) -> list[Class]:
        found = ["bright" if row.mean() >= 100 else "dark" for row in rows]
        return [Class(label, {"bright": 0.1, "dark": 0.1} | {label: 0.9}) for label in found]


@pytest.fixture
def run(root, capsys, monkeypatch):
    """Runs the command: status, standard output and error."""
    monkeypatch.chdir(root)
    monkeypatch.setattr(settings, "of_task", lambda task: (None, None, BLOCKS[task]))

    def trained(task: str, name: str, kind: type) -> Brightness:
        assert kind is Classifier
        return Brightness([6, 1, 1] if task == "video/exercises" else [1, 16, 16])

    monkeypatch.setattr(use, "trained", trained)

    def command(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["unroll", "recognise", *map(str, arguments)])
        with pytest.raises(SystemExit) as caught:
            cli.main()
        return caught.value.code or 0, *capsys.readouterr()

    return command


@pytest.fixture
def film(tmp_path):
    """Writes a clip: a second of dark pictures, then bright ones."""

    def write(name: str, pictures: int = 40):
        with av.open(str(tmp_path / name), "w") as container:
            stream = container.add_stream("mpeg4", rate=16)
            stream.width, stream.height, stream.pix_fmt = 48, 32, "yuv420p"
            for grey in ([20] * 16 + [250] * 24)[:pictures]:
                frame = av.VideoFrame.from_ndarray(np.full((32, 48, 3), grey, np.uint8), format="rgb24")
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
        return tmp_path / name

    return write


@pytest.mark.parametrize("task", ["video/actions", "video/actions_imagenet"])
def test_a_clip_has_a_label_and_a_timeline(run, film, task):
    status, out, _ = run(film("clip.mp4"), "--task", task)
    assert status == 0
    assert out.splitlines() == [
        "clip.mp4: bright (90%)",
        "   0.0–0.5 s  dark (90%)",
        "   0.0–1.0 s  dark (90%)",
        "   0.0–1.5 s  dark (90%)",
        "   0.0–2.0 s  bright (90%)",
        "   0.0–2.5 s  bright (90%)",
    ]


def test_json_of_the_clips_in_a_folder(run, film):
    folder = film("b.mp4").parent
    film("a.avi")
    (folder / "notes.txt").touch()
    status, out, _ = run(folder, "--json")
    first, second = map(json.loads, out.splitlines())
    assert status == 0
    assert (first["file"], second["file"]) == (str(folder / "a.avi"), str(folder / "b.mp4"))
    assert {name: first[name] for name in ("label", "confidence")} == {"label": "bright", "confidence": 0.9}
    assert first["timeline"][0] == {"start": 0.0, "stop": 0.5, "label": "dark", "confidence": 0.9}
    assert len(first["timeline"]) == len(second["timeline"]) == 5


def test_a_recording_of_sensors(run, tmp_path):
    lines = [f"{number / 8},0,0,1,{','.join([str(200 * (number >= 8))] * 3)}" for number in range(24)]
    (tmp_path / "anna.csv").write_text("\n".join(["time,ax,ay,az,wx,wy,wz", *lines]))
    status, out, _ = run(tmp_path / "anna.csv", "--task", "video/exercises")
    assert status == 0
    assert out.splitlines() == [
        "anna.csv: bright (63%)",
        "   0.0–1.0 s  dark (90%)",
        "   1.0–2.0 s  bright (90%)",
        "   2.0–3.0 s  bright (90%)",
    ]


def test_what_is_no_clip_is_named_and_the_others_are_read(run, film, tmp_path):
    (tmp_path / "broken.mp4").write_bytes(b"%PDF-1.4")
    status, out, err = run(tmp_path / "broken.mp4", film("clip.mp4"), tmp_path / "nowhere.mp4")
    assert status == 2
    assert out.startswith("clip.mp4: bright (90%)\n")
    broken, nowhere = err.splitlines()
    assert broken.startswith(f"error: {tmp_path / 'broken.mp4'} cannot be read as a clip")
    assert nowhere.startswith(f"error: {tmp_path / 'nowhere.mp4'} is missing")


def test_a_folder_without_clips_is_refused(run, tmp_path):
    status, out, err = run(tmp_path)
    assert (status, out) == (2, "")
    assert "is a folder without clips" in err


@pytest.mark.parametrize("task", ["speech/digits", "translation/interface", "handwriting/digits_by_row"])
def test_a_task_of_another_field_is_refused(run, tmp_path, task):
    status, out, err = run(tmp_path / "clip.mp4", "--task", task)
    assert (status, out) == (2, "")
    assert err.splitlines() == [
        "error: recognise wants a task of video: video/actions, video/actions_imagenet, video/events, video/captions,"
        f" video/exercises; {task} is none"
    ]


@pytest.mark.parametrize(("name", "task"), [("a.mp4", "video/exercises"), ("a.csv", "video/actions")])
def test_a_file_of_another_task_is_refused(run, tmp_path, name, task):
    status, out, err = run(tmp_path / name, "--task", task)
    assert (status, out) == (2, "")
    said = "is of another task: --task video/exercises reads recordings (CSV), the others clips"
    assert err == f"error: {tmp_path / name} {said}\n"


def test_a_clip_of_too_few_pictures_is_refused(run, film):
    status, out, err = run(film("short.mp4", pictures=10))
    assert (status, out) == (2, "")
    assert err.endswith("short.mp4 is too short, 0.62 seconds: film for 0.75 seconds or longer\n")


def test_labels_are_words_but_in_json(run, film, monkeypatch):
    monkeypatch.setattr(Brightness, "classify", lambda self, rows: [Class("get_up", {"get_up": 1.0}) for _ in rows])
    path = film("clip.mp4")
    assert run(path)[1].splitlines()[:2] == ["clip.mp4: get up (100%)", "   0.0–0.5 s  get up (100%)"]
    assert json.loads(run(path, "--json")[1])["label"] == "get_up"


def test_the_help_names_the_endings_that_are_read():
    assert [f".{ending}" for ending in commands.CLIPS.split(", ")] == list(own.CLIPS.suffixes)
