"""Cutting a recording of any length into phrases at its pauses, in bounded memory."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import librosa
import numpy as np

WINDOW = 20.0  # seconds of a recording looked at together
PAUSE = 0.3  # seconds of quiet that part two phrases
MARGIN = 0.05  # seconds of quiet kept on either side of a phrase
QUIET_DB = 40.0  # below the loudest in the window
SILENCE = 1e-3  # a peak below this, of full scale 1, is no speech at all


class Phrase(NamedTuple):
    """A stretch of sound: its first second in the recording, and its float32 samples (N,)."""

    start: float
    samples: np.ndarray


def windows(blocks: Iterable[np.ndarray], rate: int) -> Iterator[list[Phrase]]:
    """The phrases of each window of a recording given in ``blocks`` of samples at ``rate`` Hz; silence gives none.

    A phrase that reaches the end of a window is kept for the next, unless it fills the window: then it is cut.
    """
    size, start, rest = int(WINDOW * rate), 0, np.zeros(0, np.float32)
    for block in blocks:
        rest = np.concatenate([rest, block])
        while len(rest) >= size:
            found = _spans(rest[:size], rate)
            open_from = found[-1][0] if found and found[-1][1] > size - PAUSE * rate else size
            cut = open_from if open_from > 0 else size
            yield [_phrase(rest, a, min(b, cut), start, rate) for a, b in found if a < cut]
            rest, start = rest[cut:], start + cut
    if len(rest):
        yield [_phrase(rest, a, b, start, rate) for a, b in _spans(rest, rate)]


def _spans(samples: np.ndarray, rate: int) -> list[tuple[int, int]]:
    """First and last sample of each phrase, with its margin; none where all is silent."""
    if np.abs(samples).max() < SILENCE:
        return []
    frame = max(16, rate // 40)
    sounds = librosa.effects.split(samples, top_db=QUIET_DB, frame_length=2 * frame, hop_length=frame)
    spans: list[tuple[int, int]] = []
    margin = int(MARGIN * rate)
    for start, stop in sounds.tolist():
        first, last = max(0, start - margin), min(len(samples), stop + margin)
        if spans and start - spans[-1][1] < PAUSE * rate:
            spans[-1] = (spans[-1][0], last)
        else:
            spans.append((first, last))
    return spans


def _phrase(samples: np.ndarray, first: int, last: int, offset: int, rate: int) -> Phrase:
    return Phrase((offset + first) / rate, samples[first:last])
