"""What the report shows of video: what was taken for what, how early it is known, and clips that move.

A clip is shown by the example that its features were made of: its row has the ``frames``, uint8 (T, S * S), and
``frames_per_second``.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from math import isqrt
from pathlib import Path
from typing import Any

import numpy as np

from unroll.fields.video import captions, measures
from unroll.fields.video.measures import Rows, Seen
from unroll.fields.video.sentences import words
from unroll.fields.video.stretches import without_noise
from unroll.metrics.classification import confusion_matrix
from unroll.metrics.segments import segments
from unroll.patterns.classifier import Classifier
from unroll.patterns.tagger import Tagger
from unroll.reports import figures, motion
from unroll.reports.exhibits import Exhibit
from unroll.reports.figures import Line, Panel

POINTS, MEASURED = 8, 250  # of the curve of how early it is known, and about how many examples it is measured on
LOOPS, WINDOWS, CAPTIONS = 6, 3, 4  # that are shown of right ones, and of wrong ones
EARLY = "How often the model is right when it is given the beginning alone."
STILL = " What stands still was taken out of the pictures before, as the whole clip shows it, not only its beginning."
STRIPS = 5  # from the worst to the best
SENSORS = {  # by what they measure, the places of their axes
    "acceleration (g)": {"x": 0, "y": 1, "z": 2},
    "turning (radians a second)": {"x": 3, "y": 4, "z": 5},
}


def actions(rows: Rows, model: Classifier, folder: Path) -> list[Exhibit]:
    """Which action was taken for which, how early it is known, and clips that were and were not recognised."""
    shown = _errors(rows, model, folder)
    for name, section, chosen in _telling(rows, LOOPS):
        for number, row in enumerate(chosen, start=1):
            image = f"{name}-{number}.gif"
            motion.loop(folder / image, _pictures(row), row["frames_per_second"])
            shown.append(Exhibit(section, words(row["label"]), "", image, None, [_said(row)], name == "right"))
    return shown


def exercises(rows: Rows, model: Classifier, folder: Path) -> list[Exhibit]:
    """Which exercise was taken for which, how early it is known, and windows that were and were not recognised."""
    shown = _errors(rows, model, folder)
    for name, section, chosen in _telling(rows, WINDOWS):
        for number, row in enumerate(chosen, start=1):
            image, readings = f"{name}-{number}.png", row["example"].inputs
            seconds = np.arange(len(readings)) / model.inputs.frames_per_second
            panels = [
                Panel(sensor, sensor, [Line(axis, seconds, readings[:, i]) for axis, i in axes.items()])
                for sensor, axes in SENSORS.items()
            ]
            figures.lines(folder / image, panels, "seconds")
            shown.append(
                Exhibit(section, words(row["label"]), row["recording"], image, None, [_said(row)], name == "right")
            )
    return shown


def events(rows: Rows, model: Tagger, folder: Path) -> list[Exhibit]:
    """Which action's frames were taken for which, and clips from the worst to the best, with what was found when."""
    clips = measures.seen(rows, model)
    truth, found = (np.concatenate([getattr(clip, side) for clip in clips]) for side in ("truth", "found"))
    names = [words(label) for label in model.labels]
    counts = confusion_matrix(truth, found, range(len(names)))
    figures.heatmap(folder / "confusions.png", counts, names, names, "true", "found")
    shown = [Exhibit("Errors", "Which action was taken for which", "Frames counted.", "confusions.png")]
    order = sorted(clips, key=lambda clip: clip.right)
    for number, share in enumerate(np.linspace(0.1, 0.9, STRIPS), start=1):
        clip = order[int(share * len(order))]
        shown.append(_timeline(clip, names, f"timeline-{number}.png", folder))
    return shown


def sentences(rows: Rows, folder: Path) -> list[Exhibit]:
    """Clips with the sentences about them, wrong ones and right ones, and where each word looked."""
    ordered = sorted(rows, key=lambda row: row["prediction"].log_prob / max(1, len(row["prediction"].symbols)))
    wrong = [row for row in reversed(ordered) if not captions.in_order(row)]
    right = [row for row in ordered if captions.in_order(row)]
    shown, looked = [], []
    for number, row in enumerate([*wrong[:CAPTIONS], *right[:CAPTIONS]], start=1):
        found, name, verdict = row["prediction"], " → ".join(map(words, row["actions"])), captions.in_order(row)
        motion.loop(folder / f"clip-{number}.gif", _pictures(row), row["frames_per_second"])
        lines = [("written", found.text or "(nothing)"), ("reference", row["references"][0])]
        shown.append(Exhibit("Clips", name, "", f"clip-{number}.gif", None, lines, verdict))
        if found.attention is not None:
            image = f"attention-{number}.png"
            seen = _pictures(row), row["frames_per_second"]
            motion.attention(folder / image, *seen, found.symbols, found.attention)
            caption = "Beside each word, when in the clip it had which share of the attention."
            looked.append(Exhibit("Where each word looked", name, caption, image, None, [], verdict))
    return shown + looked


def _errors(rows: Rows, model: Classifier, folder: Path) -> list[Exhibit]:
    """Confusions, and the accuracy after so many seconds."""
    truth, found = [row["label"] for row in rows], [row["prediction"].label for row in rows]
    labels = sorted({*truth, *found})
    names = list(map(words, labels))
    figures.heatmap(folder / "confusions.png", confusion_matrix(truth, found, labels), names, names, "true", "found")
    some, counts = rows[:: 1 + len(rows) // MEASURED], measures.beginnings(rows, POINTS)
    seconds = [count / model.inputs.frames_per_second for count in counts]
    right = [measures.accuracy_after(some, count, model) for count in counts]
    guessing = Line("guessing", [0, seconds[-1]], [1 / len(labels)] * 2)
    panel = Panel("Accuracy", "accuracy", [Line("given the beginning alone", seconds, right), guessing])
    figures.lines(folder / "early.png", [panel], "seconds seen")
    told = EARLY + STILL * bool(model.inputs.feature_settings.get("background"))
    return [
        Exhibit("Errors", "What was taken for what", f"{len(rows):,} examples counted.", "confusions.png"),
        Exhibit("Errors", "How early it is known", f"{told} {len(some):,} examples.", "early.png"),
    ]


def _telling(rows: Rows, most: int) -> list[tuple[str, str, list[Mapping[str, Any]]]]:
    """Wrong ones and right ones, the most telling first and of different labels as far as there are any."""
    wrong = [row for row in rows if row["prediction"].label != row["label"]]
    right = [row for row in rows if row["prediction"].label == row["label"]]
    wrong.sort(key=lambda row: -_confidence(row))
    right.sort(key=_confidence)
    return [
        ("wrong", "Not recognised, the surest first", _varied(wrong)[:most]),
        ("right", "Recognised, the least sure first", _varied(right)[:most]),
    ]


def _varied(rows: Rows) -> list[Mapping[str, Any]]:
    """The first of each label, then the second of each, and so on."""
    met: Counter[str] = Counter()
    ranks = []
    for row in rows:
        ranks.append(met[row["label"]])
        met[row["label"]] += 1
    return [row for _, row in sorted(zip(ranks, rows, strict=True), key=lambda pair: pair[0])]


def _confidence(row: Mapping[str, Any]) -> float:
    return row["prediction"].probabilities[row["prediction"].label]


def _said(row: Mapping[str, Any]) -> tuple[str, str]:
    return "found", f"{words(row['prediction'].label)} ({_confidence(row):.0%})"


def _pictures(row: Mapping[str, Any]) -> np.ndarray:
    """uint8 (T, S, S): the clip as it was filmed."""
    size = isqrt(row["frames"].shape[1])
    return row["frames"].reshape(-1, size, size)


def _timeline(clip: Seen, names: Sequence[str], image: str, folder: Path) -> Exhibit:
    """A clip is right if its actions are found in their order, without the noise that the picture shows."""
    tracks = {"true": clip.truth, "found": clip.found}
    motion.strip(folder / image, _pictures(clip.row), clip.row["frames_per_second"], tracks, names)
    plain = without_noise(clip.found, measures.steps_per_second(clip.row, clip.found))
    true, found = ([names[segment.label] for segment in segments(track)] for track in (clip.truth, plain))
    caption = f"{clip.right:.0%} of its frames are right; actions found: {' → '.join(found)}."
    return Exhibit("Timelines", " → ".join(true), caption, image, None, [], true == found)
