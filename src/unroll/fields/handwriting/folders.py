"""Examples of one's own: a folder for each label, with a file for each example.

The folders of the labels lie in folders ``train``, ``valid`` and ``test``, or all in one place: then a tenth of each
label's files is drawn for test and a tenth for valid. Copies of a file are on one side. What is hidden, its name
beginning with a dot, is passed over.
"""

from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

import numpy as np

from unroll.errors import UserError
from unroll.fields.handwriting.splits import SPLITS, Name, drawn
from unroll.files import sha256


class Labelled(NamedTuple):
    """A file, its label, and its ``id``: its path within the folder."""

    id: str
    path: Path
    label: str


def read(source: Path, suffixes: Collection[str], seed: int) -> dict[Name, list[Labelled]]:
    """The files whose names end in one of ``suffixes`` by split, the labels in order."""
    if not source.is_dir():
        raise UserError(f"{source} is no folder: name one with a folder for each label")
    stated = [split for split in SPLITS if (source / split).is_dir()]
    if not stated:
        return _drawn(_labels(source, source, suffixes), source, seed)
    if missing := [split for split in SPLITS if split not in stated]:
        raise UserError(f"{source}: beside {stated[0]} a folder {missing[0]} is missing: add it, or name no splits")
    found = {split: _labels(source / split, source, suffixes) for split in SPLITS}
    return {split: [file for own in labels.values() for file in own] for split, labels in found.items()}


def _labels(folder: Path, source: Path, suffixes: Collection[str]) -> dict[str, list[Labelled]]:
    found = {}
    for label in filter(Path.is_dir, _visible(folder)):
        files = [path for path in _visible(label) if path.suffix.lower() in suffixes]
        if not files:
            raise UserError(f"{label} has no file {' or '.join(f'*{each}' for each in sorted(suffixes))}: add some")
        found[label.name] = [Labelled(path.relative_to(source).as_posix(), path, label.name) for path in files]
    if len(found) < 2:
        raise UserError(f"{folder}: expected a folder for each of two labels or more, found {len(found)}")
    return found


def _visible(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if not path.name.startswith("."))


def _drawn(labels: dict[str, list[Labelled]], source: Path, seed: int) -> dict[Name, list[Labelled]]:
    rng = np.random.default_rng(seed)
    sides: dict[Name, list[Labelled]] = {split: [] for split in SPLITS}
    for label, files in labels.items():
        contents = [sha256(file.path) for file in files]
        if (different := len(set(contents))) < len(SPLITS):
            raise UserError(f"{source / label} has {different} different files, too few for three splits: add more")
        side = drawn(contents, rng)
        for file, content in zip(files, contents, strict=True):
            sides[side[content]].append(file)
    return sides
