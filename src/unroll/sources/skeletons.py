"""The lines of a picture of writing, as thin as can be, and where they meet.

The skeleton is that of Zhang & Suen (1984, "A fast parallel algorithm for thinning digital patterns"), cleaned of what
thinning adds: short branches at corners, and crossings that fall apart into two junctions.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

SCALE = 2  # the skeleton is that of the picture so many times as large: finer, and smoother
INK = 110  # grey values from here on are ink; below the middle, since the edge of a line is blurred
SPUR = 1.5  # a branch no longer than so many half widths of the line is a corner of it, which is √2 of them away
CROSSING = 1.8  # junctions nearer than so many half widths are one crossing
SPECK = 0.5  # a dot is none of the pen's where it is so many times as wide as the median line

Pixels = dict[int, list[int]]  # the neighbours of each pixel of a skeleton, by its number in the picture


class End(NamedTuple):
    """One end of a line: the first (0) or the last (-1) point of the line of that number."""

    line: int
    side: int

    @property
    def other(self) -> "End":
        """The end where a pen comes out that goes in here."""
        return End(self.line, -1 - self.side)


class Skeleton(NamedTuple):
    """``lines``, float32 (N, 2) each, N > 0: points x to the right and y down in pixels, half a pixel apart.

    ``meetings``: the ends that meet at each place where there are any; a closed line may meet itself, a dot is a line
    of one point and has one end.
    """

    lines: list[np.ndarray]
    meetings: list[list[End]]


def skeleton(picture: np.ndarray) -> Skeleton:
    """Of a picture uint8 (H, W) whose ink is high."""
    from scipy.ndimage import distance_transform_edt, zoom
    from skimage.morphology import skeletonize

    ink = np.pad(zoom(picture, SCALE, order=1, grid_mode=True, mode="nearest"), 1) >= INK
    width = ink.shape[1]
    pixels = _neighbours(np.flatnonzero(skeletonize(ink)).tolist(), width)
    half = distance_transform_edt(ink).ravel()  # of the width of the line at each pixel
    lines, meetings = _meetings(_without_spurs(_without_specks(_lines(pixels), half), half), half)
    return Skeleton([_points(line, width) for line in lines], meetings)


def _neighbours(skeleton: Sequence[int], width: int) -> Pixels:
    """A diagonal neighbour counts where there is no way around the corner, so that corners are no junctions."""
    own = set(skeleton)
    found = {}
    for pixel in skeleton:
        straight = [step for step in (-width, -1, 1, width) if pixel + step in own]
        diagonal = [
            down + right
            for down in (-width, width)
            for right in (-1, 1)
            if pixel + down + right in own and down not in straight and right not in straight
        ]
        found[pixel] = [pixel + step for step in straight + diagonal]
    return found


def _lines(pixels: Pixels) -> list[list[int]]:
    """The pixels from each end or junction of the skeleton to the next; closed ones end where they begin."""
    lines, seen = [], set()
    for start in [pixel for pixel, near in pixels.items() if len(near) != 2]:
        if not pixels[start]:
            lines.append([start])
        for first in pixels[start]:
            if (start, first) not in seen:
                line = _walk(pixels, start, first)
                seen |= {(start, first), (line[-1], line[-2])}
                lines.append(line)
    passed = {pixel for line in lines for pixel in line}
    for start in pixels:
        if start not in passed:
            lines.append(_walk(pixels, start, pixels[start][0]))
            passed |= set(lines[-1])
    return lines


def _walk(pixels: Pixels, start: int, first: int) -> list[int]:
    line = [start, first]
    while len(near := pixels[line[-1]]) == 2 and line[-1] != start:
        line.append(near[near[0] == line[-2]])
    return line


def _ends(lines: Iterable[Sequence[int]]) -> dict[int, list[End]]:
    """The ends of lines at each pixel where there are any."""
    found: dict[int, list[End]] = {}
    for number, line in enumerate(lines):
        for side in (0, -1) if len(line) > 1 else (0,):
            found.setdefault(line[side], []).append(End(number, side))
    return found


def _without_specks(lines: list[list[int]], half: np.ndarray) -> list[list[int]]:
    """Without the dots that are too fine for the pen."""
    pen = np.median(half[[pixel for line in lines for pixel in line]]) if lines else 0
    return [line for line in lines if len(line) > 1 or half[line[0]] > SPECK * pen]


def _without_spurs(lines: list[list[int]], half: np.ndarray) -> list[list[int]]:
    """Without the short branches that a skeleton has where a line is wide or has a corner.

    Where a blot has nothing but such branches, its two longest are kept.
    """
    ends = _ends(lines)
    spurs: dict[int, list[int]] = {}  # the numbers of those at each junction
    for number, line in enumerate(lines):
        free, joint = sorted((line[0], line[-1]), key=lambda pixel: len(ends[pixel]))
        if len(ends[free]) == 1 and len(ends[joint]) > 2 and len(line) <= 1 + SPUR * half[joint]:
            spurs.setdefault(joint, []).append(number)
    for joint, numbers in spurs.items():
        if len(numbers) == len(ends[joint]):
            numbers.sort(key=lambda number: -len(lines[number]))
            del numbers[:2]
    dropped = {number for numbers in spurs.values() for number in numbers}
    return [line for number, line in enumerate(lines) if number not in dropped]


def _meetings(lines: list[list[int]], half: np.ndarray) -> tuple[list[list[int]], list[list[End]]]:
    """The lines without those that only join two junctions of one crossing, and the ends that meet at each place."""
    ends = _ends(lines)
    joints = {pixel for pixel, own in ends.items() if len(own) > 2}

    def is_link(line: list[int]) -> bool:
        return line[0] != line[-1] and {line[0], line[-1]} <= joints and len(line) <= 1 + CROSSING * half[line[0]]

    place = {pixel: pixel for pixel in ends}
    kept = []
    for line in lines:
        if is_link(line):
            here, there = place[line[0]], place[line[-1]]
            place = {pixel: here if at == there else at for pixel, at in place.items()}
        else:
            kept.append(line)
    meetings: dict[int, list[End]] = {}
    for pixel, own in _ends(kept).items():
        meetings.setdefault(place[pixel], []).extend(own)
    return kept, list(meetings.values())


def _points(line: Sequence[int], width: int) -> np.ndarray:
    """float32 (N, 2): the middles of the pixels as x and y of the picture without its border."""
    y, x = np.divmod(np.array(line), width)
    return (np.stack([x, y], 1).astype(np.float32) - 0.5) / SCALE
