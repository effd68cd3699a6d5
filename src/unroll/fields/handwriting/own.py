"""Pictures of one's own: a folder of lines with their texts to learn from, and lines to read."""

from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from unroll.errors import UserError
from unroll.fields.handwriting.splits import SPLITS, Name, drawn
from unroll.files import sha256
from unroll.patterns.transcriber import Transcriber, Transcript, transcript_of
from unroll.sources import images, line_folder
from unroll.sources.line_folder import Line

MOST_PIXELS = 50_000_000  # of a picture, so that none fills the memory


def lines(folder: Path, seed: int) -> dict[Name, list[Line]]:
    """The lines of a folder by split: those of its folders ``train``, ``valid`` and ``test``, or else drawn at random.

    Of those drawn, copies of a picture lie on one side.
    """
    stated = [split for split in SPLITS if (folder / split).is_dir()]
    if missing := sorted(set(SPLITS) - set(stated)) if stated else []:
        raise UserError(f"{folder}: beside {stated[0]} a folder {missing[0]} is missing: add it, or name no splits")
    if stated:
        found = {split: line_folder.read(folder / split) for split in SPLITS}
    else:
        found = _drawn(line_folder.read(folder), np.random.default_rng(seed))
    for split, own in found.items():
        if not own:
            raise UserError(f"{folder}: no line for the split {split}: add more pictures with their texts")
    return found


def rows(found: Sequence[Line], height: int) -> Iterator[Mapping[str, Any]]:
    """``id``, ``text`` and ``frames``, uint8 (T, ``height``), of each line."""
    for line in found:
        yield {"id": line.name, "text": line.text, "frames": picture(line.picture, height)}


def picture(path: Path, height: int) -> np.ndarray:
    """uint8 (T, ``height``), ink high: the line in a picture of any kind and size, without specks and dark edges."""
    return images.line(images.cleaned(images.grey(path, MOST_PIXELS)), height)


def read(pattern: Transcriber, path: Path) -> Transcript:
    """What is written in the picture of a line; nothing where it shows nothing."""
    # A featurizer scales lines to a size of its own, or else leaves them as high as the network learned them.
    height = pattern.features.size or pattern.shape[1]
    try:
        frames = picture(path, height)
    except images.NoInkError:
        return transcript_of([])
    featurizer = import_module(f"unroll.features.{pattern.featurizer}")
    features, _ = featurizer.encode(frames, (1, height, 1), pattern.features)
    (found,) = pattern.read([features])
    return found


def _drawn(found: Sequence[Line], rng: np.random.Generator) -> dict[Name, list[Line]]:
    contents = [sha256(line.picture) for line in found]
    side = drawn(contents, rng)
    pairs = [*zip(found, contents, strict=True)]
    return {split: [line for line, content in pairs if side[content] == split] for split in SPLITS}
