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
        record = json.loads((folder / "training.json").read_text())
    except (OSError, EOFError, RuntimeError, ValueError, pickle.UnpicklingError) as error:
        raise UserError(f"{folder} does not hold a whole model ({error}): delete it, run `dvc repro`") from None
    return import_module(f"unroll.patterns.{checkpoint['pattern']}").Pattern.restored(checkpoint), record


def best(task: Task) -> Path:
    """The folder of the task's model with the best validation scores."""
    folders = [path.parent for path in task.model("").rglob("training.json")]
    if not folders:
        raise UserError(f"{task} has no trained model yet: run `FIELD={task.field} make repro`")
    return min(folders, key=lambda folder: (_scores(folder), folder))


def _scores(folder: Path) -> tuple[float, ...]:
    return tuple(json.loads((folder / "training.json").read_text())["scores"].values())
