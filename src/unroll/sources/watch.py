"""Exercises as a watch on the wrist felt them: the data that come with seglearn, and recordings of one's own.

Burns et al. 2018, "Shoulder physiotherapy exercise recognition: machine learning the inertial signals from a
smartwatch" (Physiological Measurement 39:075007): ten people, each doing seven exercises twenty times in a row with
either arm. The file is an ``.npy`` that holds a pickled dict, so it is read by ``unroll.sources.arrays``.
"""

import csv
import io
import math
from pathlib import Path
from typing import NamedTuple

import numpy as np

from unroll.errors import UserError
from unroll.sources import arrays

SENSORS = ("ax", "ay", "az", "wx", "wy", "wz")  # acceleration in g, and turning in radians a second
RATE = 50.0  # readings a second in seglearn's file
MOST_SECONDS = 3600.0  # of a recording of one's own
MOST_G = 3.0  # on its average; at rest it is 1 g, or 9.81 m/s²
COLUMNS = ("time", *SENSORS)
NAMES = {
    "PEN": "pendulum",
    "ABD": "abduction",
    "FEL": "forward elevation",
    "IR": "internal rotation",
    "ER": "external rotation",
    "TRAP": "trapezius extension",
    "ROW": "upright row",
}
ARMS = ("left", "right")  # as the file numbers them


class Recording(NamedTuple):
    """What one person did with one ``arm``: ``readings`` float32 (T, 6) of the sensors, and the ``exercise``."""

    person: str
    arm: str
    exercise: str
    readings: np.ndarray


def read(path: Path, rate: float) -> list[Recording]:
    """The recordings of ``watch_dataset.npy`` at ``rate`` readings a second; ``UserError`` where it is another file."""
    if not path.is_file():
        raise UserError(f"{path} is missing: fetch it with `make repro`")
    try:
        content = _pickled(path)
        if tuple(content["X_labels"]) != SENSORS:
            raise ValueError(f"its sensors are {content['X_labels']}")
        names = [NAMES[name] for name in content["y_labels"]]
        rows = zip(content["subject"], content["side"], content["y"], content["X"], strict=True)
        return [
            Recording(f"person {person}", ARMS[int(side)], names[exercise], _recorded(readings, rate))
            for person, side, exercise, readings in rows
        ]
    except (UserError, LookupError, ValueError, TypeError, AttributeError) as error:
        raise UserError(f"{path} is no watch_dataset.npy of seglearn ({error}): fetch it anew") from None


def read_csv(path: Path, rate: float) -> np.ndarray:
    """The readings of a CSV file, float32 (T, 6), at ``rate`` readings a second.

    Its header names the six :data:`SENSORS`, in any order and case, and ``time``, in seconds; other columns are left
    out. Raises ``UserError`` for a file that is missing or no such CSV, whose times do not rise, last too long or are
    too far apart, or whose accelerations are not in g.
    """
    times, readings = _columns(path)
    if len(times) == 1:
        raise UserError(f"{path} has one reading only: record for some seconds")
    if not (np.diff(times) > 0).all():
        raise UserError(f"{path}: its times do not rise from line to line: sort them, and leave out doubles")
    if times[-1] - times[0] > MOST_SECONDS:
        raise UserError(f"{path} is longer than {MOST_SECONDS:g} seconds: time is in seconds; else cut it")
    found = (len(times) - 1) / (times[-1] - times[0])
    if found < rate / 2:
        raise UserError(f"{path} has {found:.3g} readings a second, {rate / 2:g} are the least: record more of them")
    force = float(np.linalg.norm(readings[:, :3], axis=1).mean())
    if force > MOST_G:
        raise UserError(
            f"{path}: its acceleration (ax, ay, az) is {force:.3g} on the average, and should be in g, about 1: divide"
            " by 9.81 if it is in m/s²"
        )
    return steady(times - times[0], readings, rate)


def steady(times: np.ndarray, readings: np.ndarray, rate: float) -> np.ndarray:
    """Readings (N, D) at rising ``times`` (s, from 0) as float32 (T, D), ``rate`` a second.

    Each is the mean of those in its share of a second; where there are none, on the line between its neighbours.
    """
    places = np.floor(times * rate + 1e-6).astype(int)
    counts = np.bincount(places)
    sums = np.stack([np.bincount(places, column) for column in readings.T], axis=1)
    met = np.flatnonzero(counts)
    means = sums[met] / counts[met, None]
    every = np.arange(len(counts))
    return np.stack([np.interp(every, met, column) for column in means.T], axis=1).astype(np.float32)


def _recorded(readings: np.ndarray, rate: float) -> np.ndarray:
    if readings.ndim != 2 or readings.shape[1] != len(SENSORS) or not np.isfinite(readings).all():
        raise ValueError(f"a recording has the shape {readings.shape}, or readings that are no numbers")
    return steady(np.arange(len(readings)) / RATE, readings, rate)


def _columns(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """The times (N,) and the readings (N, 6) of a CSV file as they stand in it."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.reader(file)
            places = _places(next(rows, []), path)
            numbers = np.array([_numbers(row, places, f"{path}, line {rows.line_num}") for row in rows if row])
    except FileNotFoundError:
        raise UserError(f"{path} is missing: check the name") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path} cannot be read as CSV ({error}): write numbers with commas between") from None
    if not len(numbers):
        raise UserError(f"{path} has no readings below its first line: record or copy it again")
    return numbers[:, 0], numbers[:, 1:]


def _places(header: list[str], path: Path) -> list[int]:
    """Where each of the :data:`COLUMNS` is."""
    names = [name.strip().lower() for name in header]
    if missing := [name for name in COLUMNS if name not in names]:
        raise UserError(
            f"{path} has no column {missing[0]}: its first line is {','.join(header)[:80]!r}, and should name"
            f" {', '.join(COLUMNS)}, with commas between"
        )
    return [names.index(name) for name in COLUMNS]


def _numbers(row: list[str], places: list[int], line: str) -> list[float]:
    """The numbers of a line at their places."""
    try:
        numbers = [float(row[place]) for place in places]
    except (ValueError, IndexError):
        numbers = [math.nan]
    if not all(map(math.isfinite, numbers)):
        raise UserError(f"{line}: {','.join(row)[:80]!r} has not a finite number in each column: leave out the line")
    return numbers


def _pickled(path: Path) -> dict:
    """The dict in an ``.npy`` file of one object: its pickle follows the header."""
    file = io.BytesIO(path.read_bytes())
    version = np.lib.format.read_magic(file)
    shape, _, kind = np.lib.format.read_array_header_1_0(file) if version == (1, 0) else ((1,), False, None)
    if shape != () or kind != np.dtype(object):
        raise ValueError("its array is not one object")
    return arrays.unpickled(file.read()).item()
