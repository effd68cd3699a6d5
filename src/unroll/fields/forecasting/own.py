"""A trained forecaster on series of one's own: the future, and what was odd in the past."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from unroll.errors import UserError
from unroll.features import windows
from unroll.fields.forecasting import anomalies, data
from unroll.fields.forecasting.backtest import DAY
from unroll.patterns.forecaster import Forecaster
from unroll.sources.series import Series

FEWEST = 200  # steps that scores are compared with
PARTS = 10  # of a watched series, each compared with those that do not touch it


class Future(NamedTuple):
    """A series and its forecast: ``past_stamps`` and ``past`` (T,), ``stamps`` (H,) and ``quantiles`` (H, Q)."""

    id: str
    past_stamps: np.ndarray
    past: np.ndarray
    stamps: np.ndarray
    quantiles: np.ndarray


class Scored(NamedTuple):
    """The steps of a series from the second on: ``stamps``, ``y`` and the anomaly ``score`` (T,)."""

    id: str
    stamps: np.ndarray
    y: np.ndarray
    score: np.ndarray


def forecast(pattern: Forecaster, found: Iterable[Series], horizon: int | None) -> Iterator[Future]:
    """The next ``horizon`` steps of each series, or as many as the model forecasts.

    Daily series of which changes are forecast, as prices are, go from trading day to trading day.
    """
    longest = pattern.features.horizon
    if horizon is not None and not 1 <= horizon <= longest:
        raise UserError(f"--horizon {horizon}: this model forecasts 1 to {longest} steps")
    for one in found:
        if "hour" in pattern.features.calendar and one.step >= DAY and not pattern.features.difference:
            raise UserError(
                f"the series {one.id} has a step of {one.step // DAY} days, and this model knows the hours of a day:"
                " take forecasting/prices, or train on series like yours (`source` in params.yaml)"
            )
        days = None
        if pattern.features.difference and one.step == DAY:
            (one,), days = data.on_trading_days([one])
        _refuse_unusable(one, longest + 1)
        row = windows.row_of(one, pattern.features)
        prediction = pattern.predict(pattern.batch([pattern.example(row)]))[0]
        past = one.stamps[: one.known] if days is None else days
        if days is None:
            stamps = past[-1] + np.arange(1, longest + 1) * np.timedelta64(one.step, "s")
        else:
            following = np.busday_offset(days[-1].astype("datetime64[D]"), np.arange(1, longest + 1), "backward")
            stamps = following.astype("datetime64[s]")
        yield Future(one.id, past, one.y[: one.known], stamps[:horizon], prediction.quantiles[0, :horizon])


def watch(pattern: Forecaster, found: Iterable[Series]) -> Iterator[Scored]:
    """Each step's anomaly score, by its forecast from the steps before.

    No part of a series is known to be clean, so each tenth is compared with those that do not touch it: what is odd in
    it then does not count as usual. The first steps, before which too little was read, have the score 0.
    """
    if pattern.features.horizon != 1:
        raise UserError("only a model that forecasts one step ahead can watch a series, such as forecasting/sensors")
    for one in found:
        one = one._replace(y=one.y[: one.known], covariates={k: v[: one.known] for k, v in one.covariates.items()})
        _refuse_unusable(one, FEWEST)
        steps = len(one.y)
        row = windows.row_of(one, pattern.features) | {"origins": range(1, steps)}
        whole = pattern.example(row)
        parts = np.split(whole.forks, np.arange(pattern.settings.segment, steps - 1, pattern.settings.segment))
        forecasts = [pattern.predict(pattern.batch([whole._replace(forks=forks)]))[0] for forks in parts]
        quantiles = np.concatenate([part.quantiles[:, 0] for part in forecasts])
        score = np.zeros(steps - 1)
        for part in np.array_split(np.arange(steps - 1), PARTS):
            near = np.arange(part[0] - len(part), part[-1] + len(part) + 1)
            others = np.setdiff1d(np.arange(steps - 1), near)
            score[part] = anomalies.scores(one.y[1:], quantiles, pattern.settings.levels, others)[part]
        score[: anomalies.WINDOW] = 0
        yield Scored(one.id, one.stamps[1:], one.y[1:], score)


def _refuse_unusable(one: Series, fewest: int) -> None:
    seen = one.y[: one.known][np.isfinite(one.y[: one.known])]
    if one.known < fewest:
        raise UserError(f"the series {one.id} has {one.known} steps, and {fewest} are needed: bring a longer history")
    if not len(seen):
        raise UserError(f"the series {one.id} has no value: leave it out")
    if seen.min() == seen.max():
        raise UserError(f"the series {one.id} never changes: there is nothing to forecast; leave it out")
