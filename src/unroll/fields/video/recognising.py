"""Recognising what is done in clips and recordings of one's own, and when, or how soon it is known."""

import math
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np

from unroll.errors import UserError
from unroll.features import frames, pixels
from unroll.fields.video import exercises
from unroll.fields.video.exercises import Windows
from unroll.fields.video.own import Form
from unroll.fields.video.stretches import without_noise
from unroll.metrics.segments import segments
from unroll.patterns.classifier import Classifier
from unroll.patterns.inputs import Inputs
from unroll.patterns.tagger import Tagger
from unroll.patterns.translator import Translator

EVERY = 0.5  # seconds after which it is asked again
FEWEST = 6  # pictures of a clip, for little is done in fewer
FEATURIZERS = {"pixels": pixels, "frames": frames}
Pattern = Classifier | Tagger | Translator


class Moment(NamedTuple):
    """What is said of a clip from second ``start`` to ``stop``, and how surely (0 to 1)."""

    start: float
    stop: float
    label: str
    confidence: float


class Recognised(NamedTuple):
    """What is done, how sure that is (0 to 1), and what is said of its parts."""

    label: str
    confidence: float
    timeline: list[Moment]


def whole(pattern: Pattern, steps: np.ndarray) -> Recognised:
    """What is done in a clip, uint8 (T, S * S) at the :func:`rate` of the pattern, or in readings, float32 (T, D).

    A classifier tells one action, a tagger one after the other with its moments, a translator writes a sentence.
    """
    read = encoded(inputs_of(pattern), steps)
    match pattern:
        case Classifier():
            (said,) = pattern.classify([read])
            return Recognised(said.label, said.probabilities[said.label], [])
        case Tagger():
            return _actions(pattern, read)
        case Translator():
            (found,) = pattern.describe([read])
            return Recognised(found.text, math.exp(found.log_prob / max(1, len(found.symbols))), [])


def beginnings(pattern: Classifier, pictures: np.ndarray) -> Recognised:
    """What is done in a clip, uint8 (T, S * S): a moment is what is said given the clip up to then, from its start."""
    every = rate(pattern.inputs)
    asked = range(1, math.ceil(len(pictures) / every / EVERY - 1e-6) + 1)
    counts = [min(len(pictures), max(1, round(number * EVERY * every))) for number in asked]
    found = pattern.classify(_beginnings(pattern.inputs, pictures, counts))
    timeline = [
        Moment(0.0, count / every, own.label, own.probabilities[own.label])
        for count, own in zip(counts, found, strict=True)
    ]
    return Recognised(timeline[-1].label, timeline[-1].confidence, timeline)


def recording(pattern: Classifier, readings: np.ndarray, windows: Windows) -> Recognised:
    """What is done in a recording of sensors, float32 (T, D): the mean vote of its windows."""
    cut = exercises.cut(readings, windows, windows.seconds)
    found = pattern.classify([encoded(pattern.inputs, each) for each in cut])
    edges = np.cumsum([0, *map(len, cut)]) / windows.readings_per_second
    said = [(own.label, own.probabilities[own.label]) for own in found]
    timeline = [Moment(*edge, *own) for edge, own in zip(pairwise(edges.tolist()), said, strict=True)]
    votes = {label: float(np.mean([own.probabilities[label] for own in found])) for label in pattern.labels}
    best = max(votes, key=votes.get)
    return Recognised(best, votes[best], timeline)


def inputs_of(pattern: Pattern) -> Inputs:
    """What a pattern reads."""
    return pattern.source if isinstance(pattern, Translator) else pattern.inputs


def rate(inputs: Inputs) -> float:
    """How many pictures or readings a second are wanted, of which the featurizer may leave some out."""
    return inputs.frames_per_second * inputs.features.reduce


def encoded(inputs: Inputs, steps: np.ndarray) -> np.ndarray:
    """What a model reads of square grey pictures, uint8 (T, S * S), or of readings, float32 (T, D).

    Raises ``UserError`` where they are of another size than those that it learned from.
    """
    width = steps.shape[1]
    side = math.isqrt(width)
    if steps.dtype == np.uint8 and side**2 != width:
        raise UserError(f"pictures of {width} pixels are not square: give as many rows as columns")
    shape = (1, side, side) if steps.dtype == np.uint8 else (width, 1, 1)
    found, made = FEATURIZERS[inputs.featurizer].encode(steps, shape, inputs.features)
    if list(made) != list(inputs.shape):
        raise UserError(f"steps of the shape {list(shape)} are not those that the model learned from: give others")
    return found


def files(paths: Sequence[Path], form: Form) -> list[Path]:
    """The paths, in the place of a folder the files of a form in it; ``UserError`` where it has none."""
    found = []
    for path in paths:
        own = [path]
        if path.is_dir():
            own = sorted(file for file in path.iterdir() if file.suffix.lower() in form.suffixes)
        if not own:
            raise UserError(f"{path} is a folder without {form.name}s: {', '.join(form.suffixes)}")
        found += own
    return found


def _beginnings(inputs: Inputs, pictures: np.ndarray, counts: Sequence[int]) -> list[np.ndarray]:
    """What is read of the first so many pictures."""
    if inputs.featurizer == "pixels":
        return [encoded(inputs, pictures[:count]) for count in counts]  # their background is that of what was seen
    whole = encoded(inputs, pictures)
    return [whole[: -(-count // inputs.features.reduce)] for count in counts]


def _actions(pattern: Tagger, steps: np.ndarray) -> Recognised:
    tagged = pattern.tag_steps(steps)
    chances = tagged.probabilities
    second = pattern.inputs.frames_per_second / pattern.encoder.stack  # steps
    timeline = [
        Moment(start / second, stop / second, pattern.labels[label], float(chances[start:stop, label].mean()))
        for label, start, stop in segments(without_noise(tagged.labels, second))
    ]
    return Recognised(" → ".join(moment.label for moment in timeline), float(chances.max(1).mean()), timeline)
