"""Rolling-origin backtests (Tashman 2000, "Out-of-sample tests of forecasting accuracy"): which forecasts are made.

Time is cut into blocks, the same for all series: training | validation | test. A forecast is made at every origin of
a block from what lies before it, and the targets of one block never reach into another.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from pydantic.dataclasses import dataclass

from unroll.errors import UserError
from unroll.features.windows import COVARIATE
from unroll.params import STRICT, Count
from unroll.sources.series import Series


@dataclass(frozen=True, config=STRICT)
class Backtest:
    """``every``: steps from one origin to the next; ``valid`` and ``test``: how many origins these blocks have."""

    every: Count
    valid: Count
    test: Count


class Origins(NamedTuple):
    """The first step of each forecast, ascending, of each split; steps are counted from the first of any series."""

    train: np.ndarray
    valid: np.ndarray
    test: np.ndarray


def origins(steps: int, horizon: int, backtest: Backtest) -> Origins:
    """Those of ``steps`` steps: the last test forecast ends with them, and a block ends where the next one begins."""

    def block(stop: int, count: int) -> np.ndarray:
        return stop - horizon - backtest.every * np.arange(count)[::-1]

    test = block(steps, backtest.test)
    valid = block(test[0], backtest.valid)
    train = block(valid[0], max(0, (valid[0] - 2 * horizon) // backtest.every + 1))
    return Origins(train, valid, test)


def aligned(found: Sequence[Series], where: str) -> list[Series]:
    """The series on one grid from the first stamp of any to the last value of any, NaN where they have nothing."""
    steps = {one.step for one in found}
    phases = {int(one.start.astype(np.int64)) % one.step for one in found}
    if len(steps) > 1 or len(phases) > 1:
        raise UserError(f"{where}: the series are not on the same steps: split the file by the distance of its stamps")
    first = min(one.start for one in found)
    offsets = [int((one.start - first).astype(np.int64)) // one.step for one in found]
    length = max(offset + one.known for offset, one in zip(offsets, found, strict=True))

    def fitted(values: np.ndarray, offset: int) -> np.ndarray:
        padded = np.full(length, np.nan)
        inside = values[: length - offset]
        padded[offset : offset + len(inside)] = inside
        return padded

    return [
        one._replace(
            start=first,
            y=fitted(one.y, offset),
            covariates={name: fitted(values, offset) for name, values in one.covariates.items()},
            known=length,
        )
        for offset, one in zip(offsets, found, strict=True)
    ]


def refuse_unusable(found: Sequence[Series], chosen: Origins, needed: int, where: str) -> None:
    """Raises ``UserError`` naming a series from which nothing can be learned before the validation block.

    ``needed``: the steps that a training example and its forecast take.
    """
    stop = int(chosen.valid[0])
    if stop < needed:
        raise UserError(
            f"{where}: {found[0].id} has {max(0, stop)} steps before the validation block, and training needs {needed}:"
            " bring a longer series, or lower backtest.valid, backtest.test, forecaster.context or forecaster.segment"
        )
    for one in found:
        seen = one.y[:stop][np.isfinite(one.y[:stop])]
        if not len(seen):
            raise UserError(f"{where}: {one.id} has no value in the training part: leave this series out")
        if seen.min() == seen.max():
            raise UserError(f"{where}: {one.id} never changes in the training part: leave this series out")


class Table(NamedTuple):
    """What the rows of all splits share: the series, the levels of the quantiles, the horizon, the training part."""

    series: Sequence[Series]
    levels: Sequence[float]
    horizon: int
    train_steps: int

    def schema(self, extra: Mapping[str, pa.DataType]) -> pa.Schema:
        """Of the rows that :meth:`row` makes, with ``extra`` columns."""
        numbers = pa.large_list(pa.float64())
        changing, _ = covariates(self.series)
        return pa.schema(
            [
                ("id", pa.string()),
                ("start", pa.timestamp("s")),
                ("step", pa.int64()),
                ("train_steps", pa.int32()),
                ("origins", pa.list_(pa.int32())),
                ("static", pa.list_(pa.float32())),
                ("levels", pa.list_(pa.float64())),
                *extra.items(),
                ("y", numbers),
                *((COVARIATE + name, numbers) for name in changing),
            ]
        )

    def row(self, one: Series, origins: np.ndarray) -> dict[str, Any]:
        """A series up to its last target, with the ``origins`` of a split."""
        changing, static = covariates(self.series)
        stop = int(origins[-1]) + self.horizon
        return {
            "id": one.id,
            "start": one.start.item(),
            "step": one.step,
            "train_steps": self.train_steps,
            "origins": origins.tolist(),
            "static": [values[one.id] for values in static.values()],
            "levels": list(self.levels),
            "y": one.y[:stop],
            **{COVARIATE + name: one.covariates[name][:stop] for name in changing},
        }


def covariates(found: Sequence[Series]) -> tuple[list[str], dict[str, dict[str, float]]]:
    """The names of the covariates that change, and of those constant within every series the standardised values."""
    changing, static = [], {}
    for name in found[0].covariates:
        constants = dict(_constants(found, name))
        if len(constants) < len(found):
            changing.append(name)
            continue
        values = np.array(list(constants.values()))
        scaled = (values - values.mean()) / (values.std() or 1.0)
        static[name] = dict(zip(constants, scaled.tolist(), strict=True))
    return changing, static


def _constants(found: Sequence[Series], name: str) -> Iterator[tuple[str, float]]:
    for one in found:
        seen = one.covariates[name][np.isfinite(one.covariates[name])]
        if len(seen) and seen.min() == seen.max():
            yield one.id, float(seen[0])
