"""Moving pictures to look at: loops, and strips of frames over what happens in them. The same input, the same bytes."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Patch
from PIL import Image

from unroll.metrics.segments import Segment, segments
from unroll.reports.style import COLOURS, DARK, GREY, WIDTH, picture

FASTEST = 50.0  # frames a second: browsers slow down what is faster
GREYS = 32  # of a loop: more are hardly seen, and cost half as much again
LARGEST = 96  # pixels of a loop's sides; a page shows it larger
SHOWN = 12  # frames of a strip
LIGHT = ("#E69F00", "#56B4E9")  # colours that dark letters are better read on
HIGH = 0.42, 0.3  # inches: a frame of a strip, and a bar with the gap around it

LINE = 0.19  # inches: a word


def loop(to: Path | BinaryIO, frames: np.ndarray, frames_per_second: float) -> None:
    """An endless GIF of grey ``frames``, uint8 (T, H, W), T at least 1, at their own speed.

    Of more than 50 frames a second every second one or fewer are shown.
    """
    every = int(np.ceil(frames_per_second / FASTEST))
    grey = np.round(np.round(frames[::every] * ((GREYS - 1) / 255)) * (255 / (GREYS - 1))).astype(np.uint8)
    pictures = [Image.fromarray(each) for each in grey]
    for each in pictures:
        each.thumbnail((LARGEST, LARGEST), Image.Resampling.BOX)
    # A GIF counts in hundredths of a second: what one frame lasts too long, the next lasts shorter.
    ends = np.round(np.arange(len(pictures) + 1) * (100 * every / frames_per_second)) * 10
    durations = np.maximum(20, np.diff(ends)).astype(int).tolist()
    pictures[0].save(
        to, format="GIF", save_all=True, append_images=pictures[1:], duration=durations, loop=0, optimize=False
    )


def strip(
    to: Path | BinaryIO,
    frames: np.ndarray,
    frames_per_second: float,
    tracks: Mapping[str, np.ndarray],
    names: Sequence[str],
) -> None:
    """A PNG of a clip: some of its grey ``frames``, uint8 (T, H, W), above a bar of labels (S,) per track.

    ``tracks`` are by what is written before the bar, such as true and found. The labels are evenly spread over the clip
    and numbers of ``names``; a run of one is a coloured stretch, with its name where that has room, else in the legend.
    """
    seconds = len(frames) / frames_per_second
    runs = {track: segments(labels) for track, labels in tracks.items()}
    labels = dict.fromkeys(segment.label for track in runs.values() for segment in track)
    colours = {label: COLOURS[i] if i < len(COLOURS) else GREY for i, label in enumerate(labels)}
    with picture(to, 0.75 + HIGH[0] + HIGH[1] * len(tracks)) as figure:
        axes = figure.subplots()
        _pictures(axes, frames, seconds)
        axes.set(xlim=(0, seconds), ylim=(len(tracks) * HIGH[1], -HIGH[0]), xlabel="seconds")
        unnamed = set(labels)
        for row, track in enumerate(runs.values()):
            for segment in track:
                if _stretch(axes, row, segment, names[segment.label], colours[segment.label], track[-1].stop):
                    unnamed.discard(segment.label)
        axes.set_yticks([(row + 0.5) * HIGH[1] for row in range(len(tracks))], list(tracks))
        axes.tick_params("y", length=0)
        axes.grid(visible=False)
        axes.spines.left.set_visible(False)
        patches = [Patch(color=colours[label], label=names[label]) for label in labels if label in unnamed]
        if patches:
            figure.legend(handles=patches, loc="outside upper left", ncols=4, fontsize=9)


def attention(
    to: Path | BinaryIO, frames: np.ndarray, frames_per_second: float, symbols: Sequence[str], weights: np.ndarray
) -> None:
    """A PNG of a clip: some of its grey ``frames``, uint8 (T, H, W), above where in it each symbol looked.

    The darker, the more of a symbol's weights (N, S), 0 to 1, the S steps of the clip had.
    """
    seconds = len(frames) / frames_per_second
    with picture(to, 0.75 + HIGH[0] + LINE * len(symbols)) as figure:
        axes = figure.subplots()
        _pictures(axes, frames, seconds)
        bottom = LINE * len(symbols)
        box = (0, seconds, bottom, 0)
        axes.imshow(weights, cmap="Blues", vmin=0, extent=box, aspect="auto", interpolation="nearest")
        axes.set(xlim=(0, seconds), ylim=(bottom, -HIGH[0]), xlabel="seconds")
        axes.set_yticks([(row + 0.5) * LINE for row in range(len(symbols))], symbols, fontsize=9)
        axes.tick_params("y", length=0)
        axes.grid(visible=False)


def _pictures(axes: Axes, frames: np.ndarray, seconds: float) -> None:
    """Frames side by side above the axis, each the middle one of its share of the time."""
    count = min(SHOWN, len(frames))
    edges = np.linspace(0, seconds, count + 1)
    for number, (left, right) in enumerate(pairwise(edges)):
        frame = frames[int((number + 0.5) * len(frames) / count)]
        box = (left, right, -0.03, -HIGH[0])
        axes.imshow(frame, cmap="gray", vmin=0, vmax=255, extent=box, aspect="auto", interpolation="bilinear")


def _stretch(axes: Axes, row: int, segment: Segment, name: str, colour: str, steps: int) -> bool:
    """A run of a label on its bar, in a clip of so many ``steps``; whether its name had room in it."""
    left, right = (place * axes.get_xlim()[1] / steps for place in (segment.start, segment.stop))
    axes.broken_barh([(left, right - left)], (row * HIGH[1], 0.86 * HIGH[1]), color=colour, linewidth=0)
    if (WIDTH - 1) * (segment.stop - segment.start) / steps < 0.085 * len(name) + 0.1:
        return False
    style = {"ha": "center", "va": "center", "fontsize": 9, "color": DARK if colour in LIGHT else "white"}
    axes.text((left + right) / 2, (row + 0.43) * HIGH[1], name, **style)
    return True
