from dataclasses import replace

import numpy as np
import pytest

from unroll.features.distortion import Distortion, distort
from unroll.features.mfcc import Mfcc
from unroll.features.spectrogram import Spectrogram

NONE = Distortion(warp=0, tempo=0, tilt=0, noise=0, noise_db=0, masks=0, mask_frames=0)
ALL = Distortion(warp=0.2, tempo=0.2, tilt=5, noise=0.99, noise_db=20, masks=2, mask_frames=10)
KINDS = {
    "mfcc": Mfcc(sample_rate=8000, n_fft=400, hop=200, mels=128, coefficients=13, top_db=80.0),
    "spectrogram": Spectrogram(sample_rate=16000, n_fft=400, hop=160, mels=40, top_db=80.0),
}
IDENTITY = np.eye(40, dtype=np.float32)


@pytest.fixture(params=KINDS)
def settings(request):
    return KINDS[request.param]


def frames(steps: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).normal(-20, 15, (steps, width)).astype(np.float32)


def distorted(x: np.ndarray, basis: np.ndarray, limits: Distortion, seed: int = 0) -> np.ndarray:
    return distort(x, basis, np.linalg.pinv(basis), limits, np.random.default_rng(seed))


def test_nothing_allowed_changes_nothing(settings):
    x = frames(50, settings.features)
    np.testing.assert_allclose(distorted(x, settings.basis, NONE), x, atol=1e-3)


@pytest.mark.parametrize("limit", ["warp", "tempo", "tilt", "noise", "masks"])
def test_each_distortion_changes_the_frames_and_not_those_it_was_given(settings, limit):
    x = frames(50, settings.features)
    before = x.copy()
    limits = replace(NONE, **{limit: getattr(ALL, limit)}, mask_frames=10)
    changed = [distorted(x, settings.basis, limits, seed) for seed in range(5)]
    assert any(y.shape != x.shape or np.abs(y - x).max() > 1 for y in changed)
    np.testing.assert_array_equal(x, before)


def test_the_same_seed_gives_the_same_and_another_another(settings):
    x = frames(50, settings.features)
    np.testing.assert_array_equal(distorted(x, settings.basis, ALL, 3), distorted(x, settings.basis, ALL, 3))
    first, second = (distorted(x, settings.basis, replace(ALL, tempo=0), seed) for seed in (3, 4))
    assert np.abs(first - second).max() > 1


def test_tempo_changes_the_length_within_its_limits():
    limits = replace(NONE, tempo=0.25)
    lengths = {len(distorted(frames(100, 40), IDENTITY, limits, seed)) for seed in range(200)}
    assert min(lengths) >= 80
    assert max(lengths) <= 134
    assert min(lengths) < 84
    assert max(lengths) > 128


def test_tempo_interpolates_between_neighbours():
    ramp = np.repeat(np.arange(100, dtype=np.float32)[:, None], 40, axis=1)
    y = distorted(ramp, IDENTITY, replace(NONE, tempo=0.25))
    np.testing.assert_allclose(y, np.repeat(np.linspace(0, 99, len(y))[:, None], 40, axis=1), atol=1e-4)


def test_warp_moves_a_peak_by_a_share_of_its_place():
    peak = np.zeros((1, 40), np.float32)
    peak[0, 20] = 1
    limits = replace(NONE, warp=0.2)
    warped = [distorted(peak, IDENTITY, limits, seed)[0] for seed in range(50)]
    places = [np.average(np.arange(40), weights=spectrum) for spectrum in warped]
    assert 20 / 1.2 - 0.5 <= min(places) < 17.5
    assert 24 < max(places) <= 20 / 0.8 + 0.5


def test_tilt_adds_one_smooth_curve_to_every_frame():
    added = distorted(frames(30, 40), IDENTITY, replace(NONE, tilt=3)) - frames(30, 40)
    np.testing.assert_allclose(added, np.broadcast_to(added[0], added.shape), atol=1e-4)
    np.testing.assert_allclose(np.diff(added[0], n=3), 0, atol=1e-4)
    assert np.abs(added).max() > 0.1


def test_noise_fills_the_quiet_and_leaves_the_loud():
    x = np.full((200, 40), -80, np.float32)
    x[100:] = 0
    y = distorted(x, IDENTITY, replace(NONE, noise=0.99, noise_db=20))
    assert y[:100].min() > -80
    assert -60 - 15 < y[:100].mean() < -20 + 15
    assert np.abs(y[100:] - x[100:]).mean() < 3


def test_masks_are_bounded():
    """At most ``mask_frames`` frames, a quarter of all, and a fifth of the axis are blanked, with the mean."""
    widest = [0, 0]
    for seed in range(100):
        x = frames(60, 40)
        y = distorted(x, IDENTITY, replace(NONE, masks=1, mask_frames=7), seed)
        blank = y != x
        assert np.allclose(y[blank], x.mean(), atol=3)
        widest = np.maximum(widest, [blank.all(1).sum(), blank.all(0).sum()])
    assert widest.tolist() == [7, 8]
    short = distorted(frames(9, 40), IDENTITY, replace(NONE, masks=1, mask_frames=100))
    assert (short != frames(9, 40)).all(1).sum() <= 2


@pytest.mark.parametrize("level", [0.0, -100.0])
@pytest.mark.parametrize("steps", [1, 2, 40])
def test_silence_stays_finite(settings, level, steps):
    silence = settings.transform()(np.zeros(16000, np.float32))[:steps] + np.float32(level)
    for seed in range(20):
        y = distorted(silence, settings.basis, ALL, seed)
        assert np.isfinite(y).all()
        assert y.dtype == np.float32
