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

# What a file raises that is cut off, no checkpoint at all, or one of a version with other parameters or weights.
_BROKEN = (
    OSError,
    EOFError,
    ImportError,
    LookupError,
    RuntimeError,
    ValueError,
    pickle.UnpicklingError,
    UserError,
)


def load(folder: Path) -> tuple[nn.Module, dict[str, Any]]:
    """The pattern in a model's folder, ready to predict, and the record of its training."""
    path = folder / "model.pt"
    if not path.is_file():
        raise UserError(f"{path} is missing: train it with `make repro`")
    try:
        checkpoint = torch.load(path, weights_only=True, map_location="cpu")
        pattern = import_module(f"unroll.patterns.{checkpoint['pattern']}").Pattern.restored(checkpoint)
    except _BROKEN as error:
        raise UserError(f"{path} is not a whole model of this version: delete {folder}, run `dvc repro`") from error
    return pattern, _record(folder)


def best(task: Task, block: Any, model: str = "") -> tuple[str, Path]:
    """Name and folder of the task's model with the best validation scores, or of the one named.

    ``block`` is the task in ``params.yaml``. Of a model with folds the first is taken, and their mean counts: each
    has another validation set, so their scores do not compare.
    """
    if model and model not in block.models:
        raise UserError(f"{task} has no model {model}; it has {', '.join(block.models)}")
    folds = getattr(block, "folds", [None])
    folders = {name: [task.model(name, fold) for fold in folds] for name in ([model] if model else block.models)}
    trained = {name: own for name, own in folders.items() if all((each / "training.json").is_file() for each in own)}
    if not trained:
        raise UserError(f"{task} has no trained model yet: run `FIELD={task.field} make repro`")
    name = min(trained, key=lambda name: _mean_scores(trained[name]))
    return name, trained[name][0]


def _mean_scores(folders: list[Path]) -> tuple[float, ...]:
    scores = [_record(folder)["scores"].values() for folder in folders]
    return tuple(sum(each) / len(folders) for each in zip(*scores, strict=True))


def _record(folder: Path) -> dict[str, Any]:
    path = folder / "training.json"
    try:
        record = json.loads(path.read_text())
        return record | {"scores": dict(record["scores"])}
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise UserError(f"{path} is not whole ({error}): delete {folder}, run `dvc repro`") from None
