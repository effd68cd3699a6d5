"""Volatility that clusters: GARCH(1,1) of the changes of a series (Bollerslev 1986), with Student's t (1987).

    r[t] = mu + e[t],    e[t] = sqrt(s[t]) z[t],    s[t + 1] = omega + alpha e[t]² + beta s[t]

Each series has parameters of its own, fitted on the training part and kept thereafter.
"""

from typing import Literal, NamedTuple

import numpy as np
import pyarrow as pa
from pydantic.dataclasses import dataclass
from scipy.signal import lfilter
from scipy.special import stdtrit

from unroll.baselines.forecasts import Forecasts, last_observed
from unroll.params import STRICT, Count
from unroll.patterns import forecaster
from unroll.patterns.stretches import Example

PATTERN = "forecaster"


@dataclass(frozen=True, config=STRICT)
class Settings:
    """``paths``: how many futures are simulated for each forecast."""

    method: Literal["garch"]
    paths: Count


class Fitted(NamedTuple):
    """The parameters of a series, in its unit; ``variance``: that of its changes, where the recursion begins."""

    mu: float
    omega: float
    alpha: float
    beta: float
    freedom: float
    variance: float


class Baseline(Forecasts):
    """The last value and the sum of the simulated changes since.

    A Latin hypercube (McKay et al. 1979) spreads the innovations of each step evenly over their distribution, so that
    the quantiles one step ahead are exact and those further ahead steady.
    """

    def __init__(self, task: forecaster.Settings, settings: Settings, fitted: dict[str, Fitted], seed: int) -> None:
        super().__init__(task)
        self.paths, self.fitted, self.seed = settings.paths, fitted, seed
        self.parameters = 5 * len(fitted)

    @classmethod
    def for_examples(cls, table: pa.Table, task: forecaster.Settings, settings: Settings, seed: int) -> "Baseline":
        """Fitted to each series of the training ``table``."""
        names = table["id"].to_pylist()
        fitted = {name: _fit(table["y"][i].values.to_numpy()) for i, name in enumerate(names)}
        return cls(task, settings, fitted, seed)

    def quantiles(self, example: Example) -> np.ndarray:
        """float64 (F, H, Q)."""
        fitted, rng = self.fitted[example.id], np.random.default_rng(self.seed)
        variance = _filtered(example.y, fitted)[example.forks, None]
        innovations = stdtrit(fitted.freedom, (np.arange(self.paths) + 0.5) / self.paths)
        innovations *= np.sqrt((fitted.freedom - 2) / fitted.freedom)  # so that their variance is 1
        change, spread = 0.0, []
        for _ in range(example.horizon):
            shock = np.sqrt(variance) * rng.permuted(np.tile(innovations, (len(example.forks), 1)), axis=1)
            change = change + fitted.mu + shock
            spread.append(np.quantile(change, self.task.levels, axis=1).T)
            variance = fitted.omega + fitted.alpha * shock**2 + fitted.beta * variance
        return last_observed(example.y)[example.forks - 1, None, None] + np.stack(spread, axis=1)


def _fit(y: np.ndarray) -> Fitted:
    """By maximum likelihood, on changes of deviation 1, which the optimiser needs."""
    changes = np.diff(y)
    changes = changes[np.isfinite(changes)]
    scale = changes.std()
    from arch import arch_model  # slow to import, and only needed here

    model = arch_model(changes / scale, mean="Constant", vol="GARCH", p=1, q=1, dist="t", rescale=False)
    found = model.fit(disp="off", show_warning=False).params
    return Fitted(
        found["mu"] * scale, found["omega"] * scale**2, found["alpha[1]"], found["beta[1]"], found["nu"], scale**2
    )


def _filtered(y: np.ndarray, fitted: Fitted) -> np.ndarray:
    """float64 (T + 1,): the variance of the change at each step and at the one after the last, given those before.

    A change that is missing is taken to be as large as usual.
    """
    squares = np.square(np.diff(y) - fitted.mu)
    driven = fitted.omega + fitted.alpha * np.where(np.isfinite(squares), squares, fitted.variance)
    later, _ = lfilter([1.0], [1.0, -fitted.beta], driven, zi=[fitted.beta * fitted.variance])
    return np.concatenate([[fitted.variance, fitted.variance], later])
