"""video/captions: the clips of video/events → a sentence about each.

It has no examples of its own: the translator reads the frames of video/events and learns its column ``target``.
``references`` are several wordings of the same clip, ``actions`` what is done in it, in order, and ``times`` how often
in a row.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import Field
from pydantic.dataclasses import dataclass

from unroll.baselines import nearest_clip
from unroll.fields.video import sentences
from unroll.fields.video.sentences import Done
from unroll.metrics import translation as metrics
from unroll.params import STRICT, Name, Train
from unroll.patterns import translator
from unroll.patterns.translator import TranslatorModel

Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, config=STRICT)
class Captions:
    """How sentences are written; what is read is in the settings of video/events."""

    translator: translator.Settings
    train: Train
    models: Annotated[dict[Name, TranslatorModel], Field(min_length=1)]
    baselines: dict[Name, nearest_clip.Settings]


def measure(rows: Rows, seconds: float) -> dict[str, float]:
    """BLEU against all wordings, the share of sentences with the right actions in the right order, and chrF.

    ``times_exact_match`` is the share of those that also tell what is done twice.
    """
    hypotheses, references = [row["prediction"].text for row in rows], [row["references"] for row in rows]
    scores = {
        "bleu": metrics.bleu(hypotheses, references),
        "order_exact_match": sum(in_order(row) for row in rows) / len(rows),
        "times_exact_match": sum(_told(row) == _done(row) for row in rows) / len(rows),
        "chrf": metrics.chrf(hypotheses, references),
        "predict_seconds_per_clip": seconds / len(rows),
    }
    return {name: round(score, 6) for name, score in scores.items()}


def in_order(row: Mapping[str, Any]) -> bool:
    """Whether the sentence that was written tells the actions of the clip, and no other, in their order."""
    return [done.action for done in _told(row)] == list(row["actions"])


def as_lines(rows: Rows) -> list[dict[str, Any]]:
    """A line per clip: one of its wordings and what was written."""
    return [
        {
            "id": row["id"],
            "actions": " → ".join(row["actions"]),
            "reference": row["references"][0],
            "written": row["prediction"].text,
            "in_order": in_order(row),
        }
        for row in rows
    ]


def _told(row: Mapping[str, Any]) -> list[Done]:
    return sentences.told(row["prediction"].text)


def _done(row: Mapping[str, Any]) -> list[Done]:
    return [Done(*pair) for pair in zip(row["actions"], row["times"], strict=True)]
