"""Synthetic recordings: sentences spoken by many eSpeak NG voices, over noise, as a folder in NeMo manifest form.

No voice and no sentence of one split occurs in another. A voice is an accent and a timbre (eSpeak NG's variant);
splits share accents but no timbre, and twins of a timbre are left out, so that an unseen voice is another voice.
"""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import soundfile
import soxr
from jaxtyping import Float
from pydantic import AfterValidator, Field
from pydantic.dataclasses import dataclass
from tqdm import tqdm

from unroll.errors import UserError
from unroll.params import STRICT, Count, Whole
from unroll.sources import espeak, manifest
from unroll.sources.espeak import ACCENTS, Espeak
from unroll.sources.manifest import Split, Utterance

RATE = 16000  # Hz
SILENCE = (0.1, 0.4)  # seconds before and after the words
PITCH = (35, 65)  # around the voice's own, 50
PITCH_RANGE = (30, 70)
PEAK = (0.1, 0.9)  # of full scale

# Variants of eSpeak NG that are not spoken, by reason.
LEFT_OUT = {
    "effects, not people": (
        "AnxiousAndy, Demonic, RicishayMax, RicishayMax2, RicishayMax3, Tweaky, UniRobot, anikaRobot, announcer, croak,"
        " fast, robosoft, robosoft2, robosoft3, robosoft4, robosoft5, robosoft6, robosoft7, robosoft8, zac"
    ),
    "formants where no throat has them, the third missing or far too low": (
        "Andy, Jacky, Lee, Michael, boris, gustave, kaukovalta, marcelo, travis"
    ),
    "whispers": "caleb, whisper, whisperf",
    "bare models of the glottis": "klatt, klatt2, klatt3, klatt4, klatt5, klatt6",
    "twins of a voice that is kept, with much the same formants": (
        "Gene2, Henrique, Hugo, Mike, Mr serious, Nguyen, benjamin, edward2, f5, iven2, iven3, iven4, michel, miguel,"
        " mike2, steph2, steph3"
    ),
    "not the same when spoken again": "Reed",
}


def _ascending(limits: list[int]) -> list[int]:
    if limits[0] > limits[1]:
        raise ValueError("should be two numbers, the smaller first")
    return limits


Limits = Annotated[list[Whole], Field(min_length=2, max_length=2), AfterValidator(_ascending)]


@dataclass(frozen=True, config=STRICT)
class Spoken:
    """How many utterances each split has, and how they vary.

    ``valid_voices`` and ``test_voices`` are timbres kept for these splits alone. ``speed`` in words per minute and
    ``snr``, the signal-to-noise ratio in dB, are drawn evenly between two limits.
    """

    train: Count
    valid: Count
    test: Count
    valid_voices: Count
    test_voices: Count
    speed: Limits
    snr: Limits

    @property
    def utterances(self) -> int:
        """Of all splits together."""
        return self.train + self.valid + self.test


def speak_all(folder: Path, engine: Espeak, sentences: Sequence[str], settings: Spoken, seed: int) -> None:
    """Writes ``folder``: a file of ``audio/`` per utterance (FLAC, 16 kHz, 16 bit, one channel) and the manifest.

    ``sentences`` are all different and as many as ``settings.utterances``; each is spoken once. The same arguments
    give the same bytes. Raises ``UserError`` when no timbre is left for training.
    """
    groups = timbres(engine, settings, seed)
    splits = [split for split in groups for _ in range(getattr(settings, split))]
    pairs = tqdm(zip(splits, sentences, strict=True), "speak", len(splits), unit=" utterances", mininterval=1)
    (folder / "audio").mkdir(parents=True)
    utterances = []
    for number, (split, text) in enumerate(pairs):
        rng = np.random.default_rng([seed, number])
        voice = f"{rng.choice(ACCENTS)}+{rng.choice(groups[split])}"
        path = folder / "audio" / f"{split}-{number:05d}.flac"
        path.write_bytes(_flac(_recorded(text, voice, engine, settings, rng)))
        utterances.append(Utterance(path, text, split, voice))
    manifest.write(folder, utterances)


def timbres(engine: Espeak, settings: Spoken, seed: int) -> dict[Split, list[str]]:
    """The variants of each split, disjoint, dealt out at random but the same for the same seed."""
    left_out = {name for names in LEFT_OUT.values() for name in names.split(", ")}
    kept = [name for name in engine.voices() if name not in left_out]
    held_out = settings.test_voices + settings.valid_voices
    if held_out >= len(kept):
        raise UserError(
            f"params.yaml: valid_voices and test_voices keep {held_out} of {len(kept)} voices, which leaves none for"
            " training: lower them"
        )
    dealt = [kept[i] for i in np.random.default_rng(seed).permutation(len(kept))]
    test, valid, train = np.split(dealt, [settings.test_voices, held_out])
    return {"train": train.tolist(), "valid": valid.tolist(), "test": test.tolist()}


def _recorded(
    text: str, voice: str, engine: Espeak, settings: Spoken, rng: np.random.Generator
) -> Float[np.ndarray, " T"]:
    """One utterance (T,) at 16 kHz as a microphone might have it: some silence around, noise under, any loudness."""
    speed, pitch, pitch_range = (
        int(rng.integers(*limits, endpoint=True)) for limits in (settings.speed, PITCH, PITCH_RANGE)
    )
    spoken = soxr.resample(engine.speak(text, voice, speed, pitch, pitch_range), espeak.RATE, RATE)
    ratio = 10 ** (rng.uniform(*settings.snr) / 10)
    samples = np.pad(spoken, [int(seconds * RATE) for seconds in rng.uniform(*SILENCE, 2)])
    samples += np.sqrt(np.square(spoken).mean() / ratio) * _noise(len(samples), rng)
    return samples * (rng.uniform(*PEAK) / np.abs(samples).max())


def _noise(length: int, rng: np.random.Generator) -> Float[np.ndarray, " T"]:
    """Gaussian noise (T,) of mean square 1 with a power spectrum of 1 / f ** c, c from 0 (white) to 1 (pink)."""
    bins = 1 << (length - 1).bit_length()  # a power of two makes the fastest transform
    spectrum = rng.standard_normal((bins // 2 + 1, 2), np.float32).view(np.complex64)[:, 0]
    spectrum[0] = 0
    spectrum[1:] *= np.arange(1, len(spectrum), dtype=np.float32) ** (-rng.uniform(0, 1) / 2)
    noise = np.fft.irfft(spectrum)[:length]
    return noise / np.sqrt(np.square(noise).mean())


def _flac(samples: Float[np.ndarray, " T"]) -> bytes:
    """A whole FLAC file; made in memory, since soundfile waits for the disk at the end of each file it writes."""
    file = io.BytesIO()
    soundfile.write(file, samples, RATE, format="FLAC", subtype="PCM_16")
    return file.getvalue()
