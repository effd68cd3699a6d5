import numpy as np
import pytest
import soundfile

from unroll.reports import sound
from unroll.reports.charts import Note
from unroll.reports.sound import RATE


def test_notes_are_runs_of_a_pitch_that_began_once():
    voices = np.array([[60, 0], [-60, 72], [60, -72], [-60, -74], [0, 0], [-55, 74]], np.int16)
    assert sound.notes(voices) == [
        Note(0, 60, 0, 2),
        Note(0, 60, 2, 4),
        Note(0, 55, 5, 6),
        Note(1, 72, 1, 3),
        Note(1, 74, 3, 4),
        Note(1, 74, 5, 6),
    ]


def test_no_voices_have_no_notes():
    assert sound.notes(np.zeros((0, 4), np.int16)) == []
    assert not sound.render(np.zeros((8, 2), np.int16), 0.1).any()


@pytest.mark.parametrize(("pitch", "hertz"), [(69, 440.0), (57, 220.0), (81, 880.0), (60, 261.63)])
def test_a_note_sounds_at_its_pitch(pitch, hertz):
    samples = sound.render(np.array([[pitch]] + [[-pitch]] * 7), 0.25)
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    assert np.fft.rfftfreq(len(samples), 1 / RATE)[spectrum.argmax()] == pytest.approx(hertz, abs=0.6)


def test_a_note_begins_and_stops_with_its_steps_and_dies_away():
    voices = np.array([[0], [60], [-60], [-60], [-60], [0], [0], [0]])
    samples = np.abs(sound.render(voices, 0.5))
    at = [int(second * RATE) for second in (0.5, 1.0, 2.0, 2.5, 2.57)]
    loud = [samples[a : a + 1000].max() for a in at[1:3]]
    assert not samples[: at[0]].any()
    assert loud[0] > 1.5 * loud[1] > 0.1
    assert samples[at[3] - 500 : at[3]].max() > 0.02
    assert not samples[at[4] :].any()
    assert samples.max() == pytest.approx(0.8)


def test_a_high_note_has_no_partials_beyond_half_the_rate():
    samples = sound.render(np.array([[120]] + [[-120]] * 3), 0.5)  # 8,372 Hz: the second partial would fold to 5,306
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    frequencies = np.fft.rfftfreq(len(samples), 1 / RATE)
    assert spectrum[np.abs(frequencies - 5306) < 50].max() < 1e-3 * spectrum.max()


def test_the_same_notes_give_the_same_bytes(tmp_path):
    voices = np.array([[60, 52], [-60, 55], [64, -55]])
    for name in ("a.mp3", "b.mp3"):
        sound.write(tmp_path / name, sound.render(voices, 0.3))
    assert (tmp_path / "a.mp3").read_bytes() == (tmp_path / "b.mp3").read_bytes()
    info = soundfile.info(tmp_path / "a.mp3")
    assert (info.samplerate, info.channels) == (RATE, 1)
    assert info.duration == pytest.approx(0.96, abs=0.06)
