"""Tunes in ABC notation, read as text: the standard 2.1 of 2011 (abcnotation.com/wiki/abc:standard:v2.1).

Section numbers in this file are those of the standard.
"""

import re
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

from unroll.errors import UserError

CHANGING = "KLM"  # the fields that a melody needs, at its head and where they change
_FIELD = re.compile(r"([A-Za-z]):(?![|:])[ \t]*(.*)")  # not `c:|`, which is a note before a repeat
# Fields inside a line; and what no note, length or bar depends on: text in quotes (4.18, 4.19), decorations, long ones
# and their letters (4.14, 4.16), legibility marks (4.7), bar lines without anything between them.
_MARKS = re.compile(r"\[([A-Za-z]):([^\[\]\n]*)\]|\"[^\"\n]*\"|![^!\s|]*!|[!`$*~.\\H-Wh-wy]|\|[ \t]+(?=\|[ \t])")
# What is no note is matched too, so that it is passed over: grace notes (4.12) and fields.
_NOTE = re.compile(
    r"\{[^{}\n]*\}|\[[A-Za-z]:[^\[\]\n]*\]|^[A-Za-z]:(?![|:]).*$|(?P<letter>[A-Ga-g])(?P<octave>[,']*)", re.MULTILINE
)
_MODES = {"min": "m", "m": "m", "aeo": "m", "mix": "mix", "dor": "dor", "phr": "phr", "lyd": "lyd", "loc": "loc"}
_KEY = re.compile(r"([A-G][b#]?)\s*([A-Za-z]*)")


class Tune(NamedTuple):
    """A tune of a file: the first value of each field of its head by the field's letter, and all lines below."""

    headers: dict[str, str]
    body: str

    @property
    def has_voices(self) -> bool:
        """Whether it is in several voices (7), which :attr:`text` would run into one."""
        return "V" in self.headers or bool(re.search(r"^V:|\[V:", self.body, re.MULTILINE))

    @property
    def text(self) -> str:
        """The melody alone: ``M:``, ``L:``, ``K:`` in their shortest spelling, then the notes.

        Comments, lyrics, chord names, fingerings and decorations are dropped, and fields that say nothing of how
        long or high a note is. Equal music in other white space gives equal text.
        """
        metre = plain_metre(self.headers.get("M", "none"))
        head = {
            "M": metre,
            "L": self.headers.get("L") or str(default_length(metre_length(metre))),
            "K": plain_key(self.headers.get("K", "none")),
        }
        lines = [f"{field}:{value}" for field, value in head.items()]
        return "\n".join(lines + list(_music(self.body))) + "\n"


def read_tunes(path: Path) -> list[Tune]:
    """The tunes of a file, each from its line ``X:`` (3.1.1) to an empty line or the next ``X:`` (2.2).

    Fields before the first tune hold for all (2.2.2). Files that are not in UTF-8 are read as Latin-1, as those from
    before the standard were. Raises :class:`UserError` where there is no tune.
    """
    raw = path.read_bytes()
    try:
        content = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        content = raw.decode("latin-1")
    common, *tunes = re.split(r"^(?=X:)", content.replace("\r\n", "\n").replace("\r", "\n"), flags=re.MULTILINE)
    if not tunes or "\0" in content:
        raise UserError(f"{path} has no tune in ABC notation: a tune begins with a line such as `X:1`")
    shared, _ = _split(common.splitlines())
    return [_tune(block, shared) for block in tunes]


def read_tune(path: Path) -> Tune:
    """The one tune of a file; refuses several, and a head without ``K:``, which has no notes below it (3.1.14)."""
    first, *others = read_tunes(path)
    if others:
        raise UserError(f"{path} has {1 + len(others)} tunes: write each to a file of its own")
    if "K" not in first.headers:
        raise UserError(f"{path} has no line K:, which names the key: write one such as `K:G` above the notes")
    return first


def file_of(text: str, title: str) -> str:
    """A file with one tune, given its text: what is asked of one that follows the standard (2.2, 3)."""
    return f"%abc-2.1\nX:1\nT:{title}\n{text.strip()}\n"


def plain_metre(text: str) -> str:
    """A metre (3.1.6) as ``6/8``: common and cut time as 4/4 and 2/2; what is no metre as ``none``.

    >>> plain_metre("C|"), plain_metre("2+3/8"), plain_metre("free")
    ('2/2', '5/8', 'none')
    """
    text = {"C": "4/4", "C|": "2/2"}.get(text.strip(), text)
    if not (parts := re.match(r"\s*\(?(\d{1,2}(?:\s*\+\s*\d{1,2})*)\)?\s*/\s*(\d{1,3})", text)):
        return "none"
    beats, unit = sum(int(number) for number in parts[1].split("+")), int(parts[2])
    return f"{beats}/{unit}" if beats and unit else "none"


def metre_length(metre: str) -> Fraction | None:
    """How long a bar of a plain metre is, in whole notes; None where there is none."""
    return None if metre == "none" else Fraction(metre)


def default_length(metre: Fraction | None) -> Fraction:
    """The length of a note without a number where ``L:`` says none: a sixteenth in metres below 3/4 (3.1.7)."""
    return Fraction(1, 16) if metre is not None and metre < Fraction(3, 4) else Fraction(1, 8)


def plain_key(text: str) -> str:
    """A key (3.1.14) in its shortest spelling: ``Em`` for ``E Minor``, ``Ador`` for ``A Dorian % hexatonic``.

    What the standard does not know is ``none``; pipes' keys stay as they are.
    """
    if text.startswith(("HP", "Hp")):
        return text[:2]
    if not (parts := _KEY.match(text)):
        return "none"
    return parts[1] + _MODES.get(parts[2][:3].lower(), "")


def _tune(block: str, shared: dict[str, str]) -> Tune:
    headers, body = _split(block.splitlines())
    return Tune(shared | headers, body)


def _split(lines: list[str]) -> tuple[dict[str, str], str]:
    """The fields of a head, which ends with ``K:`` (3.1.14), and the lines below it up to an empty one."""
    headers: dict[str, str] = {}
    for number, line in enumerate(lines):
        if field := _FIELD.match(line):
            headers.setdefault(field[1], field[2].partition("%")[0].strip())
            if field[1] == "K":
                body = lines[number + 1 :]
                end = next((at for at, line in enumerate(body) if not line.strip()), len(body))
                return headers, "\n".join(body[:end])
    return headers, ""


def _music(body: str) -> Iterator[str]:
    """The lines of a body that hold music or change key, metre or unit; lines continued with ``\\`` joined (6.1.1)."""
    text = ""
    for line in body.splitlines():
        line = line.partition("%")[0].rstrip()
        if not (field := _FIELD.match(line)):
            text += _MARKS.sub(_kept, line) + ("" if line.endswith("\\") else "\n")
        elif field[1] in CHANGING:
            text += f"{field[1]}:{_plain(field[1], field[2])}\n"
    yield from filter(None, (" ".join(line.split()) for line in text.splitlines()))


def _kept(mark: re.Match[str]) -> str:
    field, value = mark.groups()
    return f"[{field}:{_plain(field, value)}]" if field and field in CHANGING else ""


def _plain(field: str, value: str) -> str:
    value = value.strip()
    match field:
        case "K":
            return plain_key(value)
        case "M":
            return plain_metre(value)
        case _:
            return value


def heights(text: str) -> list[int]:
    """The height of each note of a tune in steps of its scale, whatever the key: middle C is 0, the D above it 1.

    Accidentals and grace notes count for nothing; each note of a chord counts.
    """
    found = []
    for note in _NOTE.finditer(text):
        if letter := note["letter"]:
            found.append("CDEFGABcdefgab".index(letter) + 7 * (note["octave"].count("'") - note["octave"].count(",")))
    return found
