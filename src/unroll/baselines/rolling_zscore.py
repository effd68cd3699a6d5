"""A normal distribution with the mean and the deviation of the latest values: the z-score of process control."""

from typing import Literal

import numpy as np
import pandas as pd
import pyarrow as pa
from pydantic.dataclasses import dataclass
from scipy.special import ndtri

from unroll.baselines.forecasts import Forecasts
from unroll.params import STRICT, Count
from unroll.patterns import forecaster
from unroll.patterns.stretches import Example

PATTERN = "forecaster"
NARROWEST = 1e-3  # deviation, in deviations of the series: one that stands still is not beyond all doubt


@dataclass(frozen=True, config=STRICT)
class Settings:
    """``window``: the latest steps that are looked at."""

    method: Literal["rolling_zscore"]
    window: Count

    def __post_init__(self) -> None:
        if self.window < 2:
            raise ValueError("window should be at least 2: one value has no deviation")


class Baseline(Forecasts):
    """The same distribution for every step ahead; through a gap as long as the window the last one is kept."""

    def __init__(self, task: forecaster.Settings, settings: Settings) -> None:
        super().__init__(task)
        self.window = settings.window

    @classmethod
    def for_examples(cls, table: pa.Table, task: forecaster.Settings, settings: Settings, seed: int) -> "Baseline":
        """Nothing is learned from the training ``table``."""
        return cls(task, settings)

    def quantiles(self, example: Example) -> np.ndarray:
        """float64 (F, H, Q); NaN where fewer than two values were observed before a fork."""
        latest = pd.Series(example.y).rolling(self.window, min_periods=2)
        mean, deviation = (found.ffill().to_numpy()[example.forks - 1] for found in (latest.mean(), latest.std()))
        deviation = np.maximum(deviation, NARROWEST * example.scale)
        quantiles = mean[:, None] + deviation[:, None] * ndtri(self.task.levels)
        return np.repeat(quantiles[:, None], example.horizon, axis=1)
