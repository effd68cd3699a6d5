"""Where in its bar each sixteenth of a piece lies, as one number that tells the length of the bar too.

The values of bars of 8, 12, 16 and 24 sixteenths (2/4; 3/4 and 6/8; 4/4; 3/2 and 12/8) follow each other, each from
the first sixteenth of the bar to its last: 0–7, 8–19, 20–35 and 36–59. In a bar of another length the value tells how
far the next bar line is, from 60 for the last sixteenth up to 75 for the sixteenth from last and all before it.
"""

from fractions import Fraction

import numpy as np

from unroll.errors import UserError

LENGTHS = (8, 12, 16, 24)
OTHER = sum(LENGTHS)
FARTHEST = 16
CLOCKS = OTHER + FARTHEST  # values there are
_FIRST = dict(zip(LENGTHS, np.cumsum((0, *LENGTHS[:-1])).tolist(), strict=True))
_LAST = [_FIRST[length] + length - 1 for length in LENGTHS] + [OTHER]


def clock_of(metre: str, steps: int, upbeat: int = 0) -> np.ndarray:
    """int32 (T,): the clock of ``steps`` sixteenths in a metre such as ``3/4``.

    They begin with an ``upbeat`` of so many sixteenths, which are the last ones of a bar.
    """
    length = bar_sixteenths(metre)
    return clock_at((np.arange(steps) - upbeat) % length, length)


def clock_at(places: np.ndarray, length: int) -> np.ndarray:
    """int32: the values of ``places``, sixteenths from the beginning of a bar of ``length`` sixteenths."""
    if length in _FIRST:
        return (_FIRST[length] + places).astype(np.int32)
    return (OTHER + np.minimum(length - places, FARTHEST) - 1).astype(np.int32)


def with_end(clock: np.ndarray) -> np.ndarray:
    """int32 (T + 1,): a clock (T,), at least one sixteenth of it, and what it would show if the piece went on."""
    last = int(clock[-1])
    length = next((length for length in LENGTHS if last < _FIRST[length] + length), 0)
    if not length:  # of a bar of another length: it is not known how far the bar line after the next one is
        return np.append(clock, last - 1 if last > OTHER else CLOCKS - 1).astype(np.int32)
    return np.append(clock, clock_at(np.array((last - _FIRST[length] + 1) % length), length)).astype(np.int32)


def ends_bar(clock: np.ndarray) -> np.ndarray:
    """bool (T,): whether a bar line stands behind each sixteenth."""
    return np.isin(clock, _LAST)


def bar_lines(clock: np.ndarray) -> list[int]:
    """Where bar lines stand in a piece with this clock (T,): before so many sixteenths, 0 and T among them."""
    behind = np.flatnonzero(ends_bar(clock)) + 1
    return np.unique(np.concatenate([[0], behind, [len(clock)]])).tolist()


def bar_sixteenths(metre: str) -> int:
    """How many sixteenths a bar of a metre has; refuses what is no metre."""
    beats, _, unit = metre.partition("/")
    if beats.isdecimal() and unit.isdecimal() and int(beats) and int(unit):
        length = 16 * Fraction(int(beats), int(unit))
        if length.denominator == 1 and length <= 128:
            return int(length)
    raise UserError(f"metre {metre}: expected one such as 4/4 or 6/8, of whole sixteenths, at most 8/1")
