"""Boosted trees (LightGBM, Ke et al. 2017) on lags and the calendar: one model for all steps ahead of all series.

A quantile model per level, as in the winning entries of the M5 uncertainty competition (Makridakis et al. 2022).
"""

from typing import TYPE_CHECKING, Literal

import numpy as np
import pyarrow as pa
from numpy.lib.stride_tricks import sliding_window_view
from pydantic.dataclasses import dataclass

from unroll.baselines.forecasts import Forecasts
from unroll.params import STRICT, Count, Positive
from unroll.patterns import forecaster
from unroll.patterns.stretches import Example, examples_of, truth

if TYPE_CHECKING:
    import lightgbm

PATTERN = "forecaster"


@dataclass(frozen=True, config=STRICT)
class Settings:
    """The trees and what they see.

    ``recent``: the latest steps before a fork whose values they see; ``stride``: steps between forks in training;
    ``trees``: of each quantile, with so many ``leaves``; ``learning_rate``: the weight of a tree.
    """

    method: Literal["lightgbm_lags"]
    recent: Count
    stride: Count
    trees: Count
    leaves: Count
    learning_rate: Positive


class Baseline(Forecasts):
    """What is known of the step ahead, its distance, the latest values and the static features → the quantiles."""

    def __init__(self, task: forecaster.Settings, settings: Settings, models: "list[lightgbm.Booster]") -> None:
        super().__init__(task)
        self.recent, self.models = settings.recent, models

    @classmethod
    def for_examples(cls, table: pa.Table, task: forecaster.Settings, settings: Settings, seed: int) -> "Baseline":
        """Fitted to forks of every series of the training ``table``."""
        import lightgbm  # slow to import, and only needed here

        examples = [_strided(example, settings.stride) for example in examples_of(table, task.segment)]
        inputs = np.concatenate([_inputs(example, settings.recent) for example in examples])
        targets = np.concatenate([_targets(example) for example in examples])
        observed = np.isfinite(targets)
        data = lightgbm.Dataset(inputs[observed], targets[observed], free_raw_data=False)
        fixed = {
            "objective": "quantile",
            "num_leaves": settings.leaves,
            "learning_rate": settings.learning_rate,
            "num_threads": 1,
            "deterministic": True,
            "force_row_wise": True,
            "seed": seed,
            "verbose": -1,
        }
        models = [lightgbm.train(fixed | {"alpha": level}, data, settings.trees) for level in task.levels]
        return cls(task, settings, models)

    @property
    def parameters(self) -> int:
        """The leaves of all trees."""
        return sum(tree["num_leaves"] for model in self.models for tree in model.dump_model()["tree_info"])

    def quantiles(self, example: Example) -> np.ndarray:
        """float64 (F, H, Q)."""
        inputs = _inputs(example, self.recent)
        found = np.stack([model.predict(inputs, num_threads=1) for model in self.models], axis=-1)
        standard = np.sort(found, axis=-1).reshape(len(example.forks), example.horizon, -1)
        return example.base[example.forks][:, None, None] + example.scale * standard


def _strided(example: Example, stride: int) -> Example:
    return example._replace(forks=np.arange(example.forks[0], example.forks[-1] + 1, stride))


def _inputs(example: Example, recent: int) -> np.ndarray:
    """float32 (F * H, ...): a row for each step ahead of each fork, NaN where something is missing."""
    padded = np.concatenate([np.full((recent, example.values.shape[1]), np.nan, np.float32), example.values])
    latest = sliding_window_view(padded, recent, axis=0)[example.forks].reshape(len(example.forks), -1)
    horizon = np.tile(np.arange(example.horizon, dtype=np.float32), len(example.forks))
    steady = np.broadcast_to(example.static, (len(horizon), len(example.static)))
    known = example.known[example.ahead.ravel()]
    return np.concatenate([np.repeat(latest, example.horizon, axis=0), known, horizon[:, None], steady], axis=1)


def _targets(example: Example) -> np.ndarray:
    """float64 (F * H,): the standardised future."""
    return ((truth(example) - example.base[example.forks][:, None]) / example.scale).ravel()
