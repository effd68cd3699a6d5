"""Stage ``train``: features → a trained model.

``python -m unroll.stages.train transcriber speech/digits lstm`` writes ``models/speech/digits/lstm/``: ``model.pt``
(weights and all that is needed to use them), ``history.csv`` (a row per validation), ``training.json`` (what the
run was and how long it took) and logs one MLflow run. ``--hold-out speaker=theo`` trains without one speaker and
writes into a folder of that name; ``--features speech/digits`` takes the features of another task.
"""

import argparse
import csv
import json
import os
import platform
from contextlib import nullcontext
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import Any

import lightning_fabric
import pyarrow as pa
import pyarrow.compute as pc
import torch

from unroll import examples
from unroll.errors import UserError, ends_clearly
from unroll.files import written_whole
from unroll.params import Run
from unroll.stages import settings
from unroll.stages.paths import ARTIFACTS, CODE, DATABASE, Task
from unroll.training import tracking
from unroll.training.fit import Fitted, fit


def main() -> None:
    """Runs the stage for the pattern, task and model named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pattern", help="a module of unroll.patterns, such as transcriber")
    parser.add_argument("task", help="such as speech/digits")
    parser.add_argument("model", help="a model of the task in params.yaml, such as lstm")
    parser.add_argument("--features", help="take the features of this task instead", metavar="TASK")
    parser.add_argument("--hold-out", help="leave out the rows with this value", metavar="COLUMN=VALUE")
    with ends_clearly():
        train(parser.parse_args())


def train(arguments: argparse.Namespace) -> None:
    """Fits the model and writes its folder, whole or not at all."""
    run, task, block = settings.of_task(arguments.task)
    if arguments.model not in block.models:
        raise UserError(f"params.yaml: {task} has no model {arguments.model}; it has {', '.join(block.models)}")
    model = block.models[arguments.model]
    torch.set_num_threads(run.threads)
    fabric = _fabric(run)
    lightning_fabric.seed_everything(run.seed, verbose=False)
    source = Task.parse(arguments.features or arguments.task).features
    column, _, value = (arguments.hold_out or "").partition("=")
    tables = {split: _without(examples.read(source / f"{split}.arrow"), column, value) for split in ("train", "valid")}
    chosen = getattr(block, arguments.pattern)
    pattern = import_module(f"unroll.patterns.{arguments.pattern}").Pattern.for_examples(tables["train"], chosen, model)
    if start := getattr(model, "start", ""):
        _start(pattern, start)
    train, valid = (_examples(pattern, tables[split], source / f"{split}.arrow") for split in ("train", "valid"))

    parameters = {
        "run": asdict(run),
        arguments.pattern: asdict(chosen),
        "train": asdict(block.train),
        "model": asdict(model),
        "hold_out": arguments.hold_out or "",
    }
    name = "-".join(filter(None, [arguments.model, value]))
    training = _training(str(task), name, parameters, source)
    tracked = tracking.Tracker(DATABASE, ARTIFACTS).run(training) if fabric.is_global_zero else nullcontext(_ignore)
    with tracked as log:
        fitted = fit(fabric, pattern, train, valid, block.train, model, run.budget, run.seed, log)
    if fabric.is_global_zero:
        _write(task.model(arguments.model, value), pattern, fitted, training)


def _fabric(run: Run) -> lightning_fabric.Fabric:
    """The processes and devices that params.yaml asks for, started."""
    try:
        fabric = lightning_fabric.Fabric(**asdict(run.fabric))
        fabric.launch()
    except (RuntimeError, ValueError) as error:
        raise UserError(f"params.yaml: fabric: this machine cannot do that: {error}") from None
    if run.fabric.precision == "16-mixed" and fabric.device.type == "cpu":
        raise UserError("params.yaml: fabric.precision: 16-mixed needs a GPU; on a CPU take 32-true or bf16-mixed")
    return fabric


def _training(task: str, name: str, parameters: dict[str, Any], source: Path) -> tracking.Training:
    """What is known before it begins; its key covers the data, the parameters and the code."""
    data = [source / f"{split}.arrow" for split in ("train", "valid")]
    code = [CODE / part for part in ("patterns", "layers", "training", "features", "decoding", "metrics")]
    stage = os.environ.get("DVC_STAGE", f"train {task} {name}")
    key = tracking.key(f"{task} {name}", parameters, [*data, *code])
    return tracking.Training(task, name, stage, key, parameters, tracking.key("data", {}, data))


def _ignore(row: tracking.Row) -> None:
    """Where a process beside the first one logs."""


def _without(table: pa.Table, column: str, value: str) -> pa.Table:
    """The rows whose ``column`` is not ``value``; all rows without a column. The value must occur."""
    if not column:
        return table
    keep = pc.not_equal(table[column], value)
    if pc.all(keep).as_py():
        known = ", ".join(sorted(set(table[column].to_pylist())))
        raise UserError(f"params.yaml: folds: no example has the {column} {value}; there are {known}")
    return table.filter(keep)


def _examples(pattern: torch.nn.Module, table: pa.Table, path: Path) -> list[Any]:
    """The rows the pattern can learn from, saying how many it can not."""
    rows = pattern.examples(table)
    if not rows:
        raise UserError(f"{path} holds no example that a {type(pattern).__name__.lower()} can learn from")
    if len(rows) < len(table):
        print(f"{path}: {len(table) - len(rows)} of {len(table)} examples left out: too short for their own labels")
    return rows


def _start(pattern: torch.nn.Module, start: str) -> None:
    """Gives the pattern what the trained model ``start`` (``field/task/model``) has learned."""
    name, _, model = start.rpartition("/")
    path = Task.parse(name).model(model) / "model.pt"
    if not path.is_file():
        raise UserError(
            f"{path} is missing, from which a model of params.yaml starts: train it first, with `make repro`"
        )
    pattern.start_from(torch.load(path, weights_only=True, map_location="cpu"))


def _write(folder: Path, pattern: torch.nn.Module, fitted: Fitted, training: tracking.Training) -> None:
    record = {
        "scores": fitted.scores,
        "steps": fitted.steps,
        "train_seconds": round(fitted.seconds, 2),
        "parameters": sum(weight.numel() for weight in pattern.parameters()),
        "training": training._asdict(),
        "torch": torch.__version__,
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "machine": platform.machine(),
    }
    with written_whole(folder) as fresh:
        fresh.mkdir()
        torch.save(pattern.checkpoint(), fresh / "model.pt")
        (fresh / "training.json").write_text(json.dumps(record, indent=1) + "\n")
        with (fresh / "history.csv").open("w", newline="") as file:
            table = csv.DictWriter(file, fitted.history[0], lineterminator="\n")
            table.writeheader()
            table.writerows(fitted.history)


if __name__ == "__main__":
    main()
