"""The whole road of video, shrunk: reproduced, changed, and used on clips and recordings of one's own."""

import json
from collections.abc import Iterator

import av
import numpy as np
import pytest

from unroll import examples
from unroll.fields.video import events, sentences
from unroll.sources.watch import NAMES, SENSORS

HEADLINES = {
    "actions": "accuracy",
    "events": "frame_f1",
    "captions": "bleu",
    "exercises": "accuracy",
}
LEFT_OUT = "actions_imagenet"  # its featurizer is also that of handwriting/digit_lines_imagenet
MODELS = dict.fromkeys([*HEADLINES, LEFT_OUT], "gru") | {"captions": "gru_attention", "exercises": "lstm"}
BASELINES = {
    "actions": "mean_picture",
    "events": "frame_regression",
    "captions": "nearest_clip",
    "exercises": "mean_reading",
}
SIDE, RATE = 24, 12  # pixels, and pictures a second
CLIPS = {"train": 40, "valid": 6, "test": 10}  # of each action, and of several in a row
PLACES = {"crawl": 16, "jump": 2, "walk": 9}  # of the square, from the top, while somebody does so
PEOPLE, EXERCISES = 5, 3


def square(top, left):
    """A bright square on a dark ground, uint8 (SIDE, SIDE); what leaves it on one side enters on the other."""
    picture = np.full((SIDE, SIDE), 40, np.uint8)
    picture[:6, :6] = 220
    return np.roll(picture, (round(top), round(left)), (0, 1))


def moving(rng, direction, count=16):
    """A clip of a square that rises or falls, from anywhere on: of a single picture or the mean nobody can tell."""
    top, left, speed = rng.uniform(0, SIDE), rng.uniform(0, SIDE - 6), rng.uniform(1.5, 3)
    sign = {"rise": -1, "fall": 1}[direction]
    return np.stack([square(top + sign * speed * step, left) for step in range(count)])


def film(path, pictures):
    """Grey pictures (T, H, W) as a clip, each pixel four by four."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=RATE, options={"qscale": "2"})
        stream.height = stream.width = 4 * SIDE
        stream.pix_fmt = "yuv420p"
        for picture in np.kron(pictures, np.ones((1, 4, 4), np.uint8)):
            frame = av.VideoFrame.from_ndarray(np.repeat(picture[..., None], 3, axis=2), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def write_actions(folder):
    """Clips in the form of UCF101: a folder for each action, in a folder for each split."""
    rng = np.random.default_rng(0)
    for split, count in CLIPS.items():
        for direction in ("rise", "fall"):
            own = folder / split / direction
            own.mkdir(parents=True)
            for number in range(count):
                film(own / f"v_{direction}_g{number:02}_c01.avi", moving(rng, direction))


def several(rng):
    """A clip of two or three actions in a row: their names, and the label and the picture of each frame."""
    done = rng.permutation(list(PLACES))[: rng.integers(2, 4)].tolist()
    stretches = [(name, int(rng.integers(14, 22))) for name in done]
    frames = [square(PLACES[name], 9 + 8 * np.sin(step)) for name, count in stretches for step in range(count)]
    labels = np.repeat([sentences.LABELS.index(name) for name, _ in stretches], [n for _, n in stretches])
    return done, labels, np.stack(frames)


def write_events(folder):
    """A table of examples such as the stage prepares from the motions of a wheel too large to fetch for a test."""
    rng = np.random.default_rng(0)
    clips = events.Clips(**CLIPS, shortest=48, longest=96, frames_per_second=RATE, size=SIDE)

    def rows(split: str) -> Iterator[dict]:
        for number in range(CLIPS[split]):
            done, labels, frames = several(rng)
            said = sentences.wordings(rng, [sentences.Done(name, 1) for name in done], 4)
            yield {
                "id": f"{split}-{number}",
                "yaw": 0.0,
                "labels": labels,
                "actions": done,
                "times": [1] * len(done),
                "target": said[0],
                "references": said,
                "frames": frames.reshape(len(frames), -1),
            }

    folder.mkdir(parents=True)
    for split in CLIPS:
        examples.write(folder / f"{split}.arrow", events.schema(clips), rows(split))


def readings(rng, exercise, seconds=30, rate=50):
    """What the watch feels: waves that for each exercise are strong in other sensors, float64 (T, 6)."""
    times = np.arange(seconds * rate) / rate
    strong = np.arange(len(SENSORS)) % EXERCISES == exercise
    waves = np.sin(2 * np.pi * rng.uniform(0.4, 0.6) * times)[:, None] * strong
    return waves + rng.normal(0, 0.2, waves.shape)


def write_exercises(path):
    """Recordings in the form of seglearn's."""
    rng = np.random.default_rng(0)
    series = [(person, exercise) for person in range(PEOPLE) for exercise in range(EXERCISES)]
    content = {
        "X": [readings(rng, exercise) for _, exercise in series],
        "y": np.array([exercise for _, exercise in series]),
        "subject": np.array([person for person, _ in series]),
        "side": np.zeros(len(series)),
        "X_labels": list(SENSORS),
        "y_labels": list(NAMES),
    }
    path.parent.mkdir(parents=True)
    np.save(path, np.array(content, object), allow_pickle=True)


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """Clips of one's own, a table of examples, and what stands in for the sources."""
    folder = tmp_path_factory.mktemp("made")
    write_actions(folder / "clips")
    write_events(folder / "prepared/events")
    write_exercises(folder / "seglearn/seglearn/data/watch_dataset.npy")
    return folder


@pytest.fixture(scope="module")
def project(project_of, own):
    def shrink(video):
        for task, block in video.items():
            model = block["models"][MODELS[task]]
            model["recurrent"] |= {"hidden": 32, "layers": 1, "dropout": 0.0}
            for vision in (model["embedding"], model.get("vision") or {}):
                if vision.get("channels"):
                    vision |= {"channels": [8, 16], "features": 32}
            block["models"] = {MODELS[task]: model}
            if name := BASELINES.get(task):
                block["baselines"] = {name: block["baselines"][name]}
        for task in ("actions", "events"):
            video[task]["pixels"]["size"] = 12
            video[task]["clips"] |= {"size": SIDE, "frames_per_second": RATE}
            video[task]["models"]["gru"] |= {"steps": 25_000, "learning_rate": 0.01}
        video["actions"]["source"] = str(own / "clips")
        video["events"]["source"] = str(own / "prepared/events")  # they are there already
        video["exercises"]["windows"]["copies"] = 0
        video["exercises"]["models"]["lstm"] |= {"steps": 15_000, "learning_rate": 0.01}

    return project_of("video", ["seglearn"], shrink, own.joinpath, own / "prepared", LEFT_OUT)


@pytest.mark.parametrize("task", HEADLINES)
def test_every_model_and_baseline_is_measured(project, task):
    for kind in (MODELS, BASELINES):
        if task in kind:
            found = project.metrics(f"video/{task}", kind[task])
            assert next(iter(found)) == HEADLINES[task]
            assert 0 <= found[HEADLINES[task]] <= (100 if task == "captions" else 1)
            assert any(name.startswith("predict_seconds_per_") for name in found)
            assert found.get("baseline", False) == (kind is BASELINES)


def test_what_time_alone_tells_is_learned(project):
    seen, averaged = (project.metrics("video/actions", name) for name in ("gru", "mean_picture"))
    assert seen["accuracy"] > 0.8 > averaged["accuracy"]
    assert seen["accuracy_after_12_frames"] > 0.8


def test_the_regular_is_learned(project):
    assert project.metrics("video/events", "gru")["frame_f1"] > 0.8
    assert project.metrics("video/exercises", "lstm")["accuracy"] > 0.8
    assert {line.split(",")[1] for line in project.predictions("video/actions", "gru")[1:]} == {"fall", "rise"}


def test_the_report_shows_every_model_and_clips_that_move(project):
    table = (project.path / "reports/README.md").read_text()
    page = (project.path / "reports/pages/video.html").read_text()
    assert all(f"video/{task}" in table for task in HEADLINES)
    assert all(name in table and name in page for name in {*(MODELS[task] for task in HEADLINES), *BASELINES.values()})
    assert page.count("data:image/gif") >= 8
    assert "How early it is known" in page
    assert 'src="http' not in page


def test_parameters_make_only_those_stages_stale_that_read_them(project):
    """Nothing else is out of date after everything ran."""
    changes = {"captions.models.gru_attention.label_smoothing": 0.0, "exercises.baselines.mean_reading.penalty": 1.0}
    with project.changed({f"video.{place}": value for place, value in changes.items()}):
        assert project.stages_run("--dry", "--force-downstream") == {
            "train_captions@gru_attention",
            "evaluate_captions@gru_attention",
            "baseline_exercises@mean_reading",
            "report",
        }


def test_recognising_clips(project, tmp_path):
    """Each half second of a clip has its line; what is no clip is one line, and the others go on."""
    film(tmp_path / "up.mp4", moving(np.random.default_rng(1), "rise", 18))
    (tmp_path / "text.mp4").write_text("not a clip")
    files = [str(tmp_path / name) for name in ("text.mp4", "up.mp4")]
    whole, *timeline, error = project.run("unroll.cli", "recognise", *files, status=2).splitlines()
    assert whole.startswith("up.mp4: rise (")
    assert [line.strip().split("  ")[0] for line in timeline] == ["0.0–0.5 s", "0.0–1.0 s", "0.0–1.5 s"]
    assert error.startswith("error: ")
    assert "text.mp4 cannot be read as a clip" in error


def test_telling_what_happens_one_after_the_other(project, tmp_path):
    done, _, frames = several(np.random.default_rng(1))
    film(tmp_path / "several.avi", frames)
    asked = ("recognise", str(tmp_path / "several.avi"), "--task", "video/events", "--json")
    found = json.loads(project.run("unroll.cli", *asked))
    assert found["label"].split(" → ") == done
    assert 0 < found["confidence"] <= 1
    assert found["timeline"][-1]["stop"] == pytest.approx(len(frames) / RATE, abs=0.1)


def test_recognising_recordings_of_a_watch(project, tmp_path):
    """A folder of CSV files of another rate, with columns in another order."""
    seconds, wanted = 20, 1
    felt = readings(np.random.default_rng(1), wanted, seconds, rate=40)
    lines = [",".join(map(str, [*row[::-1], number / 40])) for number, row in enumerate(felt)]
    (tmp_path / "own.csv").write_text("\n".join([",".join([*SENSORS[::-1], "time"]), *lines]) + "\n")
    asked = ("recognise", str(tmp_path), "--task", "video/exercises")
    whole, *windows = project.run("unroll.cli", *asked).splitlines()
    assert whole.startswith(f"own.csv: {list(NAMES.values())[wanted]} (")
    assert len(windows) == 2
