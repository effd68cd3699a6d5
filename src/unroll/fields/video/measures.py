"""How well what is seen is told: of whole clips and of their beginnings, of each frame, and of recordings."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np

from unroll.baselines import frame_regression
from unroll.baselines.classes import Classes
from unroll.fields.video.sentences import LABELS
from unroll.fields.video.stretches import without_noise
from unroll.metrics import segments
from unroll.metrics.classification import f1_of_labels
from unroll.patterns.classifier import Class, Classifier, Example
from unroll.patterns.tagger import Tagged, Tagger, joined

Rows = Sequence[Mapping[str, Any]]
OVERLAP = 0.5  # of a segment found with the true one, at the least
TOGETHER = 64  # beginnings that are read at once
BEGINNINGS = 4  # after each quarter of a clip


class Seen(NamedTuple):
    """A clip of several actions: its row, and int8 (T,) the true labels and those found."""

    row: Mapping[str, Any]
    truth: np.ndarray
    found: np.ndarray

    @property
    def right(self) -> float:
        """The share of its frames that are right."""
        return float((self.truth == self.found).mean())


def recognised(rows: Rows) -> dict[str, float]:
    """Accuracy, and the mean F1 of the classes that are there."""
    truth, found = [row["label"] for row in rows], [row["prediction"].label for row in rows]
    return {
        "accuracy": float(np.mean([true == own for true, own in zip(truth, found, strict=True)])),
        "macro_f1": float(np.mean(list(f1_of_labels(truth, found, sorted(set(truth))).values()))),
    }


def actions(rows: Rows, seconds: float, model: Classifier | Classes) -> dict[str, float]:
    """Of clips of one action: accuracy, macro F1, and the accuracy after the first frames alone."""
    frames = sum(len(row["example"].inputs) for row in rows)
    scores = recognised(rows)
    for count in beginnings(rows, BEGINNINGS)[:-1]:
        scores[f"accuracy_after_{count}_frames"] = accuracy_after(rows, count, model)
    return _rounded(scores | {"predict_seconds_per_frame": seconds / frames})


def exercises(rows: Rows, seconds: float) -> dict[str, float]:
    """Of windows of recordings: accuracy, macro F1, and the accuracy of the mean vote of a recording's windows."""
    scores = recognised(rows) | {"recording_accuracy": float(np.mean([vote == true for true, vote in votes(rows)]))}
    return _rounded(scores | {"predict_seconds_per_window": seconds / len(rows)})


def events(
    rows: Rows, seconds: float, model: Tagger | frame_regression.Baseline, frames_per_second: float
) -> dict[str, float]:
    """Of clips of several actions: F1 of frames, averaged over the actions, and how well their stretches are found.

    These are without noise: F1 of segments, the edit score, and the share of clips whose actions are found in order.
    """
    rate = frames_per_second / (model.settings.stack if isinstance(model, Tagger) else 1)
    clips = seen(rows, model)
    truth, found = [clip.truth for clip in clips], [without_noise(clip.found, rate) for clip in clips]
    every, own = np.concatenate(truth), np.concatenate([clip.found for clip in clips])
    right = [named(labels) == clip.row["actions"] for clip, labels in zip(clips, found, strict=True)]
    scores = {
        "frame_f1": float(np.mean(list(f1_of_labels(every, own, np.unique(every).tolist()).values()))),
        "frame_accuracy": float((every == own).mean()),
        "segment_f1": segments.f1(truth, found, OVERLAP),
        "edit_score": segments.edit_score(truth, found),
        "order_exact_match": float(np.mean(right)),
    }
    return _rounded(scores | {"predict_seconds_per_frame": seconds / len(every)})


def recognised_lines(rows: Rows) -> list[dict[str, Any]]:
    """A line per clip or window: its true and its predicted label."""
    return [
        {
            "id": row["id"],
            "label": row["label"],
            "predicted": row["prediction"].label,
            "probability": round(row["prediction"].probabilities[row["prediction"].label], 4),
        }
        for row in rows
    ]


def events_lines(rows: Rows) -> list[dict[str, Any]]:
    """A line per clip of several actions: which these are, and which were found, in their order and without noise."""
    lines = []
    for name, windows in groupby(rows, key=lambda row: row["id"]):
        own = list(windows)
        labels = joined([row["prediction"] for row in own]).labels
        found, true = named(without_noise(labels, steps_per_second(own[0], labels))), own[0]["actions"]
        lines.append({"id": name, "actions": " → ".join(true), "found": " → ".join(found), "in_order": found == true})
    return lines


def named(labels: np.ndarray) -> list[str]:
    """The actions that labels (T,) tell, in their order."""
    return [LABELS[segment.label] for segment in segments.segments(labels)]


def steps_per_second(row: Mapping[str, Any], labels: np.ndarray) -> float:
    """How many of the labels (T,) of a clip a second has, by the ``frames`` of its row."""
    return len(labels) * row["frames_per_second"] / len(row["frames"])


def beginnings(rows: Rows, parts: int) -> list[int]:
    """Where the longest clip has so many parts of equal length: the frames up to the end of each, the whole last."""
    longest = max(len(row["example"].inputs) for row in rows)
    return sorted({-(-longest * part // parts) for part in range(1, parts + 1)})


def accuracy_after(rows: Rows, count: int, model: Classifier | Classes) -> float:
    """The accuracy of the model given so many frames of each clip; of a shorter one all that there are."""
    found = _told(model, [row["example"]._replace(inputs=row["example"].inputs[:count]) for row in rows])
    return float(np.mean([own.label == row["label"] for own, row in zip(found, rows, strict=True)]))


def _told(model: Classifier | Classes, examples: Sequence[Example]) -> list[Class]:
    if isinstance(model, Classes):
        return model.predict(examples)
    parts = (examples[first : first + TOGETHER] for first in range(0, len(examples), TOGETHER))
    return [own for part in parts for own in model.predict(model.batch(part))]


def votes(rows: Rows) -> list[tuple[str, str]]:
    """The true label of each recording, and the one whose probability is the largest on its windows' average."""
    found = []
    for _, windows in groupby(sorted(rows, key=lambda row: row["recording"]), key=lambda row: row["recording"]):
        own = list(windows)
        chances = [row["prediction"].probabilities for row in own]
        found.append((own[0]["label"], max(chances[0], key=lambda label: sum(each[label] for each in chances))))
    return found


def seen(rows: Rows, model: Tagger | frame_regression.Baseline) -> list[Seen]:
    """The clips whose windows the rows are, which follow each other; the ``model`` knows what is true of them."""
    clips = []
    for _, windows in groupby(rows, key=lambda row: row["id"]):
        own = list(windows)
        found: Tagged = joined([row["prediction"] for row in own])
        clips.append(Seen(own[0], np.concatenate([model.truth(row["example"]) for row in own]), found.labels))
    return clips


def _rounded(scores: Mapping[str, float]) -> dict[str, float]:
    return {name: round(value, 6) for name, value in scores.items()}
