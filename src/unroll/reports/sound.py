"""Music as sound: every note a sum of partials that die away, the high ones first, as of a plucked string.

Additive synthesis (Moore 1990, "Elements of computer music", section 3.3). The same notes give the same bytes.
"""

from itertools import pairwise
from pathlib import Path

import numpy as np

from unroll.reports.charts import Note

RATE = 22050  # samples a second
PARTIALS = 8
FADING = 0.9  # of the first partial, nepers a second; of the n-th n times as much
ATTACK, RELEASE = 0.008, 0.06  # seconds in which a note swells, and dies when it is let go
PEAK = 0.8  # of full scale


def notes(voices: np.ndarray) -> list[Note]:
    """The notes of int16 ``voices`` (T, K), by voice and start.

    In a step +p says that a note of the MIDI pitch p begins, -p that it is held, 0 that the voice rests. A note that is
    held but never began, as where a piece was cut, begins there.
    """
    found = []
    for voice, steps in enumerate(np.asarray(voices, np.int64).T):
        before = np.append(0, steps[:-1])
        begins = (steps != 0) & ((steps > 0) | (np.abs(before) != -steps))
        edges = [*np.flatnonzero(begins | (steps == 0)).tolist(), len(steps)]
        found += [Note(voice, abs(int(steps[a])), a, b) for a, b in pairwise(edges) if steps[a]]
    return found


def render(voices: np.ndarray, step_seconds: float) -> np.ndarray:
    """float32 (N,) at ``RATE`` samples a second: ``voices`` (T, K) as in :func:`notes`, each step so many seconds."""
    sound = np.zeros(int((len(voices) * step_seconds + RELEASE) * RATE) + 1)
    for note in notes(voices):
        samples = _tone(note.pitch, (note.stop - note.start) * step_seconds)
        first = round(note.start * step_seconds * RATE)
        part = sound[first : first + len(samples)]
        part += samples[: len(part)]
    return (sound * (PEAK / max(1e-9, np.abs(sound).max()))).astype(np.float32)


def write(path: Path, samples: np.ndarray) -> None:
    """The ``samples`` as MP3, which every browser plays and which, unlike Ogg, holds no random serial number."""
    import soundfile

    soundfile.write(path, samples, RATE, format="MP3", subtype="MPEG_LAYER_III")


def _tone(pitch: int, seconds: float) -> np.ndarray:
    """float64 (N,): a note in equal temperament, A4 (69) at 440 Hz, held for so long and then let go."""
    time = np.arange(int((seconds + RELEASE) * RATE)) / RATE
    frequency = 440 * 2 ** ((pitch - 69) / 12)
    tone = np.zeros(len(time))
    for partial in range(1, PARTIALS + 1):
        if partial * frequency < RATE / 2:
            fading = np.exp(-FADING * partial * time)
            tone += fading * np.sin(2 * np.pi * partial * frequency * time) / partial**1.5
    return tone * np.clip(time / ATTACK, 0, 1) * np.clip((seconds + RELEASE - time) / RELEASE, 0, 1)
