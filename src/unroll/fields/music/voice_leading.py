"""What is asked of voices that people are to sing together: a range for each, and a way of its own."""

from collections.abc import Sequence

import numpy as np

# The lowest and the highest note of each voice in a choir (Piston 1941, "Harmony", chapter 2), as MIDI pitches.
RANGES = {"soprano": (60, 79), "alto": (55, 74), "tenor": (48, 67), "bass": (40, 60)}
PERFECT = (0, 7)  # semitones of unisons, octaves and perfect fifths, octaves left out


def out_of_range(pieces: Sequence[np.ndarray]) -> float:
    """The share of the sounding sixteenths of all voices (T, K) in which a voice is not in its range."""
    pitches = np.abs(np.concatenate(pieces).astype(np.int64))
    low, high = np.array(list(RANGES.values())).T
    outside = (pitches > 0) & ((pitches < low) | (pitches > high))
    return float(outside.sum() / max(1, (pitches > 0).sum()))


def crossed(pieces: Sequence[np.ndarray]) -> float:
    """The share of sixteenths in which some voice is lower than the next one below it, both of them sounding."""
    pitches = np.abs(np.concatenate(pieces).astype(np.int64))
    above, below = pitches[:, :-1], pitches[:, 1:]
    return float(((above > 0) & (above < below)).any(1).mean())


def parallels(pieces: Sequence[np.ndarray]) -> float:
    """Of all changes of two voices that both move, the share of parallel fifths, octaves and unisons.

    There the voices go from such an interval to the same one, in the same direction.
    """
    found = moves = 0
    for piece in pieces:
        pitches = np.abs(piece.astype(np.int64))
        sounding = (pitches[:-1] > 0) & (pitches[1:] > 0)
        steps = np.where(sounding, np.diff(pitches, axis=0), 0)
        one, other = np.triu_indices(pitches.shape[1], 1)
        together = steps[:, one] * steps[:, other]  # above 0 in the same direction, 0 where either stays
        intervals = np.abs(pitches[:, one] - pitches[:, other]) % 12
        kept = (intervals[:-1] == intervals[1:]) & np.isin(intervals[1:], PERFECT)
        found += int(((together > 0) & kept).sum())
        moves += int((together != 0).sum())
    return found / max(1, moves)
