"""How every stage of a task begins: its field's block of params.yaml checked in full, the task's found in it."""

from typing import Any

from unroll import params
from unroll.errors import UserError
from unroll.params import Run
from unroll.stages.paths import PARAMS, Task


def of_task(text: str) -> tuple[Run, Task, Any]:
    """The run's settings, the task that ``text`` (``field/name``) names, and that task's block."""
    task = Task.parse(text)
    run, fields = params.load(PARAMS, task.field)
    block = getattr(fields.get(task.field), task.name, None)
    if block is None:
        _, fields = params.load(PARAMS)
        known = ", ".join(f"{name}/{key}" for name, field in fields.items() for key in vars(field))
        raise UserError(f"params.yaml has no task {task}; its tasks are {known}")
    return run, task, block
