"""Forecasting: series of numbers to rolling-origin backtests, and how forecasts and anomalies are shown.

The columns of the examples are described in ``unroll.fields.forecasting.prepare``.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from unroll.fields.forecasting import backtest, pictures, prices, sensors
from unroll.fields.forecasting.backtest import Rows
from unroll.fields.forecasting.prepare import prepare as prepare
from unroll.fields.forecasting.settings import Params as Params
from unroll.patterns.forecaster import Forecaster
from unroll.reports.exhibits import Exhibit

TITLE = "Forecasting"
ABOUT = (
    "A recurrent network reads the past of a series once and, at any place along it, states the whole horizon ahead as"
    " a distribution. Every number comes from a rolling-origin backtest: forecasts made again and again through a block"
    " of time that training never saw."
)
TASKS = {
    "energy": (
        "Hourly demand for electricity, 24 hours ahead, forecast every midnight over the last 28 days of 2014 and, as a"
        " second test in another season, over 28 days of July, which are kept out of training too. The three hours that"
        " the clocks skip in spring are missing values."
    ),
    "weather": (
        "Hourly temperature in Beijing, 24 hours ahead, forecast every midnight of 2014 from temperature, dew point,"
        " pressure, wind, snow and rain at one station up to then. The skill is over the same hour of the day before."
    ),
    "prices": (
        "The returns of 20 stocks over the next day and the next five days, as distributions, on every trading day"
        " of 2019 to 2022. No skill in the mean is to be expected, and the median shows none; what can be forecast is"
        " how far prices may move, so the skill is in the distribution (CRPS), over historical simulation. The 20"
        " stocks were chosen by hindsight among those that lasted."
    ),
    "sensors": (
        "26 sensors in and around a house, every 10 minutes. The residuals of one-step forecasts score each step of the"
        " last 28 days, compared with the three weeks before. The anomalies are not real: spikes, drifts, stuck values"
        " and noise of random size were injected into the test, and whether each step is one of them is the question."
    ),
}


def measure(
    task: str, rows: Rows, seconds: float, models: Mapping[str | None, Any], train: pa.Table
) -> dict[str, float]:
    """Metrics of predicted rows, which took ``seconds`` to predict; the headline of the task comes first."""
    match task:
        case "prices":
            return prices.measure(rows, seconds)
        case "sensors":
            return sensors.measure(rows, seconds)
    return backtest.measure(task, rows, seconds)


def as_lines(task: str, rows: Rows) -> list[dict[str, Any]]:
    """Predictions as lines of a table for people."""
    return {"prices": prices, "sensors": sensors}.get(task, backtest).as_lines(rows)


def exhibits(task: str, rows: Rows, patterns: Mapping[str | None, Forecaster], folder: Path) -> list[Exhibit]:
    """Fan charts or anomalies to look at, and error analysis; their files are written to ``folder``."""
    match task:
        case "prices":
            return prices.exhibits(rows, folder)
        case "sensors":
            return sensors.exhibits(rows, folder)
    return pictures.exhibits(task, rows, folder)
