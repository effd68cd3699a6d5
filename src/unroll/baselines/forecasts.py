"""What the baselines of the forecaster share."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow as pa

from unroll.patterns import forecaster
from unroll.patterns.stretches import Example, Forecast, examples_of


class Forecasts(ABC):
    """Forecasts the examples of the forecaster one by one; learns nothing beforehand unless it says so."""

    parameters = 0

    def __init__(self, task: forecaster.Settings) -> None:
        self.task = task

    @abstractmethod
    def quantiles(self, example: Example) -> np.ndarray:
        """float64 (F, H, Q) in the unit of the series, from nothing but what lies before each of the F forks."""

    def examples(self, table: pa.Table) -> list[Example]:
        """Those of the forecaster."""
        return examples_of(table, self.task.segment)

    def predict(self, examples: Sequence[Example]) -> list[Forecast]:
        """A forecast for each example."""
        return [Forecast(self.quantiles(example)) for example in examples]


def last_observed(y: np.ndarray) -> np.ndarray:
    """At each step of a series (T,) the last value up to it that is not missing; NaN where there is none."""
    return pd.Series(y).ffill().to_numpy()
