"""Pictures of training and of errors, in the style of ``unroll.reports.style``.

Every function writes one PNG to ``to``, a path or an open binary file.
"""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from unroll.reports import numbers
from unroll.reports.style import COLOURS, DARK, WIDTH, picture, tick


class Line(NamedTuple):
    """A curve; those of the same ``label`` share a colour and one entry in the legend."""

    label: str
    x: Sequence[float]
    y: Sequence[float]
    thin: bool = False


class Panel(NamedTuple):
    """Curves of one ``metric``, whose name tells how the numbers on the axis are written."""

    title: str
    metric: str
    lines: list[Line]
    logarithmic: bool = False


def lines(to: Path | BinaryIO, panels: Sequence[Panel], x_label: str) -> None:
    """Panels of curves one above the other over a shared horizontal axis."""
    names = list(dict.fromkeys(line.label for panel in panels for line in panel.lines))
    with picture(to, 0.5 + 2.3 * len(panels)) as figure:
        for axes, panel in zip(figure.subplots(len(panels), 1, sharex=True, squeeze=False)[:, 0], panels, strict=True):
            for line in panel.lines:
                number = names.index(line.label)
                style = "-" if number < len(COLOURS) else "--"
                axes.plot(
                    line.x,
                    line.y,
                    style,
                    color=COLOURS[number % len(COLOURS)],
                    linewidth=1 if line.thin else 1.8,
                    alpha=0.75 if line.thin else 1,
                    label=line.label,
                )
            axes.set_title(panel.title, loc="left", fontsize=11, color=DARK)
            _scale(axes, panel)
        axes.set_xlabel(x_label)
        axes.set_xlim(left=0)
        handles = dict(zip(*axes.get_legend_handles_labels()[::-1], strict=True))
        figure.legend(handles.values(), handles.keys(), loc="outside upper left", ncols=3, fontsize=10)


def bars(to: Path | BinaryIO, labels: Sequence[str], values: Sequence[float], metric: str) -> None:
    """A horizontal bar per label, the first on top, with the value of ``metric`` written behind it."""
    with picture(to, 0.9 + 0.34 * len(labels)) as figure:
        axes = figure.subplots()
        drawn = axes.barh(range(len(labels)), values, height=0.66, color=COLOURS[0])
        axes.bar_label(drawn, [numbers.score(metric, value) for value in values], padding=4, fontsize=10)
        axes.set_yticks(range(len(labels)), labels)
        axes.invert_yaxis()
        axes.tick_params("y", length=0)
        axes.margins(x=0.16)
        axes.grid(visible=False, axis="y")
        axes.set_xlabel(numbers.label(metric))
        axes.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: tick(metric, value)))


def heatmap(
    to: Path | BinaryIO,
    counts: np.ndarray,
    rows: Sequence[str],
    columns: Sequence[str],
    row_label: str,
    column_label: str,
) -> None:
    """A matrix (rows, columns) of counts, such as confusions; a cell is as dark as its share of its row is large."""
    shares = counts / np.maximum(1, counts.sum(1, keepdims=True))
    size = WIDTH - 1.1
    cell = 72 * size / len(columns)  # points
    with picture(to, 1.1 + size * len(rows) / len(columns)) as figure:
        axes = figure.subplots()
        axes.imshow(np.sqrt(shares), cmap="Blues", vmin=0, vmax=1)
        for (i, j), count in np.ndenumerate(counts):
            if count:
                colour = "white" if shares[i, j] > 0.4 else "#222222"
                axes.text(j, i, f"{count:g}", ha="center", va="center", color=colour, fontsize=min(10, 0.32 * cell))
        small = min(11, 0.6 * cell)
        axes.set_xticks(range(len(columns)), columns, rotation=90 if max(map(len, columns)) > 2 else 0, fontsize=small)
        axes.set_yticks(range(len(rows)), rows, fontsize=small)
        axes.set_xlabel(column_label)
        axes.set_ylabel(row_label)
        axes.tick_params(length=0)
        axes.grid(visible=False)
        axes.spines[:].set_visible(False)


def sequence(
    to: Path | BinaryIO,
    spectrogram: np.ndarray,
    frame_seconds: float,
    spectrogram_label: str,
    probabilities: np.ndarray,
    step_seconds: float,
    symbols: Sequence[str],
) -> None:
    """A spectrogram (T, D) above the probabilities (S, V) that CTC gives to symbols over time.

    Symbol 0 is the blank, drawn grey; ``symbols[i]`` is the name of symbol ``i + 1``. Each symbol of the most
    probable path is labelled at its peak.
    """
    stop = len(spectrogram) * frame_seconds
    with picture(to, 4.2) as figure:
        above, below = figure.subplots(2, 1, sharex=True, height_ratios=(1, 1.15))
        above.imshow(
            spectrogram.T,
            cmap="magma",
            clim=np.percentile(spectrogram, (1, 99.5)),
            aspect="auto",
            interpolation="nearest",
            origin="lower",
            extent=(0, stop, 0, spectrogram.shape[1]),
        )
        above.set_ylabel(spectrogram_label)
        above.grid(visible=False)
        path(below, probabilities, step_seconds, symbols, stop, "seconds")


def path(axes: Axes, probabilities: np.ndarray, step: float, symbols: Sequence[str], stop: float, unit: str) -> None:
    """The probabilities (S, V) of CTC, ``step`` units of the horizontal axis apart, which ends at ``stop``."""
    peaks = _peaks(probabilities)
    times = (np.arange(len(probabilities)) + 0.5) * step
    axes.fill_between(times, probabilities[:, 0], color="#dddddd", linewidth=0)
    emitted = sorted({symbol for _, symbol in peaks})
    for number, symbol in enumerate(emitted):
        axes.plot(times, probabilities[:, symbol], color=COLOURS[number % len(COLOURS)], linewidth=1.4)
    names = [symbols[symbol - 1].replace(" ", "␣") for _, symbol in peaks]
    levels = _levels([times[peak] for peak, _ in peaks], names, stop)
    for (peak, symbol), name, level in zip(peaks, names, levels, strict=True):
        colour = COLOURS[emitted.index(symbol) % len(COLOURS)]
        height = 1.04 + 0.13 * level
        axes.plot([times[peak]] * 2, [probabilities[peak, symbol], height], color=colour, linewidth=0.6)
        axes.text(times[peak], height, name, ha="center", va="bottom", fontsize=10, color=colour)
    axes.set(
        xlim=(0, stop),
        ylim=(0, 1.2 + 0.13 * max(levels, default=0)),
        xlabel=f"{unit} (grey: the blank)",
        ylabel="probability",
    )
    axes.grid(visible=False, axis="x")
    axes.set_yticks((0, 0.5, 1))
    axes.spines.left.set_bounds(0, 1)


def _peaks(probabilities: np.ndarray) -> list[tuple[int, int]]:
    """(step, symbol) where each symbol of the most probable path is the most probable, in order."""
    path = probabilities.argmax(1)
    edges = [0, *(np.flatnonzero(np.diff(path)) + 1), len(path)]
    runs = [(a, b) for a, b in pairwise(edges) if b > a and path[a] != 0]
    return [(int(a + probabilities[a:b, path[a]].argmax()), int(path[a])) for a, b in runs]


def _levels(times: Sequence[float], names: Sequence[str], stop: float) -> list[int]:
    """The lowest line for each label on which it does not touch the one before it there."""
    second = (WIDTH - 0.8) / stop  # inches
    free: list[float] = []
    levels = []
    for time, name in zip(times, names, strict=True):
        half = (0.09 * len(name) + 0.03) / 2
        level = next((i for i, end in enumerate(free) if end <= time * second - half), len(free))
        free[level : level + 1] = [time * second + half]
        levels.append(level)
    return levels


def _scale(axes: Axes, panel: Panel) -> None:
    """A logarithmic axis has labels at 1, 2 and 5; what is not positive falls off its lower end."""
    if panel.logarithmic and any(y > 0 for line in panel.lines for y in line.y):
        axes.set_yscale("log", nonpositive="clip")
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_minor_formatter(NullFormatter())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: tick(panel.metric, value)))
