"""The examples of video/exercises, from recordings that the tests write."""

from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from unroll import examples
from unroll.errors import UserError
from unroll.fields.video import exercises
from unroll.fields.video.exercises import MIRROR, Windows
from unroll.sources.watch import NAMES, SENSORS

WINDOWS = Windows(readings_per_second=10.0, seconds=2.0, every=1.0, copies=0)


@dataclass(frozen=True)
class Settings:
    """The part of the task's settings that ``prepare`` reads."""

    source: str
    windows: Windows = WINDOWS


@pytest.fixture(scope="module")
def fetched(tmp_path_factory) -> str:
    """Ten people with both arms, five seconds of each of three exercises; a reading tells whose it is."""
    whose = list(product(range(1, 11), (0.0, 1.0), (0, 1, 2)))
    known = {
        "X": [np.full((250, 6), person + exercise / 10) for person, _, exercise in whose],
        "y": np.array([exercise for _, _, exercise in whose]),
        "subject": np.array([person for person, _, _ in whose]),
        "side": np.array([side for _, side, _ in whose]),
        "X_labels": list(SENSORS),
        "y_labels": list(NAMES),
    }
    source = tmp_path_factory.mktemp("seglearn")
    (source / exercises.FILE).parent.mkdir(parents=True)
    np.save(source / exercises.FILE, np.array(known, object), allow_pickle=True)
    return str(source)


def rows(settings: Settings, seed: int = 1) -> dict[str, list]:
    return {split: list(own) for split, _, own in exercises.prepare(settings, seed)}


def test_people_are_on_one_side(fetched):
    found = rows(Settings(fetched))
    people = {split: {row["person"] for row in own} for split, own in found.items()}
    assert {split: len(own) for split, own in people.items()} == {"train": 7, "valid": 1, "test": 2}
    assert len(set.union(*people.values())) == 10
    for own in found.values():
        assert {row["label"] for row in own} == {"pendulum", "abduction", "forward elevation"}
        for row in own:
            assert row["frames"][0, 0] == pytest.approx(
                int(row["person"].removeprefix("person ")) + list(NAMES.values()).index(row["label"]) / 10
            )


def test_the_seed_chooses_the_people(fetched):
    people = [sorted({row["person"] for row in rows(Settings(fetched), seed)["test"]}) for seed in (1, 1, 2)]
    assert people[0] == people[1] != people[2]


def test_windows_overlap_in_training_alone(fetched):
    found = rows(Settings(fetched))
    counts = {split: {} for split in found}
    for split, own in found.items():
        for row in own:
            counts[split][row["recording"]] = counts[split].get(row["recording"], 0) + 1
            assert row["frames"].shape == (20, 6)
    assert {split: set(own.values()) for split, own in counts.items()} == {"train": {4}, "valid": {2}, "test": {2}}
    assert {split: len(own) for split, own in counts.items()} == {"train": 42, "valid": 6, "test": 12}


def test_ids_are_never_the_same(fetched):
    found = rows(Settings(fetched, replace(WINDOWS, copies=2)))
    ids = [row["id"] for own in found.values() for row in own]
    assert len(set(ids)) == len(ids)
    assert len(found["train"]) == 3 * 42 * 4
    assert len(found["test"]) == 12 * 2


def test_the_same_seed_gives_the_same_bytes(fetched, tmp_path):
    settings = Settings(fetched, replace(WINDOWS, copies=1))
    for name in ("once", "again"):
        for split, schema, own in exercises.prepare(settings, 1):
            examples.write(tmp_path / name / f"{split}.arrow", schema, own)
    table = examples.read(tmp_path / "once/train.arrow")
    assert table.schema.metadata == {b"shape": b"[6, 1, 1]", b"frames_per_second": b"10"}
    for split in ("train", "valid", "test"):
        assert (tmp_path / f"once/{split}.arrow").read_bytes() == (tmp_path / f"again/{split}.arrow").read_bytes()


def test_a_short_recording_is_one_short_window():
    readings = np.arange(90, dtype=np.float32).reshape(15, 6)
    (window,) = exercises.cut(readings, WINDOWS, 1.0)
    assert (window == readings).all()
    starts = [window[0, 0] for window in exercises.cut(np.arange(45.0).reshape(45, 1), WINDOWS, 2.0)]
    assert starts == [0, 20]


def test_a_mirrored_movement_mirrored_is_the_movement():
    assert (MIRROR * MIRROR == 1).all()
    # What turns about the forearm turns the other way round in a mirror beside it, and so does what points along it.
    assert MIRROR[SENSORS.index("ax")] == MIRROR[SENSORS.index("wy")] == MIRROR[SENSORS.index("wz")] == -1


def test_a_watch_worn_otherwise_feels_the_same_movement():
    readings = np.random.default_rng(0).normal(size=(50, 6)).astype(np.float32)
    for seed in range(20):
        found = exercises.worn_otherwise(np.random.default_rng(seed), readings)
        assert (found.shape, found.dtype) == ((50, 6), np.float32)
        for sensor in (slice(0, 3), slice(3, 6)):
            lengths, others = (np.linalg.norm(each[:, sensor], axis=1) for each in (readings, found))
            assert np.ptp(others / lengths) < 1e-4
            assert 0.6 < others[0] / lengths[0] < 1.6
        assert np.abs(found - readings).max() > 0.01


def record(folder: Path, label: str, name: str, seconds: float = 5.0, value: float = 1.0) -> None:
    (folder / label).mkdir(parents=True, exist_ok=True)
    lines = [f"{number / 20},{','.join([str(value)] * 6)}" for number in range(int(20 * seconds))]
    (folder / label / f"{name}.csv").write_text("\n".join(["time," + ",".join(SENSORS), *lines]) + "\n")


def test_a_folder_of_ones_own(tmp_path):
    for number, person in enumerate(("anna", "ben", "cleo", "dan")):
        for label in ("squat", "lunge"):
            record(tmp_path, label, f"{person}_1", value=number / 2)
            record(tmp_path, label, f"{person}_2", value=number / 2)
    found = rows(Settings(str(tmp_path)))
    assert {split: len({row["person"] for row in own}) for split, own in found.items()} == {
        "train": 2,
        "valid": 1,
        "test": 1,
    }
    for own in found.values():
        assert {row["label"] for row in own} == {"squat", "lunge"}
        assert all(row["frames"][0, 0] == ["anna", "ben", "cleo", "dan"].index(row["person"]) / 2 for row in own)
    assert {row["recording"] for row in found["test"]} == {
        f"{label}/{found['test'][0]['person']}_{number}.csv" for label in ("squat", "lunge") for number in (1, 2)
    }


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ([], "has no recordings"),
        ([("squat", "anna_1"), ("squat", "ben_1"), ("squat", "cleo_1")], "recordings of one action only, squat"),
        (
            [("squat", "anna_1"), ("lunge", "ben_1")],
            "2 recordings are taken for those of (anna and ben|ben and anna) alone",
        ),
        (
            [("squat", "rec_0"), ("squat", "rec_1"), ("lunge", "rec_2")],
            "those of rec alone: a recording's person is its name up to the first _",
        ),
        (
            [("squat", "anna_1"), ("lunge", "anna_1"), ("squat", "ben_1"), ("lunge", "ben_1"), ("squat", "cleo_1")],
            "no recording of lunge is left to learn from",
        ),
    ],
)
def test_a_folder_that_cannot_be_learned_from_is_refused(tmp_path, files, said):
    for number, (label, name) in enumerate(files):
        record(tmp_path, label, name, value=number / 4)
    with pytest.raises(UserError, match=said):
        [rows(Settings(str(tmp_path)), seed) for seed in range(8)]  # which choose whom to learn from
