"""Forecasts beside what came, and how those of the tasks energy and weather are judged."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from unroll.metrics import forecasts
from unroll.patterns import stretches
from unroll.patterns.stretches import Example

Rows = Sequence[Mapping[str, Any]]
DAY = 86_400  # seconds
SHARES = (0.5, 0.8)  # that the central intervals should hold


class Backtest(NamedTuple):
    """N forecasts of H steps: ``truth`` (N, H), ``quantiles`` (N, H, Q) at ``levels``, ``stamps`` (N, H).

    ``naive`` (N, H) is the forecast of the season before, ``scale`` (N,) the naive method's mean absolute error in the
    training part of the series.
    """

    truth: np.ndarray
    quantiles: np.ndarray
    levels: list[float]
    stamps: np.ndarray
    naive: np.ndarray
    scale: np.ndarray

    @property
    def median(self) -> np.ndarray:
        """(N, H)."""
        return self.quantiles[..., self.levels.index(0.5)]


def of(rows: Rows) -> Backtest:
    """All forecasts of predicted rows, in their order."""
    examples = [row["example"] for row in rows]
    scales = [naive_error(row["example"].y[: row["train_steps"]], row["step"]) for row in rows]
    return Backtest(
        np.concatenate([stretches.truth(example) for example in examples]),
        np.concatenate([row["prediction"].quantiles for row in rows]),
        rows[0]["levels"],
        np.concatenate([example.stamps for example in examples]),
        np.concatenate([seasonal_naive(example) for example in examples]),
        np.repeat(scales, [len(example.forks) for example in examples]),
    )


def season(step: int) -> int:
    """Steps in a season: those of a day, or of a week where a step is a day or longer."""
    return DAY // step if step < DAY else 7


def seasonal_naive(example: Example) -> np.ndarray:
    """The last value known of the same place in the season, for each step ahead of each fork: (F, H)."""
    length = season(example.step)
    ahead = np.arange(example.horizon)
    steps = example.forks[:, None] + ahead - length * (ahead // length + 1)
    return np.where(steps >= 0, example.y[np.maximum(steps, 0)], np.nan)


def naive_error(y: np.ndarray, step: int) -> float:
    """The mean absolute error of the seasonal naive forecast of one season ahead within ``y`` (T,); NaN for none."""
    errors = np.abs(y[season(step) :] - y[: -season(step)])
    observed = errors[np.isfinite(errors)]
    return float(observed.mean()) if len(observed) else float("nan")


def measure(task: str, rows: Rows, seconds: float) -> dict[str, float]:
    """Metrics of the last test block, and the error of the second one where there is one."""
    found = of([row for row in rows if row.get("block") != "second"])
    error = forecasts.mean_absolute_error(found.truth, found.median)
    metrics = {"mean_absolute_error": error}
    if task == "weather":
        naive = forecasts.mean_absolute_error(found.truth, found.naive)
        metrics = {"skill_over_seasonal_naive": 1 - error / naive} | metrics
    if second := [row for row in rows if row.get("block") == "second"]:
        other = of(second)
        metrics["summer_mean_absolute_error"] = forecasts.mean_absolute_error(other.truth, other.median)
    metrics |= {
        "root_mean_squared_error": forecasts.root_mean_squared_error(found.truth, found.median),
        "mean_absolute_scaled_error": forecasts.mean_absolute_scaled_error(found.truth, found.median, found.scale),
        "weighted_quantile_loss": forecasts.weighted_quantile_loss(found.truth, found.quantiles, found.levels),
        **coverages(found.truth, found.quantiles, found.levels),
    }
    return rounded(metrics, rows, seconds)


def coverages(truth: np.ndarray, quantiles: np.ndarray, levels: Sequence[float]) -> dict[str, float]:
    """The share of the truth in each of the intervals that should hold ``SHARES`` of it."""
    return {f"coverage_{100 * share:.0f}": forecasts.coverage(truth, quantiles, levels, share) for share in SHARES}


def rounded(metrics: Mapping[str, float], rows: Rows, seconds: float) -> dict[str, float]:
    """The metrics that there are, as they are written, and what a forecast took of the ``seconds`` for all."""
    count = sum(len(row["example"].forks) for row in rows)
    return {name: round(value, 6) for name, value in metrics.items() if np.isfinite(value)} | {
        "predict_seconds_per_forecast": round(seconds / count, 9)
    }


def as_lines(rows: Rows) -> list[dict[str, Any]]:
    """A line for each step ahead of each forecast."""
    lines = []
    for row in rows:
        example = row["example"]
        whole = zip(example.stamps, stretches.truth(example), row["prediction"].quantiles, strict=True)
        for stamps, truth, quantiles in whole:
            origin = str(stamps[0])
            steps = zip(stamps, truth, quantiles, strict=True)
            lines += [
                {"unique_id": row["id"], "origin": origin, "ds": str(stamp), "y": round(float(y), 4)}
                | columns(row["levels"], values)
                for stamp, y, values in steps
            ]
    return lines


def columns(levels: Sequence[float], values: np.ndarray) -> dict[str, float]:
    """The median, then the other quantiles (Q,) of one step by their names in per cent, as ``q10``."""
    named = {f"q{100 * level:g}": round(float(value), 4) for level, value in zip(levels, values, strict=True)}
    return {"median": named.pop("q50")} | named
