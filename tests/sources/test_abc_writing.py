import numpy as np
import pytest

from unroll.sources.abc import heights
from unroll.sources.abc_bars import bars
from unroll.sources.abc_writing import key_name, key_words, pitch_name, sharps, spelling, to_abc
from unroll.sources.clock import bar_sixteenths, clock_of
from unroll.sources.scores import Key, parse

C, GM = Key(0, "major"), Key(7, "minor")


def held(*notes: tuple[int, int]) -> np.ndarray:
    """A voice of notes (pitch, sixteenths)."""
    return np.array([sign * pitch for pitch, steps in notes for sign in [1] + [-1] * (steps - 1)], np.int16)


def test_literally():
    voice = held((60, 4), (62, 2), (64, 2), (0, 8), (72, 4), (84, 8), (59, 4))
    assert to_abc(voice, clock_of("4/4", 32), "4/4", C) == "M:4/4\nL:1/8\nK:C\nC2DEz4 | c2c'4B,2 |]\n"


def test_sixteenths_upbeats_and_ties():
    voice = held((67, 1), (69, 3), (71, 10), (0, 6))
    assert to_abc(voice, clock_of("2/4", 20, upbeat=4), "2/4", C) == "M:2/4\nL:1/16\nK:C\nGA3 | B8- | B2z6 |]\n"


def test_accidentals():
    voice = held(*((pitch, 2) for pitch in (70, 66, 67, 71, 65, 70, 61, 63)))
    assert to_abc(voice, clock_of("4/4", 16), "4/4", GM).split("\n")[3] == "B^FG=B=F_B^CE |]"
    flat = held((66, 2), (61, 2))
    assert to_abc(flat, clock_of("2/4", 4), "2/4", Key(5, "major")).split("\n")[3] == "_G_D |]"


@pytest.mark.parametrize(
    ("key", "name", "number"),
    [
        (C, "C", 0),
        (GM, "Gm", -2),
        (Key(6, "major"), "F#", 6),
        (Key(8, "minor"), "G#m", 5),
        (Key(10, "major"), "Bb", -2),
    ],
)
def test_names_of_keys(key, name, number):
    assert key_name(key) == name
    assert sharps(key) == number


def test_names_for_readers():
    assert [key_words(key) for key in (C, GM, Key(6, "major"))] == ["C major", "G minor", "F# major"]
    assert spelling(68, Key(3, "major")) == ("A", -1, 4)
    assert [pitch_name(pitch, Key(6, "major")) for pitch in (65, 59, 20)] == ["E#4", "B3", "G#0"]
    assert [pitch_name(pitch, Key(5, "major")) for pitch in (70, 60, 21)] == ["Bb4", "C4", "A0"]


@pytest.mark.parametrize("mode", ["major", "minor"])
@pytest.mark.parametrize("tonic", range(0, 12, 5))
def test_what_is_written_is_read_back(tmp_path, tonic, mode):
    rng = np.random.default_rng(tonic)
    notes = [(pitch, steps) for pitch, steps in rng.integers([50, 1], [85, 9], (40, 2)).tolist()]
    voice = held(*notes)
    text = to_abc(voice, clock_of("3/4", len(voice), upbeat=3), "3/4", Key(tonic, mode))
    (tmp_path / "tune.abc").write_text(f"X:1\n{text}")
    score = parse(tmp_path / "tune.abc")
    assert score.voices[:, 0].tolist() == voice.tolist()
    assert score.metre == "3/4"
    assert {bar.length for bar in bars(text)[1:-1]} == {bar_sixteenths("3/4") / 16}
    assert len(heights(text)) >= len(notes)
