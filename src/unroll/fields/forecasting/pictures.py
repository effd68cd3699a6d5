"""Fan charts, errors over time and calibration of a backtest."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from unroll.fields.forecasting import backtest
from unroll.fields.forecasting.backtest import DAY, Rows
from unroll.patterns import stretches
from unroll.reports import charts
from unroll.reports.exhibits import Exhibit

UNITS = {"energy": "demand", "weather": "°C"}
FANS = 4  # stretches of the test that are shown
LONGEST = 7  # forecasts one behind the other in one of them
BEFORE = 2  # horizons of the past before them


def exhibits(task: str, rows: Rows, folder: Path) -> list[Exhibit]:
    """Stretches of the test with their forecasts, the error by step ahead and by hour, and the calibration."""
    places = np.unique(np.linspace(0, len(rows) - 1, FANS).round().astype(int))
    fans = [_fan(rows[place], f"fan-{i}.png", UNITS[task], folder) for i, place in enumerate(places)]
    found = backtest.of(rows)
    errors = {"forecast": np.abs(found.truth - found.median), "a season before": np.abs(found.truth - found.naive)}
    shown = [_by_horizon(errors, rows[0]["step"], folder)]
    hours = found.stamps.astype("datetime64[h]").astype(int) % 24
    if rows[0]["step"] < DAY and np.ptp(hours[:, 0]):  # else the hour is the step ahead
        shown.append(_by_hour(errors, hours, folder))
    return [*fans, *shown, calibration({"all steps ahead": (found.truth, found.quantiles)}, found.levels, folder)]


def calibration(parts: Mapping[str, tuple[np.ndarray, np.ndarray]], levels: Sequence[float], folder: Path) -> Exhibit:
    """By name the truth (N, H) and its quantiles (N, H, Q) at ``levels``, as one calibration plot."""
    below = {name: _below(truth, quantiles) for name, (truth, quantiles) in parts.items()}
    charts.calibration(folder / "calibration.png", {name: (np.array(levels), each) for name, each in below.items()})
    caption = (
        "The share of the truth that lay below each quantile: on the diagonal, forecasts are as sure as they may be."
    )
    return Exhibit("Errors", "Calibration", caption, "calibration.png")


def _below(truth: np.ndarray, quantiles: np.ndarray) -> np.ndarray:
    """The share (Q,) of the truth (N, H) that lies below each of its quantiles (N, H, Q)."""
    observed = np.isfinite(truth)
    return (truth[observed][:, None] <= quantiles[observed]).mean(0)


def _fan(row: Mapping[str, Any], image: str, unit: str, folder: Path) -> Exhibit:
    """The first forecasts of an example that do not overlap, one behind the other."""
    example, step = row["example"], np.timedelta64(row["step"], "s")
    apart = -(-example.horizon // int(np.diff(example.forks, prepend=example.forks[0] - example.horizon).min()))
    chosen = slice(0, LONGEST * apart, apart)
    first = int(example.forks[0])
    past = np.arange(max(0, first - BEFORE * example.horizon), first)
    stamps, quantiles = example.stamps[chosen], row["prediction"].quantiles[chosen]
    charts.fan(
        folder / image,
        example.start + past * step,
        example.y[past],
        stamps.ravel(),
        stretches.truth(example)[chosen].ravel(),
        row["levels"],
        quantiles.reshape(-1, quantiles.shape[-1]),
        unit,
    )
    day = f"{stamps[0, 0]}".replace("T", " ")
    caption = f"Made one after the other, {example.horizon} steps each, from what lay before."
    return Exhibit("Forecasts", f"{row['id']}: {len(stamps)} forecasts from {day}", caption, image)


def _by_horizon(errors: Mapping[str, np.ndarray], step: int, folder: Path) -> Exhibit:
    unit = {3600: "hours", DAY: "days"}.get(step, "steps")
    means = {name: np.nanmean(values, axis=0) for name, values in errors.items()}
    ahead = np.arange(1, len(next(iter(means.values()))) + 1)
    charts.profile(folder / "horizon.png", ahead, means, f"{unit} ahead", "mean_absolute_error")
    caption = "Of the median, and of the value a season before."
    return Exhibit("Errors", f"Error by {unit} ahead", caption, "horizon.png")


def _by_hour(errors: Mapping[str, np.ndarray], hours: np.ndarray, folder: Path) -> Exhibit:
    present = np.unique(hours)
    means = {name: np.array([np.nanmean(values[hours == hour]) for hour in present]) for name, values in errors.items()}
    charts.profile(folder / "hour.png", present, means, "hour of the day", "mean_absolute_error")
    return Exhibit("Errors", "Error by hour of the day", "Of the median, and of the value a season before.", "hour.png")
