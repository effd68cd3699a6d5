"""Long series of numbers → what a forecaster reads at each step: values, calendar, covariates, lagged values.

Everything is standardised per series by the first ``train_steps`` of it, so that series of any unit and size can
share a network, and nothing of the later steps shows in the earlier ones. What is missing stays NaN.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from pydantic.dataclasses import dataclass

from unroll.errors import UserError
from unroll.examples import matrix_type
from unroll.params import STRICT, Count
from unroll.sources.series import Series

COVARIATE = "x_"  # the prefix of a covariate's column in a table of examples
DAY, YEAR = 86_400, 365.25 * 86_400  # seconds
CONSTANT = 1e-9  # a deviation smaller than this share of the mean is rounding
CYCLES = {
    "hour": ["hour_sin", "hour_cos"],
    "weekday": ["weekday_sin", "weekday_cos", "weekend"],
    "yearday": ["yearday_sin", "yearday_cos"],
    "holiday": ["christmas", "new_year"],
}


@dataclass(frozen=True, config=STRICT)
class Settings:
    """What is read at each step, and how far ahead is forecast.

    ``horizon``: steps; ``lags``: values of so many steps ago; ``calendar``: hour of the day, day of the week, time of
    the year, the holidays Christmas and New Year's Day; ``known``: covariates whose future is known; ``past``:
    covariates known only up to now; ``difference``: forecast the change since the last value, which suits series
    without a level to return to, such as prices.
    """

    horizon: Count
    lags: list[Count]
    calendar: list[Literal["hour", "weekday", "yearday", "holiday"]]
    known: list[str]
    past: list[str]
    difference: bool

    def __post_init__(self) -> None:
        short = [lag for lag in self.lags if lag < self.horizon]
        if short:
            raise ValueError(
                f"lags: {short[0]} should be at least the horizon, {self.horizon}: what it names is future"
            )
        if not self.known_names:
            raise ValueError("calendar, known and lags: at least one of them should name something")

    @property
    def value_names(self) -> list[str]:
        """The columns of ``values``."""
        return ["y", *self.past]

    @property
    def calendar_names(self) -> list[str]:
        """The first columns of ``known``, which are never missing."""
        return [column for cycle in self.calendar for column in CYCLES[cycle]]

    @property
    def known_names(self) -> list[str]:
        """The columns of ``known``."""
        return [*self.calendar_names, *self.known, *(f"lag_{lag}" for lag in self.lags)]


def featurize(table: pa.Table, settings: Settings) -> tuple[pa.Schema, Iterator[Mapping[str, Any]]]:
    """Schema and rows of a table of series with the columns that :func:`features_of` makes.

    Besides ``y`` and the covariates (``x_<name>``) all columns stay. The schema's metadata gain the featurizer, its
    settings and the ``names`` of the columns of ``values`` and ``known``.
    """
    covariates = [*settings.known, *settings.past]
    present = [name.removeprefix(COVARIATE) for name in table.column_names if name.startswith(COVARIATE)]
    _refuse_unknown(covariates, present, "the examples have")
    kept = [field for field in table.schema if not pa.types.is_large_list(field.type)]
    made = [
        ("y", pa.large_list(pa.float64())),
        ("location", pa.float64()),
        ("scale", pa.float64()),
        ("values", matrix_type(len(settings.value_names))),
        ("known", matrix_type(len(settings.known_names))),
    ]
    metadata = (table.schema.metadata or {}) | {
        "featurizer": "windows",
        "settings": json.dumps(asdict(settings), sort_keys=True),
        "names": json.dumps({"values": settings.value_names, "known": settings.known_names}),
    }
    plain = table.select([field.name for field in kept]).to_pylist()

    def rows() -> Iterator[Mapping[str, Any]]:
        for i, row in enumerate(plain):
            y = _numbers(table["y"], i)
            found = {name: _numbers(table[COVARIATE + name], i) for name in covariates}
            series = Series(row["id"], np.datetime64(row["start"], "s"), row["step"], y, found, len(y))
            yield {**row, **features_of(series, settings, row["train_steps"])}

    return pa.schema([*kept, *made], metadata), rows()


def row_of(series: Series, settings: Settings, train_steps: int | None = None) -> dict[str, Any]:
    """A featurized row of a series of one's own, to be forecast from its last known step on.

    The row ends with the forecast's last step, until where the calendar, the lags and what the series states of its
    known covariates reach. Raises ``UserError`` naming the series and the covariate that it lacks.
    """
    _refuse_unknown([*settings.known, *settings.past], list(series.covariates), f"the series {series.id} has")
    steps = series.known + settings.horizon
    covariates = {name: _fitted(values, steps) for name, values in series.covariates.items()}
    whole = series._replace(y=_fitted(series.y[: series.known], steps), covariates=covariates)
    train_steps = series.known if train_steps is None else train_steps
    return {
        "id": series.id,
        "start": series.start,
        "step": series.step,
        "static": [],
        "origins": [series.known],
        "train_steps": train_steps,
        **features_of(whole, settings, train_steps),
    }


def features_of(series: Series, settings: Settings, train_steps: int) -> dict[str, Any]:
    """``y`` and what is made of it and the covariates over the T steps of a series.

    ``location`` and ``scale`` of ``y``, in its unit (or of its changes from step to step, as which the location is
    0); ``values`` float32 (T, 1+P): standardised ``y`` (or its changes) and past covariates; ``known`` float32 (T, K):
    calendar, standardised known covariates, lags of the standardised ``y``. Raises ``UserError`` when nothing of
    ``y`` was observed in the first ``train_steps``.
    """
    target = np.diff(series.y, prepend=np.nan) if settings.difference else series.y
    if not np.isfinite(target[:train_steps]).any():
        raise UserError(f"the series {series.id} has no value to learn its size from in its first {train_steps} steps")
    location, scale = _location_scale(target[:train_steps], centred=not settings.difference)
    target = (target - location) / scale

    def standardised(name: str) -> np.ndarray:
        values = series.covariates[name]
        centre, deviation = _location_scale(values[:train_steps], centred=True)
        return (values - centre) / deviation

    known = [
        *_calendar(series.stamps, settings.calendar),
        *map(standardised, settings.known),
        *(_lagged(target, lag) for lag in settings.lags),
    ]
    return {
        "y": series.y,
        "location": location,
        "scale": scale,
        "values": np.stack([target, *map(standardised, settings.past)], axis=1).astype(np.float32),
        "known": np.stack(known, axis=1).astype(np.float32),
    }


def _location_scale(values: np.ndarray, centred: bool) -> tuple[float, float]:
    """Mean (0 unless ``centred``) and deviation from it of the observed values; 1 for one that is no more than noise.

    Where nothing was observed, they change nothing.
    """
    observed = values[np.isfinite(values)]
    if not len(observed):
        return 0.0, 1.0
    location = float(observed.mean()) if centred else 0.0
    scale = float(np.sqrt(np.square(observed - location).mean()))
    return location, scale if scale > CONSTANT * abs(location) else 1.0


def _calendar(stamps: np.ndarray, cycles: list[str]) -> Iterator[np.ndarray]:
    """Each cycle as a point on the circle; with the day of the week, whether it is a Saturday or Sunday; holidays."""
    seconds = stamps.astype(np.int64)
    weekday = (seconds // DAY + 3) % 7  # day 0 of 1970 was a Thursday; 0 is Monday
    years = stamps.astype("datetime64[Y]")
    since_new_year = seconds - years.astype(stamps.dtype).astype(np.int64)
    phases = {"hour": seconds % DAY / DAY, "weekday": weekday / 7, "yearday": since_new_year / YEAR}
    for cycle in cycles:
        if cycle == "holiday":
            yield from _holidays(stamps, years)
            continue
        yield np.sin(2 * np.pi * phases[cycle])
        yield np.cos(2 * np.pi * phases[cycle])
        if cycle == "weekday":
            yield (weekday >= 5).astype(float)


def _holidays(stamps: np.ndarray, years: np.ndarray) -> Iterator[np.ndarray]:
    """Whether a step is on Christmas Day, and whether on New Year's Day."""
    days = stamps.astype("datetime64[D]")
    christmas = (years.astype("datetime64[M]") + np.timedelta64(11, "M")).astype(days.dtype) + np.timedelta64(24, "D")
    yield (days == christmas).astype(float)
    yield (days == years).astype(float)


def _lagged(values: np.ndarray, lag: int) -> np.ndarray:
    """At each step the value of ``lag`` steps before."""
    shifted = np.full_like(values, np.nan)
    shifted[lag:] = values[:-lag]
    return shifted


def _fitted(values: np.ndarray, steps: int) -> np.ndarray:
    """The first ``steps`` values, with NaN for those that there are not."""
    return np.concatenate([values[:steps], np.full(max(0, steps - len(values)), np.nan)])


def _numbers(column: pa.ChunkedArray, row: int) -> np.ndarray:
    return column[row].values.to_numpy(zero_copy_only=False)


def _refuse_unknown(wanted: list[str], present: list[str], where: str) -> None:
    missing = [name for name in wanted if name not in present]
    if missing:
        there = ", ".join(present) or "none"
        raise UserError(f"windows: known and past: {where} no covariate {missing[0]}; there are {there}")
