"""Pictures of what was read in a line of handwriting, in the style of ``unroll.reports.style``."""

from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np

from unroll.reports import figures
from unroll.reports.style import COLOURS, GREY, WIDTH, picture

RIGHT, WRONG = COLOURS[2], COLOURS[1]
BELOW = 0.45  # heights of the line, for what was read
LOW, HIGH = 0.5, 2.0  # inches: of a line at the least, and of the probabilities with the labels of their axis
LABELS = 0.65


class Glyph(NamedTuple):
    """What was read, ``text``, at a column of the picture, how sure (0 to 1), and whether it is what is written."""

    text: str
    column: float
    confidence: float
    right: bool


def reading(
    to: Path | BinaryIO,
    line: np.ndarray,
    glyphs: Sequence[Glyph],
    probabilities: np.ndarray,
    columns: float,
    symbols: Sequence[str],
) -> None:
    """One PNG: a line (T, H), ink high, with the reading under it, above CTC's probabilities (S, V) over its columns.

    A step of the probabilities is so many ``columns`` of the picture. What is wrong is orange, and what is read with
    less confidence paler.
    """
    width, height = line.shape
    stop = max(width, 3 * height)  # a short line would be drawn too large
    inches = max(LOW, (WIDTH - 0.8) * height * (1 + BELOW) / stop)
    with picture(to, inches + HIGH) as figure:
        above, below = figure.subplots(2, 1, sharex=True, height_ratios=(inches, HIGH - LABELS))
        shown = {"cmap": "gray_r", "vmin": 0, "vmax": 255, "aspect": "auto", "interpolation": "nearest"}
        above.imshow(line.T, extent=(0, width, height, 0), **shown)
        above.set_ylim((1 + BELOW) * height, 0)
        above.set_axis_off()
        size = min(16, 0.9 * 72 * BELOW * inches / (1 + BELOW))
        for glyph in glyphs:
            shade = {"color": RIGHT if glyph.right else WRONG, "alpha": 0.4 + 0.6 * glyph.confidence}
            at = (glyph.column, (1 + BELOW / 2) * height)
            above.text(*at, glyph.text.replace(" ", "␣"), ha="center", va="center", fontsize=size, **shade)
            above.plot([glyph.column] * 2, [height, 1.05 * height], color=GREY, linewidth=0.6)
        figures.path(below, probabilities, columns, symbols, stop, "column of pixels")
        below.spines.bottom.set_bounds(0, width)
        below.set_xticks([tick for tick in below.get_xticks() if 0 <= tick <= width])
