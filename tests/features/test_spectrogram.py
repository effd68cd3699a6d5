import numpy as np
import pytest

from unroll.features.spectrogram import Spectrogram

SETTINGS = Spectrogram(sample_rate=16000, n_fft=400, hop=160, mels=40, top_db=80.0)


def tone(hertz: float, seconds: float = 0.5) -> np.ndarray:
    return np.sin(2 * np.pi * hertz * np.arange(int(seconds * 16000)) / 16000).astype(np.float32)


@pytest.mark.parametrize(("samples", "frames"), [(0, 2), (1, 2), (201, 2), (319, 2), (320, 3), (1600, 11), (8000, 51)])
def test_a_frame_at_every_hop_however_short_the_recording(samples, frames):
    found = SETTINGS.transform()(tone(440)[:samples])
    assert (found.shape, found.dtype) == ((frames, 40), np.float32)
    assert np.isfinite(found).all()


def test_what_a_frame_is():
    assert (SETTINGS.features, SETTINGS.frame_seconds) == (40, 0.01)


@pytest.mark.parametrize(("hertz", "band"), [(100, 1), (1000, 13), (4000, 30), (7000, 38)])
def test_a_tone_is_loudest_in_its_own_band(hertz, band):
    """Band ``i`` of 40 is centred at ``(i + 1) / 41`` of the mels (HTK) up to 8 kHz."""
    assert (SETTINGS.transform()(tone(hertz))[5:-5].argmax(1) == band).all()


def test_ten_times_the_amplitude_is_twenty_decibels():
    noise = np.random.default_rng(0).normal(0, 0.01, 8000).astype(np.float32)
    transform = SETTINGS.transform()
    np.testing.assert_allclose(transform(10 * noise) - transform(noise), 20, atol=1e-3)


def test_nothing_is_further_below_the_loudest_than_top_db():
    samples = np.concatenate([tone(440), np.zeros(8000, np.float32)])
    found = SETTINGS.transform()(samples)
    assert found.max() - found.min() == pytest.approx(80, abs=1e-4)


def test_the_frames_are_the_spectrum_itself():
    np.testing.assert_array_equal(SETTINGS.basis, np.eye(40, dtype=np.float32), strict=True)
