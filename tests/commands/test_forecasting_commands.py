import csv
import io

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from unroll.commands import forecasting
from unroll.errors import UserError
from unroll.features import windows
from unroll.params import Recurrent
from unroll.patterns import forecaster
from unroll.patterns.forecaster import Forecaster, ForecasterModel
from unroll.stages import use


@pytest.fixture
def run(monkeypatch, root):
    """Runs a command line with untrained models of 24 steps, or of one for sensors."""

    def trained(task, model, kind):
        torch.manual_seed(0)
        horizon = 1 if task == "forecasting/sensors" else 24
        settings = forecaster.Settings(context=48, segment=100, stride=1, levels=[0.1, 0.5, 0.9], identity=0)
        chosen = ForecasterModel(Recurrent("gru", 4, 1, False, 0.0), 1, 0.1, "quantile")
        return Forecaster(settings, chosen, windows.Settings(horizon, [horizon], ["hour"], [], [], False), 0, []).eval()

    monkeypatch.setattr(use, "trained", trained)
    monkeypatch.setattr(forecasting, "enter_project", lambda: None)
    return lambda *words: CliRunner().invoke(forecasting.app, list(map(str, words)), catch_exceptions=True)


@pytest.fixture
def load(tmp_path):
    """A file of 300 hours with a jump at the 280th."""
    y = np.random.default_rng(0).normal(50, 5, 300)
    y[280] += 1000
    stamps = np.datetime64("2024-01-01T00:00") + np.arange(300) * np.timedelta64(1, "h")
    path = tmp_path / "load.csv"
    path.write_text("ds,y\n" + "".join(f"{stamp},{value}\n" for stamp, value in zip(stamps, y, strict=True)))
    return path


def table(text: str) -> list[dict]:
    return list(csv.DictReader(io.StringIO(text)))


def test_a_forecast_is_a_table_of_quantiles(run, load):
    result = run("forecast", load, "--horizon", 3)
    assert result.exit_code == 0
    rows = table(result.stdout)
    assert list(rows[0]) == ["unique_id", "ds", "median", "q10", "q90"]
    assert [row["ds"] for row in rows] == ["2024-01-13 12:00:00", "2024-01-13 13:00:00", "2024-01-13 14:00:00"]
    assert all(float(row["q10"]) <= float(row["median"]) <= float(row["q90"]) for row in rows)
    assert {row["unique_id"] for row in rows} == {"load"}


def test_a_model_that_last_week_beats_says_so(run, load, tmp_path):
    week = np.random.default_rng(1).normal(50, 5, 168)
    stamps = np.datetime64("2024-01-01T00:00") + np.arange(3 * 168) * np.timedelta64(1, "h")
    path = tmp_path / "weekly.csv"
    path.write_text("ds,y\n" + "".join(f"{s},{y}\n" for s, y in zip(stamps, np.tile(week, 3), strict=True)))
    result = run("forecast", path)
    assert result.exit_code == 0
    assert "of the last 24 steps of weekly this model's forecast was off by" in result.stderr
    assert "the values of the week before by 0:" in result.stderr
    assert len(table(result.stdout)) == 24


def test_a_forecast_into_files(run, load, tmp_path):
    result = run("forecast", load, "-o", tmp_path / "out.csv", "--plot", tmp_path / "fan.png")
    assert (result.exit_code, result.stdout) == (0, "")
    assert len(table((tmp_path / "out.csv").read_text())) == 24
    assert (tmp_path / "fan.png").read_bytes().startswith(b"\x89PNG")


def test_watching_lists_what_is_odd_and_sums_up(run, load):
    result = run("watch", load)
    assert result.exit_code == 0
    assert "2024-01-12 16:00:00" in {row["ds"] for row in table(result.stdout)}
    assert all(float(row["score"]) >= 5 for row in table(result.stdout))
    count = len(table(result.stdout))
    assert result.stderr.startswith(f"load: {count} of 299 steps odd, in ")


def test_a_higher_threshold_finds_less(run, load):
    everything, nothing = (table(run("watch", load, "--threshold", limit).stdout) for limit in (0, 1e6))
    assert (len(everything), len(nothing)) == (299, 0)
    assert run("watch", load, "--threshold", 1e6).stdout == "unique_id,ds,y,score\n"


@pytest.mark.parametrize("command", ["forecast", "watch"])
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("ds,y\n2024-01-01,1\n2024-01-02,x\n", "bad.csv, line 3: y: 'x' is not a number"),
        ("ds,y\n2024-01-01,1\n2024-01-01,2\n", "bad.csv, lines 2 and 3: bad has two rows with the same stamp"),
        ("ds,y\n2024-01-01 00:00,1\n2024-01-01 01:00,2\n", "the series bad has 2 steps, and (25|200) are needed"),
        ("ds,y\n" + "".join(f"2024-01-01 {i // 60:02}:{i % 60:02},3\n" for i in range(300)), "bad never changes"),
    ],
)
def test_bad_input_is_refused_by_line_and_name(run, tmp_path, command, text, said):
    path = tmp_path / "bad.csv"
    path.write_text(text)
    result = run(command, path)
    assert isinstance(result.exception, UserError)
    with pytest.raises(UserError, match=said):
        raise result.exception
    assert result.stdout == ""
