import hashlib
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from unroll.errors import UserError
from unroll.params import check
from unroll.sources import manifest
from unroll.sources.espeak import Espeak
from unroll.sources.spoken import LEFT_OUT, RATE, Spoken, speak_all, timbres

SETTINGS = Spoken(train=6, valid=2, test=4, valid_voices=2, test_voices=3, speed=[130, 210], snr=[10, 40])
ROOMS = ("kitchen", "bedroom", "office", "garage", "hallway", "attic")
SENTENCES = [f"turn {way} the {room} lights" for way in ("on", "off") for room in ROOMS]


@pytest.fixture(scope="module")
def engine(raw: Callable[[str], Path]) -> Espeak:
    return Espeak(raw("espeakng-loader"))


@pytest.fixture(scope="module")
def corpus(engine: Espeak, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("spoken") / "corpus"
    speak_all(folder, engine, SENTENCES, SETTINGS, seed=0)
    return folder


def digests(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_each_sentence_is_spoken_once_in_the_split_that_was_asked_for(corpus):
    utterances = manifest.read(corpus)
    assert [utterance.text for utterance in utterances] == SENTENCES
    assert [utterance.split for utterance in utterances] == ["train"] * 6 + ["valid"] * 2 + ["test"] * 4


def test_recordings_are_16_bit_at_16_khz_with_one_channel_and_do_not_clip(corpus):
    for utterance in manifest.read(corpus):
        info = soundfile.info(utterance.path)
        assert (info.samplerate, info.channels, info.subtype, info.format) == (RATE, 1, "PCM_16", "FLAC")
        assert 1 < info.duration < 4
        samples, _ = soundfile.read(utterance.path)
        assert 0.09 < np.abs(samples).max() < 0.91


def test_no_timbre_is_in_two_splits(engine, corpus):
    groups = timbres(engine, SETTINGS, seed=0)
    assert [len(groups[split]) for split in ("valid", "test")] == [2, 3]
    everyone = [name for names in groups.values() for name in names]
    assert len(everyone) == len(set(everyone)) == 48
    for utterance in manifest.read(corpus):
        assert utterance.speaker.split("+")[1] in groups[utterance.split]


def test_what_is_left_out_exists_and_is_not_dealt(engine):
    left_out = [name for names in LEFT_OUT.values() for name in names.split(", ")]
    assert len(left_out) == len(set(left_out))
    assert set(left_out) < set(engine.voices())
    for dealt in timbres(engine, SETTINGS, seed=0).values():
        assert not set(left_out) & set(dealt)


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(engine, corpus, tmp_path):
    speak_all(tmp_path / "again", engine, SENTENCES, SETTINGS, seed=0)
    speak_all(tmp_path / "other", engine, SENTENCES, SETTINGS, seed=1)
    assert digests(tmp_path / "again") == digests(corpus)
    assert not set(digests(tmp_path / "other").values()) & set(digests(corpus).values())


@pytest.mark.parametrize("snr", [10, 40])
def test_noise_lies_under_the_words_at_the_ratio_asked_for(engine, tmp_path, snr):
    speak_all(tmp_path / "corpus", engine, SENTENCES, replace(SETTINGS, snr=[snr, snr]), seed=0)
    measured = []
    for utterance in manifest.read(tmp_path / "corpus"):
        samples, _ = soundfile.read(utterance.path)
        silence = np.square(samples[: RATE // 10]).mean()
        measured.append(10 * np.log10(np.square(samples).mean() / silence - 1))
    assert np.mean(measured) == pytest.approx(snr, abs=2)


def test_more_held_out_voices_than_there_are_is_refused(engine, tmp_path):
    with pytest.raises(UserError, match="keep 49 of 48 voices"):
        speak_all(tmp_path / "corpus", engine, SENTENCES, replace(SETTINGS, test_voices=47), seed=0)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"speed": [210, 130]}, "spoken: speed: should be two numbers, the smaller first"),
        ({"snr": [10]}, "spoken: snr: .* at least 2 items"),
        ({"train": 0}, "spoken: train: should be greater than 0"),
        ({"speed": ["slow", "fast"]}, "spoken: speed.0: should be a valid integer"),
    ],
)
def test_impossible_settings_are_refused_by_name(change, complaint):
    with pytest.raises(UserError, match=complaint):
        check(Spoken, asdict(SETTINGS) | change, "spoken")
