"""Clips and recordings of one's own: a folder for each action, as in UCF101 (Soomro et al. 2012).

``train``, ``valid`` and ``test`` may be folders around these; else the files are dealt out at random, and what belongs
together stays on one side: a tenth of the films or people, at least one, is for ``test``, as many for ``valid``, the
others for ``train``. UCF101 cuts several clips from one film, ``v_Punch_g07_c01.avi`` from ``v_Punch_g07``; each
action has films of its own. Recordings of sensors are named after a person, ``anna_1.csv``, who may do every action.
Copies of a file are of the first one's film or person.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from unroll.errors import UserError
from unroll.fields.video.splits import SPLITS, Name
from unroll.files import sha256
from unroll.sources import videos

MOST_SECONDS = 60.0  # of a clip


class Form(NamedTuple):
    """A kind of files: its ``name`` and ``suffixes``, and the end of a file's name that tells it from its relatives.

    ``origin``: what relatives share, and ``rule``, how names tell it. ``apart``: whether the files of each action are
    dealt out by themselves.
    """

    name: str
    suffixes: tuple[str, ...]
    end: re.Pattern[str]
    origin: str
    rule: str
    apart: bool


CLIPS = Form("clip", videos.SUFFIXES, re.compile(r"_c\d+$"), "film", "all of its name before _c and digits", apart=True)
RECORDINGS = Form("recording", (".csv",), re.compile(r"_.*$"), "person", "its name up to the first _", apart=False)


class Clip(NamedTuple):
    """A file and what is done in it."""

    path: Path
    label: str

    @property
    def id(self) -> str:
        """What tells it from all others of its split."""
        return f"{self.label}/{self.path.name}"


def split(folder: Path, seed: int, form: Form = CLIPS) -> dict[Name, list[Clip]]:
    """The files of each split; ``UserError`` for a folder without two actions, or too few files for a split."""
    stated = [name for name in SPLITS if (folder / name).is_dir()]
    if stated and (missing := [name for name in SPLITS if name not in stated]):
        raise UserError(f"{folder}: beside {stated[0]} a folder {missing[0]} is missing: add it, or name no splits")
    sides = {name: _clips(folder / name, form) for name in stated or ["."]}
    actions = sorted({clip.label for clips in sides.values() for clip in clips})
    if len(actions) < 2:
        found = f"{form.name}s of one action only, {actions[0]}" if actions else f"no {form.name}s"
        raise UserError(f"{folder} has {found}: make a folder for each of two or more actions, with {form.name}s in it")
    if empty := [name for name in stated if not sides[name]]:
        raise UserError(f"{folder / empty[0]} has no {form.name}s: add some, in a folder for each action")
    if not stated:
        sides = _dealt(folder, sides["."], form, seed)
    if unknown := sorted(set(actions) - {clip.label for clip in sides["train"]}):
        raise UserError(f"{folder}: no {form.name} of {unknown[0]} is left to learn from: add more of it")
    return sides


def read(clips: Sequence[Clip], frames_per_second: int, size: int) -> Iterator[dict[str, Any]]:
    """The clips as rows of ``unroll.fields.video.actions``, one at a time."""
    for clip in clips:
        frames = videos.read(clip.path, frames_per_second, size, MOST_SECONDS)
        yield {"id": clip.id, "label": clip.label, "yaw": None, "frames": frames.reshape(len(frames), -1)}


def group(clip: Clip, form: Form) -> str:
    """What a file shares with its relatives: the name of a film, or of a person."""
    return form.end.sub("", clip.path.stem)


def _clips(folder: Path, form: Form) -> list[Clip]:
    """Every file of the form in a folder of folders, in the order of their names."""
    if not folder.is_dir():
        raise UserError(f"{folder} is no folder: name one with a folder of {form.name}s for each action")
    paths = sorted(path for path in folder.glob("[!.]*/[!.]*") if path.suffix.lower() in form.suffixes)
    return [Clip(path, path.parent.name) for path in paths]


def _dealt(folder: Path, clips: Sequence[Clip], form: Form, seed: int) -> dict[Name, list[Clip]]:
    """Whole groups in the three splits, one or more in each; ``UserError`` where there are fewer than three."""
    rng = np.random.default_rng(seed)
    sides: dict[Name, list[Clip]] = {name: [] for name in SPLITS}
    for label in sorted({clip.label for clip in clips}) if form.apart else [None]:
        groups: dict[str, list[Clip]] = {}
        met: dict[str, str] = {}  # the group of each content
        for clip in clips:
            if label in (clip.label, None):
                own = met.setdefault(sha256(clip.path), group(clip, form))
                groups.setdefault(own, []).append(clip)
        if len(groups) < len(SPLITS):
            raise UserError(_too_few(folder / (label or ""), groups, form))
        names = [list(groups)[at] for at in rng.permutation(len(groups))]
        few = max(1, round(len(names) / 10))
        for side, chosen in (("test", names[:few]), ("valid", names[few : 2 * few]), ("train", names[2 * few :])):
            sides[side] += [clip for name in chosen for clip in groups[name]]
    return sides


def _too_few(folder: Path, groups: dict[str, list[Clip]], form: Form) -> str:
    """Why they cannot be dealt out."""
    return (
        f"{folder}: {sum(map(len, groups.values()))} {form.name}s are taken for those of {' and '.join(groups)} alone:"
        f" a {form.name}'s {form.origin} is {form.rule}, and copies of a file are of one; each split needs a"
        f" {form.origin} of its own: add others, rename what is of another {form.origin}, or make folders"
        f" {', '.join(SPLITS)}"
    )
