"""Random distortions of spectral frames: other throats, rooms, microphones and speeds than those recorded.

All are applied to the frames themselves (log-mel dB, or cepstra through their cosine basis), so they cost
microseconds and need no waveform.
"""

import numpy as np
from pydantic.dataclasses import dataclass

from unroll.params import STRICT, NotNegative, Share, Whole


@dataclass(frozen=True, config=STRICT)
class Distortion:
    """How far each distortion goes at most.

    ``warp``: vocal tract length, as a share of the mel axis (Jaitly & Hinton 2013); ``tempo``: speed, as a share;
    ``tilt``: dB of a random smooth frequency response; ``noise``: share of examples with added noise, up to
    ``noise_db`` dB below the loudest frame; ``masks``: stretches of time and of frequency blanked out, of up to
    ``mask_frames`` frames and a fifth of the axis (SpecAugment, Park et al. 2019).
    """

    warp: Share
    tempo: Share
    tilt: NotNegative
    noise: Share
    noise_db: NotNegative
    masks: Whole
    mask_frames: Whole


def distort(
    frames: np.ndarray, basis: np.ndarray, inverse: np.ndarray, limits: Distortion, rng: np.random.Generator
) -> np.ndarray:
    """A distorted copy of float32 ``frames`` (T, D), of a length within the limits of ``tempo``.

    ``basis`` (D, P) turns a frame into P points of a log-mel spectrum in dB (see the featurizers), ``inverse`` (P, D),
    its pseudo-inverse, turns them back.
    """
    spectrum = _resampled(frames, 1 + rng.uniform(-limits.tempo, limits.tempo)) @ basis
    spectrum = spectrum @ _warp(basis.shape[1], 1 + rng.uniform(-limits.warp, limits.warp))
    points = np.linspace(-1, 1, basis.shape[1], dtype=np.float32)
    spectrum += limits.tilt * _smooth(points, rng)
    if rng.random() < limits.noise:
        level = spectrum.max() - limits.noise_db * rng.uniform(1, 3) + 5 * _smooth(points, rng)
        noise = level + rng.normal(0, 3, spectrum.shape).astype(np.float32)
        spectrum = np.logaddexp(spectrum * (np.log(10) / 10), noise * (np.log(10) / 10)) * (10 / np.log(10))
    for _ in range(limits.masks):
        _mask(spectrum, limits.mask_frames, rng)
    return (spectrum @ inverse).astype(np.float32)


def _resampled(frames: np.ndarray, speed: float) -> np.ndarray:
    """``frames`` played ``speed`` times as fast, interpolated linearly between neighbours."""
    steps = max(1, round(len(frames) / speed))
    at = np.linspace(0, len(frames) - 1, steps)
    before = at.astype(int)
    after = np.minimum(before + 1, len(frames) - 1)
    share = (at - before).astype(np.float32)[:, None]
    return frames[before] * (1 - share) + frames[after] * share


def _warp(points: int, factor: float) -> np.ndarray:
    """(P, P) matrix that reads each point of a spectrum at ``factor`` times its place on the axis."""
    at = np.minimum(np.arange(points) * factor, points - 1)
    return np.maximum(0, 1 - np.abs(np.arange(points)[:, None] - at)).astype(np.float32)


def _smooth(points: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A random slope and curve over the axis, of about unit size."""
    slope, curve = rng.normal(size=2).astype(np.float32)
    return slope * points + curve * (points**2 - 1 / 3)


def _mask(spectrum: np.ndarray, longest: int, rng: np.random.Generator) -> None:
    """Blanks one stretch of frames and one of frequencies, in place, with the mean of the spectrum."""
    steps, points = spectrum.shape
    mean = spectrum.mean()
    width = int(rng.integers(0, min(longest, steps // 4) + 1))
    start = int(rng.integers(0, steps - width + 1))
    spectrum[start : start + width] = mean
    width = int(rng.integers(0, points // 5 + 1))
    start = int(rng.integers(0, points - width + 1))
    spectrum[:, start : start + width] = mean
