"""Lines of handwriting drawn from pictures of single glyphs, as one hand would write them in a row.

The pen strokes are real; what joins them is drawn at random: how far apart they stand, which may be touching, how they
lean, how large and heavy they are, where the baseline runs, and what scanner and paper add.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from unroll.sources import images

INK = 96  # of 255, from which on a pixel is of a stroke when strokes are put side by side
UNDER = 3  # pixels by which the box of a glyph may reach under that of its neighbour
ROOM = 8  # pixels around a glyph, so that none is cut off where it leans or is shifted


class Hand(NamedTuple):
    """How a line is written.

    ``slant``: sideways shift by height; ``stretch``: width by height; ``weight``: pixels by which the pen is broader at
    either side, or finer where negative; ``gap``: mean pixels between strokes; ``climb``: rise by width; ``unsteady``:
    how much the single glyphs differ, 0 to 1.
    """

    slant: float
    stretch: float
    weight: float
    gap: float
    climb: float
    unsteady: float


def draw(rng: np.random.Generator, glyphs: Sequence[np.ndarray], height: int) -> np.ndarray:
    """A line of glyphs, each uint8 (h, w) with ink high and all of one shape: uint8 (T, ``height``), ink high."""
    hand = _hand(rng)
    written = _written(rng, hand, glyphs)
    return _scanned(rng, images.line(_weighed(written, hand.weight), height))


def _hand(rng: np.random.Generator) -> Hand:
    return Hand(
        slant=float(np.clip(rng.normal(0, 0.15), -0.3, 0.35)),
        stretch=rng.uniform(0.85, 1.15),
        weight=rng.uniform(-0.25, 0.4),
        gap=rng.uniform(0, 6),
        climb=rng.normal(0, 0.02),
        unsteady=rng.uniform(0.2, 1),
    )


def _written(rng: np.random.Generator, hand: Hand, glyphs: Sequence[np.ndarray]) -> np.ndarray:
    """uint8 (h, W): the glyphs side by side, each pushed as far to the left as its gap to those before it allows."""
    height, width = (side + 2 * ROOM for side in glyphs[0].shape)
    line = np.zeros((height, 2 * width * len(glyphs)), np.uint8)
    edge = np.full(height, -width)  # the last column with ink in each row
    end = 0  # of the ink of all rows
    for glyph in glyphs:
        leaning = _leaning(rng, hand, glyph, hand.climb * end)
        strokes = leaning > INK
        first = np.where(strokes.any(1), strokes.argmax(1), 2 * width)
        gap = max(0, round(hand.gap + rng.normal(0, 1.5 * hand.unsteady)))
        left, right = np.flatnonzero(strokes.any(0))[[0, -1]] if strokes.any() else (0, width - 1)
        clear = int((_widened(edge) - first).max()) + 1 + gap  # where no row of it comes nearer than the gap
        at = max(0, clear, end - UNDER - left + gap)
        window = line[:, at : at + width]
        np.maximum(window, leaning, out=window)
        last = np.where(strokes.any(1), at + width - 1 - strokes[:, ::-1].argmax(1), -width)
        edge, end = np.maximum(edge, last), max(end, at + right + 1)
    return line[:, : end + width]


def _leaning(rng: np.random.Generator, hand: Hand, glyph: np.ndarray, climbed: float) -> np.ndarray:
    """uint8 (h, w): a glyph with room around it, slanted, turned, scaled and set on the baseline."""
    from PIL import Image

    size, turn, drop = [1, 0, -climbed] + hand.unsteady * rng.normal(0, [0.1, math.radians(4), 1.2])
    cos, sin = math.cos(turn) / size, math.sin(turn) / size
    # Pillow asks where in the glyph a pixel of the result comes from, so this is the way back.
    back = np.array([[cos / hand.stretch, sin], [-sin / hand.stretch, cos]]) @ np.array([[1, hand.slant], [0, 1]])
    height, width = glyph.shape
    middle = np.array([width / 2, height / 2])
    moved = middle + ROOM + np.array([0, np.clip(drop, -ROOM / 2, ROOM / 2)])
    start = middle - back @ moved
    turned = Image.fromarray(glyph).transform(
        (width + 2 * ROOM, height + 2 * ROOM),
        Image.Transform.AFFINE,
        (*back[0], start[0], *back[1], start[1]),
        Image.Resampling.BICUBIC,
    )
    return np.asarray(turned)


def _widened(edge: np.ndarray) -> np.ndarray:
    """The edge with that of the rows above and below, since strokes touch at corners too."""
    return np.maximum(edge, np.maximum(np.append(edge[1:], edge[-1]), np.append(edge[0], edge[:-1])))


def _weighed(line: np.ndarray, weight: float) -> np.ndarray:
    """The line written with a broader or a finer pen: towards the extremes of each pixel's neighbours."""
    extreme = np.maximum if weight > 0 else np.minimum
    padded = np.pad(line, 1)
    across = extreme(extreme(padded[:, :-2], padded[:, 2:]), padded[:, 1:-1])
    other = extreme(extreme(across[:-2], across[2:]), across[1:-1])
    return np.rint((1 - abs(weight)) * line + abs(weight) * other).astype(np.uint8)


def _scanned(rng: np.random.Generator, line: np.ndarray) -> np.ndarray:
    """The line on paper of uneven brightness, with pale ink and the noise of a sensor."""
    ink = line * rng.uniform(0.6, 1)
    shades = rng.uniform(0, 40) * rng.random(2 + len(line) // 60)
    paper = np.interp(np.linspace(0, len(shades) - 1, len(line)), np.arange(len(shades)), shades)[:, None]
    noise = rng.uniform(0, 14) * rng.standard_normal(line.shape, np.float32)
    return np.clip(np.maximum(ink, paper) + noise, 0, 255).astype(np.uint8)
