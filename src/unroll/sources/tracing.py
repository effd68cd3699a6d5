"""Strokes of a pen recovered from a picture of the writing: its skeleton, walked in a plausible order.

They are recovered and not recorded: a picture does not tell in which order and direction a pen moved, nor where it went
twice. What is found is one way to write the same thing, by the rules that readers of pictures go by:

- the pen runs along the skeleton of what is written (``skeletons``);
- where lines meet, the pen goes on as straight as it can (good continuation: Doermann & Rosenfeld 1995, "Recovery of
  temporal information from static images of handwriting"), and rather anywhere than back into the loop it comes from;
- a stroke begins at its upper or left end, a closed one at its top and to the left, and strokes follow each other from
  the upper left to the lower right.
"""

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from unroll.sources.skeletons import End, skeleton

REACH = 10  # points that tell the direction of a line at its end
SMOOTH = 3  # points on either side that a point is averaged with


def trace(picture: np.ndarray) -> list[np.ndarray]:
    """The strokes float32 (N, 2), x to the right and y down in pixels, of a picture uint8 (H, W) whose ink is high.

    They are in the order of writing, N is at least 1 (a dot), and points are half a pixel apart. There are none where
    there is no ink.
    """
    lines, meetings = skeleton(picture)
    partner: dict[End, End] = {}
    for ends in meetings:
        partner |= _paired(ends, lines)
    strokes = [_directed(_smooth(chain)) for chain in _chains(lines, partner)]
    # Writing runs to the right: of two strokes the left one comes first, even if the other begins a little higher.
    return sorted(strokes, key=lambda stroke: float(stroke[0].sum()))


def _paired(ends: Sequence[End], lines: Sequence[np.ndarray]) -> dict[End, End]:
    """Of the ends that meet, which goes on in which: the straightest first, a loop's own two last.

    A turn of more than a right angle is none that a pen makes, but where only two ends meet.
    """
    away = {end: _away(lines[end.line], end.side) for end in ends}
    ways = [
        (one.line == other.line, float(away[one] @ away[other]), one, other) for one, other in combinations(ends, 2)
    ]
    found: dict[End, End] = {}
    for _, bend, one, other in sorted(ways):
        if one not in found and other not in found and (bend < 0 or len(ends) == 2):
            found |= {one: other, other: one}
    return found


def _away(points: np.ndarray, side: int) -> np.ndarray:
    """float32 (2,): the direction, of length 1, in which a line leaves its end."""
    near = points[:REACH] if side == 0 else points[: -REACH - 1 : -1]
    direction = near[-1] - near[0]
    return direction / max(1e-6, float(np.hypot(*direction)))


def _chains(lines: Sequence[np.ndarray], partner: dict[End, End]) -> list[np.ndarray]:
    """The lines joined where one goes on in another; a closed one ends where it begins."""
    open_ends = [End(number, side) for number in range(len(lines)) for side in (0, -1)]
    starts = [end for end in open_ends if end not in partner] + [end for end in open_ends if end in partner]
    chains, used = [], set()
    for start in starts:
        parts, end = [], start
        while end is not None and end.line not in used:
            used.add(end.line)
            parts.append(lines[end.line] if end.side == 0 else lines[end.line][::-1])
            end = partner.get(end.other)
        if parts:
            closed = parts[0][:1] if end == start else parts[0][:0]
            chains.append(np.concatenate([*parts, closed]))
    return chains


def _smooth(points: np.ndarray) -> np.ndarray:
    """The mean over a few points before and behind each, so that the stairs of pixels vanish; ends stay."""
    reach = np.minimum(SMOOTH, np.minimum(np.arange(len(points)), np.arange(len(points))[::-1]))
    sums = np.concatenate([np.zeros((1, 2), np.float32), points.cumsum(0)])
    at = np.arange(len(points))
    return (sums[at + reach + 1] - sums[at - reach]) / (2 * reach + 1)[:, None].astype(np.float32)


def _directed(points: np.ndarray) -> np.ndarray:
    """From the end where it is likely to begin."""
    if len(points) > 2 and np.hypot(*(points[0] - points[-1])) <= 1:
        ring = np.roll(points[:-1], -int(points[:-1, 1].argmin()), 0)
        ring = np.concatenate([ring, ring[:1]])
        return ring if ring[len(ring) // 8, 0] <= ring[0, 0] else ring[::-1]
    return points if _late(points[0]) <= _late(points[-1]) else points[::-1]


def _late(point: np.ndarray) -> float:
    """How late a pen comes to an end: from the top down, and half as much from left to right."""
    return float(point[1] + point[0] / 2)
