"""What the command line does with trained models."""

from importlib import import_module

import torch

from unroll import params
from unroll.errors import UserError
from unroll.patterns.transcriber import Transcriber
from unroll.reports import numbers, results
from unroll.stages import load, settings
from unroll.stages.paths import METRICS, PARAMS


def transcriber(task: str, model: str = "") -> Transcriber:
    """The trained transcriber of a task: the one named, else the best on validation."""
    run, where, _ = settings.of_task(task)
    torch.set_num_threads(run.threads)
    pattern, _ = load.load(load.best(where, model))
    if not isinstance(pattern, Transcriber):
        raise UserError(f"{task} does not transcribe speech: `unroll tasks` says what each task is for")
    return pattern


def tasks() -> list[tuple[str, str, str]]:
    """Every task with what it is and what the best of its models reached."""
    _, fields = params.load(PARAMS)
    found = []
    for name in fields:
        for task, about in import_module(f"unroll.fields.{name}").TASKS.items():
            rows = [row for row in results.read(METRICS / name / task, name, task) if not row.baseline]
            found.append((f"{name}/{task}", about, _reached(rows)))
    return found


def _reached(rows: list[results.Row]) -> str:
    if not rows:
        return "not trained yet"
    best = results.best(rows)
    return f"{best.model}: {numbers.label(best.headline)} {numbers.score(best.headline, best.value)}"
