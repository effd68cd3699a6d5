import tracemalloc

import numpy as np
import pytest
import soundfile
import soxr

from unroll.errors import UserError
from unroll.sources import audio

RATE = 44_100


def _tone(seconds: float, hertz: float = 440, rate: int = RATE) -> np.ndarray:
    return (0.5 * np.sin(2 * np.pi * hertz * np.arange(int(seconds * rate)) / rate)).astype(np.float32)


@pytest.mark.parametrize(
    ("name", "subtype", "error"),
    [("a.wav", "PCM_16", 1e-3), ("a.wav", "FLOAT", 1e-3), ("a.flac", "PCM_16", 1e-3), ("a.ogg", "VORBIS", 0.02)],
)
def test_a_tone_keeps_frequency_and_amplitude_at_another_rate(tmp_path, name, subtype, error):
    left, right = _tone(1.5) * 1.5, _tone(1.5) * 0.5
    soundfile.write(tmp_path / name, np.stack([left, right], 1), RATE, subtype=subtype)
    samples = audio.read(tmp_path / name, 16_000)
    assert samples.dtype == np.float32
    assert samples.shape == (24_000,)
    inner = slice(1_000, -1_000)
    assert np.abs(samples - _tone(1.5, rate=16_000))[inner].max() < error


def test_blocks_join_without_a_seam(tmp_path):
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, (4 * audio.BLOCK + 123, 2)).astype(np.float32)
    soundfile.write(tmp_path / "a.wav", noise, RATE, subtype="FLOAT")
    blocks = list(audio.read_blocks(tmp_path / "a.wav", 8_000))
    whole = soxr.resample(noise.mean(axis=1), RATE, 8_000)
    assert len(blocks) > 3
    np.testing.assert_allclose(np.concatenate(blocks), whole, atol=1e-6)


def test_samples_at_the_rate_asked_for_are_untouched(tmp_path):
    samples = np.array([0, 0.25, -0.5, 1, -1], np.float32)
    soundfile.write(tmp_path / "a.wav", samples, 8_000, subtype="FLOAT")
    np.testing.assert_array_equal(audio.read(tmp_path / "a.wav", 8_000), samples)


def test_memory_does_not_grow_with_the_recording(tmp_path):
    seconds = 600
    with soundfile.SoundFile(tmp_path / "long.flac", "w", 8_000, 1) as file:
        for _ in range(seconds):
            file.write(_tone(1, rate=8_000))
    tracemalloc.start()
    length = sum(len(block) for block in audio.read_blocks(tmp_path / "long.flac", 16_000))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert length == seconds * 16_000
    assert peak < 16 * 4 * audio.BLOCK < 4 * length / 8


def test_only_a_whole_file_of_sound_is_read(tmp_path):
    (tmp_path / "empty.wav").touch()
    (tmp_path / "notes.wav").write_text("these are my notes\n" * 100)
    (tmp_path / "bare.raw").write_bytes(bytes(1000))
    soundfile.write(tmp_path / "silent.wav", np.zeros((0, 1)), 8_000)
    expected = {
        "gone.wav": "is missing",
        "": "is a folder",
        "empty.wav": r"is empty \(0 bytes\)",
        "notes.wav": "cannot be read as audio",
        "bare.raw": "has no header",
        "silent.wav": "holds no samples",
    }
    for name, said in expected.items():
        with pytest.raises(UserError, match=said) as refused:
            audio.read(tmp_path / name, 16_000)
        assert str(refused.value).startswith(str(tmp_path / name))
        assert "\n" not in str(refused.value)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_samples_that_are_not_numbers_are_refused_with_their_time(tmp_path, bad):
    samples = _tone(4)
    samples[2 * RATE] = bad
    soundfile.write(tmp_path / "a.wav", samples, RATE, subtype="FLOAT")
    with pytest.raises(UserError, match=r"a\.wav: the sample at 2\.000 s is not a finite number"):
        audio.read(tmp_path / "a.wav", 16_000)


def test_a_damaged_file_is_refused(tmp_path):
    rng = np.random.default_rng(0)
    soundfile.write(tmp_path / "a.flac", rng.uniform(-0.5, 0.5, 100_000), RATE)
    content = bytearray((tmp_path / "a.flac").read_bytes())
    content[50_000:60_000] = rng.bytes(10_000)
    (tmp_path / "a.flac").write_bytes(content)
    with pytest.raises(UserError, match=r"a\.flac cannot be read as audio"):
        audio.read(tmp_path / "a.flac", RATE)
