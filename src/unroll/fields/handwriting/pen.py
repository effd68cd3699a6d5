"""The movements of a pen: what a model reads of strokes, and strokes again from what it read.

A step is ``dx``, ``dy`` (in heights of the writing), whether the pen was down, and whether a stroke ends with it. All
steps on paper are about equally long, however fast the pen was and however often it was looked at.
"""

from collections.abc import Sequence

import numpy as np

SHAPE = [4, 1, 1]  # of a step
FLATTEST = 4  # writing wider than so many heights, such as a dash, counts as so much higher


def steps(strokes: Sequence[np.ndarray], spacing: float) -> np.ndarray:
    """float32 (T, 4): the movements along strokes (N, 2) of x and y, and from each to the next.

    ``spacing`` is the length of a step in heights of the writing. A stroke of one point is a dot: a step that leads
    nowhere. Raises ValueError where there is no stroke.
    """
    if not strokes:
        raise ValueError("no strokes")
    width, height = np.ptp(np.concatenate(strokes), 0)
    size = max(height, width / FLATTEST) or 1.0
    found, at = [], np.asarray(strokes[0][0], np.float64) / size
    for number, stroke in enumerate(strokes):
        points = _evenly(np.asarray(stroke, np.float64) / size, spacing)
        if number:
            found.append([*(points[0] - at), 0, 0])
        found += [[dx, dy, 1, 0] for dx, dy in np.diff(points, axis=0)] or [[0, 0, 1, 0]]
        found[-1][3] = 1
        at = points[-1]
    return np.array(found, np.float32)


def strokes(steps: np.ndarray) -> list[np.ndarray]:
    """The strokes (N, 2), from (0, 0) on, of movements (T, 4), or of the first of them."""
    places = np.concatenate([np.zeros((1, 2), np.float32), steps[:, :2].cumsum(0)])
    return np.split(places, 1 + np.flatnonzero(steps[:, 2] == 0))


def _evenly(points: np.ndarray, spacing: float) -> np.ndarray:
    """The line through points (N, 2) by points about ``spacing`` apart, both ends among them; a dot stays one point."""
    along = np.concatenate([[0], np.hypot(*np.diff(points, axis=0).T).cumsum()])
    if along[-1] == 0:
        return points[:1]
    wanted = np.linspace(0, along[-1], 1 + max(1, round(along[-1] / spacing)))
    return np.stack([np.interp(wanted, along, axis) for axis in points.T], 1)
