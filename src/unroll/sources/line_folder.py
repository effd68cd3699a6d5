"""A folder of pictures of lines with what they say, in the form of kraken and OCRopus.

Beside each picture, ``0001.png`` or ``0001.bin.png``, lies its text in UTF-8, ``0001.gt.txt``. What is
hidden, its name beginning with a dot, is passed over.
"""

import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from unroll.errors import UserError

TEXT = ".gt.txt"
SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".gif", ".webp", ".pgm", ".pbm", ".ppm"})
STEPS = (".bin", ".nrm", ".dew")  # of OCRopus, between name and suffix of what it made of a picture


class Line(NamedTuple):
    """A picture of a line and what is written in it; ``name`` is its place in the folder without its suffix."""

    name: str
    picture: Path
    text: str


def has_texts(folder: Path) -> bool:
    """Whether any text lies in a folder as beside the picture of a line."""
    return any(path.name.endswith(TEXT) for path in _visible(folder))


def read(folder: Path) -> list[Line]:
    """The lines of a folder and of those below it, by name; ``UserError`` names what has no partner or is no text."""
    shown = _by_name(folder, _pictures_in(folder))
    written = sorted(path for path in _visible(folder) if path.name.endswith(TEXT))
    texts = {str(path.relative_to(folder)).removesuffix(TEXT): path for path in written}
    for name, path in shown.items():
        if name not in texts:
            raise UserError(f"{path} has no text: write what it says into {Path(name).name}{TEXT} beside it")
    for name, path in texts.items():
        if name not in shown:
            raise UserError(f"{path} has no picture of its name beside it: add one, or take the text out")
    return [Line(name, shown[name], _text(texts[name])) for name in sorted(shown)]


def pictures(paths: Iterable[Path]) -> list[Path]:
    """The paths, in the place of a folder the pictures in it; ``UserError`` where a folder has none."""
    found = []
    for path in paths:
        inside = _pictures_in(path) if path.is_dir() else [path]
        if not inside:
            raise UserError(f"{path} is a folder without pictures: name a picture, or a folder of them")
        found += inside
    return found


def _pictures_in(folder: Path) -> list[Path]:
    """The pictures in a folder and in those below it, told by their suffixes, in order."""
    return sorted(path for path in _visible(folder) if path.suffix.lower() in SUFFIXES and path.is_file())


def _visible(folder: Path) -> Iterator[Path]:
    """What lies in a folder and in those below it, but for what is hidden or lies in a hidden folder."""
    for path in folder.rglob("*"):
        if not any(part.startswith(".") for part in path.relative_to(folder).parts):
            yield path


def _by_name(folder: Path, paths: Iterable[Path]) -> dict[str, Path]:
    """The pictures by name without suffix; of a line there may be one only."""
    found: dict[str, Path] = {}
    for path in paths:
        name = str(path.relative_to(folder).with_suffix(""))
        name = name.removesuffix(next((step for step in STEPS if name.endswith(step)), ""))
        if name in found:
            raise UserError(f"{found[name]} and {path} are of one line: keep one of them")
        found[name] = path
    return found


def _text(path: Path) -> str:
    """The one line of text in a file: composed (NFC), with single blanks."""
    try:
        rows = path.read_text(encoding="utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not text in UTF-8 ({error}): save it as UTF-8") from None
    written = [" ".join(unicodedata.normalize("NFC", row).split()) for row in rows if row.strip()]
    if not written:
        raise UserError(f"{path} is empty: write what its picture says, or take out both")
    if len(written) > 1:
        raise UserError(f"{path} has {len(written)} lines of text: a picture shows one")
    return written[0]
