"""What a model of strokes says while they are written: of all beginnings of what a pen did."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from unroll.fields.handwriting import pen
from unroll.patterns.classifier import Classifier
from unroll.reports import drawings, figures
from unroll.reports.drawings import Cell
from unroll.reports.exhibits import Exhibit
from unroll.reports.figures import Line, Panel

SHARES = np.arange(1, 11) / 10  # of the steps, after which it is asked how many are known
ASKED = 300  # glyphs at the most
PARTS = 5  # of a glyph that are drawn
LABELS = 5  # whose probabilities are drawn


def early(rows: Sequence[Mapping[str, Any]], pattern: Classifier, folder: Path) -> Exhibit:
    """The accuracy after each share of the steps, over rows from the whole test: parts of MNIST's differ."""
    asked = rows[:: 1 + (len(rows) - 1) // ASKED]
    accuracy = []
    for share in SHARES:
        found = pattern.classify([_beginning(row["example"].inputs, share) for row in asked])
        accuracy.append(np.mean([own.label == row["label"] for own, row in zip(found, asked, strict=True)]))
    panel = Panel("", "accuracy", [Line("accuracy", 100 * SHARES, accuracy)])
    figures.lines(folder / "early.png", [panel], "per cent of the steps seen")
    caption = f"The accuracy when the pen stops early, over {len(asked)} glyphs."
    return Exhibit("Errors", "How early it knows", caption, "early.png")


def example(row: Mapping[str, Any], pattern: Classifier, folder: Path) -> Exhibit:
    """A glyph as it is written, and what the model takes it for after each step."""
    steps, label, final = row["example"].inputs, row["label"], row["prediction"]
    found = pattern.classify([steps[:stop] for stop in range(1, len(steps) + 1)])
    stops = np.unique(np.ceil(np.arange(1, PARTS + 1) / PARTS * len(steps)).astype(int))
    cells = [
        Cell(f"{own.label} ({own.probabilities[own.label]:.0%})", own.label == label, pen.strokes(steps[:stop]))
        for stop, own in ((stop, found[stop - 1]) for stop in stops)
    ]
    probabilities = {name: np.array([own.probabilities[name] for own in found]) for name in final.probabilities}
    tallest = sorted(probabilities, key=lambda name: -probabilities[name].max())[:LABELS]
    image = f"{row['id'].replace('/', '-')}.png"
    lifts = np.flatnonzero(steps[:-1, 3]) + 1
    shown = {name: probabilities[name] for name in sorted(tallest)}
    drawings.unfolding(folder / image, pen.strokes(steps), cells, shown, lifts.tolist())
    lines = [("written", label), ("read", f"{final.label} ({final.probabilities[final.label]:.0%})")]
    return Exhibit("Examples", row["id"], "", image, None, lines, final.label == label)


def _beginning(steps: np.ndarray, share: float) -> np.ndarray:
    return steps[: max(1, round(share * len(steps)))]
