from datetime import date, timedelta

import numpy as np
import pytest
import torch

from unroll.errors import UserError
from unroll.features import windows
from unroll.fields import forecasting
from unroll.fields.forecasting import backtest, own, prices
from unroll.params import Recurrent
from unroll.patterns import forecaster
from unroll.patterns.forecaster import Forecaster, ForecasterModel
from unroll.patterns.stretches import Example, Forecast
from unroll.sources.series import Series

LEVELS = [0.1, 0.25, 0.5, 0.75, 0.9]
AROUND = np.array([-2.0, -1.0, 0.0, 1.0, 2.0])


def predicted(y, forks, horizon, medians, step=3600, **columns) -> dict:
    """A row as ``evaluate`` gives it: quantiles lie at ``AROUND`` the medians (F, H)."""
    y = np.array(y, float)
    name = columns.pop("id", "load")
    nothing = np.zeros((len(y), 0), np.float32)
    start = np.datetime64("2024-01-01T00:00:00")
    base = np.r_[np.nan, y]
    example = Example(name, start, step, y, nothing, nothing, nothing[0], base, 1.0, horizon, np.array(forks))
    prediction = Forecast(np.broadcast_to(medians, (len(forks), horizon))[..., None] + AROUND)
    row = {"id": name, "step": step, "train_steps": len(y) - horizon, "origins": list(forks), "levels": LEVELS}
    return row | columns | {"fold": None, "example": example, "prediction": prediction}


def test_measures_a_forecast_literally_and_leaves_out_what_cannot_be_measured():
    # The truth is 3 and 4, and a day before it was 1 and 2.
    y = np.r_[np.tile([1.0, 2.0], 12), 3.0, 4.0]
    row = predicted(y, [24], 2, [[3.5, 2.5]])
    assert forecasting.measure("energy", [row], 0.5, {}, None) == {
        "mean_absolute_error": 1.0,
        "root_mean_squared_error": pytest.approx(np.sqrt(1.25), abs=1e-6),
        "weighted_quantile_loss": pytest.approx(2 * np.mean([
            0.1 * 1.5, 0.25 * 0.5, 0.5 * 0.5, 0.25 * 1.5, 0.1 * 2.5,
            0.1 * 3.5, 0.25 * 2.5, 0.5 * 1.5, 0.75 * 0.5, 0.1 * 0.5,
        ]) / 3.5, abs=1e-6),
        "coverage_50": 0.5,
        "coverage_80": 1.0,
        "predict_seconds_per_forecast": 0.5,
    }  # fmt: skip


def test_the_skill_is_over_the_same_hour_of_the_day_before():
    row = predicted(np.r_[np.tile([1.0, 2.0], 12), 3.0, 4.0], [24], 2, [[3.5, 3.5]])
    found = forecasting.measure("weather", [row], 1, {}, None)
    assert next(iter(found.items())) == ("skill_over_seasonal_naive", 0.75)
    assert found["mean_absolute_error"] == 0.5


def test_the_second_block_counts_for_itself():
    y = np.arange(60.0)
    last = predicted(y, [50], 2, [[50, 51]], block="last")
    second = predicted(y[:32], [30], 2, [[33, 34]], block="second", id="load 2024-07-01")
    found = forecasting.measure("energy", [last, second], 1, {}, None)
    assert found["mean_absolute_error"] == 0
    assert found["summer_mean_absolute_error"] == 3
    assert found["mean_absolute_scaled_error"] == 0


def test_what_is_missing_counts_nothing():
    y = np.arange(60.0)
    y[51] = np.nan
    found = forecasting.measure("weather", [predicted(y, [50], 2, [[52, 99]])], 1, {}, None)
    assert found["mean_absolute_error"] == 2


@pytest.mark.parametrize(("step", "season"), [(600, 144), (3600, 24), (86_400, 7), (604_800, 7)])
def test_a_season_is_a_day_or_a_week(step, season):
    assert backtest.season(step) == season


def test_the_naive_forecast_never_looks_ahead():
    example = predicted(np.arange(40.0), [20, 21], 10, 0, step=86_400)["example"]
    assert backtest.seasonal_naive(example).tolist() == [
        [13, 14, 15, 16, 17, 18, 19, 13, 14, 15], [14, 15, 16, 17, 18, 19, 20, 14, 15, 16]
    ]  # fmt: skip


def test_lines_for_people():
    row = predicted(np.arange(30.0), [24, 26], 2, [[24, 26]])
    lines = forecasting.as_lines("energy", [row])
    assert len(lines) == 4
    assert lines[1] == {
        "unique_id": "load", "origin": "2024-01-02T00:00:00", "ds": "2024-01-02T01:00:00", "y": 25.0,
        "median": 26.0, "q10": 24.0, "q25": 25.0, "q75": 27.0, "q90": 28.0,
    }  # fmt: skip


def priced(seed=0, **columns) -> dict:
    """A stock of 600 days and 4 forecasts of 2 days each, which say that its price will stay."""
    y = np.cumsum(np.random.default_rng(seed).normal(size=600))
    days = [date(2024, 1, 1) + timedelta(days=i) for i in range(5)]
    forks = [595, 596, 597, 598]
    return predicted(y, forks, 2, y[np.array(forks) - 1][:, None], step=86_400, dates=days, **columns)


def test_historical_simulation_looks_back_from_each_day():
    row = priced()
    one, two = prices.returns([row])
    y = row["example"].y
    assert (one.days, two.days) == (1, 2)
    assert one.truth[0, 0] == y[595] - y[594]
    assert two.truth[3, 0] == y[599] - y[597]
    past = np.diff(y)[596 - 500 : 596]  # the last of them ends with y[596], the day before the third fork
    np.testing.assert_allclose(one.historical[2, 0], np.quantile(past, LEVELS))
    np.testing.assert_allclose(two.historical[0, 0], np.quantile((y[2:] - y[:-2])[93:593], LEVELS))


def test_prices_have_no_skill_where_history_is_repeated():
    row = priced()
    quantiles = np.concatenate([part.historical for part in prices.returns([row])], axis=1)
    last = row["example"].y[row["example"].forks - 1]
    row["prediction"] = Forecast(last[:, None, None] + quantiles)
    found = forecasting.measure("prices", [row], 4, {}, None)
    assert list(found)[:5] == [
        "crps_skill_over_historical", "crps_skill_1_day", "crps_skill_2_day", "crps_1_day", "crps_2_day"
    ]  # fmt: skip
    assert found["crps_skill_over_historical"] == pytest.approx(0, abs=1e-9)
    assert found["predict_seconds_per_forecast"] == 1


def test_a_forecast_that_knew_the_price_has_full_skill():
    row = priced()
    truth = row["example"].y[row["example"].ahead]
    row["prediction"] = Forecast(np.repeat(truth[..., None], 5, axis=2))
    found = forecasting.measure("prices", [row], 4, {}, None)
    assert found["crps_skill_over_historical"] == 1
    assert found["median_skill_1_day"] == found["coverage_80_2_day"] == 1


def test_lines_of_prices_are_returns_by_date():
    lines = forecasting.as_lines("prices", [priced()])
    assert len(lines) == 8
    assert {key: lines[4][key] for key in ("ds", "days", "median", "q90")} == {
        "ds": "2024-01-02", "days": 2, "median": 0.0, "q90": 2.0
    }  # fmt: skip


def sensed(spike: float) -> dict:
    """600 steps of a sensor of which 401 are scored, with a spike and a drift."""
    y = np.random.default_rng(0).normal(size=601)
    y[300] += spike
    y[450:480] += 40 * np.arange(1, 31)
    events = [{"start": 300, "stop": 301, "kind": "spike"}, {"start": 450, "stop": 480, "kind": "drift"}]
    return predicted(y, range(1, 601), 1, 0.0, step=600, id="T1", scored=200, events=events)


def test_sensors_are_measured_by_kind():
    found = forecasting.measure("sensors", [sensed(50)], 6, {}, None)
    assert list(found)[:3] == ["average_precision", "average_precision_spike", "average_precision_drift"]
    assert "average_precision_stuck" not in found
    assert found["average_precision"] > 0.6
    assert found["anomalous_share"] == 0.077307  # 31 of 401 steps
    assert found["predict_seconds_per_forecast"] == 0.01
    unseen = forecasting.measure("sensors", [sensed(0)], 6, {}, None)
    assert unseen["average_precision_spike"] < found["average_precision_spike"]


def test_a_sensor_in_parts_is_scored_as_a_whole():
    whole = sensed(50)
    parts = [
        {**whole, "example": whole["example"]._replace(forks=forks), "prediction": Forecast(quantiles)}
        for forks, quantiles in zip(
            np.split(whole["example"].forks, [250, 410]),
            np.split(whole["prediction"].quantiles, [250, 410]),
            strict=True,
        )
    ]
    assert forecasting.measure("sensors", parts[::-1], 1, {}, None) == forecasting.measure(
        "sensors", [whole], 1, {}, None
    )
    lines = forecasting.as_lines("sensors", parts)
    assert len(lines) == 401
    assert [line["injected"] for line in lines].count("drift") == 30
    assert (lines[0]["unique_id"], lines[0]["ds"]) == ("T1", "2024-01-02T09:20:00")


@pytest.mark.parametrize("task", ["energy", "weather", "prices", "sensors"])
def test_exhibits_name_the_files_that_are_written(task, tmp_path):
    every_day = predicted(np.arange(300.0) % 24, range(48, 288, 24), 24, 12.0, block="last")
    hourly = predicted(np.arange(300.0) % 24, range(48, 270), 24, 12.0)
    rows = {
        "energy": [every_day],
        "weather": [hourly],
        "prices": [priced(), priced(1, id="B")],
        "sensors": [sensed(50)],
    }
    shown = forecasting.exhibits(task, rows[task], {}, tmp_path)
    titles = {
        "energy": {"load: 7 forecasts from 2024-01-03 00:00:00", "Error by hours ahead", "Calibration"},
        "weather": {"Error by hour of the day", "Calibration"},
        "prices": {"Skill by stock", "Calibration"},
        "sensors": {"Found by kind", "Spike in T1", "Drift in T1"},
    }
    assert titles[task] <= {exhibit.title for exhibit in shown}
    assert sorted({exhibit.image for exhibit in shown}) == sorted(path.name for path in tmp_path.iterdir())
    for exhibit in shown:
        assert (tmp_path / exhibit.image).read_bytes().startswith(b"\x89PNG")
    assert ("Error by hour of the day" in {exhibit.title for exhibit in shown}) == (task == "weather")


def untrained(horizon: int, difference: bool = False) -> Forecaster:
    """A tiny one with random weights."""
    torch.manual_seed(0)
    settings = forecaster.Settings(context=48, segment=100, stride=1, levels=LEVELS, identity=0)
    model = ForecasterModel(Recurrent("gru", 4, 1, False, 0.0), 1, 0.1, "quantile")
    features = windows.Settings(horizon, [horizon], ["hour"], [], [], difference)
    return Forecaster(settings, model, features, 0, []).eval()


def history(steps=100, step=3600, start="2024-01-01", name="load") -> Series:
    y = np.random.default_rng(0).normal(50, 5, steps)
    return Series(name, np.datetime64(start, "s"), step, y, {}, steps)


def test_the_future_follows_the_last_row():
    (future,) = own.forecast(untrained(24), [history()], 6)
    assert [str(stamp) for stamp in future.stamps[[0, 5]]] == ["2024-01-05T04:00:00", "2024-01-05T09:00:00"]
    assert future.quantiles.shape == (6, 5)
    assert (np.diff(future.quantiles, axis=1) >= 0).all()
    assert len(future.past) == len(future.past_stamps) == 100


def test_a_forecast_of_prices_passes_over_weekends():
    friday = history(40, 86_400, "2024-01-01")
    friday.y[5::7] = friday.y[6::7] = np.nan
    friday = friday._replace(y=friday.y[:40], known=40)  # ends on Friday, 9 February
    (future,) = own.forecast(untrained(5, difference=True), [friday], None)
    assert np.isfinite(future.past).all()
    assert [str(stamp)[:10] for stamp in future.stamps] == [f"2024-02-{day}" for day in (12, 13, 14, 15, 16)]


@pytest.mark.parametrize("steps", [250, 301])
def test_a_watched_series_has_a_score_for_each_step_but_the_first(steps):
    series = history(steps, 600)
    series.y[220] += 1000
    (found,) = own.watch(untrained(1), [series])
    assert len(found.y) == len(found.score) == len(found.stamps) == steps - 1
    assert found.score.argmax() == 219


def test_a_stuck_stretch_does_not_hide_by_being_compared_with_itself():
    series = history(2000, 600)
    series = series._replace(y=series.y + np.random.default_rng(0).normal(0, 1, 2000))
    series.y[1000:1120] = series.y[1000]
    (found,) = own.watch(untrained(1), [series])
    assert (found.score[1010:1100] > 5).all()
    assert (found.score[:25] == 0).all()


def test_days_are_refused_by_a_model_of_hours():
    with pytest.raises(UserError, match="has a step of 1 days, and this model knows the hours"):
        list(own.forecast(untrained(24), [history(100, 86_400)], None))


@pytest.mark.parametrize(
    ("series", "said"),
    [
        (history(20), "the series load has 20 steps, and 25 are needed"),
        (history()._replace(y=np.full(100, 7.0)), "the series load never changes"),
        (history()._replace(y=np.full(100, np.nan)), "the series load has no value"),
    ],
)
def test_a_series_that_cannot_be_forecast_is_refused_by_name(series, said):
    with pytest.raises(UserError, match=said):
        list(own.forecast(untrained(24), [series], None))


def test_what_a_model_cannot_do_is_refused():
    with pytest.raises(UserError, match="--horizon 25: this model forecasts 1 to 24 steps"):
        list(own.forecast(untrained(24), [history()], 25))
    with pytest.raises(UserError, match="only a model that forecasts one step ahead can watch"):
        list(own.watch(untrained(24), [history()]))
    with pytest.raises(UserError, match="has 100 steps, and 200 are needed"):
        list(own.watch(untrained(1), [history()]))
