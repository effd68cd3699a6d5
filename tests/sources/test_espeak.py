import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from unroll.errors import UserError
from unroll.sources.espeak import ACCENTS, RATE, Espeak

SENTENCE = "turn on the kitchen lights"


@pytest.fixture(scope="module")
def engine(raw: Callable[[str], Path]) -> Espeak:
    return Espeak(raw("espeakng-loader"))


def speak(engine: Espeak, text: str = SENTENCE, voice: str = "en-us+m3", speed: int = 160, pitch: int = 50):
    return engine.speak(text, voice, speed, pitch, pitch_range=50)


def fundamental(samples: np.ndarray) -> float:
    """Hz, from the strongest autocorrelation between 50 and 200 Hz."""
    loud = samples[len(samples) // 4 : len(samples) // 2]
    lags = np.arange(RATE // 200, RATE // 50)
    return RATE / lags[np.argmax([np.dot(loud[:-lag], loud[lag:]) for lag in lags])]


def test_a_sentence_sounds_for_a_second_or_two_at_full_scale_one(engine):
    samples = speak(engine)
    assert samples.dtype == np.float32
    assert samples.ndim == 1
    assert 1 < len(samples) / RATE < 3
    assert 0.1 < np.abs(samples).max() <= 1


def test_a_higher_speed_says_the_same_in_less_time(engine):
    assert len(speak(engine, speed=210)) < 0.8 * len(speak(engine, speed=130))


def test_pitch_shifts_the_fundamental(engine):
    low, high = (fundamental(speak(engine, "ah", pitch=pitch)) for pitch in (20, 80))
    assert high > 1.3 * low


@pytest.mark.parametrize("voice", ["en-us+f1", "en-029+Alicia", "en+adam", "en-gb-scotland+m1"])
def test_a_call_gives_the_same_samples_whatever_was_spoken_before(engine, voice):
    first = speak(engine, voice=voice)
    again = speak(engine, voice=voice)
    speak(engine, "something else entirely", "en+grandpa", speed=200, pitch=70)
    later = speak(engine, voice=voice)
    np.testing.assert_array_equal(first, again)
    np.testing.assert_array_equal(first, later)


def test_every_accent_and_every_variant_speaks_in_its_own_way(engine):
    variants = engine.voices()
    assert variants == sorted(variants)
    assert {"f1", "m8", "whisper"} < set(variants)
    accents = {speak(engine, voice=f"{accent}+f2").tobytes() for accent in ACCENTS}
    assert len(accents) == len(ACCENTS)


@pytest.mark.parametrize("voice", ["en-us+nobody", "xx+f2", "en-us", "en-us+../!v/f2"])
def test_an_unknown_voice_is_refused_by_name(engine, voice):
    with pytest.raises(UserError, match=re.escape(f"{voice} is no voice of eSpeak NG")):
        speak(engine, voice=voice)


def test_a_folder_without_the_engine_is_refused_with_the_remedy(tmp_path):
    with pytest.raises(UserError, match=r"holds no eSpeak NG: run `python -m unroll\.stages\.fetch espeakng-loader`"):
        Espeak(tmp_path)


def test_a_library_that_does_not_load_is_refused_by_name(tmp_path):
    (tmp_path / "espeakng_loader/espeak-ng-data/voices/!v").mkdir(parents=True)
    (tmp_path / "espeakng_loader/libespeak-ng.so").write_bytes(b"not a library")
    with pytest.raises(UserError, match=r"libespeak-ng\.so does not load"):
        Espeak(tmp_path)


def test_missing_voice_data_are_refused(raw, tmp_path):
    shutil.copytree(raw("espeakng-loader"), tmp_path, dirs_exist_ok=True)
    (tmp_path / "espeakng_loader/espeak-ng-data/phontab").unlink()
    with pytest.raises(UserError, match="lacks voice data"):
        Espeak(tmp_path)
