"""Translation: texts to pairs of a source and a target, and how translations are judged and shown.

Each task has a module of its own, with ``prepare``, ``measure``, ``as_lines`` and ``exhibits``; its docstring says what
an example holds. They share how relatives are kept on one side (``splits``) and how results are shown (``pictures``).
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
from pydantic.dataclasses import dataclass

from unroll.fields.translation import interface, pronunciation
from unroll.fields.translation.interface import Interface
from unroll.fields.translation.pronunciation import Pronunciation
from unroll.fields.translation.splits import Split
from unroll.params import STRICT
from unroll.patterns.translator import Translator
from unroll.reports.exhibits import Exhibit

TITLE = "Translation"
ABOUT = (
    "A recurrent network reads a sequence, another writes a sequence of its own from what the first has understood."
    " With attention the second may look back at every step of the first; without, it knows only the first's summary."
)
TASKS = {
    "interface": (
        "Strings of programs from English to French: buttons, messages and help of seven packages, translated by"
        " people. No string tested on is nearly the same as one trained on, whichever packages they are from; strings"
        " of phrases with more than twenty variants are only trained on. The headline is BLEU, from 0 to 100, against"
        " all translations that the packages have. Placeholders such as %(name)s are symbols of their own, which the"
        " translation has to keep; the letters underlined in menus (_File) are dropped."
    ),
    "pronunciation": (
        "English words from letters to phones, with stress, as in the CMU Pronouncing Dictionary. A word tested on has"
        " no relative (abandon, abandoned) that is trained on. A word is right when it is one of the pronunciations in"
        " the dictionary; the headline is the share of the others. Many words are names, spelled as in other languages."
    ),
}


@dataclass(frozen=True, config=STRICT)
class Params:
    """The block ``translation`` of ``params.yaml``."""

    interface: Interface
    pronunciation: Pronunciation


_MODULES = {"interface": interface, "pronunciation": pronunciation}


def prepare(task: str, settings: Interface | Pronunciation, seed: int) -> Iterator[Split]:
    """The splits of a task's examples."""
    return _MODULES[task].prepare(settings, seed)


def measure(
    task: str, rows: Sequence[Mapping[str, Any]], seconds: float, models: Mapping[str | None, Any], train: pa.Table
) -> dict[str, float]:
    """Metrics of predicted rows, which took ``seconds`` to predict."""
    return _MODULES[task].measure(rows, seconds)


def as_lines(task: str, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Predictions as lines of a table for people."""
    return _MODULES[task].as_lines(rows)


def exhibits(
    task: str, rows: Sequence[Mapping[str, Any]], patterns: Mapping[str | None, Translator], folder: Path
) -> list[Exhibit]:
    """Error analysis of predicted rows and some to look at; their files are written to ``folder``."""
    return _MODULES[task].exhibits(rows, patterns, folder)
