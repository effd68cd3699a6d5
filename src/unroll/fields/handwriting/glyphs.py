"""Pictures of single glyphs, brought to the form of MNIST."""

from pathlib import Path

import numpy as np

from unroll.fields.handwriting.own import MOST_PIXELS
from unroll.sources import images

SIDE = 28  # of a picture
BOX = 20  # the side of the square that the ink fits in
INK = 64  # of 255, from which on a pixel is ink rather than the grain of paper


def read(path: Path) -> np.ndarray:
    """uint8 (28, 28): the glyph in a picture of any kind and size."""
    return centred(images.grey(path, MOST_PIXELS))


def centred(picture: np.ndarray) -> np.ndarray:
    """uint8 (28, 28): the ink of a picture uint8 (H, W), ink high, at the size and place that it has in MNIST.

    It is scaled to fit a square of 20 pixels and put with its centre of mass in the middle, as far as it then stays
    within the picture (LeCun, Cortes & Burges 1998, "The MNIST database of handwritten digits").
    """
    ink = picture >= INK
    top, bottom = np.flatnonzero(ink.any(1))[[0, -1]]
    left, right = np.flatnonzero(ink.any(0))[[0, -1]]
    cut = picture[top : bottom + 1, left : right + 1]
    scale = BOX / max(cut.shape)
    height, width = (max(1, round(scale * side)) for side in cut.shape)
    scaled = _resized(cut, height, width, smooth=True)
    framed = np.zeros((SIDE, SIDE), np.uint8)
    y, x = (
        int(np.clip(round(SIDE / 2 - _middle(scaled.sum(1 - axis))), 0, SIDE - side))
        for axis, side in enumerate((height, width))
    )
    framed[y : y + height, x : x + width] = scaled
    return framed


def shrunk(picture: np.ndarray, size: int) -> np.ndarray:
    """uint8 (size, size): the mean over the area of each pixel."""
    return picture if picture.shape == (size, size) else _resized(picture, size, size, smooth=False)


def _middle(weights: np.ndarray) -> float:
    return float(weights @ (np.arange(len(weights)) + 0.5) / max(1, weights.sum()))


def _resized(picture: np.ndarray, height: int, width: int, smooth: bool) -> np.ndarray:
    from PIL import Image  # slow to import, and only needed here

    way = Image.Resampling.BICUBIC if smooth else Image.Resampling.BOX
    return np.asarray(Image.fromarray(picture).resize((width, height), way))
