"""How good forecasts are: of N forecasts of H steps, ``truth`` (N, H) against ``quantiles`` (N, H, Q) at ``levels``.

All are float64 arrays. Where the truth is NaN, it is passed over; where all of it is, so is the metric.
"""

from collections.abc import Sequence

import numpy as np


def mean_absolute_error(truth: np.ndarray, median: np.ndarray) -> float:
    """In the unit of the series; ``median`` (N, H) is the forecast that minimises it."""
    return _mean(np.abs(truth - median))


def root_mean_squared_error(truth: np.ndarray, mean: np.ndarray) -> float:
    """In the unit of the series; the forecast (N, H) that minimises it is the mean."""
    return float(np.sqrt(_mean(np.square(truth - mean))))


def mean_absolute_scaled_error(truth: np.ndarray, median: np.ndarray, scale: np.ndarray) -> float:
    """Absolute errors over the ``scale`` (N,) of each forecast's series: of the naive method's on its training part.

    Hyndman & Koehler 2006, "Another look at measures of forecast accuracy", section 3.
    """
    return _mean(np.abs(truth - median) / scale[:, None])


def pinball(truth: np.ndarray, quantiles: np.ndarray, levels: Sequence[float]) -> np.ndarray:
    """The loss (N, H, Q) of each quantile, whose mean is least for the true one (Koenker & Bassett 1978)."""
    error = truth[..., None] - quantiles
    levels = np.asarray(levels)
    return np.maximum(levels * error, (levels - 1) * error)


def weighted_quantile_loss(truth: np.ndarray, quantiles: np.ndarray, levels: Sequence[float]) -> float:
    """Twice the sum of pinball losses over the sum of absolute values, meaned over the levels; NaN if all are 0.

    Salinas et al. 2020, "DeepAR", section 4, where each level's is called the rho-risk.
    """
    size = _mean(np.abs(truth))
    return crps(truth, quantiles, levels) / size if size else float("nan")


def crps(truth: np.ndarray, quantiles: np.ndarray, levels: Sequence[float]) -> float:
    """The continuous ranked probability score, in the unit of the series: twice the mean pinball loss.

    Exact in the limit of many equally spaced levels (Gneiting & Ranjan 2011, section 2.2); for the few that
    forecasts have, an approximation that treats all alike.
    """
    return 2 * _mean(pinball(truth, quantiles, levels))


def coverage(truth: np.ndarray, quantiles: np.ndarray, levels: Sequence[float], share: float) -> float:
    """The share of the truth within the central interval that should hold ``share`` of it, its ends included.

    Raises ValueError when the interval's ends are not among the levels.
    """
    low, high = (_column(quantiles, levels, 0.5 + side * share / 2) for side in (-1, 1))
    inside = ((low <= truth) & (truth <= high)).astype(float)
    return _mean(np.where(np.isnan(truth), np.nan, inside))


def _column(quantiles: np.ndarray, levels: Sequence[float], level: float) -> np.ndarray:
    places = np.flatnonzero(np.isclose(levels, level))
    if len(places) != 1:
        raise ValueError(f"the level {level:g} is not among {list(levels)}")
    return quantiles[..., places[0]]


def _mean(values: np.ndarray) -> float:
    observed = values[~np.isnan(values)]
    return float(observed.mean()) if len(observed) else float("nan")
