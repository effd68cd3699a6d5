"""How long the bars of a tune in ABC notation are: a reader of lengths that takes any text and never fails.

Section numbers are those of the ABC standard 2.1. Every pattern reads on from where it stands, so the time taken grows
with the length of the text alone.
"""

import re
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

from unroll.sources.abc import default_length, metre_length, plain_metre

_LENGTH = r"(?P<{0}>\d{{0,3}}(?:/{{1,4}}\d{{0,3}})?)"
_TOKEN = re.compile(
    r"(?P<line>^[A-Za-z]:(?![|:]).*$)"
    r"|(?P<inline>\[[A-Za-z]:[^\[\]\n]*\])"
    r'|(?P<silent>"[^"\n]*"|%.*$|\{[^{}\n]*\}|![^!\s|]*!)'  # text, comments, grace notes (4.12), decorations
    r"|(?P<bar>(?:\[?\|[|:\]]*|:+\|[|:\]]*|::+)(?P<ending>[ ]?\[?\d[\d,.-]*)?)"  # 4.8, 4.9
    r"|(?P<variant>\[\d[\d,.-]*)"
    r"|\((?P<tuplet>\d)(?::(?P<into>\d?)(?::(?P<over>\d?))?)?"  # 4.13
    r"|(?P<broken><+|>+)"  # 4.4
    r"|(?P<chord>\[[^\[\]\n|]*\])" + _LENGTH.format("chord_length") + r"|(?P<whole>[ZX])(?P<bars>\d{0,3})"
    r"|(?:[_^=]{0,2}[A-Ga-g][,']*|[zx])" + _LENGTH.format("length") + r"|(?P<newline>\n)",
    re.MULTILINE,
)
_FIRST_LENGTH = re.compile(r"[A-Ga-gzx][,']*" + _LENGTH.format("length"))
_INTO = {2: 3, 3: 2, 4: 3, 6: 2, 8: 3}  # p notes in the time of so many (4.13); the others depend on the metre
_COMPOUND = ("6/8", "9/8", "12/8")


class Bar(NamedTuple):
    """A bar with something in it: its length and its metre's (None: no metre), in whole notes.

    ``inner``: it stands between two plain bar lines, so that it is no upbeat and ends no part.
    """

    length: Fraction
    metre: Fraction | None
    inner: bool


def bars(text: str) -> list[Bar]:
    """The bars of a tune, head and all, in the order they are written; repeats are read once.

    Broken rhythm, tuplets, chords (as long as their first note, 4.17) and rests of whole bars (4.5) count as the
    standard says; grace notes take no time. ``text`` may be anything: what is no music is passed over.
    """
    reader = _Reader()
    for token in _TOKEN.finditer(text):
        reader.read(token)
    reader.end_bar(plain=False)
    return reader.bars


def inner_bars(text: str) -> tuple[int, int]:
    """How many of the bars between plain bar lines are as long as their metre says, and how many there are.

    Upbeats, and the bars before a repeat that they complete, stand beside another kind of bar line.
    """
    inner = [bar for bar in bars(text) if bar.inner and bar.metre is not None]
    return sum(bar.length == bar.metre for bar in inner), len(inner)


class _Reader:
    """The state of reading a tune: metre, unit, and what acts on the notes to come."""

    def __init__(self) -> None:
        self.bars: list[Bar] = []
        self.metre: Fraction | None = None
        self.compound = False
        self.unit: Fraction | None = None  # None: as the metre has it
        self.length = self.last = Fraction(0)  # of the bar so far, and of its last note
        self.after_plain = False
        self.pending = Fraction(1)  # what a broken rhythm makes of the next note
        self.tuplet, self.left = Fraction(1), 0  # what a tuplet makes of the notes that are left of it

    def read(self, token: re.Match[str]) -> None:
        match token.lastgroup:
            case "line":
                self.field(token["line"][0], token["line"][2:])
            case "inline":
                self.field(token["inline"][1], token["inline"][3:-1])
            case "bar" | "ending":
                self.end_bar(plain=token["bar"] == "|")
            case "tuplet" | "into" | "over":
                self.begin_tuplet(int(token["tuplet"]), token["into"], token["over"])
            case "broken":
                self.break_rhythm(token["broken"])
            case "chord_length":
                first = _FIRST_LENGTH.search(token["chord"])
                if first:
                    self.note(_length(first["length"]) * _length(token["chord_length"]))
            case "bars":
                self.length += int(token["bars"] or 1) * (self.metre or Fraction(1))
            case "newline":
                if self.length and self.length == self.metre:
                    self.end_bar(plain=True)
            case "length":
                self.note(_length(token["length"]))

    def field(self, letter: str, value: str) -> None:
        if letter == "M":
            metre = plain_metre(value)
            self.metre, self.compound = metre_length(metre), metre in _COMPOUND
        elif letter == "L" and (parts := re.match(r"\s*(\d{1,3})\s*/\s*(\d{1,3})", value)):
            self.unit = Fraction(int(parts[1]), int(parts[2]) or 1)

    def note(self, length: Fraction) -> None:
        unit = self.unit or default_length(self.metre)
        self.last = length * unit * self.pending
        if self.left:
            self.last *= self.tuplet
            self.left -= 1
        self.pending = Fraction(1)
        self.length += self.last

    def break_rhythm(self, signs: str) -> None:
        """``a>b``: the first takes half of the second; with two signs three quarters, and so on; ``<`` mirrored."""
        short = Fraction(1, 2 ** min(len(signs), 4))
        mine, self.pending = (2 - short, short) if signs[0] == ">" else (short, 2 - short)
        self.length += self.last * (mine - 1)
        self.last *= mine

    def begin_tuplet(self, notes: int, into: str | None, over: str | None) -> None:
        """``(p:q:r``: p notes in the time of q, for the next r notes."""
        usual = _INTO.get(notes, 3 if self.compound else 2)
        self.tuplet = Fraction(int(into) if into and into != "0" else usual, notes or 1)
        self.left = int(over) if over else notes

    def end_bar(self, *, plain: bool) -> None:
        if self.length:
            self.bars.append(Bar(self.length, self.metre, plain and self.after_plain))
        self.length = self.last = Fraction(0)
        self.after_plain = plain


@lru_cache(maxsize=4096)
def _length(text: str) -> Fraction:
    """The number behind a note (4.3): ``3/2``, ``2``, ``/`` for a half, ``//`` for a quarter; none is one."""
    above, slashes, below = text.partition("/")
    if not slashes:
        return Fraction(int(above or 1))
    more = len(below) - len(below.lstrip("/"))
    digits = below[more:]
    divisor = int(digits) if digits and int(digits) else 2
    return Fraction(int(above or 1), divisor * 2**more)
