"""The same as a season ago (Hyndman & Athanasopoulos 2021, "Forecasting: principles and practice", section 5.2)."""

from typing import Literal

import numpy as np
import pyarrow as pa
from pydantic.dataclasses import dataclass

from unroll.baselines.forecasts import Forecasts, last_observed
from unroll.errors import UserError
from unroll.params import STRICT, Count
from unroll.patterns import forecaster
from unroll.patterns.stretches import Example

PATTERN = "forecaster"


@dataclass(frozen=True, config=STRICT)
class Settings:
    """``season``: steps after which a series repeats itself; 1 is the last value."""

    method: Literal["seasonal_naive"]
    season: Count


class Baseline(Forecasts):
    """The value of the last season in which that step was observed.

    The other quantiles lie around it as the errors of the same number of steps ahead did before the example's first
    fork.
    """

    def __init__(self, task: forecaster.Settings, settings: Settings) -> None:
        super().__init__(task)
        self.season = settings.season

    @classmethod
    def for_examples(cls, table: pa.Table, task: forecaster.Settings, settings: Settings, seed: int) -> "Baseline":
        """Nothing is learned from the training ``table``."""
        return cls(task, settings)

    def quantiles(self, example: Example) -> np.ndarray:
        """float64 (F, H, Q); ``UserError`` where there is no season to compare with before the first fork."""
        past = self._filled(example.y)
        lags = self.season * (1 + np.arange(example.horizon) // self.season)
        if example.forks[0] <= lags[-1]:
            raise UserError(
                f"the series {example.id} has {example.forks[0]} steps before its first forecast; the baseline"
                f" seasonal_naive with season {self.season} needs {lags[-1] + 1}: lower its season"
            )
        spread = {lag: self._spread(example.y[: example.forks[0]], past, lag) for lag in np.unique(lags)}
        return past[example.ahead - lags][..., None] + np.stack([spread[lag] for lag in lags])

    def _filled(self, y: np.ndarray) -> np.ndarray:
        """``y`` (T,) with the last value of the same place in a season for what is missing."""
        filled = np.empty_like(y)
        for place in range(min(self.season, len(y))):
            filled[place :: self.season] = last_observed(y[place :: self.season])
        return filled

    def _spread(self, y: np.ndarray, past: np.ndarray, lag: int) -> np.ndarray:
        """float64 (Q,): quantiles of the errors, less their median, so that the median is the forecast itself."""
        errors = y[lag:] - past[: len(y) - lag]
        errors = errors[np.isfinite(errors)]
        if not len(errors):
            return np.full(len(self.task.levels), np.nan)
        return np.quantile(errors, self.task.levels) - np.median(errors)
