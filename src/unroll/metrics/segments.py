"""How well labelled stretches of time are found: the measures of temporal action segmentation.

A segment is a run of steps with one label. Frames alone hardly count a sequence that flickers between labels as wrong;
segments do. Both measures are those of Lea et al. 2017, "Temporal convolutional networks for action segmentation and
detection", section 4.1.
"""

from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple

import numpy as np


class Segment(NamedTuple):
    """Steps ``start`` up to ``stop``, all of one ``label``."""

    label: int
    start: int
    stop: int

    def overlap(self, other: "Segment") -> float:
        """The steps that both hold over those that either holds, 0 to 1; 0 for another label."""
        common = min(self.stop, other.stop) - max(self.start, other.start)
        either = max(self.stop, other.stop) - min(self.start, other.start)
        return max(0, common) / either if self.label == other.label else 0.0


def segments(labels: Sequence[int] | np.ndarray) -> list[Segment]:
    """The runs of equal ``labels`` (T,), in their order."""
    found, start = [], 0
    for label, run in groupby(np.asarray(labels).tolist()):
        stop = start + len(list(run))
        found.append(Segment(label, start, stop))
        start = stop
    return found


def f1(truth: Sequence[np.ndarray], found: Sequence[np.ndarray], overlap: float) -> float:
    """F1 of the segments of all sequences of labels (T,) together.

    A segment found is right if the one it overlaps most, of the same label, does so by ``overlap`` at the least, and
    no segment before it was right by that one.
    """
    wanted = had = right = 0
    for own_truth, own_found in zip(truth, found, strict=True):
        known, seen = segments(own_truth), segments(own_found)
        right += _right(known, seen, overlap)
        wanted += len(known)
        had += len(seen)
    return 2 * right / max(1, wanted + had)


def edit_score(truth: Sequence[np.ndarray], found: Sequence[np.ndarray]) -> float:
    """How alike the orders of labels are, whenever each of them began: 1 where they are the same, 0 at the least.

    One less the edits between the labels of the segments over the longer of the two, averaged over the sequences.
    """
    from rapidfuzz.distance import Levenshtein

    orders = ([[segment.label for segment in segments(labels)] for labels in each] for each in (truth, found))
    return float(np.mean([Levenshtein.normalized_similarity(*pair) for pair in zip(*orders, strict=True)]))


def _right(known: Sequence[Segment], seen: Sequence[Segment], overlap: float) -> int:
    taken: set[int] = set()
    for segment in seen:
        overlaps = [segment.overlap(one) for one in known]
        if overlaps and max(overlaps) >= overlap:
            taken.add(overlaps.index(max(overlaps)))  # one that is taken already counts once
    return len(taken)
