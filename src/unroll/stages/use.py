"""What the command line does with trained models."""

import re
from importlib import import_module
from typing import Any, TypeVar

import torch
from torch import nn

from unroll import params
from unroll.errors import UserError
from unroll.reports import numbers, results
from unroll.stages import load, settings
from unroll.stages.paths import METRICS, PARAMS, Task

P = TypeVar("P", bound=nn.Module)


def trained(task: str, model: str, kind: type[P]) -> P:
    """The trained pattern of a task, which must be a ``kind``: the model named, else the best on validation."""
    run, where, block = settings.of_task(task)
    torch.set_num_threads(run.threads)
    _, folder = load.best(where, block, model)
    pattern, _ = load.load(folder)
    if not isinstance(pattern, kind):
        raise UserError(
            f"{task} has a {_words(type(pattern))}, not a {_words(kind)}: `unroll tasks` says what each task is for"
        )
    return pattern


def tasks() -> list[tuple[str, str, str]]:
    """Every task with what it is and what the model that would be used reached on the test."""
    _, fields = params.load(PARAMS)
    found = []
    for name in fields:
        for task, about in import_module(f"unroll.fields.{name}").TASKS.items():
            found.append((f"{name}/{task}", about, _reached(Task(name, task), getattr(fields[name], task))))
    return found


def _reached(task: Task, block: Any) -> str:
    rows = {row.model: row for row in results.read(METRICS / task.field / task.name, task.field, task.name)}
    try:
        row = rows[load.best(task, block)[0]]
    except (UserError, KeyError):
        return "not trained yet"
    return f"{row.model}: {numbers.label(row.headline)} {numbers.score(row.headline, row.value)}"


def _words(kind: type) -> str:
    """The name of a pattern as words: ``LanguageModel`` is a language model."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", kind.__name__).lower()
