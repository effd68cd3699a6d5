"""What every model achieved: the metrics that ``evaluate`` wrote, a row per model."""

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from unroll.errors import UserError

# A metric whose name has one of these words measures a fault or a cost.
LOWER = frozenset(
    {
        "bits",
        "crps",
        "deletions",
        "error",
        "errors",
        "insertions",
        "loss",
        "nats",
        "perplexity",
        "seconds",
        "substitutions",
    }
)
# Best where it is as it was promised, or as it is in what was learned from: neither high nor low.
NEUTRAL = frozenset({"bach", "coverage", "crossed", "overlap", "parallels", "range", "real", "shuffled"})
SPEED = "predict_seconds_per_"
NOT_SCORES = ("parameters", "train_seconds", "baseline")


def lower_is_better(metric: str) -> bool:
    """Whether less of a metric is better, told by the words of its name; of any other metric more is better."""
    words = metric.split("_")
    return "skill" not in words and not LOWER.isdisjoint(words)


def has_best(metric: str) -> bool:
    """Whether one value of a metric is better than another as such."""
    return NEUTRAL.isdisjoint(metric.split("_"))


class Row(NamedTuple):
    """A model of a task with its metrics; the first of them is the headline."""

    field: str
    task: str
    model: str
    metrics: dict[str, float]

    @property
    def headline(self) -> str:
        """Name of the metric that the models of the task are compared by."""
        return next(iter(self.metrics))

    @property
    def value(self) -> float:
        """Value of the headline."""
        return self.metrics[self.headline]

    @property
    def scores(self) -> list[str]:
        """Names of the metrics that say how good it is: the headline and the further ones."""
        return [name for name in self.metrics if name not in NOT_SCORES and not name.startswith(SPEED)]

    @property
    def speed(self) -> tuple[str, float] | None:
        """The unit of what it predicts and the seconds that one takes, such as ``("audio_second", 0.004)``."""
        for name, seconds in self.metrics.items():
            if name.startswith(SPEED):
                return name.removeprefix(SPEED), seconds
        return None

    @property
    def baseline(self) -> bool:
        """Whether it is only there to compare with."""
        return bool(self.metrics.get("baseline", False))


def read(folder: Path, field: str, task: str) -> list[Row]:
    """The rows of a task, best first, from a folder with one ``<model>.json`` each; none where there is no folder."""
    rows = [Row(field, task, path.stem, _metrics(path)) for path in sorted(folder.glob("*.json"))]
    if odd := {row.headline: row.model for row in reversed(rows)}:
        (first, model), *others = odd.items()
        for headline, other in others:
            raise UserError(f"{folder}: {model}.json begins with {first}, {other}.json with {headline}: name one first")
    return ordered(rows)


def ordered(rows: Sequence[Row]) -> list[Row]:
    """Rows of one task by their headline, best first and those that have no number last; equals by their name."""
    return sorted(rows, key=lambda row: (not math.isfinite(row.value), _cost(row), row.model))


def best(rows: Sequence[Row]) -> Row:
    """The best of some rows of one task."""
    return ordered(rows)[0]


def _cost(row: Row) -> float:
    if not math.isfinite(row.value):
        return 0.0
    return row.value if lower_is_better(row.headline) else -row.value


def _metrics(path: Path) -> dict[str, float]:
    try:
        metrics = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UserError(f"{path} is not whole ({error}): delete it and run `dvc repro`") from None
    if not isinstance(metrics, dict) or not metrics:
        raise UserError(f"{path} holds no metrics: expected {{name: number, ...}}, the headline first")
    for name, value in metrics.items():
        if not isinstance(value, int | float):
            raise UserError(f"{path}: {name}: expected a number, not {value!r}")
    return metrics
