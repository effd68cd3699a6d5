"""Historical simulation: the changes to come are drawn from those of the past (Hull 2018, "Options, Futures, and Other
Derivatives", section 22.2)."""

from typing import Literal

import numpy as np
import pyarrow as pa
from numpy.lib.stride_tricks import sliding_window_view
from pydantic.dataclasses import dataclass

from unroll.baselines.forecasts import Forecasts, last_observed
from unroll.errors import UserError
from unroll.params import STRICT, Count
from unroll.patterns import forecaster
from unroll.patterns.stretches import Example

PATTERN = "forecaster"


@dataclass(frozen=True, config=STRICT)
class Settings:
    """``window``: how many of the latest changes are looked at."""

    method: Literal["historical"]
    window: Count


class Baseline(Forecasts):
    """The last value and, for ``h`` steps ahead, the quantiles of the last ``window`` changes over ``h`` steps."""

    def __init__(self, task: forecaster.Settings, settings: Settings) -> None:
        super().__init__(task)
        self.window = settings.window

    @classmethod
    def for_examples(cls, table: pa.Table, task: forecaster.Settings, settings: Settings, seed: int) -> "Baseline":
        """Nothing is learned from the training ``table``."""
        return cls(task, settings)

    def quantiles(self, example: Example) -> np.ndarray:
        """float64 (F, H, Q); ``UserError`` where fewer values are known before the first fork than are looked at."""
        y, forks, window = last_observed(example.y), example.forks, self.window
        first = int(np.isfinite(y).argmax())
        if forks[0] - first < window + example.horizon:
            raise UserError(
                f"the series {example.id} has {forks[0] - first} values before its first forecast; the baseline"
                f" historical with window {window} needs {window + example.horizon}: lower its window"
            )
        spread = []
        for ahead in range(1, example.horizon + 1):
            # Row i of the windows holds the changes that end at steps i + ahead to i + ahead + window - 1.
            changes = sliding_window_view(y[ahead:] - y[:-ahead], window)[forks - ahead - window]
            spread.append(np.quantile(changes, self.task.levels, axis=1).T)
        return y[forks - 1][:, None, None] + np.stack(spread, axis=1)
