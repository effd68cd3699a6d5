"""Pictures of forecasts, of genes, proteins and motifs, of music, in the style of ``unroll.reports.style``.

Every function writes one PNG to ``to``, a path or an open binary file. What is NaN is left out of a picture.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.font_manager import FontProperties
from matplotlib.patches import Patch, PathPatch, Polygon
from matplotlib.textpath import TextPath
from matplotlib.ticker import FuncFormatter, MaxNLocator
from matplotlib.transforms import Affine2D

from unroll.reports import figures, numbers
from unroll.reports.figures import Line, Panel
from unroll.reports.style import COLOURS, DARK, GREY, PALE, WIDTH, picture, tick

BANDS = {0.8: 0.18, 0.5: 0.36}  # the share of the truth that a band should hold → how opaque it is
MOST_SCORE = 4  # thresholds that a timeline is high
STRANDS = {1: COLOURS[0], -1: COLOURS[1]}
RESIDUES = 50  # a line of a protein
MOST_LETTERS = 16  # of a symbol that was attended to
# States of DSSP (Kabsch & Sander 1983) and of its reduction to three.
STATES = {
    "H": ("α-helix", "#D55E00"),
    "G": ("3₁₀-helix", "#E69F00"),
    "I": ("π-helix", "#CC79A7"),
    "E": ("strand", "#0072B2"),
    "B": ("bridge", "#56B4E9"),
    "T": ("turn", "#009E73"),
    "S": ("bend", "#9fd9c6"),
    "L": ("loop", PALE),
    "C": ("coil", PALE),
}
NUCLEOTIDES = {"A": "#009E73", "C": "#0072B2", "G": "#E69F00", "T": "#D55E00", "U": "#D55E00"}


class Span(NamedTuple):
    """A stretch of time, from ``start`` up to ``stop``, in which something of a ``kind`` happened."""

    start: np.datetime64
    stop: np.datetime64
    kind: str


class Arrow(NamedTuple):
    """A gene on a sequence: bases ``start`` up to ``stop`` of ``strand`` 1 or -1, with what is written into it."""

    start: int
    stop: int
    strand: int
    label: str


class Note(NamedTuple):
    """A note of a ``voice``: its MIDI ``pitch``, and the steps ``start`` up to ``stop`` in which it sounds."""

    voice: int
    pitch: int
    start: int
    stop: int


def fan(
    to: Path | BinaryIO,
    times: np.ndarray,
    past: np.ndarray,
    future_times: np.ndarray,
    truth: np.ndarray | None,
    levels: Sequence[float],
    quantiles: np.ndarray,
    unit: str,
) -> None:
    """A forecast: the past (T,) at ``times``, then quantiles (H, Q) at ``levels`` and the truth (H,) where known.

    Times are datetime64. Bands are drawn of those pairs of levels that hold the middle 80 and 50 %.
    """
    line = _joined(times, future_times)
    with picture(to, 3.0) as figure:
        axes = figure.subplots()
        axes.plot(times, past, color=DARK, linewidth=1.2)
        for share, alpha in BANDS.items():
            low, high = (np.isclose(levels, 0.5 + side * share / 2) for side in (-1, 1))
            if low.any() and high.any():
                edges = (_joined(past, quantiles[:, which]) for which in (low.argmax(), high.argmax()))
                label = f"{100 * share:g} % interval"
                axes.fill_between(line, *edges, color=COLOURS[0], alpha=alpha, linewidth=0, label=label)
        median = quantiles[:, np.isclose(levels, 0.5).argmax()]
        axes.plot(line, _joined(past, median), color=COLOURS[0], linewidth=1.8, label="median")
        if truth is not None:
            axes.plot(line, _joined(past, truth), color=DARK, linewidth=1.2, label="truth")
        axes.set_ylabel(unit)
        _dates(axes)
        figure.legend(loc="outside upper left", ncols=4, fontsize=10)


def calibration(to: Path | BinaryIO, found: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> None:
    """By name, the share of the truth that a forecast said would lie below it (L,), and that which did (L,)."""
    with picture(to, 4.4) as figure:
        axes = figure.subplots()
        axes.plot([0, 1], [0, 1], "--", color=GREY, linewidth=1.2)
        for number, (name, (nominal, observed)) in enumerate(found.items()):
            marker = "osD^v"[number // len(COLOURS) % 5]
            axes.plot(nominal, observed, color=COLOURS[number % len(COLOURS)], marker=marker, markersize=5, label=name)
        axes.set(xlim=(0, 1), ylim=(0, 1), box_aspect=1, xlabel="should lie below", ylabel="lies below")
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(FuncFormatter(lambda value, _: tick("share", value)))
        if found:
            axes.legend(loc="upper left", fontsize=10)


def profile(
    to: Path | BinaryIO, x: Sequence[float], values: Mapping[str, np.ndarray], x_label: str, metric: str
) -> None:
    """By name, how a ``metric`` (N,) runs over ``x`` (N,), such as the error over the hours of the day."""
    panel = Panel(numbers.label(metric), metric, [Line(name, x, y) for name, y in values.items()])
    figures.lines(to, [panel], x_label)


def timeline(
    to: Path | BinaryIO,
    times: np.ndarray,
    values: np.ndarray,
    score: np.ndarray,
    threshold: float,
    spans: Sequence[Span],
) -> None:
    """A series (T,) above its anomaly score (T,), with the ``spans`` that hold an anomaly shaded by their kind.

    The score is cut off at four thresholds, so that one large value does not hide the others.
    """
    kinds = list(dict.fromkeys(span.kind for span in spans))
    top = MOST_SCORE * threshold
    with picture(to, 4.2) as figure:
        above, below = figure.subplots(2, 1, sharex=True, height_ratios=(1.3, 1))
        for axes in (above, below):
            for span in spans:
                # The edge keeps a span that is shorter than a pixel in sight.
                shade = {"color": COLOURS[1:][kinds.index(span.kind) % 6], "alpha": 0.35, "linewidth": 1.2}
                axes.axvspan(span.start, span.stop, **shade)
        above.plot(times, values, color=DARK, linewidth=0.9)
        above.set_ylabel("value")
        below.plot(times, np.minimum(score, top), color=COLOURS[0], linewidth=0.9)
        below.axhline(threshold, linestyle="--", color=DARK, linewidth=1)
        below.set(ylabel="anomaly score", ylim=(None, 1.05 * top))
        _dates(below)
        patches = [Patch(color=COLOURS[1:][i % 6], alpha=0.35, label=kind) for i, kind in enumerate(kinds)]
        if patches:
            figure.legend(handles=patches, loc="outside upper left", ncols=4, fontsize=10)


def strip(to: Path | BinaryIO, start: int, stop: int, tracks: Mapping[str, Sequence[Arrow]]) -> None:
    """A stretch of a genome, bases ``start`` up to ``stop``, with a line of genes per track.

    Genes of the forward strand stand above the line, those of the reverse strand below it.
    """
    with picture(to, 0.75 + 0.72 * len(tracks)) as figure:
        axes = figure.subplots()
        axes.set(xlim=(start, stop), ylim=(len(tracks) - 0.45, -0.55))
        for row, arrows in enumerate(tracks.values()):
            axes.axhline(row, color=GREY, linewidth=0.8, zorder=0)
            for arrow in arrows:
                if arrow.start < stop and arrow.stop > start:
                    _arrow(axes, row, arrow, start, stop)
        axes.set_yticks(range(len(tracks)), list(tracks))
        axes.tick_params("y", length=0)
        axes.grid(visible=False)
        axes.spines.left.set_visible(False)
        axes.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value / 1000:g}"))
        axes.set_xlabel("thousand bases")


def states(to: Path | BinaryIO, sequence: str, tracks: Mapping[str, str]) -> None:
    """A protein in lines of residues, with a coloured block per run of equal states (a letter each) in every track.

    A letter that is no state of DSSP is grey, and a blank or a hyphen stands for none.
    """
    lines = [(at, sequence[at : at + RESIDUES]) for at in range(0, len(sequence), RESIDUES)]
    rows = len(tracks) + 1.7  # of a line: the residues, the tracks and a gap
    shown = [state for state in STATES if any(state in track for track in tracks.values())]
    with picture(to, 0.7 + 0.17 * rows * len(lines)) as figure:
        axes = figure.subplots()
        axes.set(xlim=(0, RESIDUES), ylim=(max(1, rows * len(lines)), 0))
        labels = []
        for number, (at, residues) in enumerate(lines):
            top = number * rows + 0.5
            labels.append((top, str(at + 1)))
            for i, residue in enumerate(residues):
                axes.text(i + 0.5, top, residue, ha="center", va="center", fontsize=7, family="monospace")
            for row, (name, track) in enumerate(tracks.items(), start=1):
                labels.append((top + row, name))
                _blocks(axes, top + row - 0.42, track[at : at + RESIDUES])
        axes.set_yticks([y for y, _ in labels], [label for _, label in labels], fontsize=8)
        axes.set_xticks([])
        axes.tick_params("y", length=0)
        axes.grid(visible=False)
        axes.spines[:].set_visible(False)
        if shown:
            patches = [Patch(color=STATES[state][1], label=f"{state} {STATES[state][0]}") for state in shown]
            figure.legend(handles=patches, loc="outside upper left", ncols=4, fontsize=9)


def logo(to: Path | BinaryIO, motifs: Mapping[str, np.ndarray], alphabet: str, first: int) -> None:
    """By title, a sequence logo (Schneider & Stephens 1990): letters as high as the motif (L, A) says.

    The letters of a position stand on each other, the largest on top; negative ones hang below the axis. ``first`` is
    the position of the first row.
    """
    with picture(to, 0.4 + 1.7 * max(1, len(motifs))) as figure:
        panels = figure.subplots(max(1, len(motifs)), 1, squeeze=False, sharex=True)[:, 0]
        for axes, (title, heights) in zip(panels, motifs.items(), strict=False):
            heights = np.nan_to_num(heights)
            for position, row in enumerate(heights, start=first):
                _stack(axes, position, dict(zip(alphabet, row, strict=True)))
            high, low = (np.clip(side * heights, 0, None).sum(1).max(initial=0) for side in (1, -1))
            room = (high + low) or 1.0
            axes.set_ylim(-low - 0.04 * room * (low > 0), (high or room) + 0.04 * room)
            axes.set_xlim(first - 0.6, first + max(1, len(heights)) - 0.4)
            axes.set_title(title, loc="left", fontsize=11, color=DARK)
            axes.axhline(0, color=GREY, linewidth=0.8)
            axes.grid(visible=False, axis="x")
            axes.yaxis.set_major_locator(MaxNLocator(3, steps=[1, 2, 5, 10]))
        panels[-1].xaxis.set_major_locator(MaxNLocator(8, integer=True, steps=[1, 2, 5, 10]))
        panels[-1].set_xlabel("position")


def piano_roll(
    to: Path | BinaryIO, notes: Sequence[Note], steps: int, names: Sequence[str], bars: Sequence[int]
) -> None:
    """The notes of so many steps, each as long as it sounds; of two on one pitch that of the first voice is on top.

    ``names`` are those of the voices, ``bars`` the steps in which a bar begins.
    """
    pitches = [note.pitch for note in notes] or [60]
    low, high = min(pitches) - 1.5, max(pitches) + 1.5
    with picture(to, min(4.2, 1.1 + 0.08 * (high - low))) as figure:
        axes = figure.subplots()
        axes.set(xlim=(0, max(1, steps)), ylim=(low, high), xlabel="bar")
        for note in sorted(notes, key=lambda note: -note.voice):
            span, height = (note.start, note.stop - note.start), (note.pitch - 0.45, 0.9)
            colour = COLOURS[note.voice % len(COLOURS)]
            axes.broken_barh([span], height, facecolor=colour, edgecolor="white", linewidth=0.6)
        octaves = range(12 * int(np.ceil(low / 12)), int(high) + 1, 12)
        axes.set_yticks(octaves, [f"C{pitch // 12 - 1}" for pitch in octaves])
        every = 1 + len(bars) // 12
        axes.set_xticks(bars[::every], [str(number) for number in range(1, len(bars) + 1, every)])
        axes.tick_params(length=0)
        patches = [Patch(color=COLOURS[voice % len(COLOURS)], label=name) for voice, name in enumerate(names)]
        figure.legend(handles=patches, loc="outside upper left", ncols=4, fontsize=10)


def attention(to: Path | BinaryIO, source: Sequence[str], target: Sequence[str], weights: np.ndarray) -> None:
    """Where in the source each symbol of the target looked: the darker, the more of its weights (T, S), 0 to 1.

    Blanks in symbols are drawn as ``␣``; of long symbols, such as a link, only the beginning.
    """
    names = [[_label(symbol) for symbol in side] for side in (source, target)]
    size = WIDTH - 1.4
    cell = 72 * min(size / len(source), 0.34)  # points
    with picture(to, 1.3 + cell / 72 * len(target)) as figure:
        axes = figure.subplots()
        axes.imshow(weights, cmap="Blues", vmin=0, vmax=1, interpolation="nearest")
        small = min(10, 0.75 * cell)
        turned = 90 if max(map(len, names[0])) > 2 else 0
        axes.set_xticks(range(len(source)), names[0], rotation=turned, fontsize=small)
        axes.set_yticks(range(len(target)), names[1], fontsize=small)
        axes.xaxis.tick_top()
        axes.tick_params(length=0)
        axes.grid(visible=False)
        axes.spines[:].set_visible(False)


def _label(symbol: str) -> str:
    shown = symbol[:MOST_LETTERS].replace(" ", "␣")
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in shown)


def _joined(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """What comes after, led by the last of what came before, so that a forecast hangs together with its past."""
    return np.concatenate([before[-1:], after])


def _dates(axes: Axes) -> None:
    locator = AutoDateLocator(minticks=3, maxticks=6)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))


def _arrow(axes: Axes, row: int, arrow: Arrow, start: int, stop: int) -> None:
    """A gene with a head in the direction of its strand, and its label where that has room in what is in sight."""
    tail, tip = (arrow.start, arrow.stop)[:: arrow.strand]
    neck = tip - arrow.strand * min(arrow.stop - arrow.start, 0.012 * (stop - start))
    near, far = row - 0.04 * arrow.strand, row - 0.4 * arrow.strand
    outline = [(tail, near), (neck, near), (tip, (near + far) / 2), (neck, far), (tail, far)]
    axes.add_patch(Polygon(outline, facecolor=STRANDS[arrow.strand], edgecolor="white", linewidth=0.6))
    left, right = max(start, arrow.start), min(stop, arrow.stop)
    inches = (WIDTH - 1.2) * (right - left) / (stop - start)
    if inches > 0.085 * len(arrow.label) + 0.1:
        style = {"ha": "center", "va": "center", "fontsize": 8, "color": "white"}
        axes.text((left + right) / 2, (near + far) / 2, arrow.label, **style)


def _blocks(axes: Axes, top: float, track: str) -> None:
    at = 0
    for state, run in groupby(track):
        length = len(list(run))
        if state not in " -":
            axes.broken_barh([(at, length)], (top, 0.84), color=STATES.get(state, ("", GREY))[1], linewidth=0)
        at += length


def _stack(axes: Axes, position: int, heights: Mapping[str, float]) -> None:
    """The letters of one position: from the axis outwards by their size."""
    edge = {True: 0.0, False: 0.0}
    for letter, height in sorted(heights.items(), key=lambda pair: abs(pair[1])):
        if height:
            up = height > 0
            bottom = edge[up] if up else edge[up] + height
            edge[up] += height
            box = Affine2D().scale(0.94, abs(height)).translate(position - 0.47, bottom)
            axes.add_patch(PathPatch(_letter(letter).transformed(box), color=_colour(letter), linewidth=0))


def _colour(letter: str) -> str:
    return NUCLEOTIDES.get(letter) or COLOURS[ord(letter) % len(COLOURS)]


@cache
def _letter(letter: str) -> TextPath:
    """The outline of a letter, stretched to fill the unit square."""
    outline = TextPath((0, 0), letter, size=1, prop=FontProperties(family="DejaVu Sans", weight="bold"))
    box = outline.get_extents()
    return outline.transformed(Affine2D().translate(-box.x0, -box.y0).scale(1 / box.width, 1 / box.height))
