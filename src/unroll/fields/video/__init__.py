"""Video and movement: clips and sensors to examples, and how what is seen in them is judged and shown.

Each task has a module of its own, whose docstring says what an example holds. They share the scenes that clips are
rendered in (``scenes``), the words for what happens (``sentences``), folders of one's own (``own``), how what is found
is judged (``measures``) and how it is shown (``pictures``).
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
from pydantic.dataclasses import dataclass

from unroll.fields.video import actions, captions, events, exercises, measures, pictures
from unroll.fields.video.actions import Actions, ActionsImagenet
from unroll.fields.video.captions import Captions
from unroll.fields.video.events import Events
from unroll.fields.video.exercises import Exercises
from unroll.fields.video.splits import Split
from unroll.params import STRICT
from unroll.reports.exhibits import Exhibit

TITLE = "Video and movement"
ABOUT = (
    "A film is a sequence of pictures. A convolution sees what is in each of them, a recurrent network what becomes of"
    " it: an action, a label for every frame, a sentence. The same works for the sensors of a watch."
)
TASKS = {
    "actions": (
        "What a person does in a clip of two seconds: fifteen actions, one recording of motion capture of each,"
        " rendered anew for every clip with its own camera, speed, phase, light, background and noise. Synthetic"
        " pictures of real movements: a person who moves otherwise may be recognised worse. The cameras of the test"
        " stand in sectors around the person where none of training stands, and everybody stays on the spot, for the"
        " way covered would give the action away. The accuracy after so many frames is that of the same model, given"
        " the beginning alone."
    ),
    "actions_imagenet": (
        "The same clips, seen by a convolutional network that learned from the photographs of ImageNet and learns"
        " nothing here; only what reads its features over time is trained. Frames are counted as that reads them."
    ),
    "events": (
        "Two to four actions in a row, one passing into the next: which of them is it in each frame? The headline is"
        " the F1 of frames, averaged over the actions. Segment F1 counts a stretch of frames as found if it overlaps"
        " the true one by half; the edit score is of the order of the stretches, 1 at best; order exact match is the"
        " share of clips whose actions are found, and no others, in their order. For these three, a stretch of less"
        " than a quarter of a second is noise and belongs to the one before it. Rendered as for the actions, with the"
        " same cameras held out."
    ),
    "captions": (
        "The same clips as in events, each told in a sentence, such as “a person walks, then kicks twice”. The"
        " sentences are written from templates in many wordings; BLEU is against 24 of them. Order exact match is"
        " the share of sentences that tell the actions of the clip, and no others, in their order; times exact match"
        " of those that also tell what is done twice."
    ),
    "exercises": (
        "Which exercise of the shoulder somebody does, from the acceleration and the turning of a watch: real"
        " recordings of ten people, two of whom are tested on and no model has met. Recordings are read in short"
        " windows; recording accuracy is that of the mean vote of a recording's windows."
    ),
}


@dataclass(frozen=True, config=STRICT)
class Params:
    """The block ``video`` of ``params.yaml``."""

    actions: Actions
    actions_imagenet: ActionsImagenet
    events: Events
    captions: Captions
    exercises: Exercises


def prepare(task: str, settings: Actions | Events | Exercises, seed: int) -> Iterator[Split]:
    """The splits of a task's examples; actions_imagenet and captions read those of actions and events."""
    return {"actions": actions, "events": events, "exercises": exercises}[task].prepare(settings, seed)


def measure(
    task: str, rows: Sequence[Mapping[str, Any]], seconds: float, models: Mapping[str | None, Any], train: pa.Table
) -> dict[str, float]:
    """Metrics of predicted rows, which the one of the ``models`` took ``seconds`` to predict."""
    match task:
        case "captions":
            return captions.measure(rows, seconds)
        case "events":
            return measures.events(rows, seconds, models[None], float(train.schema.metadata[b"frames_per_second"]))
        case "exercises":
            return measures.exercises(rows, seconds)
        case _:
            return measures.actions(rows, seconds, models[None])


def as_lines(task: str, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Predictions as lines of a table for people; rows of events have their ``frames``, too: see ``exhibits``."""
    match task:
        case "captions":
            return captions.as_lines(rows)
        case "events":
            return measures.events_lines(rows)
        case _:
            return measures.recognised_lines(rows)


def exhibits(
    task: str, rows: Sequence[Mapping[str, Any]], patterns: Mapping[str | None, Any], folder: Path
) -> list[Exhibit]:
    """Error analysis of predicted rows and some to look at; their files are written to ``folder``.

    Rows have the ``frames`` of their examples too, and ``frames_per_second``: see ``pictures``.
    """
    match task:
        case "captions":
            return pictures.sentences(rows, folder)
        case "events":
            return pictures.events(rows, patterns[None], folder)
        case "exercises":
            return pictures.exercises(rows, patterns[None], folder)
        case _:
            return pictures.actions(rows, patterns[None], folder)
