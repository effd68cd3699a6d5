import numpy as np
import pytest

from unroll.features.mfcc import Mfcc

FSDD = Mfcc(sample_rate=8000, n_fft=400, hop=200, mels=128, coefficients=13, top_db=80.0)


def chirp(seconds: float, rate: int = 8000) -> np.ndarray:
    """A tone that rises from 100 to 3500 Hz and swells, over faint noise, after a tenth of silence."""
    at = np.arange(int(seconds * rate)) / rate
    tone = at / seconds * np.sin(2 * np.pi * (100 * at + 1700 * at**2 / seconds))
    tone += np.random.default_rng(0).normal(0, 1e-4, len(at))
    tone[: len(at) // 10] = 0
    return tone.astype(np.float32)


def mel(hertz: np.ndarray | float) -> np.ndarray:
    """The mel scale of HTK."""
    return 2595 * np.log10(1 + np.asarray(hertz) / 700)


def recipe(samples: np.ndarray, rate: int, n_fft: int, hop: int, mels: int, coefficients: int, top_db: float):
    """Mel-frequency cepstral coefficients as in the textbook, in float64: frames (T, D)."""
    around = np.pad(samples.astype(np.float64), n_fft // 2, mode="reflect")
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n_fft) / n_fft)
    frames = np.stack([around[i : i + n_fft] * window for i in range(0, len(around) - n_fft + 1, hop)])
    power = np.abs(np.fft.rfft(frames)) ** 2
    bins = np.linspace(0, rate / 2, n_fft // 2 + 1)
    edges = 700 * (10 ** (np.linspace(mel(0), mel(rate / 2), mels + 2) / 2595) - 1)
    low, centre, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    triangles = np.maximum(0, np.minimum((bins - low) / (centre - low), (high - bins) / (high - centre)))
    decibel = 10 * np.log10(np.maximum(power @ triangles.T, 1e-10))
    decibel = np.maximum(decibel, decibel.max() - top_db)
    order, band = np.arange(coefficients)[:, None], np.arange(mels)
    cosines = np.cos(np.pi * order * (band + 0.5) / mels) * np.sqrt(2 / mels)
    cosines[0] /= np.sqrt(2)
    return decibel @ cosines.T


@pytest.mark.parametrize("seconds", [0.5, 1.23])
def test_the_textbook_recipe(seconds):
    samples = chirp(seconds)
    frames = FSDD.transform()(samples)
    expected = recipe(samples, 8000, n_fft=400, hop=200, mels=128, coefficients=13, top_db=80.0)
    assert frames.dtype == np.float32
    np.testing.assert_allclose(frames, expected, atol=1e-2)


def test_other_settings_are_heeded():
    samples = chirp(0.3, 16000)
    settings = Mfcc(sample_rate=16000, n_fft=512, hop=160, mels=40, coefficients=20, top_db=30.0)
    expected = recipe(samples, 16000, n_fft=512, hop=160, mels=40, coefficients=20, top_db=30.0)
    np.testing.assert_allclose(settings.transform()(samples), expected, atol=1e-2)
    assert (settings.features, settings.frame_seconds) == (20, 0.01)


@pytest.mark.parametrize(("samples", "frames"), [(0, 2), (1, 2), (200, 2), (201, 2), (399, 2), (400, 3), (8000, 41)])
def test_a_frame_at_every_hop_however_short_the_recording(samples, frames):
    found = FSDD.transform()(chirp(1)[:samples])
    assert found.shape == (frames, 13)
    assert np.isfinite(found).all()


@pytest.mark.parametrize("coefficients", [1, 13, 32, 40])
def test_the_basis_holds_the_frames_without_loss(coefficients):
    settings = Mfcc(sample_rate=8000, n_fft=400, hop=200, mels=128, coefficients=coefficients, top_db=80.0)
    frames = np.random.default_rng(0).normal(0, 10, (20, coefficients)).astype(np.float32)
    spectrum = frames @ settings.basis
    assert settings.basis.dtype == np.float32
    np.testing.assert_allclose(spectrum @ np.linalg.pinv(settings.basis), frames, atol=1e-3)


def test_the_basis_gives_decibels():
    """Of a spectrum that the coefficients can hold, a level and half a wave over the mel axis, it gives the values."""
    bands = (np.arange(128) + 0.5) / 128
    decibel = -30 + 5 * np.cos(np.pi * bands)
    frame = np.zeros(13, np.float32)
    frame[:2] = decibel.sum() / np.sqrt(128), decibel @ np.cos(np.pi * bands) * np.sqrt(2 / 128)
    points = (np.arange(32) + 0.5) / 32
    np.testing.assert_allclose(frame @ FSDD.basis, -30 + 5 * np.cos(np.pi * points), atol=1e-4)
