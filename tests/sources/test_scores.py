from pathlib import Path

import numpy as np
import pytest

from unroll.errors import UserError
from unroll.sources.clock import clock_of
from unroll.sources.score_writing import write_voices
from unroll.sources.scores import Key, Note, check_voices, notes_between, parse, read_scores

NAMES = ("soprano", "alto", "tenor", "bass")


def voices(*rows: str) -> np.ndarray:
    """A voice a row, written ``60 . . 62 .``: a dot holds a note, 0 is a rest."""
    columns = []
    for row in rows:
        column: list[int] = []
        for word in row.split():
            column.append(-abs(column[-1]) if word == "." else int(word))
        columns.append(column)
    return np.array(columns, np.int16).T


PIECE = voices(
    "67 . . . 69 . 71 . 72 . . . . . . . . . . .",
    "64 . . . 64 . . . 64 . . . 62 . . . 0 0 0 0",
    "60 . 59 . 60 . . . 60 . . . 59 . 57 . 55 . . .",
    "0 0 0 0 48 . . . 52 . . . 55 . . . 48 . 48 .",
)
CLOCK = clock_of("4/4", 20, upbeat=4)
MUSICXML = """\
<score-partwise version="4.0"><part-list><score-part id="P1"><part-name/></score-part></part-list><part id="P1">
<measure number="1"><attributes><divisions>12</divisions>{}
<time><beats>2</beats><beat-type>4</beat-type></time></attributes>
{}</measure></part></score-partwise>
"""


def note(pitch: str, duration: int, marks: str = "", chord: bool = False) -> str:
    step, octave = pitch
    return (
        f"<note>{'<chord/>' * chord}<pitch><step>{step}</step><octave>{octave}</octave></pitch>"
        f"<duration>{duration}</duration>{marks}</note>"
    )


def musicxml(folder: Path, notes: str, key: str = "") -> Path:
    path = folder / "score.musicxml"
    path.write_text(MUSICXML.format(key, notes))
    return path


def midi(folder: Path, *channels: int, pitches: bytes = b"<<<<", length: bytes = b"\x83\x60") -> Path:
    """A file of a track for each channel, with notes of the ``pitches`` in it, quarters unless told."""
    tracks = [
        b"".join(b"\0%c%c@%b%c%c\0" % (0x90 | channel, pitch, length, 0x80 | channel, pitch) for pitch in pitches)
        + b"\0\xff\x2f\0"
        for channel in channels
    ]
    head = b"MThd" + bytes([0, 0, 0, 6, 0, 1, 0, len(tracks), 1, 224])
    path = folder / "score.mid"
    path.write_bytes(head + b"".join(b"MTrk" + len(track).to_bytes(4) + track for track in tracks))
    return path


@pytest.mark.parametrize("ending", [".musicxml", ".xml", ".mid", ".midi"])
def test_what_is_written_is_read_back(tmp_path, ending):
    path = tmp_path / f"piece{ending}"
    write_voices(path, PIECE, CLOCK, "4/4", Key(0, "major"), NAMES, 80)
    score = parse(path)
    assert score.voices.dtype == np.int16
    assert score.voices.tolist() == PIECE.tolist()
    assert score.metre == "4/4"
    assert score.key == Key(0, "major")
    assert score.stated == (Key(0, "major") if "xml" in ending else None)  # in MIDI no program can be trusted there
    assert score.moved == (0, 0, 0, 0)
    assert score.title == "piece"
    # MIDI knows of no upbeat.
    upbeat = 4 if "xml" in ending else 0
    assert score.clock.tolist() == clock_of("4/4", 20, upbeat).tolist()


def test_of_several_notes_the_highest_counts(tmp_path):
    # The lower note of the chord lasts as long; the A below sounds on when nothing is above it.
    path = musicxml(
        tmp_path,
        note("C5", 12)
        + note("E4", 12, chord=True)
        + "<backup><duration>12</duration></backup>"
        + note("A4", 24, "<voice>2</voice>"),
    )
    assert parse(path).voices[:, 0].tolist() == [72, -72, -72, -72, 69, -69, -69, -69]


def test_triplets_and_grace_notes(tmp_path):
    grace = "<note><grace/><pitch><step>B</step><octave>4</octave></pitch></note>"
    path = musicxml(tmp_path, note("C4", 4) + note("D4", 4) + note("E4", 4) + grace + note("F4", 12))
    score = parse(path)
    assert score.voices[:, 0].tolist() == [60, 62, -62, 64, 65, -65, -65, -65]
    assert score.moved == (3,)


def test_what_is_shorter_than_a_sixteenth_counts_as_moved(tmp_path):
    path = tmp_path / "tune.abc"
    path.write_text("X:1\nM:4/4\nL:1/32\nK:C\nCDEF G4 A4 B4 c8 d8|]\n")
    score = parse(path)
    assert (score.voices[:4, 0].tolist(), score.moved) == ([60, 64, 67, -67], (4,))


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("C", Key(0, "major")),
        ("Eb", Key(3, "major")),
        ("F#m", Key(6, "minor")),
        ("Ador", Key(9, "minor")),
        ("Dmix", Key(2, "major")),
    ],
)
def test_abc_states_its_key(tmp_path, key, expected):
    path = tmp_path / "tune.abc"
    path.write_text(f"X:1\nM:4/4\nL:1/4\nK:{key}\nC D E F | G4 |]\n")
    score = parse(path)
    assert score.stated == score.taken == expected


def test_a_signature_stands_for_the_likelier_of_two_keys(tmp_path):
    minor = "".join(note(pitch, 12) for pitch in ("A4", "C5", "E5", "B4", "D5", "A4", "E4", "A4"))
    major = "".join(note(pitch, 12) for pitch in ("C4", "E4", "G4", "D4", "F4", "G4", "E4", "C4"))
    bare, named = "<key><fifths>{}</fifths></key>", "<key><fifths>{}</fifths><mode>{}</mode></key>"
    for notes, key, expected in (
        (minor, bare.format(0), Key(9, "minor")),
        (major, bare.format(0), Key(0, "major")),
        (major, named.format(0, "minor"), Key(9, "minor")),
        (major, named.format(-3, "minor"), Key(0, "minor")),
        (major, "", None),
    ):
        score = parse(musicxml(tmp_path, notes, key))
        assert score.stated == expected
        assert score.taken == (expected or score.key)


def test_ties(tmp_path):
    tied = '<tie type="{0}"/>'.format
    path = musicxml(
        tmp_path,
        note("C4", 6, tied("start")) + note("C4", 6, tied("stop")) + note("C4", 6) + note("D4", 6),
    )
    score = parse(path)
    assert score.voices[:, 0].tolist() == [60, -60, -60, -60, 60, -60, 62, -62]
    assert score.clock.tolist() == list(range(8))


def test_abc_with_unknown_fields_and_without_a_unit(tmp_path):
    path = tmp_path / "tune.abc"
    path.write_text("X:1\nT:A tune\nY:strange\nq:what\nM:3/4\nK:G\nB2 | G2 TA2 B2 | (3GAB c4 |]\n")
    score = parse(path)
    assert score.title == "A tune"
    assert score.metre == "3/4"
    assert score.clock[:5].tolist() == [16, 17, 18, 19, 8]
    assert score.voices[:12, 0].tolist() == [71, -71, -71, -71, 67, -67, -67, -67, 69, -69, -69, -69]


def test_drums_are_no_voice(tmp_path):
    assert parse(midi(tmp_path, 9, 0)).voices.shape == (16, 1)


def test_the_midi_pitch_0_is_a_rest(tmp_path):
    assert parse(midi(tmp_path, 0, pitches=b"<\0>")).voices[::4, 0].tolist() == [60, 0, 62]
    with pytest.raises(UserError, match=r"score\.mid has no note of a pitch"):
        parse(midi(tmp_path, 0, pitches=b"\0\0"))


def test_what_is_far_too_long_is_refused_before_room_is_made_for_it(tmp_path):
    said = r"score\.\w+ is \d+ sixteenths long: cut it into parts of at most 100000$"
    with pytest.raises(UserError, match=said):
        parse(musicxml(tmp_path, note("C4", 1_000_000_000)))
    with pytest.raises(UserError, match=said):
        parse(midi(tmp_path, 0, length=b"\xff\xff\xff\x7f"))


def test_several_scores_are_read_in_their_order(tmp_path):
    first, second = tmp_path / "b.mid", tmp_path / "a.musicxml"
    for path, piece in ((first, PIECE), (second, PIECE[:, :1])):
        write_voices(path, piece, CLOCK, "4/4", Key(0, "major"), NAMES[: piece.shape[1]], 80)
    assert [score.voices.shape for score in read_scores([first, second])] == [(20, 4), (20, 1)]
    with pytest.raises(UserError, match=r"b\.mid has 4 voices, 1 needed"):
        check_voices(first, parse(first), 1)


@pytest.mark.parametrize("channels", [(9,), (9, 9)])
def test_a_midi_file_of_drums_is_named(tmp_path, channels):
    with pytest.raises(UserError, match=r"score\.mid has no note of a pitch .* longer, only drums$"):
        parse(midi(tmp_path, *channels))


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("bad.mid", b"MThd and nothing", "cannot be read as a score"),
        ("bad.mid", b"MThd\0\0\0\6\0\1\0\1\1\xe0MTrk\0\0\0\4\0\xff\x2f\0", "has no note of a pitch"),
        ("bad.musicxml", b"<a><b></a>", "cannot be read as a score"),
        ("bad.mxl", b"no archive", "cannot be read as a score"),
        ("bad.txt", b"X:1\nK:G\nc\n", "the ending says the format: one of .mxl, "),
        ("bad.abc", b"", "has no tune in ABC notation"),
        ("bad.abc", b"X:1\nK:G\n||\n", "has no note of a pitch"),
        ("bad.abc", b"X:1\nT:No key\nM:4/4\nC D\n", "has no line K:, which names the key: write one such as"),
        ("bad.abc", b"X:1\nK:G\nc\n\nX:2\nK:G\nc\n", "has 2 tunes: write each to a file of its own"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path, name, content, said):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=rf"bad\.\w+:? {said}"):
        parse(tmp_path / name)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(UserError, match=r"none\.mid is missing"):
        parse(tmp_path / "none.mid")


def test_notes_between_bar_lines():
    voice = voices("60 . . 62 0 0 64 . . .")[:, 0]
    assert list(notes_between(voice, 0, 8)) == [
        Note(60, 3, True, False),
        Note(62, 1, True, False),
        Note(0, 2, True, False),
        Note(64, 2, True, True),
    ]
    assert list(notes_between(voice, 8, 10)) == [Note(64, 2, False, False)]
