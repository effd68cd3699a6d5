import json
from dataclasses import asdict

import numpy as np
import pyarrow as pa
import pytest

from unroll import examples
from unroll.features import windows
from unroll.patterns.stretches import Example, examples_of, features_of, truth

NAN = float("nan")
HOUR = np.timedelta64(1, "h")
START = np.datetime64("2024-01-01T00:00:00", "s")


def settings(difference: bool = False, horizon: int = 2) -> windows.Settings:
    return windows.Settings(horizon, [], ["hour"], [], [], difference)


def made(y: list[float], origins: list[int], difference: bool = False, segment: int = 10) -> list[Example]:
    """The examples of one series, hourly."""
    chosen = settings(difference)
    schema, _ = windows.featurize(empty(), chosen)
    row = {"id": "a", "start": START.item(), "step": 3600, "y": y, "static": [0.5], "origins": origins}
    row |= {"train_steps": 4, "location": 3.0, "scale": 2.0, "values": [[v] for v in y], "known": [[0.0, 1.0]] * len(y)}
    return examples_of(pa.Table.from_pylist([row], schema), segment)


def empty() -> pa.Table:
    numbers, plain = pa.large_list(pa.float64()), [("id", pa.string()), ("start", pa.timestamp("s"))]
    more = [("step", pa.int64()), ("y", numbers), ("static", pa.list_(pa.float32()))]
    return pa.schema([*plain, *more, ("origins", pa.list_(pa.int32())), ("train_steps", pa.int32())]).empty_table()


@pytest.mark.parametrize(
    ("segment", "groups"),
    [(1, [[4], [6], [8], [14]]), (2, [[4, 6], [8], [14]]), (4, [[4, 6, 8], [14]]), (100, [[4, 6, 8, 14]])],
)
def test_the_forks_are_the_origins_in_groups(segment, groups):
    found = made([float(i) for i in range(20)], [4, 6, 8, 14], segment=segment)
    assert [example.forks.tolist() for example in found] == groups
    assert {example.id for example in found} == {"a"}


def test_without_origins_every_step_with_a_past_and_a_future_is_one():
    (example,) = made([1.0, 2, 3, 4, 5], [])
    assert example.forks.tolist() == [1, 2, 3]
    assert truth(example).tolist() == [[2, 3], [3, 4], [4, 5]]
    assert made([1.0, 2], []) == []


def test_what_came_and_when():
    (example,) = made([1.0, 2, NAN, 4, 5], [1, 4])
    np.testing.assert_equal(truth(example), [[2, NAN], [5, NAN]])
    assert example.ahead.tolist() == [[1, 2], [4, 5]]
    assert (example.stamps == START + np.array([[1, 2], [4, 5]]) * HOUR).all()
    assert example.stamps.dtype == np.dtype("datetime64[s]")


def test_forecasts_are_relative_to_the_location_or_to_the_last_value():
    (example,) = made([1.0, 2, 3], [1])
    assert example.base.tolist() == [3, 3, 3, 3]
    (example,) = made([NAN, 2, NAN, NAN, 5], [3], difference=True)
    np.testing.assert_equal(example.base, [NAN, NAN, 2, 2, 2, 5])


def test_series_are_views_of_the_mapped_file(tmp_path):
    rng = np.random.default_rng(0)
    rows = [{"y": rng.normal(0, 1, size), "origins": origins} for size, origins in ((50, [20, 21]), (30, []))]
    plain = {"start": START.item(), "step": 3600, "static": [], "train_steps": 10}
    raw = pa.Table.from_pylist([{"id": f"s{i}", **plain, **row} for i, row in enumerate(rows)], empty().schema)
    schema, features = windows.featurize(raw, settings())
    examples.write(tmp_path / "t.arrow", schema, features)
    table = examples.read(tmp_path / "t.arrow")
    assert features_of(table) == settings()
    assert asdict(settings()) == json.loads(table.schema.metadata[b"settings"])
    found = examples_of(table, 100)
    assert [example.id for example in found] == ["s0", "s1"]
    for example, row, expected in zip(found, rows, windows.featurize(raw, settings())[1], strict=True):
        assert not any(array.flags.owndata for array in (example.y, example.values, example.known))
        np.testing.assert_array_equal(example.y, row["y"])
        np.testing.assert_array_equal(example.values, expected["values"])
        np.testing.assert_array_equal(example.known, expected["known"])
        assert example.scale == expected["scale"]
