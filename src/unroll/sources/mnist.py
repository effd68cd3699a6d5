"""MNIST (LeCun, Cortes & Burges 1998): digits written by hand, as the pickle of three splits that goes around.

Its training split is the first 50,000 of MNIST's 60,000 training images, its validation split the other 10,000. In
MNIST the writers of the test images wrote none of the training images.
"""

import gzip
import zlib
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from unroll.errors import UserError
from unroll.sources import arrays

SIDE = 28  # pixels
MOST_BYTES = 2**28  # of the pickle, unpacked; MNIST's has 220 MB
_SPLITS = ("train", "valid", "test")


class Digits(NamedTuple):
    """Images uint8 (N, 28, 28), ink high (255), paper 0; labels int64 (N,), 0 to 9."""

    images: np.ndarray
    labels: np.ndarray


def read(path: Path) -> dict[str, Digits]:
    """The splits train, valid and test of ``mnist.pkl.gz``; ``UserError`` naming a file that is not it."""
    try:
        with gzip.open(path) as file:
            data = file.read(MOST_BYTES + 1)
    except FileNotFoundError:
        raise UserError(f"{path} is missing: run `dvc repro` to fetch it") from None
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(f"{path} is not a whole gzip file ({error}): fetch it anew") from None
    if len(data) > MOST_BYTES:
        raise UserError(f"{path} is larger than MNIST, over {MOST_BYTES} bytes unpacked: fetch it anew")
    try:
        splits = arrays.unpickled(data)
    except UserError as error:
        raise UserError(f"{path}: {error}") from None
    if not (isinstance(splits, tuple) and len(splits) == len(_SPLITS)):
        raise UserError(f"{path} holds no three splits of images and labels: fetch it anew")
    return {name: _digits(split, f"{path}, {name}") for name, split in zip(_SPLITS, splits, strict=True)}


def _digits(split: Any, where: str) -> Digits:
    match split:
        case (np.ndarray() as images, np.ndarray() as labels) if _fits(images, labels):
            # The darkness of a pixel, 0 to 255, was divided by 256.
            pixels = np.minimum(np.rint(images * 256), 255).astype(np.uint8)
            return Digits(pixels.reshape(-1, SIDE, SIDE), labels.astype(np.int64))
    raise UserError(f"{where}: not images of {SIDE * SIDE} shares of ink with a digit each: fetch it anew")


def _fits(images: np.ndarray, labels: np.ndarray) -> bool:
    return (
        images.dtype.kind == "f"
        and labels.dtype.kind in "iu"
        and labels.ndim == 1
        and images.shape == (len(labels), SIDE * SIDE)
        and bool(((images >= 0) & (images <= 1)).all())
        and bool(((labels >= 0) & (labels <= 9)).all())
    )
