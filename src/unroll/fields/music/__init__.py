"""Music: scores and folk tunes to examples, and how what a model reads and writes of them is judged and shown.

Each task has a module of its own, ``chorales`` and ``tunes``, whose docstring says what an example holds; they share
how forms of one melody are kept on one side (``splits``). Their metrics are in ``measures_chorales`` and
``measures_tunes``, how a model writes in ``writing``, what a user can wish for in ``composing``, and what the report
shows in ``pictures``.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
from pydantic.dataclasses import dataclass

from unroll.fields.music import chorales, measures_chorales, measures_tunes, pictures, tunes
from unroll.fields.music.chorales import Chorales
from unroll.fields.music.splits import Split
from unroll.fields.music.tunes import Tunes
from unroll.fields.music.writing import Model
from unroll.params import STRICT
from unroll.reports.exhibits import Exhibit

TITLE = "Music"
ABOUT = (
    "Music is written like text: from left to right, what comes next depending on all before it. A recurrent network"
    " that has learned to expect the next note or letter can say how surprising a piece is, and write one of its own."
)
TASKS = {
    "chorales": (
        "Four-part chorales of J. S. Bach, sixteenth by sixteenth: which note each voice begins, holds or ends, soprano"
        " first, each voice knowing those above it. All pieces are put in C major or A minor, and trained on in other"
        " keys too. Pieces that share a melody lie on one side of the split. The headline is the surprise at all four"
        " voices of a sixteenth, in nats; holding every note is right most of the time, so what is right where a note"
        " begins is counted apart."
    ),
    "tunes": (
        "Folk tunes in ABC notation, letter by letter: metre, unit, key, then the notes. Four collections: Essen (of"
        " German songs, for the most part), O'Neill (Irish), Aird (Scottish) and Ryan (American). Variants of a tune,"
        " in whatever key, lie on one side of the split. The headline is bits per letter; of tunes that the model"
        " writes, the share of bars that are as long as their metre says."
    ),
}


@dataclass(frozen=True, config=STRICT)
class Params:
    """The block ``music`` of ``params.yaml``."""

    chorales: Chorales
    tunes: Tunes


def prepare(task: str, settings: Chorales | Tunes, seed: int) -> Iterator[Split]:
    """The splits of a task's examples."""
    return {"chorales": chorales, "tunes": tunes}[task].prepare(settings, seed)


def measure(
    task: str, rows: Sequence[Mapping[str, Any]], seconds: float, models: Mapping[str | None, Model], train: pa.Table
) -> dict[str, float]:
    """Metrics of predicted rows, which took ``seconds`` to predict, and of what the model that did so writes itself.

    ``train``: the table that it learned from, to tell what is new.
    """
    if task == "tunes":
        return measures_tunes.measure(rows, seconds, models, train)
    return measures_chorales.measure(rows, seconds, models)


def as_lines(task: str, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Predictions as lines of a table for people."""
    return {"chorales": measures_chorales, "tunes": measures_tunes}[task].as_lines(rows)


def exhibits(
    task: str, rows: Sequence[Mapping[str, Any]], patterns: Mapping[str | None, Model], folder: Path
) -> list[Exhibit]:
    """What the model writes, to read, to see and to hear; the files are written to ``folder``."""
    return pictures.tunes(patterns, folder) if task == "tunes" else pictures.chorales(rows, patterns, folder)
