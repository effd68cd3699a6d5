import numpy as np
import pytest

from unroll.errors import UserError
from unroll.sources import watch

CODES = ["PEN", "ABD", "FEL", "IR", "ER", "TRAP", "ROW"]
HEADER = "time,ax,ay,az,wx,wy,wz\n"


def content(**changes) -> dict:
    """Two recordings in the form of seglearn's file."""
    readings = [np.arange(60, dtype=float).reshape(10, 6), np.ones((5, 6))]
    known = {
        "X": readings,
        "y": np.array([1, 6]),
        "subject": np.array([3, 10]),
        "side": np.array([1.0, 0.0]),
        "X_labels": ["ax", "ay", "az", "wx", "wy", "wz"],
        "y_labels": CODES,
    }
    return known | changes


@pytest.fixture
def saved(tmp_path):
    """Writes an object as seglearn's file holds its own."""

    def save(held: object):
        path = tmp_path / "watch_dataset.npy"
        np.save(path, np.array(held, object) if isinstance(held, dict) else held, allow_pickle=True)
        return path

    return save


def test_reads_the_recordings(saved):
    first, second = watch.read(saved(content()), 50.0)
    assert (first.person, first.arm, first.exercise) == ("person 3", "right", "abduction")
    assert (second.person, second.arm, second.exercise) == ("person 10", "left", "upright row")
    assert first.readings.dtype == np.float32
    assert first.readings.tolist() == np.arange(60).reshape(10, 6).tolist()


def test_a_lower_rate_takes_means(saved):
    (first, second) = watch.read(saved(content()), 12.5)
    assert first.readings[:, 0].tolist() == [9, 33, 51]  # of 0, 6, 12, 18; of 24 to 42; of the two that are left
    assert second.readings.tolist() == np.ones((2, 6)).tolist()


@pytest.mark.parametrize(
    "held",
    [
        np.zeros(3),
        {},
        content(X_labels=["ax", "ay", "az"]),
        content(y_labels=["SQUAT"] * 7),
        content(y=np.array([1, 7])),
        content(y=np.array([1])),
        content(X=[np.zeros((4, 5)), np.zeros((4, 6))]),
        content(X=[np.full((4, 6), np.nan), np.zeros((4, 6))]),
        content(X=[[0.0] * 6, [1.0] * 6]),
    ],
)
def test_refuses_another_file(saved, held):
    path = saved(held)
    with pytest.raises(UserError, match=r"is no watch_dataset\.npy of seglearn") as caught:
        watch.read(path, 50.0)
    assert str(path) in str(caught.value)


def test_runs_nothing_that_the_file_brings(tmp_path):
    class Harm:
        def __reduce__(self):
            return (open, (str(tmp_path / "harm"), "w"))

    path = tmp_path / "watch_dataset.npy"
    np.save(path, np.array(content(X=Harm()), object), allow_pickle=True)
    with pytest.raises(UserError, match=r"is no watch_dataset\.npy"):
        watch.read(path, 50.0)
    assert not (tmp_path / "harm").exists()


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", b"\x93NUMPY\x01\x00"])
def test_refuses_what_is_no_array(tmp_path, data):
    path = tmp_path / "watch_dataset.npy"
    path.write_bytes(data)
    with pytest.raises(UserError, match=r"is no watch_dataset\.npy"):
        watch.read(path, 50.0)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(UserError, match="is missing"):
        watch.read(tmp_path / "watch_dataset.npy", 50.0)


def csv(tmp_path, text: str):
    path = tmp_path / "anna_1.csv"
    path.write_text(text)
    return path


def test_columns_are_found_by_their_names(tmp_path):
    text = "wz, wy, WX, note, az, ay, Ax, Time\n6,5,4,0,.3,.2,.1,10.0\n\n12,10,8,0,.6,.4,.2,10.1\n"
    found = watch.read_csv(csv(tmp_path, text), 10.0)
    np.testing.assert_allclose(found, [[0.1, 0.2, 0.3, 4, 5, 6], [0.2, 0.4, 0.6, 8, 10, 12]])


def test_uneven_times_become_even():
    times, readings = np.array([0.0, 0.04, 0.1, 0.31]), np.array([[1.0], [3.0], [5.0], [9.0]])
    assert watch.steady(times, readings, 10.0)[:, 0].tolist() == [2, 5, 7, 9]


def test_a_rate_of_its_own_changes_nothing():
    readings = np.random.default_rng(0).normal(size=(500, 6)).astype(np.float32)
    np.testing.assert_array_equal(watch.steady(np.arange(500) / 50, readings, 50.0), readings)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "has no column time"),
        ("time,ax,ay,az,wx,wy\n0,1,2,3,4,5\n", "has no column wz"),
        (
            HEADER.replace(",", ";"),
            "no column time: its first line is 'time;ax;ay;az;wx;wy;wz', .* commas",
        ),
        (HEADER + "0,1,2,3,4,5,6\n", "has one reading only"),
        (HEADER, "has no readings"),
        (HEADER + "0,1,2,3,4,5,6\n0,1,2,3,4,5,6\n", "do not rise"),
        (
            HEADER + "0,1,2,3,4,5,6\n1,1,2,three,4,5,6\n",
            "line 3: '1,1,2,three,4,5,6' has not a finite number",
        ),
        (HEADER + "0,1,2,3,4,5,6\n1,1,2\n", "line 3: '1,1,2' has not"),
        (HEADER + "0,1,2,3,4,5,6\n1,1,nan,3,4,5,6\n", "line 3: '1,1,nan,3,4,5,6' has not"),
        (HEADER + "0,1,2,3,4,5,6\n1e9,1,2,3,4,5,6\n", "longer than 3600 seconds"),
        (HEADER + "0,0,0,1,0,0,0\n.1,0,0,1,0,0,0\n.5,0,0,1,0,0,0\n", "has 4 readings a second, 5 are the least"),
        (HEADER + "0,0,0,9.8,0,0,0\n.1,6,8,0,0,0,0\n", r"acceleration \(ax, ay, az\) is 9.9 .* divide by 9.81"),
    ],
)
def test_refuses_what_is_no_recording(tmp_path, text, said):
    path = csv(tmp_path, text)
    with pytest.raises(UserError, match=said) as caught:
        watch.read_csv(path, 10.0)
    assert str(path) in str(caught.value)


def test_refuses_bytes_that_are_no_text(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(UserError, match="cannot be read as CSV"):
        watch.read_csv(path, 10.0)
