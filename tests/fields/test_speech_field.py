from collections import Counter

import numpy as np
import pytest
import soundfile
import torch

from unroll.features.distortion import Distortion
from unroll.fields import speech
from unroll.params import Recurrent
from unroll.patterns.inputs import Inputs
from unroll.patterns.transcriber import Beam, Example, Settings, Transcriber, TranscriberModel, Transcript, Word

FEATURES = {"sample_rate": 8000, "n_fft": 400, "hop": 200, "mels": 128, "coefficients": 13, "top_db": 80.0}
STILL = Distortion(warp=0, tempo=0, tilt=0, noise=0, noise_db=0, masks=0, mask_frames=0)


def heard(said: str, text: str, speaker: str = "anna", confidence: float = 0.5, seconds: float = 2.0) -> dict:
    """A predicted row."""
    words = [Word(word, 0.0, 0.1, confidence) for word in text.split()]
    prediction = Transcript(text, words, confidence, [])
    return {"id": said, "text": said, "speaker": speaker, "seconds": seconds, "fold": None, "prediction": prediction}


ROWS = [
    heard("one two three four", "one two three four", "anna"),
    heard("one two", "one six two", "anna"),
    heard("five six", "five", "ben", confidence=0.9),
    heard("nine nine", "nine nine", "ben", seconds=4.0),
]


def test_measures_literally():
    assert speech.measure("digits", ROWS, 0.5, {}, None) == {
        "word_error_rate": 0.2,
        "character_error_rate": pytest.approx(8 / 42, abs=1e-6),
        "sentence_error_rate": 0.5,
        "substitutions": 0.0,
        "deletions": 0.1,
        "insertions": 0.1,
        "predict_seconds_per_audio_second": 0.05,
    }


def test_unseen_speakers_count_alike_however_much_each_said():
    found = speech.measure("digits_unseen", ROWS, 0.5, {}, None)
    assert next(iter(found)) == "word_error_rate"
    assert found["word_error_rate_anna"] == 0.166667
    assert found["word_error_rate_ben"] == 0.25
    assert found["word_error_rate"] == 0.208333


def test_lines_for_people():
    assert speech.as_lines("digits", ROWS[2:3]) == [
        {"id": "five six", "speaker": "ben", "said": "five six", "heard": "five", "confidence": 0.9}
    ]


@pytest.fixture
def transcriber():
    """A tiny one with random weights."""
    torch.manual_seed(0)
    settings = Settings("words", 2, STILL, Beam(width=1, order=0, weight=0.0, bonus=0.0))
    model = TranscriberModel(Recurrent("lstm", 4, 1, True, 0.0), 1, 0.1, "recording", None)
    return Transcriber(settings, model, Inputs("mfcc", FEATURES), ["one", "two"]).eval()


@pytest.mark.parametrize("most_words", [40, 2])
def test_exhibits_name_the_files_that_are_written(transcriber, tmp_path, monkeypatch, most_words):
    monkeypatch.setattr(speech, "MOST_WORDS", most_words)
    sound = tmp_path / "sound.wav"
    soundfile.write(sound, np.random.default_rng(0).normal(0, 0.1, 16000), 16000)
    folder = tmp_path / "figures"
    folder.mkdir()
    frames = np.random.default_rng(0).normal(0, 9, (30, 13)).astype(np.float32)
    rows = [
        row | {"id": f"row-{i}", "example": Example(f"row-{i}", frames, ""), "audio": str(sound)}
        for i, row in enumerate(ROWS)
    ]
    shown = speech.exhibits("digits", rows, {None: transcriber}, folder)
    named = [name for exhibit in shown for name in (exhibit.image, exhibit.audio) if name]
    assert Counter(named) == Counter(path.name for path in folder.iterdir())
    titles = [exhibit.title for exhibit in shown if exhibit.section == "Errors"]
    confusions = ["What was taken for what"] if most_words == 40 else []
    assert titles == [*confusions, "Word error rate by length", "Word error rate by speaker"]
    told = [exhibit for exhibit in shown if exhibit.section == "Examples"]
    assert [(exhibit.title, exhibit.verdict) for exhibit in told] == [
        ("row-2", False), ("row-1", False), ("row-0", True)
    ]  # fmt: skip
    assert told[0].lines == [("said", "five six"), ("heard", "five (90%)"), ("by", "ben")]
    assert soundfile.info(folder / "row-2.ogg").frames == 8000
    assert (folder / "row-2.png").read_bytes().startswith(b"\x89PNG")


def test_of_many_speakers_the_hardest_are_shown(transcriber, tmp_path, monkeypatch):
    monkeypatch.setattr(speech, "MOST_BARS", 1)
    rows = [row | {"example": Example("", np.zeros((10, 13), np.float32), "")} for row in ROWS]
    shown = {
        exhibit.title: exhibit.caption for exhibit in speech.exhibits("digits", rows, {None: transcriber}, tmp_path)
    }
    assert shown["Word error rate by speaker"] == "The 1 hardest of 2."


def test_examples_without_a_recording_have_no_sound(transcriber, tmp_path):
    rows = [row | {"example": Example("", np.zeros((10, 13), np.float32), "")} for row in ROWS]
    shown = speech.exhibits("digits", rows, {None: transcriber}, tmp_path)
    assert [exhibit.audio for exhibit in shown] == [None] * len(shown)


def test_confusions_have_the_words_in_their_own_order_and_nothing_last():
    counts, names = speech._confusions(["two nine one", "two"], ["two one one", ""])
    assert names == ["one", "two", "nine", "(nothing)"]
    assert counts.tolist() == [[1, 0, 0, 0], [0, 1, 0, 1], [1, 0, 0, 0], [0, 0, 0, 0]]


def test_words_have_their_places_in_the_whole_recording(transcriber, tmp_path, monkeypatch):
    at = np.arange(8000 * 50) / 8000
    loud = ((at >= 3) & (at < 4)) | ((at >= 30) & (at < 31.5)) | ((at >= 33) & (at < 34))
    soundfile.write(tmp_path / "calls.wav", 0.5 * loud * np.sin(2 * np.pi * 300 * at), 8000)
    shapes = []

    def predict(batch):
        shapes.append(tuple(batch.frames.shape))
        return [Transcript("one", [Word("one", 0.25, 0.5, 0.9)], 0.9, [])] * len(batch.ids)

    monkeypatch.setattr(transcriber, "predict", predict)
    words = list(speech.transcribe(transcriber, tmp_path / "calls.wav"))
    assert [word.start for word in words] == pytest.approx([3.25, 30.25, 33.25], abs=0.1)
    assert [word.stop - word.start for word in words] == pytest.approx([0.25] * 3)
    assert [shape[0] for shape in shapes] == [1, 2]
    assert all(shape[2] == 13 for shape in shapes)


def test_any_recording_is_transcribed(transcriber, tmp_path):
    noise = np.random.default_rng(0).normal(0, 0.1, (44100, 2))
    soundfile.write(tmp_path / "noise.ogg", noise, 44100)
    for word in speech.transcribe(transcriber, tmp_path / "noise.ogg"):
        assert 0 <= word.start < word.stop <= 1.1
        assert 0 < word.confidence <= 1


@pytest.mark.parametrize("seconds", [0.01, 1, 45])
def test_silence_holds_no_words(transcriber, tmp_path, seconds):
    soundfile.write(tmp_path / "silence.wav", np.zeros(int(8000 * seconds)), 8000)
    assert list(speech.transcribe(transcriber, tmp_path / "silence.wav")) == []
