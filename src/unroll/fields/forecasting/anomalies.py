"""Anomalies injected into clean series, and scores that find them in the residuals of one-step forecasts."""

from collections.abc import Sequence
from typing import Annotated, NamedTuple

import numpy as np
from pydantic import Field
from pydantic.dataclasses import dataclass
from scipy.ndimage import median_filter, uniform_filter1d

from unroll.params import STRICT, Count, NotNegative

KINDS = ("spike", "drift", "stuck", "noise")
Lengths = Annotated[list[Count], Field(min_length=2, max_length=2)]
Strengths = Annotated[list[NotNegative], Field(min_length=2, max_length=2)]

THRESHOLD = 5.0  # score from which a step raises an alarm
TAIL = 0.05  # share of the reference that the exponential tail is fitted to
WINDOW = 25  # steps
MOST = 3.0  # spreads that one residual counts in the mean of a window: a lone spike is no drift
WIDTH_80 = 2.5631  # of a normal distribution's middle 80 %, in deviations


@dataclass(frozen=True, config=STRICT)
class Kind:
    """The least and the most ``steps`` of an anomaly, and of its ``strength`` in deviations of the series."""

    steps: Lengths
    strength: Strengths


@dataclass(frozen=True, config=STRICT)
class Injected:
    """One anomaly, of a kind at random, in each stretch of ``every`` steps.

    ``spike`` and ``noise`` are added; ``drift`` grows to its strength and ends at once; what is ``stuck`` repeats its
    last value.
    """

    every: Count
    spike: Kind
    drift: Kind
    stuck: Kind
    noise: Kind

    def __post_init__(self) -> None:
        for name in KINDS:
            kind = getattr(self, name)
            if sorted(kind.steps) != kind.steps or sorted(kind.strength) != kind.strength:
                raise ValueError(f"{name}: the least comes first, then the most")
            if kind.steps[1] >= self.every:
                raise ValueError(f"{name}.steps should be less than every, {self.every}")


class Event(NamedTuple):
    """An anomaly in the steps from ``start`` up to ``stop``."""

    start: int
    stop: int
    kind: str


def inject(y: np.ndarray, start: int, settings: Injected, rng: np.random.Generator) -> tuple[np.ndarray, list[Event]]:
    """``y`` (T,) with anomalies in the steps from ``start`` on, and what they are; strengths are those before it."""
    y, deviation, events = y.copy(), np.nanstd(y[:start]), []
    for first in range(start, len(y) - settings.every + 1, settings.every):
        name = KINDS[rng.integers(len(KINDS))]
        kind = getattr(settings, name)
        count = int(rng.integers(kind.steps[0], kind.steps[1] + 1))
        at = first + int(rng.integers(settings.every - count))
        size = deviation * rng.uniform(*kind.strength) * rng.choice((-1, 1))
        span = slice(at, at + count)
        match name:
            case "spike":
                y[span] += size
            case "drift":
                y[span] += size * np.arange(1, count + 1) / count
            case "stuck":
                y[span] = y[at - 1]
            case "noise":
                y[span] += size * rng.standard_normal(count)
        events.append(Event(at, at + count, name))
    return y, events


def labels(events: list[Event], start: int, stop: int) -> np.ndarray:
    """int8 (stop - start,): 0 where nothing was injected, else one more than the place of the kind in ``KINDS``."""
    found = np.zeros(stop, np.int8)
    for event in events:
        found[event.start : event.stop] = 1 + KINDS.index(event.kind)
    return found[start:]


def scores(y: np.ndarray, quantiles: np.ndarray, levels: Sequence[float], reference: slice | np.ndarray) -> np.ndarray:
    """How odd each step is: float64 (T,), the negative decimal logarithm of a tail probability, 0 where ``y`` misses.

    ``quantiles`` (T, Q) at ``levels`` are those of the forecast of each step of ``y`` from the one before. Four
    statistics are each compared with what they are in the ``reference`` steps, and the oddest counts:

    - the residual ``z`` = (y - median) / spread, for spikes;
    - its mean over a window, for drift;
    - the median of its size over a window, for noise;
    - the length of the run of equal values around a step, for sensors that are stuck.

    Windows are centred, so a score is final half a window later. Tails beyond the reference are exponential, the
    simplest case of peaks over a threshold (Siffer et al. 2017, "Anomaly Detection in Streams with Extreme Value
    Theory", section 3).
    """
    median, low, high = (quantiles[:, int(np.abs(np.subtract(levels, level)).argmin())] for level in (0.5, 0.1, 0.9))
    spread = high - low
    observed = np.isfinite(y) & np.isfinite(median) & np.isfinite(spread)
    if not observed.any():
        return np.zeros(len(y))
    floor = np.median(spread[observed]) / 10 or 1.0  # where a forecast is all too sure
    z = np.where(observed, WIDTH_80 * (y - median) / np.maximum(spread, floor), 0.0)
    statistics = (
        np.abs(z),
        np.abs(uniform_filter1d(np.clip(z, -MOST, MOST), WINDOW, mode="nearest")),
        median_filter(np.abs(z), WINDOW, mode="nearest"),
        _runs(y),
    )
    odd = np.max([_surprise(values, values[reference]) for values in statistics], axis=0)
    return np.where(observed, odd, 0.0)


def _runs(y: np.ndarray) -> np.ndarray:
    """The length (T,) of the run of equal values that each step is part of."""
    edges = np.r_[0, np.flatnonzero(np.diff(y) != 0) + 1, len(y)]
    lengths = np.diff(edges)
    return np.repeat(lengths, lengths).astype(float)


def _surprise(values: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """-log10 of the share of the reference that is as large, continued exponentially above its largest 5 %."""
    ordered = np.sort(reference)
    larger = len(ordered) - np.searchsorted(ordered, values, side="left")
    inside = -np.log10((larger + 1) / (len(ordered) + 1))
    threshold = np.quantile(ordered, 1 - TAIL)
    above = ordered[ordered > threshold] - threshold
    mean = above.mean() if len(above) else max(abs(threshold), 1e-9)
    beyond = -np.log10(TAIL) + (values - threshold) / mean / np.log(10)
    return np.where(values > threshold, beyond, np.minimum(inside, -np.log10(TAIL)))
