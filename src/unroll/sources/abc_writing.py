"""Melodies written as text in ABC notation, standard 2.1."""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from unroll.sources.clock import bar_lines
from unroll.sources.scores import Key, Note, notes_between

_MAJOR = {0: "C", 7: "G", 2: "D", 9: "A", 4: "E", 11: "B", 6: "F#", 1: "Db", 8: "Ab", 3: "Eb", 10: "Bb", 5: "F"}
_MINOR = {9: "A", 4: "E", 11: "B", 6: "F#", 1: "C#", 8: "G#", 3: "Eb", 10: "Bb", 5: "F", 0: "C", 7: "G", 2: "D"}
_SHARPS = {0: 0, 7: 1, 2: 2, 9: 3, 4: 4, 11: 5, 6: 6, 1: -5, 8: -4, 3: -3, 10: -2, 5: -1}  # of major keys, by tonic
_LETTERS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_ORDER = "FCGDAEB"  # in which letters become sharp; flat, the other way round
_SIGNS = {-1: "_", 0: "=", 1: "^"}
_BARS_A_LINE = 4


class Spelling(NamedTuple):
    """A pitch as it is written: its letter, 1 for a sharp and -1 for a flat, and its octave, 4 from middle C on."""

    letter: str
    sign: int
    octave: int


def key_name(key: Key) -> str:
    """A key as the field ``K:`` names it: ``G``, ``F#m``."""
    return _MINOR[key.tonic] + "m" if key.mode == "minor" else _MAJOR[key.tonic]


def key_words(key: Key) -> str:
    """A key for a reader: ``G major``, ``F# minor``."""
    return f"{key_name(key).removesuffix('m')} {key.mode}"


def sharps(key: Key) -> int:
    """How many sharps a key's signature has; below zero, how many flats."""
    return _SHARPS[(key.tonic + 3) % 12 if key.mode == "minor" else key.tonic]


def spelling(pitch: int, key: Key) -> Spelling:
    """How a pitch of MIDI is written: as the key has it, or as a natural, or sharp or flat as the key leans."""
    signature = _signature(key)
    leaning = 1 if sharps(key) >= 0 or key.mode == "minor" else -1
    ways = (signature, dict.fromkeys(_LETTERS, 0), dict.fromkeys(_LETTERS, leaning))
    return next(
        Spelling(letter, signs[letter], (pitch - signs[letter]) // 12 - 1)
        for signs in ways
        for letter, natural in _LETTERS.items()
        if (natural + signs[letter] - pitch) % 12 == 0
    )


def pitch_name(pitch: int, key: Key) -> str:
    """A pitch of MIDI for a reader: ``Ab4``.

    >>> pitch_name(68, Key(3, "major")), pitch_name(68, Key(9, "minor"))
    ('Ab4', 'G#4')
    """
    letter, sign, octave = spelling(pitch, key)
    return letter + {-1: "b", 0: "", 1: "#"}[sign] + str(octave)


def to_abc(voice: np.ndarray, clock: np.ndarray, metre: str, key: Key) -> str:
    """A voice (int16 (T,), see ``unroll.sources.scores``) as the text of a tune: ``M:``, ``L:``, ``K:`` and the notes.

    Bar lines stand where the ``clock`` (T,) has them. The unit is an eighth where that writes every note without a
    fraction, else a sixteenth. Notes across a bar line are tied.
    """
    bars = [list(notes_between(voice, first, last)) for first, last in pairwise(bar_lines(clock))]
    unit = 2 if all(note.steps % 2 == 0 for bar in bars for note in bar) else 1
    spelled = [_spelled(bar, unit, key) for bar in bars]
    lines = [" | ".join(spelled[at : at + _BARS_A_LINE]) for at in range(0, len(spelled), _BARS_A_LINE)]
    return f"M:{metre}\nL:1/{16 // unit}\nK:{key_name(key)}\n" + " |\n".join(lines) + " |]\n"


def _spelled(bar: Sequence[Note], unit: int, key: Key) -> str:
    """A bar's notes. Accidentals hold to its end in all octaves (11.3), but not to all readers: so each is written."""
    signature = _signature(key)
    altered: set[str] = set()
    text = ""
    for note in bar:
        number = str(note.steps // unit) if note.steps > unit else ""
        if not note.pitch:
            text += f"z{number}"
            continue
        letter, sign, octave = spelling(note.pitch, key)
        written = _SIGNS[sign] if sign != signature[letter] or letter in altered else ""
        if written:
            altered.add(letter)
        text += f"{written}{_height(letter, octave - 4)}{number}{'-' if note.goes_on else ''}"
    return text


def _signature(key: Key) -> dict[str, int]:
    number = sharps(key)
    altered = _ORDER[:number] if number > 0 else _ORDER[::-1][:-number]
    return {letter: (number > 0) - (number < 0) if letter in altered else 0 for letter in _LETTERS}


def _height(letter: str, octave: int) -> str:
    """A letter in its octave (4.1): ``C`` is middle C, ``c`` the one above, with commas below and apostrophes above."""
    return letter + "," * -octave if octave <= 0 else letter.lower() + "'" * (octave - 1)
