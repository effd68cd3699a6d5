"""What the command line does with trained models."""

from importlib import import_module
from typing import Any

import torch

from unroll import params
from unroll.errors import UserError
from unroll.patterns.transcriber import Transcriber
from unroll.reports import numbers, results
from unroll.stages import load, settings
from unroll.stages.paths import METRICS, PARAMS, Task


def transcriber(task: str, model: str = "") -> Transcriber:
    """The trained transcriber of a task: the one named, else the best on validation."""
    run, where, block = settings.of_task(task)
    torch.set_num_threads(run.threads)
    _, folder = load.best(where, block, model)
    pattern, _ = load.load(folder)
    if not isinstance(pattern, Transcriber):
        raise UserError(f"{task} does not transcribe speech: `unroll tasks` says what each task is for")
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
