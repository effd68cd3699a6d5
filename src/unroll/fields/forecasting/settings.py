"""What ``params.yaml`` says of the tasks of forecasting."""

from typing import Annotated

from pydantic import Field
from pydantic.dataclasses import dataclass

from unroll.baselines import garch, historical, lightgbm_lags, rolling_zscore, seasonal_naive
from unroll.features import windows
from unroll.fields.forecasting.anomalies import Injected
from unroll.fields.forecasting.splits import Backtest
from unroll.params import STRICT, Name, Train
from unroll.patterns import forecaster
from unroll.patterns.forecaster import ForecasterModel

Baseline = Annotated[
    seasonal_naive.Settings | lightgbm_lags.Settings | historical.Settings | garch.Settings | rolling_zscore.Settings,
    Field(discriminator="method"),
]


@dataclass(frozen=True, config=STRICT)
class Forecasting:
    """What every task of forecasting says; ``source`` is the folder of its data set or a CSV file of one's own."""

    source: str
    backtest: Backtest
    windows: windows.Settings
    forecaster: forecaster.Settings
    train: Train
    models: Annotated[dict[Name, ForecasterModel], Field(min_length=1)]
    baselines: dict[Name, Baseline]


@dataclass(frozen=True, config=STRICT)
class Energy(Forecasting):
    """forecasting/energy; ``second_test``: the day on which a second test block begins, as 2014-07-01; "": none."""

    second_test: str


@dataclass(frozen=True, config=STRICT)
class Sensors(Forecasting):
    """forecasting/sensors; ``injected``: the anomalies of the test block."""

    injected: Injected


@dataclass(frozen=True, config=STRICT)
class Params:
    """The block ``forecasting`` of ``params.yaml``."""

    energy: Energy
    weather: Forecasting
    prices: Forecasting
    sensors: Sensors
