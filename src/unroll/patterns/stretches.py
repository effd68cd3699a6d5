"""Stretches of series with the places to forecast from: the examples of the forecaster and of its baselines."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from unroll import params
from unroll.examples import matrices
from unroll.features import windows


class Example(NamedTuple):
    """A series as views of the mapped table, and the steps ``forks`` from which ``horizon`` steps are forecast.

    ``y`` float64 (T,) in its own unit; ``values`` float32 (T, V), ``known`` float32 (T, K) and ``static`` float32 (S,)
    as ``unroll.features.windows`` made them. What the network says, times ``scale`` and added to ``base[fork]``, is in
    the unit of ``y``: float64 (T+1,), the location, or where changes are forecast the last ``y`` before the fork. The
    first step is at ``start``, the others ``step`` seconds apart.
    """

    id: str
    start: np.datetime64
    step: int
    y: np.ndarray
    values: np.ndarray
    known: np.ndarray
    static: np.ndarray
    base: np.ndarray
    scale: float
    horizon: int
    forks: np.ndarray

    @property
    def ahead(self) -> np.ndarray:
        """The steps that are forecast: int64 (F, H), from each fork on."""
        return self.forks[:, None] + np.arange(self.horizon)

    @property
    def stamps(self) -> np.ndarray:
        """When they are: datetime64[s] (F, H)."""
        return self.start + self.ahead * np.timedelta64(self.step, "s")


class Forecast(NamedTuple):
    """``quantiles`` float64 (F, H, Q), in the unit of the series: of each of H steps from each of F forks."""

    quantiles: np.ndarray


def truth(example: Example) -> np.ndarray:
    """What came: float64 (F, H) in the unit of the series, NaN where it is missing or not known yet."""
    last = len(example.y) - 1
    return np.where(example.ahead <= last, example.y[np.minimum(example.ahead, last)], np.nan)


def features_of(table: pa.Table) -> windows.Settings:
    """How a featurized table was made."""
    return params.check(windows.Settings, json.loads(table.schema.metadata[b"settings"]), "windows")


def examples_of(table: pa.Table, segment: int) -> list[Example]:
    """The origins of every series of a featurized table, in groups of at most ``segment`` steps from first to last.

    A series that names no origins is forecast from every step that has a step before it and the horizon after it.
    """
    features = features_of(table)
    plain = table.select(["id", "start", "step", "location", "scale", "static", "origins"]).to_pylist()
    values, known = (matrices(table[name]) for name in ("values", "known"))
    ys = [table["y"][i].values.to_numpy() for i in range(len(table))]
    rows = zip(plain, ys, values, known, strict=True)
    wholes = (example_of({**row, "y": y, "values": v, "known": k}, features) for row, y, v, k in rows)
    return [part for whole in wholes for part in _parts(whole, segment)]


def example_of(row: Mapping[str, Any], features: windows.Settings) -> Example:
    """One featurized row, with all its origins."""
    y = row["y"]
    return Example(
        row["id"],
        np.datetime64(row["start"], "s"),
        row["step"],
        y,
        row["values"],
        row["known"],
        np.array(row["static"], np.float32),
        _last_observed(y) if features.difference else np.broadcast_to(row["location"], len(y) + 1),
        row["scale"],
        features.horizon,
        np.array(row["origins"] or range(1, len(y) - features.horizon + 1), np.int64),
    )


def _last_observed(y: np.ndarray) -> np.ndarray:
    """The last observed value before each step, and before the one after the last: (T+1,), NaN where there is none."""
    steps = np.maximum.accumulate(np.where(np.isnan(y), 0, np.arange(len(y))))
    return np.append(np.nan, y[steps])


def _parts(example: Example, segment: int) -> Iterator[Example]:
    forks = example.forks
    while len(forks):
        count = int(np.searchsorted(forks, forks[0] + segment, side="right"))
        yield example._replace(forks=forks[:count])
        forks = forks[count:]
