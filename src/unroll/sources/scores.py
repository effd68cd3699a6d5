"""Scores in MusicXML, MIDI or ABC as voices: what each sounds in every sixteenth note of time.

Files are read by the library music21 (Cuthbert & Ariza 2010, ISMIR), in a process of its own with a time limit.
"""

import warnings
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from unroll.errors import UserError
from unroll.sources import abc, limited
from unroll.sources.clock import clock_at, clock_of

if TYPE_CHECKING:
    from music21.key import Key as FoundKey
    from music21.stream import Measure, Part
    from music21.stream import Score as Parsed

MIDI = (".mid", ".midi")
SUFFIXES = (".mxl", ".xml", ".musicxml", *MIDI, ".abc")
MINOR = ("minor", "aeolian", "dorian", "phrygian", "locrian")  # modes with a minor third
MOST_STEPS = 100_000  # sixteenths of a score: five hours at 80 quarter notes a minute


class Key(NamedTuple):
    """A key: the pitch class of its tonic, C being 0, and its mode."""

    tonic: int
    mode: Literal["major", "minor"]


class Score(NamedTuple):
    """A score of T sixteenths in K voices, the first of them the highest staff or the first track.

    ``voices``: int16 (T, K), +p where a note of the MIDI pitch p begins, -p where it is held, 0 for a rest;
    ``clock``: int32 (T,), see ``unroll.sources.clock``; ``metre``: the first one, such as ``3/4``;
    ``key``: by the weights of Krumhansl (1990) on what is played; ``stated``: the one that ABC or MusicXML states, if
    it does; ``moved``: how many notes of each voice do not begin and end on sixteenths.
    """

    title: str
    voices: np.ndarray
    clock: np.ndarray
    metre: str
    key: Key
    stated: Key | None
    moved: tuple[int, ...]

    @property
    def taken(self) -> Key:
        """The key to take it to be in: as stated, or else as it sounds."""
        return self.stated or self.key


def read_scores(paths: Sequence[Path]) -> Iterator[Score]:
    """The scores in some files, in their order; refuses the first that cannot be read or has no note of a pitch."""
    return limited.each(parse, paths)


def check_voices(path: Path, score: Score, voices: int) -> None:
    """Refuses a score that has not so many voices."""
    if (found := score.voices.shape[1]) != voices:
        raise UserError(f"{path} has {found} voices, {voices} needed: write each on a staff or track of its own")


def parse(path: Path) -> Score:
    """The score in one file, read here and now, however long that takes.

    Repeats are not played, ornaments and grace notes left out; where a staff or track sounds several notes at once,
    the highest counts. Times are rounded to sixteenths, half of one upwards, and what then has no length is left out,
    as is the MIDI pitch 0, which stands for a rest.
    """
    parsed = parse_file(path)
    events = [_events(part) for part in parsed.parts]
    staves = [(part, own) for part, own in zip(parsed.parts, events, strict=True) if own]
    if not staves:
        drums = parsed.recurse().getElementsByClass(("Unpitched", "PercussionChord"))
        raise UserError(
            f"{path} has no note of a pitch that lasts a sixteenth or longer{', only drums' if drums else ''}"
        )
    steps = max(event.end for _, own in staves for event in own)
    _refuse_long(path, steps)
    voices = np.stack([_voice(own, steps) for _, own in staves], axis=1)
    clock, metre = _clock(staves[0][0], steps)
    found = parsed.analyze("key")
    title = (parsed.metadata and parsed.metadata.bestTitle) or path.stem
    if title.endswith(SUFFIXES):  # some programs put the file's name there
        title = path.stem
    key = Key(found.tonic.pitchClass, found.mode)
    # A MIDI file made by a sequencer states C major, whatever is played.
    stated = None if path.suffix.lower() in MIDI else _stated(staves[0][0], found)
    return Score(title, voices, clock, metre, key, stated, tuple(_moved(part) for part, _ in staves))


class Note(NamedTuple):
    """A note or rest between two bar lines, or the part of one there.

    ``pitch``: of MIDI, 0 for a rest; ``steps``: sixteenths that it lasts; ``begun``: it does not go on from before the
    first bar line; ``goes_on``: behind the second one.
    """

    pitch: int
    steps: int
    begun: bool
    goes_on: bool


def notes_between(voice: np.ndarray, first: int, last: int) -> Iterator[Note]:
    """The notes and rests of a voice (T,) between two bar lines."""
    now, before = voice[first + 1 : last], voice[first : last - 1]
    begins = np.flatnonzero((now > 0) | ((now == 0) & (before != 0))) + first + 1
    for begin, end in pairwise([first, *begins.tolist(), last]):
        goes_on = end == last < len(voice) and bool(voice[end] < 0)
        yield Note(abs(int(voice[begin])), end - begin, bool(voice[begin] >= 0), goes_on)


class _Event(NamedTuple):
    """A note from one sixteenth to another; ``tied``: it goes on from the one before."""

    pitch: int
    begin: int
    end: int
    tied: bool


def parse_file(path: Path) -> "Parsed":
    """The score in one file as music21 has it; refuses what it cannot read, and several tunes in one file."""
    if not path.is_file():
        raise UserError(f"{path} is missing, or no file")
    if path.suffix.lower() not in SUFFIXES:
        raise UserError(f"{path}: the ending says the format: one of {', '.join(SUFFIXES)}")
    text = _plain_abc(path) if path.suffix.lower() == ".abc" else None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what music21 finds odd in a file and mends
        try:
            return _read(path, text)
        except UserError:
            raise
        except Exception as error:  # a foreign file can fail anywhere in the library
            said = " ".join(str(error).split())[:200]
            raise UserError(f"{path} cannot be read as a score ({type(error).__name__}: {said})") from None


def _read(path: Path, abc_text: str | None) -> "Parsed":
    from music21 import converter

    if abc_text is not None:
        return converter.parseData(abc_text, format="abc")
    if path.suffix.lower() in MIDI:
        content = path.read_bytes()
        _refuse_long(path, _midi_steps(content))
        return converter.parseData(content, format="midi")
    # Neither read nor write the pickles that music21 would keep among the temporary files.
    return converter.parse(path, forceSource=True, storePickle=False)


def _midi_steps(content: bytes) -> int:
    """The sixteenths of a MIDI file's longest track, counted before music21 divides it into bars, however many."""
    from music21 import midi

    file = midi.MidiFile()
    file.readstr(content)
    ticks = (sum(event.time for event in track.events if event.isDeltaTime()) for track in file.tracks)
    return 4 * max(ticks, default=0) // file.ticksPerQuarterNote


def _refuse_long(path: Path, steps: int) -> None:
    if steps > MOST_STEPS:
        raise UserError(f"{path} is {steps} sixteenths long: cut it into parts of at most {MOST_STEPS}")


def _plain_abc(path: Path) -> str:
    """A file with a tune and nothing that music21 could stumble on, unless it has several voices."""
    tune = abc.read_tune(path)
    if tune.has_voices:
        return path.read_text(encoding="utf-8", errors="replace")
    return abc.file_of(tune.text, tune.headers.get("T", path.stem))


def _events(part: "Part") -> list[_Event]:
    """The notes of a staff or track, lower ones first, each pitch in the order of time; drums have none."""
    found = []
    for element in part.flatten().notes:
        begin, end = _sixteenth(element.offset), _sixteenth(element.offset + element.quarterLength)
        for note in getattr(element, "notes", (element,)):  # those of a chord
            if begin < end and getattr(note, "pitch", None) and note.pitch.midi > 0:
                tied = note.tie is not None and note.tie.type in ("stop", "continue")
                found.append(_Event(note.pitch.midi, begin, end, tied))
    return sorted(found)


def _sixteenth(quarters: float) -> int:
    return int(4 * quarters + 0.5)


def _moved(part: "Part") -> int:
    """How many notes of a staff do not begin and end on sixteenths."""
    notes = [note for note in part.flatten().notes if note.quarterLength]  # grace notes have no length
    return sum(any(4 * at % 1 for at in (note.offset, note.offset + note.quarterLength)) for note in notes)


def _stated(part: "Part", found: "FoundKey") -> Key | None:
    """The key of a staff's first signature: of one that names no mode the likelier of the two that have it.

    A mode of the church with a minor third counts as minor, any other as major.
    """
    signature = next(iter(part.recurse().getElementsByClass("KeySignature")), None)
    if signature is None or signature.sharps is None:
        return None
    if mode := getattr(signature, "mode", None):
        return Key(signature.tonic.pitchClass, "minor" if mode in MINOR else "major")
    both = (key for key in (found, *found.alternateInterpretations) if (key.sharps - signature.sharps) % 12 == 0)
    return next(Key(key.tonic.pitchClass, key.mode) for key in both)


def _voice(events: Sequence[_Event], steps: int) -> np.ndarray:
    """int16 (T,): the highest note at each sixteenth; one that comes back from below a higher one begins anew."""
    voice = np.zeros(steps, np.int16)
    for event in events:
        goes_on = event.tied and event.begin and abs(voice[event.begin - 1]) == event.pitch
        voice[event.begin : event.end] = -event.pitch
        if not goes_on:
            voice[event.begin] = event.pitch
    before = np.abs(np.append(np.int16(0), voice[:-1]))
    return np.where((voice < 0) & (before != -voice), -voice, voice)


def _clock(part: "Part", steps: int) -> tuple[np.ndarray, str]:
    """int32 (T,): the place of each sixteenth in its bar, as a part's bars lie; and the first metre."""
    signature = next(iter(part.recurse().getElementsByClass("TimeSignature")), None)
    metre = signature.ratioString if signature else "4/4"
    bars: list[Measure] = list(part.getElementsByClass("Measure"))
    if not bars:
        return clock_of(metre, steps), metre
    clock = np.zeros(steps, np.int32)
    begins = [_sixteenth(bar.offset) for bar in bars]
    for bar, begin, end in zip(bars, begins, [*begins[1:], steps], strict=True):
        length = max(1, _sixteenth(bar.barDuration.quarterLength))
        places = _sixteenth(bar.paddingLeft) + np.arange(max(0, min(end, steps) - begin))
        clock[begin : begin + len(places)] = clock_at(places % length, length)
    return clock, metre
