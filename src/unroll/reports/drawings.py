"""Pictures of glyphs and of pen strokes, in the style of ``unroll.reports.style``.

Every function writes one PNG to ``to``, a path or an open binary file. A drawing is a picture uint8 (H, W) whose ink is
high, or a list of strokes (N, 2) of x to the right and y down in the order of writing, each in a colour of its own with
a dot where it begins.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from unroll.reports.style import COLOURS, DARK, GREY, PALE, WIDTH, picture

COLUMNS = 8  # of a grid
GAP = 0.12  # between drawings, of their width
HEAD = 0.34  # for the title of a drawing, of its width
WRONG = COLOURS[1]

Drawing = np.ndarray | Sequence[np.ndarray]


class Cell(NamedTuple):
    """A drawing with its title, and whether what this says is right."""

    title: str
    right: bool
    drawing: Drawing


def grid(to: Path | BinaryIO, cells: Sequence[Cell]) -> None:
    """Drawings in rows of eight; the titles of wrong ones are coloured."""
    rows = -(-len(cells) // COLUMNS)
    with picture(to, WIDTH / COLUMNS * (1 + HEAD) * rows) as figure:
        # One panel for all of them: a panel each takes seconds to lay out.
        axes = _panel(figure.subplots(), COLUMNS, rows)
        for number, cell in enumerate(cells):
            row, column = divmod(number, COLUMNS)
            _draw(axes, cell, column, row * (1 + HEAD) + HEAD, cell.drawing)


def unfolding(
    to: Path | BinaryIO,
    whole: Sequence[np.ndarray],
    cells: Sequence[Cell],
    probabilities: Mapping[str, np.ndarray],
    lifts: Sequence[int],
) -> None:
    """What was read while strokes were written: above the beginnings of the ``whole``, below how sure of what.

    ``probabilities`` of some labels (T,) are those after each step; at steps ``lifts`` the pen left the paper.
    """
    steps = len(next(iter(probabilities.values())))
    with picture(to, 3.4) as figure:
        above, below = figure.subplots(2, 1, height_ratios=(1, 1.3))
        _panel(above, len(cells), 1)
        for column, cell in enumerate(cells):
            for stroke in whole:
                above.plot(*_placed(stroke, whole, column, HEAD).T, color=PALE, linewidth=1.6)
            _draw(above, cell, column, HEAD, whole)
        for number, (label, line) in enumerate(probabilities.items()):
            colour = COLOURS[number % len(COLOURS)]
            below.plot(np.arange(1, steps + 1), line, color=colour, linewidth=1.6, label=label)
        for lift in lifts:
            below.axvline(lift, color=GREY, linestyle=":", linewidth=1)
        below.set(xlim=(1, max(2, steps)), ylim=(0, 1.03), xlabel="steps (dotted: the pen is lifted)")
        below.set_ylabel("probability")
        below.set_yticks((0, 0.5, 1))
        below.xaxis.set_major_locator(MaxNLocator(8, integer=True))
        below.legend(loc="center left", bbox_to_anchor=(1, 0.5), fontsize=10)


def _panel(axes: Axes, columns: int, rows: int) -> Axes:
    """Room for drawings that are one unit wide and high, y down."""
    axes.set(xlim=(0, columns), ylim=(rows * (1 + HEAD), 0), aspect="equal", autoscale_on=False)
    axes.set_axis_off()
    return axes


def _draw(axes: Axes, cell: Cell, left: float, top: float, within: Drawing) -> None:
    """A cell in the unit square there; ``within``: strokes that set the scale, those drawn among them."""
    colour = DARK if cell.right else WRONG
    axes.text(left + 0.5, top - 0.04, cell.title, ha="center", va="bottom", fontsize=10, color=colour)
    if isinstance(cell.drawing, np.ndarray):
        box = (left + GAP / 2, left + 1 - GAP / 2, top + 1 - GAP / 2, top + GAP / 2)
        axes.imshow(255 - cell.drawing, cmap="gray", vmin=0, vmax=255, interpolation="nearest", extent=box)
        return
    for number, stroke in enumerate(cell.drawing):
        points, colour = _placed(stroke, within, left, top), COLOURS[number % len(COLOURS)]
        axes.plot(*points.T, color=colour, linewidth=1.8, solid_capstyle="round")
        axes.plot(*points[0], "o", color=colour, markersize=4)


def _placed(stroke: np.ndarray, within: Sequence[np.ndarray], left: float, top: float) -> np.ndarray:
    """float64 (N, 2): the points of a stroke where those ``within`` fill the unit square there, but for a margin."""
    points = np.concatenate(within)
    low, high = points.min(0), points.max(0)
    scale = (1 - 2 * GAP) / max(*(high - low), 1e-3)
    return (stroke - (low + high) / 2) * scale + [left + 0.5, top + 0.5]
