"""Voices and tunes written as MIDI, MusicXML or ABC, by the ending of the file's name."""

import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from unroll.errors import UserError
from unroll.files import written_whole
from unroll.sources import abc, limited
from unroll.sources.abc_writing import sharps, spelling
from unroll.sources.clock import bar_lines, bar_sixteenths
from unroll.sources.scores import Key, Note, notes_between, parse_file

if TYPE_CHECKING:
    from music21.note import GeneralNote
    from music21.stream import Part, Score

FORMATS = {".mid": "midi", ".midi": "midi", ".musicxml": "musicxml", ".xml": "musicxml", ".abc": "abc"}
_DATE = re.compile(rb"\s*<encoding-date>[^<]*</encoding-date>")
_NAME = re.compile(rb"\bP[0-9a-f]{32}\b")


def format_of(path: Path, formats: Sequence[str] = ("midi", "musicxml", "abc")) -> str:
    """The format that a file's ending names, of those that are possible; refuses other endings."""
    found = FORMATS.get(path.suffix.lower())
    if found not in formats:
        endings = ", ".join(ending for ending, name in FORMATS.items() if name in formats)
        raise UserError(f"{path}: the ending says the format: one of {endings}")
    return found


def write_voices(
    path: Path, voices: np.ndarray, clock: np.ndarray, metre: str, key: Key, names: Sequence[str], tempo: int
) -> None:
    """Writes voices as MIDI or MusicXML, a staff or track each, at a ``tempo`` of quarter notes a minute.

    ``voices``: int16 (T, K) and ``clock``: int32 (T,), see ``unroll.sources.scores``; ``names``: of the K voices.
    """
    from music21 import metadata, stream
    from music21 import tempo as tempos

    format_of(path, ("midi", "musicxml"))
    score = stream.Score()
    score.metadata = metadata.Metadata(title=path.stem, composer="Unroll")
    for name, voice in zip(names, voices.T, strict=True):
        score.insert(0, _part(name, voice, clock, metre, key))
    score.parts[0].measure(1).insert(0, tempos.MetronomeMark(number=tempo))
    _write(path, score)


def write_tune(path: Path, text: str, title: str) -> None:
    """Writes the text of a tune, head and notes, as a file of ABC, or what music21 reads in it as MIDI or MusicXML.

    In MIDI its repeats are played. Raises :class:`UserError` where music21 finds no note in it, cannot read it, or
    takes too long to.
    """
    whole = abc.file_of(text, title)
    if format_of(path) == "abc":
        with written_whole(path) as fresh:
            fresh.write_text(whole, encoding="utf-8", newline="\n")
        return
    with written_whole(path) as fresh:
        tune = fresh.with_name("tune.abc")
        tune.write_text(whole, encoding="utf-8", newline="\n")
        try:
            list(limited.each(_convert, [(tune, fresh)]))
        except UserError as error:
            raise UserError(
                f"{path} is not written, for music21 cannot play the tune; as .abc it can be kept"
            ) from error


def _convert(paths: tuple[Path, Path]) -> None:
    tune, out = paths
    score = parse_file(tune)
    if not score.flatten().notes:
        raise UserError("the tune has no note")
    _write(out, score)


def _write(path: Path, score: "Score") -> None:
    from music21.musicxml.m21ToXml import GeneralObjectExporter

    with written_whole(path) as fresh:
        if format_of(path) == "midi":
            score.write("midi", fresh)
        else:
            fresh.write_bytes(_lasting(GeneralObjectExporter(score).parse()))


def _lasting(xml: bytes) -> bytes:
    """MusicXML without what differs from run to run: the day, and names of parts drawn at random."""
    for number, name in enumerate(dict.fromkeys(_NAME.findall(xml)), 1):
        xml = xml.replace(name, b"P%d" % number)
    return _DATE.sub(b"", xml)


def _part(name: str, voice: np.ndarray, clock: np.ndarray, metre: str, key: Key) -> "Part":
    from music21 import key as keys
    from music21 import meter, stream

    part = stream.Part()
    part.partName = name
    for number, (first, last) in enumerate(pairwise(bar_lines(clock)), 1):
        bar = stream.Measure(number)
        for note in notes_between(voice, first, last):
            bar.append(_element(note, key))
        part.append(bar)
    upbeat = part.measure(1)
    upbeat.insert(0, meter.TimeSignature(metre))
    upbeat.insert(0, keys.KeySignature(sharps(key)).asKey(key.mode))
    upbeat.paddingLeft = max(0.0, bar_sixteenths(metre) / 4 - upbeat.duration.quarterLength)
    return part


def _element(note: Note, key: Key) -> "GeneralNote":
    from music21 import note as notes
    from music21 import pitch, tie

    if not note.pitch:
        return notes.Rest(quarterLength=note.steps / 4)
    letter, sign, octave = spelling(note.pitch, key)
    written = pitch.Pitch(step=letter, octave=octave, accidental=sign or None)
    element = notes.Note(written, quarterLength=note.steps / 4)
    match note.begun, note.goes_on:
        case True, True:
            element.tie = tie.Tie("start")
        case False, True:
            element.tie = tie.Tie("continue")
        case False, False:
            element.tie = tie.Tie("stop")
    return element
