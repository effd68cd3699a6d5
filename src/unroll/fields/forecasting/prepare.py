"""Series → the tables of the splits.

A row is a series: ``id``; ``start`` and ``step`` (seconds) of its stamps; ``y`` up to the split's last target, and the
covariates as ``x_<name>``; ``origins``, the first step of each forecast of the split; ``train_steps``, how many first
steps may be learned from; ``static``, the covariates that never change, standardised over the series; ``levels``, of
the quantiles that a forecast states.

- energy: ``block`` is "second" for the second test block, a row of its own whose targets no other split has;
- prices: a step is a trading day, and ``dates`` are those from the first origin on;
- sensors: ``events`` were injected into the test block; the origins before the step ``scored`` are clean, to
  compare the others with.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from unroll.errors import UserError
from unroll.fields.forecasting import data, splits
from unroll.fields.forecasting.anomalies import inject
from unroll.fields.forecasting.settings import Energy, Forecasting, Sensors
from unroll.fields.forecasting.splits import Origins, Table
from unroll.sources.series import Series

Split = tuple[str, pa.Schema, Iterator[Mapping[str, Any]]]  # its name, and its examples
EVENT = pa.struct([("start", pa.int32()), ("stop", pa.int32()), ("kind", pa.string())])


def prepare(task: str, settings: Forecasting, seed: int) -> Iterator[Split]:
    """The splits of a task: rolling origins in the last blocks of time."""
    source = Path(settings.source)
    found, days = data.read(task, source), None
    if task == "prices":
        found, days = data.on_trading_days(found)
    found = splits.aligned(found, str(source))
    chosen = splits.origins(len(found[0].y), settings.windows.horizon, settings.backtest)
    needed = settings.forecaster.context + settings.forecaster.segment + settings.windows.horizon
    splits.refuse_unusable(found, chosen, needed, str(source))
    table = Table(found, settings.forecaster.levels, settings.windows.horizon, int(chosen.valid[0]))
    match task:
        case "energy":
            return _energy(table, chosen, settings)
        case "prices":
            return _prices(table, chosen, days.astype("datetime64[D]"))
        case "sensors":
            return _sensors(table, chosen, settings, seed)
    return _plain(table, chosen)


def _plain(table: Table, chosen: Origins) -> Iterator[Split]:
    for split, own in zip(Origins._fields, chosen, strict=True):
        yield split, table.schema({}), iter([table.row(one, own) for one in table.series])


def _energy(table: Table, chosen: Origins, settings: Energy) -> Iterator[Split]:
    """The targets of the second test block are missing in training, and sizes are learned from what is before it."""
    schema = table.schema({"block": pa.string()})
    second = _second_test(table, chosen, settings) if settings.second_test else None
    if second is None:
        trained = table
    else:
        hidden = slice(int(second[0]), int(second[-1]) + table.horizon)
        table = table._replace(train_steps=hidden.start)
        trained = table._replace(series=[one._replace(y=_without(one.y, hidden)) for one in table.series])
    for split, own in zip(Origins._fields, chosen, strict=True):
        series = (trained if split == "train" else table).series
        rows = [table.row(one, own) | {"block": "last"} for one in series]
        if split == "test" and second is not None:
            rows += [
                table.row(one, second) | {"id": f"{one.id} {settings.second_test}", "block": "second"} for one in series
            ]
        yield split, schema, iter(rows)


def _second_test(table: Table, chosen: Origins, settings: Energy) -> np.ndarray:
    """As many origins as the test block has, from the step at the day's start on."""
    where, first = "params.yaml: forecasting.energy.second_test", table.series[0]
    try:
        day = np.datetime64(settings.second_test, "s")
    except ValueError:
        raise UserError(f"{where}: {settings.second_test!r} is not a day: write it as 2014-07-01") from None
    step = int((day - first.start).astype(np.int64)) // first.step
    second = step + settings.backtest.every * np.arange(settings.backtest.test)
    if step < 2 * table.horizon or second[-1] + table.horizon > chosen.valid[0]:
        begin, stop = first.stamps[[0, chosen.valid[0]]]
        raise UserError(f'{where}: the block lies outside the training part, {begin} to {stop}: move it, or write ""')
    return second


def _without(y: np.ndarray, hidden: slice) -> np.ndarray:
    y = y.copy()
    y[hidden] = np.nan
    return y


def _prices(table: Table, chosen: Origins, days: np.ndarray) -> Iterator[Split]:
    schema = table.schema({"dates": pa.list_(pa.date32())})
    for split, own in zip(Origins._fields, chosen, strict=True):
        dates: list[date] = days[own[0] : own[-1] + table.horizon].tolist()
        yield split, schema, iter([table.row(one, own) | {"dates": dates} for one in table.series])


def _sensors(table: Table, chosen: Origins, settings: Sensors, seed: int) -> Iterator[Split]:
    schema = table.schema({"scored": pa.int32(), "events": pa.list_(EVENT)})
    scored = {split: int(own[0]) for split, own in zip(Origins._fields, chosen, strict=True)}
    clean = {"train": chosen.train, "valid": chosen.valid}
    for split, own in clean.items():
        yield (
            split,
            schema,
            iter([table.row(one, own) | {"scored": scored[split], "events": []} for one in table.series]),
        )
    both = np.concatenate([chosen.valid, chosen.test])
    yield "test", schema, (_injected(table, i, both, scored["test"], settings, seed) for i in range(len(table.series)))


def _injected(table: Table, i: int, own: np.ndarray, scored: int, settings: Sensors, seed: int) -> dict[str, Any]:
    """The test row of the ``i``-th series, with its anomalies."""
    one: Series = table.series[i]
    y, events = inject(one.y, scored, settings.injected, np.random.default_rng([seed, i]))
    return table.row(one._replace(y=y), own) | {"scored": scored, "events": [event._asdict() for event in events]}
