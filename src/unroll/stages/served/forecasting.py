"""The registered model of a forecaster, as MLflow runs it: a row a series in, its future as quantiles out.

MLflow copies this file beside the checkpoint and executes the copy, so it imports the package by its full name.
"""

import numpy as np
import torch
from mlflow.models import set_model
from mlflow.pyfunc import PythonModel, PythonModelContext
from pydantic import BaseModel

from unroll.fields.forecasting import own
from unroll.patterns.forecaster import Forecaster
from unroll.sources.series import Series


class History(BaseModel):
    """A row of the input: ``y`` from ``start`` on, NaN where missing, ``step`` seconds apart.

    ``covariates`` by name, from ``start`` on; those known beforehand reach as far into the future as the forecast.
    """

    unique_id: str
    start: str
    step: int
    y: list[float]
    covariates: dict[str, list[float]] = {}


class Future(BaseModel):
    """A row of the output: when the steps ahead are, and by level, as in ``0.5``, their quantiles."""

    unique_id: str
    ds: list[str]
    quantiles: dict[str, list[float]]


class Served(PythonModel):
    """Forecasts series one by one, so that a result never depends on its neighbours."""

    def load_context(self, context: PythonModelContext) -> None:
        """Restores the pattern from its checkpoint."""
        checkpoint = torch.load(context.artifacts["checkpoint"], map_location="cpu", weights_only=True)
        self.forecaster = Forecaster.restored(checkpoint)

    def predict(self, context: PythonModelContext, model_input: list[History]) -> list[Future]:
        """The whole horizon after the last value of each series. From these types MLflow infers the signature."""
        names = [f"{level:g}" for level in self.forecaster.settings.levels]
        return [
            Future(
                unique_id=future.id,
                ds=[str(stamp) for stamp in future.stamps],
                quantiles=dict(zip(names, future.quantiles.T.tolist(), strict=True)),
            )
            for future in own.forecast(self.forecaster, map(_series, model_input), None)
        ]


def _series(row: History) -> Series:
    covariates = {name: np.array(values) for name, values in row.covariates.items()}
    return Series(row.unique_id, np.datetime64(row.start, "s"), row.step, np.array(row.y), covariates, len(row.y))


set_model(Served())
