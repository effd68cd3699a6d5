"""A trained model from its folder, for ``evaluate`` and for the command line."""

import json
import pickle
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import nn

from unroll.errors import UserError
from unroll.stages.paths import Task


def load(folder: Path) -> tuple[nn.Module, dict[str, Any]]:
    """The pattern in a model's folder, ready to predict, and the record of its training."""
    path = folder / "model.pt"
    if not path.is_file():
        raise UserError(f"{path} is missing: train it with `make repro`, or bring it with `dvc pull`")
    try:
        checkpoint = torch.load(path, weights_only=True, map_location="cpu")
        pattern = import_module(f"unroll.patterns.{checkpoint['pattern']}").Pattern.restored(checkpoint)
    except (OSError, EOFError, ImportError, LookupError, RuntimeError, ValueError, pickle.UnpicklingError) as error:
        raise UserError(f"{path} is not a whole model of this version: delete {folder}, run `dvc repro`") from error
    return pattern, _record(folder)


def best(task: Task, model: str = "") -> Path:
    """The folder with the best validation scores among the task's models, or among the folds of one of them."""
    folders = [path.parent for path in task.model(model).rglob("training.json")]
    if not folders:
        wanted = f"model {model}" if model else "model"
        raise UserError(f"{task} has no trained {wanted} yet: run `FIELD={task.field} make repro`")
    return min(folders, key=lambda folder: (tuple(_record(folder)["scores"].values()), folder))


def _record(folder: Path) -> dict[str, Any]:
    path = folder / "training.json"
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise UserError(f"{path} is not whole ({error}): delete {folder}, run `dvc repro`") from None
