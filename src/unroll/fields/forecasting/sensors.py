"""Anomaly detection by forecasting: how the injected anomalies were found, and where they lie."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from unroll.fields.forecasting import anomalies, backtest
from unroll.fields.forecasting.anomalies import KINDS, THRESHOLD, Event
from unroll.fields.forecasting.backtest import Rows
from unroll.metrics.classification import average_precision
from unroll.patterns import stretches
from unroll.reports import charts, figures
from unroll.reports.charts import Span
from unroll.reports.exhibits import Exhibit

AROUND = 150  # steps on both sides of an anomaly in a picture


class Watched(NamedTuple):
    """The scored steps of one series: ``stamps``, ``y``, ``score`` and ``labels`` (T,), and the ``events`` in them.

    A label is 0 where nothing was injected, else one more than the place of the kind in ``KINDS``; events are counted
    from the first scored step.
    """

    id: str
    stamps: np.ndarray
    y: np.ndarray
    score: np.ndarray
    labels: np.ndarray
    events: list[Event]


class Found(NamedTuple):
    """An anomaly of a series, and the ``share`` of its steps that raise an alarm."""

    series: Watched
    event: Event
    share: float


def watched(rows: Rows) -> list[Watched]:
    """Every series of predicted rows, compared with itself before its first scored step."""
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        groups.setdefault(row["id"], []).append(row)
    return [_watched(sorted(group, key=lambda row: row["example"].forks[0])) for group in groups.values()]


def _watched(group: Sequence[Mapping[str, Any]]) -> Watched:
    row, examples = group[0], [row["example"] for row in group]
    steps = np.concatenate([example.forks for example in examples])
    y = np.concatenate([stretches.truth(example)[:, 0] for example in examples])
    quantiles = np.concatenate([row["prediction"].quantiles[:, 0] for row in group])
    stamps = np.concatenate([example.stamps[:, 0] for example in examples])
    first, stop = int(np.searchsorted(steps, row["scored"])), int(steps[-1]) + 1
    score = anomalies.scores(y, quantiles, row["levels"], slice(0, first))
    events = [Event(**event) for event in row["events"]]
    labels = anomalies.labels(events, row["scored"], stop)
    shifted = [Event(one.start - row["scored"], one.stop - row["scored"], one.kind) for one in events]
    return Watched(row["id"], stamps[first:], y[first:], score[first:], labels, shifted)


def measure(rows: Rows, seconds: float) -> dict[str, float]:
    """Average precision over all steps of all series; that of each kind is against the steps without any anomaly."""
    found = watched(rows)
    labels, score = (np.concatenate([getattr(one, name) for one in found]) for name in ("labels", "score"))
    metrics = {"average_precision": average_precision(labels > 0, score)}
    for number, kind in enumerate(KINDS, start=1):
        among = (labels == 0) | (labels == number)
        if (labels == number).any():
            metrics[f"average_precision_{kind}"] = average_precision(labels[among] > 0, score[among])
    alarms = score >= THRESHOLD
    metrics |= {
        "precision": float((labels[alarms] > 0).mean()) if alarms.any() else 0.0,
        "recall": float(alarms[labels > 0].mean()),
        "anomalous_share": float((labels > 0).mean()),
    }
    return backtest.rounded(metrics, rows, seconds)


def as_lines(rows: Rows) -> list[dict[str, Any]]:
    """A line a step with its score, and the kind of anomaly that was injected there."""
    return [
        {
            "unique_id": one.id,
            "ds": str(stamp),
            "y": round(float(y), 4),
            "score": round(float(score), 3),
            "injected": KINDS[label - 1] if label else "",
        }
        for one in watched(rows)
        for stamp, y, score, label in zip(one.stamps, one.y, one.score, one.labels, strict=True)
    ]


def exhibits(rows: Rows, folder: Path) -> list[Exhibit]:
    """For each kind the anomaly that was found best and the one that was found worst, and the share found."""
    found = watched(rows)
    shares = {kind: _shares(found, kind) for kind in KINDS}
    known = {kind: float(np.mean([one.share for one in each])) for kind, each in shares.items() if each}
    figures.bars(folder / "kinds.png", list(known), list(known.values()), "recall")
    caption = f"Share of the steps of each injected anomaly whose score reaches {THRESHOLD:g}, averaged."
    shown = [Exhibit("Errors", "Found by kind", caption, "kinds.png")]
    for kind, each in shares.items():
        if each:
            best, worst = (choose(each, key=lambda one: one.share) for choose in (max, min))
            shown += [_timeline(best, f"{kind}-found.png", folder), _timeline(worst, f"{kind}-missed.png", folder)]
    return shown


def _shares(found: Sequence[Watched], kind: str) -> list[Found]:
    return [
        Found(one, event, float((one.score[event.start : event.stop] >= THRESHOLD).mean()))
        for one in found
        for event in one.events
        if event.kind == kind
    ]


def _timeline(found: Found, image: str, folder: Path) -> Exhibit:
    one, event, share = found
    shown = slice(max(0, event.start - AROUND), event.stop + AROUND)
    stamps = np.append(one.stamps, one.stamps[-1])
    spans = [Span(stamps[each.start], stamps[each.stop], each.kind) for each in one.events]
    inside = [span for span in spans if span.stop >= stamps[shown][0] and span.start <= stamps[shown][-1]]
    charts.timeline(folder / image, one.stamps[shown], one.y[shown], one.score[shown], THRESHOLD, inside)
    caption = f"Injected: {share:.0%} of its steps reach the dashed threshold."
    return Exhibit("Anomalies", f"{event.kind.title()} in {one.id}", caption, image)
