"""The one style of all pictures: for screens as small as a phone's; the same input gives the same bytes.

Colours are those of Okabe & Ito (2008, "Color Universal Design"), told apart by colour-blind readers.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import matplotlib.style
from matplotlib.figure import Figure

from unroll.reports import numbers

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
DARK, GREY, PALE = "#333333", "#8a8a8a", "#e4e4e4"
WIDTH = 5.6  # inches; small, so that the text stays readable where the picture is shrunk to a phone
STYLE = {
    "axes.axisbelow": True,
    "axes.edgecolor": "#666666",
    "axes.grid": True,
    "axes.labelcolor": DARK,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "figure.constrained_layout.use": True,
    "font.size": 11,
    "grid.color": PALE,
    "grid.linewidth": 0.8,
    "legend.frameon": False,
    "savefig.dpi": 140,
    "text.parse_math": False,
    "xtick.color": "#666666",
    "xtick.labelcolor": DARK,
    "ytick.color": "#666666",
    "ytick.labelcolor": DARK,
}


@contextmanager
def picture(to: Path | BinaryIO, height: float) -> Iterator[Figure]:
    """A figure ``height`` inches high to draw on, written as PNG to ``to`` when the block ends well."""
    # Without pyplot there is no global list of figures to close and no window to open.
    with matplotlib.style.context(["default", STYLE]):
        figure = Figure((WIDTH, height))
        yield figure
        figure.savefig(to, format="png", metadata={"Software": None})


def tick(metric: str, value: float) -> str:
    """How a round ``value`` of ``metric`` is written on an axis: shares in per cent."""
    return f"{100 * value:g} %" if numbers.is_share(metric) else f"{value:g}"
