import re
from pathlib import Path

import numpy as np
import pytest

from unroll.errors import UserError
from unroll.sources.abc import read_tunes
from unroll.sources.clock import clock_of
from unroll.sources.score_writing import format_of, write_tune, write_voices
from unroll.sources.scores import Key, parse

TUNE = "M:6/8\nL:1/8\nK:G\nd|GAB ^cBc|d3-d2:|\n"
VOICE = np.array([[67], [-67], [69], [-69], [0], [0], [71], [-71]], np.int16)


def written(path: Path) -> bytes:
    write_voices(path, VOICE, clock_of("2/4", 8), "2/4", Key(7, "major"), ["flute"], 90)
    return path.read_bytes()


@pytest.mark.parametrize(
    ("name", "found"),
    [("a.mid", "midi"), ("a.MIDI", "midi"), ("a.xml", "musicxml"), ("a.b.musicxml", "musicxml"), ("a.abc", "abc")],
)
def test_the_ending_says_the_format(name, found):
    assert format_of(Path(name)) == found


@pytest.mark.parametrize("name", ["tune", "tune.mp3", "mid"])
def test_other_endings_are_refused(name):
    with pytest.raises(UserError, match=rf"^{name}: the ending says the format: one of \.mid, \.midi"):
        format_of(Path(name))
    with pytest.raises(
        UserError, match=r"^a\.abc: the ending says the format: one of \.mid, \.midi, \.musicxml, \.xml$"
    ):
        written(Path("a.abc"))


@pytest.mark.parametrize("ending", [".mid", ".musicxml"])
def test_the_same_voices_give_the_same_bytes(tmp_path, ending):
    assert written(tmp_path / f"one{ending}") == written(tmp_path / f"one{ending}")


def test_musicxml_says_what_is_needed(tmp_path):
    text = written(tmp_path / "piece.musicxml").decode()
    for said in (
        "<part-name>flute</part-name>",
        "<fifths>1</fifths>",
        "<beats>2</beats>",
        'tempo="90"',
        "<movement-title>piece</movement-title>",
        '<part id="P1">',
    ):
        assert said in text
    assert "encoding-date" not in text


@pytest.mark.parametrize(
    ("key", "pitches", "expected"),
    [
        (Key(8, "major"), [68, 61, 66, 59, 60], ["Ab4", "Db4", "Gb4", "B3", "C4"]),
        (Key(4, "minor"), [66, 63, 61, 65, 70], ["F#4", "D#4", "C#4", "F4", "A#4"]),
        (Key(6, "major"), [65, 71, 60], ["E#4", "B4", "C4"]),
    ],
)
def test_notes_are_spelled_as_the_key_has_them(tmp_path, key, pitches, expected):
    path = tmp_path / "piece.musicxml"
    voice = np.array(pitches, np.int16)[:, None]
    write_voices(path, voice, clock_of("2/4", len(pitches)), "2/4", key, ["flute"], 90)
    text = path.read_text()
    parts = re.findall(r"<step>(\w)</step>\s*(?:<alter>(.*?)</alter>)?\s*<octave>(\d)</octave>", text)
    assert [letter + {"1": "#", "-1": "b"}.get(sign, "") + octave for letter, sign, octave in parts] == expected
    assert f"<mode>{key.mode}</mode>" in text


@pytest.mark.parametrize("ending", [".mid", ".musicxml", ".abc"])
def test_tunes(tmp_path, ending):
    path = tmp_path / f"tune{ending}"
    write_tune(path, TUNE, "A title")
    score = parse(path)
    once = [74, 67, 69, 71, 73, 71, 73, 74]  # the last two are one note, tied
    assert score.voices[score.voices > 0].tolist() == (2 * once if ending == ".mid" else once)
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


def test_a_tune_as_abc_is_the_text_itself(tmp_path):
    write_tune(tmp_path / "tune.abc", TUNE, "A title")
    assert (tmp_path / "tune.abc").read_text() == f"%abc-2.1\nX:1\nT:A title\n{TUNE}"
    assert read_tunes(tmp_path / "tune.abc")[0].text == TUNE


def test_a_tune_that_cannot_be_played_is_not_written(tmp_path):
    with pytest.raises(UserError, match=r"tune\.mid is not written, for music21 cannot play the tune; as \.abc"):
        write_tune(tmp_path / "tune.mid", "M:6/8\nL:1/8\nK:G\n|||\n", "Nothing")
    assert list(tmp_path.iterdir()) == []
