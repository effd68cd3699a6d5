"""Pictures of writing: any common image file as grey pixels, ink high; a line of writing as columns of pixels."""

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from unroll.errors import UserError

if TYPE_CHECKING:
    from PIL.Image import Image

# Those that Pillow decodes by itself: no interpreter such as Ghostscript is ever started.
FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")
MOST_ASPECT = 200  # a picture at most so many times as wide as high
LEAST_CONTRAST = 32  # of 255, between the darkest and the lightest pixel of a picture that shows something
INK = 128  # of 255, from which on a pixel is ink
SPECK = 0.05  # a dot of a pen is about as wide as its stroke, a tenth of what is highest; what is half of it is dust
STRIP = 0.95  # of an edge of a picture, which a dark strip along it covers
MOST_PIECES = 100_000  # of ink
MARGIN = 0.2  # of the ink's height, on each side: the digits of MNIST are 20 of 28 pixels high


class NoInkError(UserError):
    """A picture of one colour: nothing is written on it."""


def grey(path: Path, most_pixels: int) -> np.ndarray:
    """uint8 (H, W): the picture in an image file, the paper 0 and the strongest ink 255.

    Colour becomes lightness, what is transparent shows white, 16 bits become 8, a photograph is turned as its camera
    was held. The paper is what most of the border shows; when that is darker than the rest, the ink is what is light.
    Raises ``UserError`` naming a file that is no image, truncated, empty, animated, of one colour, of more than
    ``most_pixels`` (told from its header, before anything is decoded) or wider than any line of writing.
    """
    _refuse_unreadable(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what Pillow finds odd in a file and mends; it is refused here if huge
            light = _decoded(path, most_pixels)
    except UserError:
        raise
    except Exception as error:  # a foreign file can fail anywhere in the library
        said = " ".join(str(error).split())[:200]
        raise UserError(f"{path} cannot be read as an image ({type(error).__name__}: {said}): save it anew") from None
    return _ink(light, path)


def cleaned(picture: np.ndarray) -> np.ndarray:
    """uint8 (H, W): a picture with ink high, without specks and without dark strips along its edges.

    A speck is much smaller, either way, than the highest piece of ink. What covers an edge is a strip only where
    all other ink keeps clear of the edges, for in a picture that is cut close it may be an upright stroke. What has
    more pieces than writing has, such as the grain of a photograph, stays as it is.
    """
    from scipy import ndimage

    pieces, count = ndimage.label(picture >= INK, np.ones((3, 3)))  # 0 is the paper
    if count > MOST_PIECES:
        return picture
    boxes = [(rows.stop - rows.start, columns.stop - columns.start) for rows, columns in ndimage.find_objects(pieces)]
    sizes = np.array([(0, 0), *boxes])
    edges = [pieces[0], pieces[-1], pieces[:, 0], pieces[:, -1]]
    strips = [piece for edge in edges for piece in np.flatnonzero(np.bincount(edge) >= STRIP * len(edge)) if piece]
    writing = np.arange(count + 1) > 0
    writing[strips] = False
    writing &= sizes.max(1) >= SPECK * sizes[writing, 0].max(initial=0)
    dropped = ~writing
    dropped[0] = False
    dropped[strips] = writing.any() and not any(writing[edge].any() for edge in edges)
    return np.where(dropped[pieces], np.uint8(0), picture)


def line(picture: np.ndarray, height: int) -> np.ndarray:
    """uint8 (T, height): the columns, from left to right, of a picture (H, W) with ink high, cut to one line's ink.

    What holds the ink, with a margin about it, is scaled to ``height`` pixels; T follows. A picture without ink is
    scaled as it is.
    """
    from PIL import Image

    top, bottom = _extent((picture >= INK).any(axis=1))
    left, right = _extent((picture >= INK).any(axis=0))
    margin = round(MARGIN * (bottom - top))
    cut = np.pad(picture[top:bottom, left:right], margin)
    width = max(1, round(cut.shape[1] * height / cut.shape[0]))
    scaled = Image.fromarray(cut).resize((width, height), Image.Resampling.BILINEAR)
    return np.ascontiguousarray(np.asarray(scaled).T)


def _refuse_unreadable(path: Path) -> None:
    if path.is_dir():
        raise UserError(f"{path} is a folder: name the images in it")
    if not path.is_file():
        raise UserError(f"{path} is missing, or no file: check the name")
    if path.stat().st_size == 0:
        raise UserError(f"{path} is empty (0 bytes): scan or copy it again")


def _decoded(path: Path, most_pixels: int) -> np.ndarray:
    """float32 (H, W): the lightness of each pixel, from 0 to 255."""
    from PIL import Image, ImageOps, UnidentifiedImageError

    try:
        image = Image.open(path, formats=FORMATS)
    except UnidentifiedImageError:
        known = f"{', '.join(FORMATS[:-1])} or {FORMATS[-1]}"
        raise UserError(f"{path} is no image, whatever its name: give a {known} file") from None
    except Image.DecompressionBombError:
        raise UserError(f"{path} has more than {most_pixels} pixels: scale it down, or cut it up") from None
    with image:
        if image.width * image.height > most_pixels:
            size = f"{image.width} × {image.height} pixels"
            raise UserError(f"{path} has {size}, more than {most_pixels}: scale it down, or cut it up")
        if image.width > MOST_ASPECT * image.height:
            raise UserError(f"{path} is over {MOST_ASPECT} times as wide as high: cut it up")
        if getattr(image, "n_frames", 1) > 1:
            raise UserError(f"{path} is animated or has several pages: save one picture of it")
        image.load()
        return _lightness(ImageOps.exif_transpose(image), path)


def _lightness(image: "Image", path: Path) -> np.ndarray:
    from PIL import Image

    if image.mode.startswith("I"):  # 16 bits, which Pillow also hands out as whole numbers of 32
        values = np.asarray(image).astype(np.float32)
        if values.min() < 0 or values.max() > 65_535:
            raise UserError(f"{path} has pixels of 32 bits: save it with 8 or 16 bits a channel")
        return values / 257
    if image.mode == "F":
        raise UserError(f"{path} has pixels in floating point: save it with 8 or 16 bits a channel")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return np.asarray(image.convert("L")).astype(np.float32)


def _ink(light: np.ndarray, path: Path) -> np.ndarray:
    """uint8 (H, W): how far each pixel is from the paper towards the ink, by the lightness of both."""
    darkest, lightest = light.min(), light.max()
    if lightest - darkest < LEAST_CONTRAST:
        raise NoInkError(f"{path} is of one colour, no ink shows on it: give a picture of more contrast")
    paper = np.median(np.concatenate([light[0], light[-1], light[:, 0], light[:, -1]]))
    strongest = darkest if paper > (darkest + lightest) / 2 else lightest
    return np.rint(255 * np.clip((light - paper) / (strongest - paper), 0, 1)).astype(np.uint8)


def _extent(inked: np.ndarray) -> tuple[int, int]:
    """From which to before which of the rows or columns there is ink; all of them where there is none."""
    places = np.flatnonzero(inked)
    return (int(places[0]), int(places[-1]) + 1) if len(places) else (0, len(inked))
