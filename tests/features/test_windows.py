import json
from dataclasses import asdict, replace

import numpy as np
import pyarrow as pa
import pytest

from unroll import examples, params
from unroll.errors import UserError
from unroll.features import windows
from unroll.features.windows import Settings
from unroll.sources.series import Series

NAN = float("nan")
HOURLY = Settings(horizon=2, lags=[2, 3], calendar=["hour"], known=[], past=[], difference=False)
FRIDAY = np.datetime64("2024-01-05T18:00:00", "s")


def series(y, covariates=None, step=3600, start=FRIDAY) -> Series:
    covariates = {name: np.array(values, float) for name, values in (covariates or {}).items()}
    return Series("a", start, step, np.array(y, float), covariates, len(y))


def columns(found: dict, settings: Settings) -> dict[str, list[float]]:
    """The columns of ``values`` and ``known`` by name, rounded."""
    both = [*settings.value_names, *settings.known_names]
    return dict(zip(both, np.concatenate([found["values"], found["known"]], 1).T.round(4).tolist(), strict=True))


def test_standardised_by_the_training_part_alone():
    found = windows.features_of(series([1, 3, 1, 3, 7, 100]), HOURLY, 4)
    assert (found["location"], found["scale"]) == (2, 1)
    assert columns(found, HOURLY)["y"] == [-1, 1, -1, 1, 5, 98]
    assert found["y"].tolist() == [1, 3, 1, 3, 7, 100]
    assert found["values"].dtype == found["known"].dtype == np.float32


def test_lags_by_hand():
    found = columns(windows.features_of(series([1, 3, 1, 3, 7]), HOURLY, 4), HOURLY)
    np.testing.assert_equal(found["lag_2"], [NAN, NAN, -1, 1, -1])
    np.testing.assert_equal(found["lag_3"], [NAN, NAN, NAN, -1, 1])
    long = replace(HOURLY, lags=[5, 9])
    found = columns(windows.features_of(series([1, 3, 1, 3, 7]), long, 4), long)
    np.testing.assert_equal([found["lag_5"], found["lag_9"]], np.full((2, 5), NAN))


def test_changes_by_hand():
    """Without a location; their size is that around zero."""
    settings = replace(HOURLY, difference=True)
    found = windows.features_of(series([5, 7, 5, 9, 8, NAN, 3]), settings, 3)
    assert (found["location"], found["scale"]) == (0, 2)
    np.testing.assert_equal(found["values"].ravel(), np.float32([NAN, 1, -1, 2, -0.5, NAN, NAN]))
    np.testing.assert_equal(columns(found, settings)["lag_2"], [NAN, NAN, NAN, 1, -1, 2, -0.5])
    np.testing.assert_equal(found["y"], [5, 7, 5, 9, 8, NAN, 3])


def test_the_calendar_by_hand():
    settings = Settings(2, [], ["hour", "weekday", "yearday"], [], [], difference=False)
    stamps = series(np.arange(4), step=6 * 3600)
    found = columns(windows.features_of(stamps, settings, 4), settings)
    assert found["hour_sin"] == pytest.approx([-1, 0, 1, 0], abs=1e-4)
    assert found["hour_cos"] == pytest.approx([0, 1, 0, -1], abs=1e-4)
    assert found["weekend"] == [0, 1, 1, 1]
    days = 2 * np.pi * np.array([4, 5, 5, 5]) / 7
    assert found["weekday_sin"] == pytest.approx(np.sin(days), abs=1e-4)
    assert found["weekday_cos"] == pytest.approx(np.cos(days), abs=1e-4)
    year = 2 * np.pi * np.array([4.75, 5, 5.25, 5.5]) / 365.25
    assert found["yearday_sin"] == pytest.approx(np.sin(year), abs=1e-4)
    assert found["yearday_cos"] == pytest.approx(np.cos(year), abs=1e-4)


@pytest.mark.parametrize(("day", "weekend"), [("1969-12-29", 0), ("1969-12-28", 1), ("2023-12-31", 1)])
def test_days_before_1970_have_a_place_in_the_week_too(day, weekend):
    settings = Settings(2, [], ["weekday", "yearday"], [], [], difference=False)
    found = columns(windows.features_of(series([1, 2], start=np.datetime64(day, "s")), settings, 2), settings)
    assert found["weekend"][0] == weekend
    assert found["weekday_cos"][0] == pytest.approx(np.cos(2 * np.pi * 6 / 7) if weekend else 1, abs=1e-4)
    assert found["yearday_cos"][0] > 0.99


def test_covariates_known_and_past():
    settings = Settings(2, [], [], ["price"], ["wind"], difference=False)
    both = series([1, 3, 1, 3], {"wind": [NAN, 20, 10, NAN], "price": [1, 2, 3, 9], "unused": [0, 0, 0, 0]})
    found = columns(windows.features_of(both, settings, 3), settings)
    np.testing.assert_allclose(found["wind"], [NAN, 1, -1, NAN], atol=1e-4)
    assert found["price"] == pytest.approx([-1.2247, 0, 1.2247, 8.5732], abs=1e-3)
    assert list(found) == ["y", "wind", "price"]


@pytest.mark.parametrize("level", [0.0, 0.1, -7e9])
def test_what_is_constant_stays_finite(level):
    settings = Settings(2, [], [], ["price"], [], difference=False)
    constant = series([level, level, level, level + 1], {"price": [NAN, NAN, NAN, 4]})
    found = windows.features_of(constant, settings, 3)
    assert found["scale"] == 1
    assert found["values"].ravel().tolist() == pytest.approx([0, 0, 0, 1], abs=1e-6)
    np.testing.assert_equal(found["known"].ravel(), np.float32([NAN, NAN, NAN, 4]))


@pytest.mark.parametrize("difference", [False, True])
def test_nothing_later_shows_in_what_is_earlier(difference):
    settings = Settings(2, [2, 5], ["hour"], ["price"], ["wind"], difference)
    rng = np.random.default_rng(0)
    before, after = (
        {"y": rng.normal(0, 1, 40), "price": rng.normal(0, 1, 40), "wind": rng.normal(0, 1, 40)} for _ in "ab"
    )
    mixed = {name: np.concatenate([before[name][:25], after[name][25:]]) for name in before}
    first, second = (
        windows.features_of(series(values["y"], {"price": values["price"], "wind": values["wind"]}), settings, 20)
        for values in (before, mixed)
    )
    assert (first["location"], first["scale"]) == (second["location"], second["scale"])
    np.testing.assert_array_equal(first["values"][:25], second["values"][:25])
    np.testing.assert_array_equal(first["known"][:25], second["known"][:25])
    assert not np.array_equal(first["values"][25:], second["values"][25:])


def test_a_series_of_ones_own_reaches_as_far_as_the_forecast():
    settings = Settings(2, [2], [], ["price"], ["wind"], difference=False)
    own = series([1, 3, 1, 3, NAN, NAN, NAN], {"wind": [1, 3, 1, 3, NAN, NAN, NAN], "price": [1, 3, 1, 3, 5, 7, 9]})
    row = windows.row_of(own._replace(known=4), settings)
    assert (row["id"], row["start"], row["step"]) == ("a", FRIDAY, 3600)
    assert (row["static"], row["origins"], row["train_steps"]) == ([], [4], 4)
    np.testing.assert_equal(row["y"], [1, 3, 1, 3, NAN, NAN])
    np.testing.assert_equal(row["values"].T, np.float32([[-1, 1, -1, 1, NAN, NAN]] * 2))
    np.testing.assert_equal(row["known"].T, np.float32([[-1, 1, -1, 1, 3, 5], [NAN, NAN, -1, 1, -1, 1]]))


def test_without_a_stated_future_the_known_covariates_are_missing_there():
    settings = Settings(2, [], ["hour"], ["price"], [], difference=False)
    row = windows.row_of(series([1, 3, 1, 3], {"price": [1, 3, 1, 3]}), settings, train_steps=2)
    assert row["origins"] == [4]
    assert row["train_steps"] == 2
    np.testing.assert_equal(row["known"][:, 2], np.float32([-1, 1, -1, 1, NAN, NAN]))
    assert np.isfinite(row["known"][:, :2]).all()


def table(rows: list[dict]) -> pa.Table:
    numbers = pa.large_list(pa.float64())
    schema = pa.schema(
        [
            ("id", pa.string()),
            ("start", pa.timestamp("s")),
            ("step", pa.int64()),
            ("y", numbers),
            ("x_price", numbers),
            ("x_wind", numbers),
            ("static", pa.list_(pa.float32())),
            ("origins", pa.list_(pa.int32())),
            ("train_steps", pa.int32()),
        ],
        {"unit": "kWh"},
    )
    return pa.Table.from_pylist(rows, schema)


ROW = {"id": "a", "start": FRIDAY.item(), "step": 3600, "static": [0.5], "origins": [4], "train_steps": 4}
ROWS = [
    {**ROW, "y": [1.0, 3, 1, 3, 7], "x_price": [1.0, 2, 3, 4, 5], "x_wind": [0.0, NAN, 4, 4, 4]},
    {**ROW, "id": "b", "y": [0.0, NAN, 2], "x_price": [0.0] * 3, "x_wind": [0.0, 2, 0], "train_steps": 3},
]


def test_a_table_of_series_becomes_a_table_of_features(tmp_path):
    settings = Settings(2, [2], ["weekday"], ["price"], ["wind"], difference=False)
    schema, rows = windows.featurize(table(ROWS), settings)
    metadata = {key.decode(): value.decode() for key, value in schema.metadata.items()}
    assert (metadata["featurizer"], metadata["unit"]) == ("windows", "kWh")
    assert params.check(Settings, json.loads(metadata["settings"]), "") == settings
    assert json.loads(metadata["names"]) == {
        "values": ["y", "wind"],
        "known": ["weekday_sin", "weekday_cos", "weekend", "price", "lag_2"],
    }
    examples.write(tmp_path / "features.arrow", schema, rows)
    made = examples.read(tmp_path / "features.arrow")
    assert made.column_names == [
        "id", "start", "step", "static", "origins", "train_steps", "y", "location", "scale", "values", "known",
    ]  # fmt: skip
    assert made.drop_columns(["y", "values", "known", "location", "scale"]).to_pylist()[0] == ROW
    assert made["location"].to_pylist() == [2, 1]
    np.testing.assert_equal(made["y"].to_pylist()[1], [0, NAN, 2])
    for i, raw in enumerate(ROWS):
        whole = series(raw["y"], {"price": raw["x_price"], "wind": raw["x_wind"]})
        expected = windows.features_of(whole, settings, raw["train_steps"])
        np.testing.assert_array_equal(examples.matrices(made["values"])[i], expected["values"])
        np.testing.assert_array_equal(examples.matrices(made["known"])[i], expected["known"])


def test_a_covariate_that_is_not_there_is_refused():
    settings = Settings(2, [2], [], ["price"], ["rain"], difference=False)
    with pytest.raises(UserError, match="known and past: the examples have no covariate rain; there are price, wind"):
        windows.featurize(table(ROWS), settings)
    with pytest.raises(UserError, match="the series a has no covariate rain; there are price"):
        windows.row_of(series([1, 2], {"price": [1, 2]}), settings)


def test_a_series_without_a_value_is_refused_by_name():
    for y, difference in (([NAN, NAN, NAN, 1], False), ([1, NAN, 1, 2], True)):
        with pytest.raises(UserError, match="the series a has no value to learn its size from in its first 3 steps"):
            windows.features_of(series(y), replace(HOURLY, difference=difference), 3)


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("lags", [24, 23], "lags: 23 should be at least the horizon, 24"),
        ("calendar", ["month"], r"calendar.0: should be 'hour', 'weekday', 'yearday' or 'holiday', not 'month'"),
        ("horizon", 0, "horizon: should be greater than 0"),
        ("difference", 1, "difference: should be a valid boolean"),
        ("known", "price", "known: should be a valid array"),
        ("stride", 3, "stride: unknown key"),
    ],
)
def test_wrong_settings_are_refused_by_key(key, value, said):
    right = asdict(Settings(24, [24], ["hour"], [], [], difference=False))
    with pytest.raises(UserError, match=f"windows.{said}|windows: {said}"):
        params.check(Settings, right | {key: value}, "windows")


def test_a_forecast_needs_something_known_of_the_future():
    nothing = {"horizon": 1, "lags": [], "calendar": [], "known": [], "past": ["wind"], "difference": False}
    with pytest.raises(UserError, match="at least one of them should name something"):
        params.check(Settings, nothing, "windows")


def test_holidays_are_whole_days():
    settings = Settings(1, [], ["holiday"], [], [], difference=False)
    stamps = series(np.arange(20), start=np.datetime64("2012-12-24T12:00:00", "s"), step=12 * 3600)
    found = columns(windows.features_of(stamps, settings, 20), settings)
    assert np.flatnonzero(found["christmas"]).tolist() == [1, 2]  # the two halves of 25 December
    assert np.flatnonzero(found["new_year"]).tolist() == [15, 16]  # and of 1 January
