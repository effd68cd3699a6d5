"""The stretches of a clip in which one action goes on, without those too short to be one."""

import numpy as np

from unroll.metrics.segments import segments

SHORTEST = 0.25  # s: what is shorter is noise between two actions, or at an end


def without_noise(labels: np.ndarray, steps_per_second: float) -> np.ndarray:
    """The labels (T,) with every stretch shorter than :data:`SHORTEST` given to the one before it.

    At the beginning it goes to the one after it; of a clip without any longer stretch the longest is all.
    """
    every = segments(labels)
    kept = [each for each in every if each.stop - each.start >= SHORTEST * steps_per_second]
    kept = kept or [max(every, key=lambda each: each.stop - each.start)]
    starts = [0, *(each.start for each in kept[1:]), len(labels)]
    return np.repeat([each.label for each in kept], np.diff(starts))
