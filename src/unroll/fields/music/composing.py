"""What a user asks for, a key, a metre, a number of bars, an opening or a melody, and the music that answers it."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from unroll.decoding.sampling import Sampling
from unroll.errors import UserError
from unroll.fields.music import chorales, writing
from unroll.fields.music.writing import Model
from unroll.sources import abc, abc_bars, scores
from unroll.sources.abc_writing import key_name, key_words, pitch_name, to_abc
from unroll.sources.clock import bar_sixteenths, clock_of, ends_bar
from unroll.sources.scores import Key, Score

KEY, METRE = "G", "4/4"  # where nothing is asked for
TUNE_METRES = ("2/4", "3/4", "4/4", "2/2", "3/2", "4/2", "3/8", "6/8", "9/8", "12/8", "6/4")
CHORALE_METRES = ("4/4", "3/4")
UNIT = "1/8"  # in which the lengths of a tune are written, as in most of those learned from
TEMPO = 80  # quarter notes a minute at which a chorale is sung
LONGEST = 2048  # sixteenths of a melody or an opening: 6 minutes at that tempo
LETTERS = 5000  # of an opening in ABC
SOPRANO = 70  # the pitch about which the sopranos of the chorales lie
_PITCH_CLASSES = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}


class Piece(NamedTuple):
    """Music in voices: int16 ``voices`` (T, K) and int32 ``clock`` (T,), see ``unroll.sources.scores``.

    ``said``: what a user should know of how the score was read that it goes on from or keeps.
    """

    voices: np.ndarray
    clock: np.ndarray
    metre: str
    key: Key
    said: Sequence[str] = ()


class Wish(NamedTuple):
    """What is asked for; a key or a metre that is "" is that of the ``opening``, or else a usual one."""

    key: str
    metre: str
    bars: int
    sampling: Sampling
    seed: int
    opening: Path | None = None


def tune(model: Model, wish: Wish) -> str:
    """A tune as ABC text: a head and so many bars, or an opening and so many more."""
    if wish.opening:
        _refuse_both(wish)
        opening = tune_in(wish.opening)
    else:
        metre, key = _metre(wish.metre or METRE, TUNE_METRES), wish.key or KEY
        if not re.fullmatch(r"[A-G][#b]?(m|mix|dor|phr|lyd|loc)?", key):
            raise UserError(f"key {key!r} is unknown: {_known_keys()}, or with mix, dor, phr, lyd or loc, as in Ador")
        opening = f"M:{metre}\nL:{UNIT}\nK:{key}\n"
    return writing.tune(model, opening, wish.bars, wish.sampling, writing.seeded(wish.seed))


def chorale(model: Model, wish: Wish) -> Piece:
    """A chorale of so many bars, or an opening and so many more, after the bar that it stops in."""
    if wish.opening:
        _refuse_both(wish)
        begun = _opening(wish.opening, model.codes.streams)
        key, metre, opening = begun.taken, begun.metre, begun.voices
        clock, said = _continued(begun, wish.bars), _said(begun, sum(begun.moved))
    else:
        metre, key = _metre(wish.metre or METRE, CHORALE_METRES), key_of(wish.key or KEY)
        clock, opening, said = clock_of(metre, wish.bars * bar_sixteenths(metre)), None, []
    up = chorales.normalising(key)
    if opening is not None:
        opening = _transposed(model, wish.opening, opening, up, key)
    tonic = chorales.TONIC[key.mode]
    voices = writing.chorale(model, clock, tonic, wish.sampling, writing.seeded(wish.seed), opening)
    return Piece(chorales.transposed(voices, -up), clock, metre, key, said)


def harmonise(model: Model, melody: Path) -> Piece:
    """The melody in a file with voices below it.

    The first staff or track is the melody, and of notes at once the highest. It is put in the octave that sopranos sing
    in.
    """
    (score,) = scores.read_scores([melody])
    score = _bounded(melody, score)
    key, said = score.taken, _said(score, score.moved[0])
    if (staves := score.voices.shape[1]) > 1:
        said.append(f"{melody.name} has {staves} staves or tracks: the first is taken as the melody")
    up = chorales.normalising(key)
    soprano = score.voices[:, :1]
    octaves = round((SOPRANO - up - float(np.median(np.abs(soprano[soprano != 0])))) / 12)
    if octaves:
        way = "up" if octaves > 0 else "down"
        said.append(f"the melody is put {way} by {abs(octaves)} octave{'s' * (abs(octaves) > 1)}, where sopranos sing")
    given = _transposed(model, melody, soprano, up + 12 * octaves, key)
    voices = writing.harmonised(model, given[:, 0], score.clock)
    return Piece(chorales.transposed(voices, -up), score.clock, score.metre, key, said)


def about_tune(text: str) -> str:
    """A tune in a few words: its length, its key, and how many of its inner bars are as long as the metre says."""
    key = re.search(r"^K:(.*)$", text, re.MULTILINE)
    right, inner = abc_bars.inner_bars(text)
    return f"{_bars(round(writing.length(text)))} in {key[1]}; {right} of {inner} inner bars add up"


def about_piece(piece: Piece) -> str:
    """A piece in a few words: its length and its key."""
    bars = round(len(piece.clock) / bar_sixteenths(piece.metre))
    return f"{_bars(bars)} in {key_words(piece.key)}"


def _bars(number: int) -> str:
    return f"{number} bar{'s' * (number != 1)}"


def tune_in(path: Path) -> str:
    """The one tune of a file in ABC, or the first staff or track of a score, as ABC text."""
    if path.suffix.lower() == ".abc":
        found = abc.read_tune(path)
        if found.has_voices:
            raise UserError(f"{path} has several voices: write the one to go on from to a file of its own")
        if (letters := len(found.text)) > LETTERS:
            raise UserError(f"{path} is {letters} letters long: cut it to at most {LETTERS}")
        return found.text
    (score,) = scores.read_scores([path])
    score = _bounded(path, score)
    return to_abc(score.voices[:, 0], score.clock, score.metre, score.taken)


def key_of(name: str) -> Key:
    """The key that a name such as ``G``, ``Bb`` or ``F#m`` stands for."""
    if not (parts := re.fullmatch(r"([A-G])([#b]?)(m?)", name)):
        raise UserError(f"key {name!r} is unknown: {_known_keys()}")
    tonic = _PITCH_CLASSES[parts[1]] + {"#": 1, "b": -1, "": 0}[parts[2]]
    return Key(tonic % 12, "minor" if parts[3] else "major")


def _known_keys() -> str:
    names = ", ".join(key_name(Key(tonic, "major")) for tonic in range(12))
    return f"one of {names}, or with m for minor, as in Am"


def _metre(name: str, known: tuple[str, ...]) -> str:
    if name not in known:
        raise UserError(f"metre {name!r} is unknown: one of {', '.join(known)}")
    return name


def _refuse_both(wish: Wish) -> None:
    if wish.key or wish.metre:
        raise UserError(f"{wish.opening} has a key and a metre of its own: leave out --key and --metre")


def _opening(path: Path, voices: int) -> Score:
    (score,) = scores.read_scores([path])
    if score.voices.shape[1] == 1:
        raise UserError(f"{path} has one voice, an opening {voices}: `unroll harmonise` sets the others below a melody")
    scores.check_voices(path, score, voices)
    return _bounded(path, score)


def _said(score: Score, moved: int) -> list[str]:
    """What a user should know of how a score was read, of which so many notes were moved."""
    said = [f"taken to be in {key_words(score.taken)}, {'as the file states' if score.stated else 'by its notes'}"]
    if moved:
        notes = f"{moved} note{'s' * (moved > 1)}"
        said.append(f"{notes} off the sixteenths: moved to the nearest, or left out if too short")
    return said


def _bounded(path: Path, score: Score) -> Score:
    if (steps := len(score.voices)) > LONGEST:
        raise UserError(f"{path} is {steps} sixteenths long: cut it into parts of at most {LONGEST}")
    return score


def _transposed(model: Model, path: Path, voices: np.ndarray, semitones: int, key: Key) -> np.ndarray:
    """The same notes so many semitones higher; refuses pitches that the model has no codes for."""
    known, pitches = writing.notes_of(model), np.abs(voices[voices != 0].astype(int))
    lowest, highest = known.lowest - semitones, known.highest - semitones
    if pitches.min() < lowest or pitches.max() > highest:
        least, most, low, high = (pitch_name(int(p), key) for p in (pitches.min(), pitches.max(), lowest, highest))
        raise UserError(
            f"{path} runs from {least} to {most}, and the model knows {low} to {high} in this key: transpose it"
        )
    return chorales.transposed(voices, semitones)


def _continued(begun: Score, bars: int) -> np.ndarray:
    """int32 (T,): the clock of an opening, of the rest of the bar it stops in, and of so many more bars."""
    length = bar_sixteenths(begun.metre)
    behind = np.flatnonzero(ends_bar(begun.clock)) + 1
    rest = -(len(begun.clock) - behind.max(initial=0)) % length
    return np.append(begun.clock, clock_of(begun.metre, rest + bars * length, upbeat=rest))
