"""What the tasks share that tell which glyph it is: metrics, lines and confusions."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from unroll.metrics.classification import confusion_matrix, f1_of_labels
from unroll.reports import figures
from unroll.reports.exhibits import Exhibit

MOST_LABELS = 40  # of which confusions are drawn


def measure(rows: Sequence[Mapping[str, Any]], seconds: float, unit: str) -> dict[str, float]:
    """Accuracy, errors and the mean F1 of the labels of predicted rows; ``unit`` is what an example is."""
    truth, found = _labels(rows)
    accuracy = float(np.mean([true == own for true, own in zip(truth, found, strict=True)]))
    scores = {
        "accuracy": accuracy,
        "error_rate": 1 - accuracy,
        "macro_f1": float(np.mean(list(f1_of_labels(truth, found, sorted(set(truth))).values()))),
        f"predict_seconds_per_{unit}": seconds / len(rows),
    }
    return {name: round(value, 6) for name, value in scores.items()}


def as_lines(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """A line per example: its true and its predicted label, and how probable the latter is."""
    return [
        {
            "id": row["id"],
            "label": row["label"],
            "predicted": row["prediction"].label,
            "probability": round(row["prediction"].probabilities[row["prediction"].label], 4),
        }
        for row in rows
    ]


def confusions(rows: Sequence[Mapping[str, Any]], folder: Path) -> list[Exhibit]:
    """Which label was taken for which, where there are not too many; the picture is written to ``folder``."""
    truth, found = _labels(rows)
    names = sorted(set(truth) | set(found))
    if len(names) > MOST_LABELS:
        return []
    figures.heatmap(folder / "confusions.png", confusion_matrix(truth, found, names), names, names, "true", "predicted")
    return [Exhibit("Errors", "What was taken for what", "Examples counted.", "confusions.png")]


def hardest(rows: Sequence[Mapping[str, Any]], count: int) -> list[Mapping[str, Any]]:
    """The rows whose true label the model found least probable, the worst first."""
    return sorted(rows, key=lambda row: row["prediction"].probabilities.get(row["label"], 0.0))[:count]


def _labels(rows: Sequence[Mapping[str, Any]]) -> tuple[list[str], list[str]]:
    return [row["label"] for row in rows], [row["prediction"].label for row in rows]
